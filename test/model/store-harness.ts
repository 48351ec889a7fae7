/**
 * A shard in a test: region, store, reader, a clock moved by hand, and requests written as text.
 */
import { Clock } from "../../src/base/clock.ts";
import { KeyHash } from "../../src/base/key-hash.ts";
import { MIB, type ServerSeconds } from "../../src/base/unit.ts";
import { Op, StoreMode } from "../../src/command/op.ts";
import { Reply } from "../../src/command/reply.ts";
import { Dialect, Mark, Request } from "../../src/command/request.ts";
import { Status } from "../../src/command/status.ts";
import { Arena } from "../../src/memory/arena.ts";
import { COUNTERS_BYTES, Counters } from "../../src/memory/counters.ts";
import { ShardMemory } from "../../src/memory/shard-memory.ts";
import { planShard, type ShardPlan } from "../../src/memory/shard-plan.ts";
import { LeasedValue } from "../../src/store/leased-value.ts";
import { ReadOutcome } from "../../src/store/read-outcome.ts";
import { Store } from "../../src/store/store.ts";
import { STORE_DEFAULTS, type StoreOptions } from "../../src/store/store-options.ts";
import { StoreReader } from "../../src/store/store-reader.ts";
import { poison } from "../../src/worker/poison.ts";

/** After the region: words for a test of its own. */
const TAIL_BYTES = 64;
const REQUEST_BYTES = 64 * 1024;
export const SEED_LOW = 0x1234_5678;
export const SEED_HIGH = 0x9abc_def0;

/** What a request names beyond op and key. */
export interface Extra {
  mode?: number;
  marks?: number;
  value?: string | Uint8Array;
  clientFlags?: number;
  exptime?: number;
  vivifyExptime?: number;
  recacheExptime?: number;
  cas?: bigint;
  newCas?: bigint;
  delta?: bigint;
  initial?: bigint;
  handle?: number;
  valueBytes?: number;
  requester?: number;
}

export class StoreHarness {
  readonly plan: ShardPlan;
  readonly arena: Arena;
  readonly base: number;
  readonly clock = new Clock(1_700_000_000);
  readonly hash = new KeyHash(SEED_LOW, SEED_HIGH);
  readonly counters: Counters;
  readonly options: StoreOptions;
  readonly reply: Reply;
  readonly request: Request;
  reader: StoreReader;
  store: Store;
  readonly #scratch: number;
  /** The test's own views. */
  readonly memory: ShardMemory;

