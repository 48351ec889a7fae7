/**
 * The stream of requests of one generator thread: draws what comes next and writes it into a
 * buffer. After `compose`, the fields say what was asked, for the reading of the reply.
 */
import { type Dialect, Kind } from "./dialect.ts";
import { type Popularity, parsePopularity } from "./popularity.ts";
import { Random } from "./random.ts";
import { SET_BIT } from "./trace.ts";
import type { Workload } from "./workload.ts";

/** Keys that missed and wait to be set; more are forgotten. */
const FILLS_MAX = 1 << 16;
/** Versions of a value; they only need to differ from one set to the next. */
const VERSIONS = 0xffff;

export class Requests {
  kind: Kind = Kind.get;
  /** Keys of the request composed last: `count` of them, written at keys[first]. */
  count = 0;
  readonly #workload: Workload;
  readonly #dialect: Dialect;
  readonly #random: Random;
  readonly #popularity: Popularity;
  readonly #keyCount: number;
  readonly #threads: number;
  #version = 0;
  #tracePlace: number;
  readonly #fills = new Uint32Array(FILLS_MAX);
  #fillHead = 0;
  #fillTail = 0;

  constructor(workload: Workload, dialect: Dialect, thread: number, threads: number) {
    this.#workload = workload;
    this.#dialect = dialect;
    this.#random = new Random(Math.imul(workload.seed + 1, 0x9e3779b1) + thread * 7919);
    this.#keyCount = workload.trace?.keyCount ?? workload.keyCount;
    this.#popularity = parsePopularity(workload.popularity, this.#keyCount);
    this.#threads = threads;
    this.#tracePlace = thread;
  }

  /** Writes the next request at out[at]; its keys to keys[first…]. Returns the request's end. */
  compose(out: Uint8Array, at: number, keys: Uint32Array, first: number): number {
    if (this.#fillHead !== this.#fillTail) {
      return this.composeSet(out, at, keys, first, this.#takeFill());
    }
    const { trace, reads, keysPerGet } = this.#workload;
    if (trace !== null) return this.#composeTraced(out, at, keys, first);
    const random = this.#random;
    if (reads < 1 && random.unit() >= reads) {
      return this.composeSet(out, at, keys, first, this.#popularity.next(random));
    }
    this.count = keysPerGet;
    for (let i = 0; i < keysPerGet; i++) keys[first + i] = this.#readKey();
    if (keysPerGet === 1) {
      this.kind = Kind.get;
      return this.#dialect.get(out, at, keys[first] as number);
    }
    this.kind = Kind.multiGet;
    return this.#dialect.multiGet(out, at, keys, first, keysPerGet);
  }

  /** Writes a set of the key `index`. */
  composeSet(out: Uint8Array, at: number, keys: Uint32Array, first: number, index: number): number {
    this.kind = Kind.set;
    this.count = 1;
    keys[first] = index;
    this.#version = (this.#version + 1) & VERSIONS;
    return this.#dialect.set(out, at, index, this.#version);
  }

  /** A get of this key missed. */
  missed(index: number): void {
    if (!this.#workload.setOnMiss || index >= this.#keyCount) return;
    const next = (this.#fillTail + 1) & (FILLS_MAX - 1);
    if (next === this.#fillHead) return;
    this.#fills[this.#fillTail] = index;
    this.#fillTail = next;
  }

  #takeFill(): number {
    const index = this.#fills[this.#fillHead] as number;
    this.#fillHead = (this.#fillHead + 1) & (FILLS_MAX - 1);
    return index;
  }

  #readKey(): number {
    const index = this.#popularity.next(this.#random);
    const { hitRatio } = this.#workload;
    return hitRatio < 1 && this.#random.unit() >= hitRatio ? index + this.#keyCount : index;
  }

  #composeTraced(out: Uint8Array, at: number, keys: Uint32Array, first: number): number {
    const trace = this.#workload.trace as NonNullable<Workload["trace"]>;
    const word = trace.keys[this.#tracePlace % trace.requests] as number;
    this.#tracePlace += this.#threads;
    if (word >= SET_BIT) return this.composeSet(out, at, keys, first, word - SET_BIT);
    this.kind = Kind.get;
    this.count = 1;
    keys[first] = word;
    return this.#dialect.get(out, at, word);
  }
}
