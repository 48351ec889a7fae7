/**
 * What the store itself costs, with 16-byte keys and 100-byte values, hashing included: a hit as
 * any thread reads it, as the owner reads it, with the value copied out and confirmed; sets in
 * place, of new keys, and of new keys when full.
 */
import { Clock } from "../../src/base/clock.ts";
import { KeyHash } from "../../src/base/key-hash.ts";
import { MIB } from "../../src/base/unit.ts";
import { Op } from "../../src/command/op.ts";
import { Reply } from "../../src/command/reply.ts";
import { Dialect, Request } from "../../src/command/request.ts";
import { Arena } from "../../src/memory/arena.ts";
import { COUNTERS_BYTES, Counters } from "../../src/memory/counters.ts";
import { planShard } from "../../src/memory/shard-plan.ts";
import { sharePages } from "../../src/memory/shared-pages.ts";
import { ReadOutcome } from "../../src/store/read-outcome.ts";
import { Store } from "../../src/store/store.ts";
import { STORE_DEFAULTS } from "../../src/store/store-options.ts";
import { StoreReader } from "../../src/store/store-reader.ts";
import type { MicroBench } from "./micro-bench.ts";

const KEYS = 100_000;
const KEY_BYTES = 16;
const VALUE_BYTES = 100;
const INPUT_BYTES = 4096;
const OUTPUT_BYTES = 4096;
const ZERO = 48;

class Bed {
  readonly arena: Arena;
  readonly store: Store;
  readonly reader: StoreReader;
  readonly request: Request;
  readonly reply: Reply;
  readonly #hash = new KeyHash(1, 2);
  readonly #out: number;
  #random = 12345;

  constructor(mib: number, own: boolean) {
    const plan = planShard(mib * MIB, MIB / 4);
    const base = COUNTERS_BYTES + INPUT_BYTES + OUTPUT_BYTES;
    this.#out = COUNTERS_BYTES + INPUT_BYTES;
    this.arena = new Arena(sharePages(base + plan.regionBytes).buffer);
    const clock = new Clock(1_700_000_000);
    const counters = new Counters(this.arena, 0);
    Store.format(this.arena, base, plan);
    this.store = new Store(this.arena, base, this.#hash, clock, counters, STORE_DEFAULTS);
    this.reader = new StoreReader(this.arena, base, clock);
    this.reader.setOwner(own);
    this.request = new Request(this.arena.bytes);
    this.reply = new Reply(this.arena.bytes);
    for (let key = 0; key < KEYS; key++) this.set(key, VALUE_BYTES);
  }

  /** A key number out of `count`, evenly. */
  next(count: number): number {
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) | 0;
    return (this.#random >>> 8) % count;
  }

  name(key: number): void {
    const { request, arena } = this;
    let rest = key;
    for (let at = COUNTERS_BYTES + KEY_BYTES - 1; at >= COUNTERS_BYTES; at--) {
      arena.bytes[at] = ZERO + (rest % 10);
      rest = (rest / 10) | 0;
    }
    request.begin(Op.get, Dialect.text, arena.bytes);
    request.keyStart = COUNTERS_BYTES;
    request.keyEnd = COUNTERS_BYTES + KEY_BYTES;
    this.#hash.update(arena.bytes, request.keyStart, request.keyEnd);
    request.hashLow = this.#hash.low;
    request.hashHigh = this.#hash.high;
  }

  set(key: number, valueBytes: number): number {
    this.name(key);
    const request = this.request;
    request.op = Op.store;
    request.valueStart = request.keyEnd;
    request.valueEnd = request.valueStart + valueBytes;
    request.valueBytes = valueBytes;
    request.clientFlags = 0;
    this.store.execute(request, this.reply);
    return this.reply.status;
  }

  get(key: number): number {
    this.name(key);
    return this.reader.find(this.request, this.reply) === ReadOutcome.hit ? 1 : 0;
  }

  getCopied(key: number): number {
    this.name(key);
    if (this.reader.find(this.request, this.reply) !== ReadOutcome.hit) return 0;
    const start = this.reply.valueStart;
    this.arena.bytes.copyWithin(this.#out, start, start + this.reply.valueBytes);
    return this.reader.confirm() ? 1 : 0;
  }
}

let bed: Bed;
let fresh = KEYS;
const iterations = { smoke: 1000, full: 200_000 };

function benchOf(
  name: string,
  mib: number,
  own: boolean,
  step: (bed: Bed, i: number) => number,
): MicroBench {
  return {
    name: `store: ${name}`,
    iterations,
    prepare() {
      bed = new Bed(mib, own);
    },
    run(count) {
      let sum = 0;
      for (let i = 0; i < count; i++) sum += step(bed, i);
      return sum;
    },
  };
}

export default [
  benchOf("key and hash alone", 64, false, (b) => {
    b.name(b.next(KEYS));
    return b.request.hashLow & 1;
  }),
  benchOf("find, another thread's shard", 64, false, (b) => b.get(b.next(KEYS))),
  benchOf("find, own shard", 64, true, (b) => b.get(b.next(KEYS))),
  benchOf("find, copy, confirm", 64, false, (b) => b.getCopied(b.next(KEYS))),
  benchOf("set in place", 64, true, (b) => b.set(b.next(KEYS), VALUE_BYTES)),
  benchOf("set of another length", 64, true, (b, i) => b.set(b.next(KEYS), 60 + (i & 63))),
  benchOf("set of a new key, evicting", 16, true, (b) => b.set(fresh++, VALUE_BYTES)),
];