  /** `farBytes`: so much untouched memory lies before the region. */
  constructor(
    itemBytes: number,
    options: Partial<StoreOptions> = {},
    itemBytesMax = MIB / 4,
    farBytes = 0,
  ) {
    this.plan = planShard(itemBytes, itemBytesMax);
    this.#scratch = COUNTERS_BYTES;
    const inputBytes = Math.max(REQUEST_BYTES, itemBytesMax + 1024);
    this.base = Math.ceil((farBytes + this.#scratch + inputBytes) / 64) * 64;
    this.arena = new Arena(new SharedArrayBuffer(this.base + this.plan.regionBytes + TAIL_BYTES));
    this.counters = new Counters(this.arena, 0);
    this.options = { ...STORE_DEFAULTS, ...options };
    Store.format(this.arena, this.base, this.plan);
    this.memory = new ShardMemory(this.arena, this.base);
    this.store = this.attach();
    this.reader = new StoreReader(this.arena, this.base, this.clock);
    this.reply = new Reply(this.arena.bytes);
    this.request = new Request(this.arena.bytes);
  }

  /** A new owner over the same memory. */
  attach(arena: Arena = this.arena): Store {
    return new Store(arena, this.base, this.hash, this.clock, this.counters, this.options);
  }

  /** Lets `seconds` pass. */
  pass(seconds: number): void {
    this.clock.now = (this.clock.now + seconds) as ServerSeconds;
    this.store.tick();
  }

  /** Fills the one request. */
  fill(op: Op, key: string | Uint8Array, extra: Extra = {}): Request {
    const request = this.request;
    const bytes = this.arena.bytes;
    const keyBytes = typeof key === "string" ? Buffer.from(key) : key;
    const given = extra.value ?? "";
    const value = typeof given === "string" ? Buffer.from(given) : given;
    request.begin(op, Dialect.text, bytes);
    request.keyStart = this.#scratch;
    request.keyEnd = request.keyStart + keyBytes.length;
    bytes.set(keyBytes, request.keyStart);
    request.valueStart = request.keyEnd;
    request.valueEnd = request.valueStart + value.length;
    bytes.set(value, request.valueStart);
    request.valueBytes = extra.valueBytes ?? value.length;
    request.mode = (extra.mode ?? StoreMode.set) as StoreMode;
    request.clientFlags = extra.clientFlags ?? 0;
    request.exptime = (extra.exptime ?? 0) as ServerSeconds;
    request.vivifyExptime = (extra.vivifyExptime ?? 0) as ServerSeconds;
    request.recacheExptime = (extra.recacheExptime ?? 0) as ServerSeconds;
    let marks = extra.marks ?? 0;
    if (extra.cas !== undefined) marks |= Mark.compareCas;
    if (extra.cas === undefined && (extra.mode ?? StoreMode.set) === StoreMode.set) {
      marks |= Mark.dropsOldWhenRefused; // as every parser says of a plain set
    }
    if (extra.newCas !== undefined) marks |= Mark.explicitCas;
    if (extra.exptime !== undefined) marks |= Mark.exptime;
    if (extra.vivifyExptime !== undefined) marks |= Mark.vivify;
    if (extra.recacheExptime !== undefined) marks |= Mark.recache;
    request.marks = marks;
    [request.casLow, request.casHigh] = halves(extra.cas ?? 0n);
    [request.newCasLow, request.newCasHigh] = halves(extra.newCas ?? 0n);
    [request.deltaLow, request.deltaHigh] = halves(extra.delta ?? 1n);
    [request.initialLow, request.initialHigh] = halves(extra.initial ?? 0n);
    request.handle = extra.handle ?? 0;
    request.requester = extra.requester ?? 0;
    this.hash.update(bytes, request.keyStart, request.keyEnd);
    request.hashLow = this.hash.low;
    request.hashHigh = this.hash.high;
    return request;
  }

  /** Executes a request; the status. The rest is in `reply`. */
  run(op: Op, key: string | Uint8Array, extra: Extra = {}): number {
    const request = this.fill(op, key, extra);
    poison(this.reply); // what is not said of this request is not to be read
    this.store.execute(request, this.reply);
    return this.reply.status;
  }

  set(key: string, value: string | Uint8Array, extra: Extra = {}): number {
    return this.run(Op.store, key, { ...extra, value });
  }

  /** The value as text, or null. */
  get(key: string, marks = 0): string | null {
    const found = this.getBytes(key, marks);
    return found === null ? null : Buffer.from(found).toString("latin1");
  }

  /**
   * The value as text, read under a lease when it is large; null on a miss. The reply describes the
   * item.
   */
  getWhole(key: string): string | null {
    if (this.run(Op.lease, key, { marks: Mark.noBump }) !== Status.hit) return null;
    const { handle, valueStart, valueBytes } = this.reply;
    if (handle === 0) {
      return Buffer.from(this.arena.bytes.slice(valueStart, valueStart + valueBytes)).toString(
        "latin1",
      );
    }
    const leased = new LeasedValue(this.memory, handle, valueBytes);
    const parts: Buffer[] = [];
    while (leased.left > 0) {
      parts.push(Buffer.from(leased.array.slice(leased.start, leased.start + leased.bytes)));
      leased.advance(leased.bytes);
    }
    const { clientFlags, exptime, casLow, casHigh } = this.reply;
    this.run(Op.release, "", { handle });
    Object.assign(this.reply, { clientFlags, exptime, casLow, casHigh, valueBytes });
    return Buffer.concat(parts).toString("latin1");
  }

  getBytes(key: string, marks = 0): Uint8Array | null {
    const outcome = this.reader.find(this.fill(Op.get, key, { marks }), this.reply);
    if (outcome !== ReadOutcome.hit) return null;
    const start = this.reply.valueStart;
    return this.arena.bytes.slice(start, start + this.reply.valueBytes);
  }

  /** The last reply's CAS. */
  cas(): bigint {
    return (BigInt(this.reply.casHigh) << 32n) | BigInt(this.reply.casLow);
  }
}

function halves(value: bigint): [number, number] {
  return [Number(value & 0xffff_ffffn), Number(value >> 32n)];
}
