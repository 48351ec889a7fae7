/**
 * Observation: what one thread has seen of its requests, in shared memory: latencies, lifetimes,
 * heavy keys.
 *
 *   base + 0        words: 0 sampling period (1 in …) | 1 samples taken | 2 reset generation obeyed |
 *                         3 server second of the first tick since the start, or since that reset
 *        64         latency histograms, nanoseconds, one per family       (memory/histogram.ts)
 *        …          TTLs given by stores, seconds
 *        …          lengths of values stored, bytes
 *        …          sketches: keys by requests | by bytes | by misses | largest values | prefixes   (memory/sketch.ts)
 *        …          prefix counters of `stats detail`                     (memory/prefix-table.ts)
 *
 * The writer is the thread that has the connections (stats/observer.ts); anybody reads. Pages
 * nobody touches cost nothing.
 */
import { CACHE_LINE_BYTES } from "../base/unit.ts";
import { Op } from "../command/op.ts";
import type { Arena } from "./arena.ts";
import { HISTOGRAM_BYTES, Histogram } from "./histogram.ts";
import { PREFIX_TABLE_BYTES, PrefixTable } from "./prefix-table.ts";
import { SKETCH_BYTES, Sketch } from "./sketch.ts";

/** Kinds of requests whose latency is told apart. */
export const Family = { get: 0, store: 1, delete: 2, arithmetic: 3, touch: 4, other: 5 } as const;
export type Family = (typeof Family)[keyof typeof Family];

/** Their names in stats and metrics, in the order of `Family`. */
export const FAMILY_NAMES = ["get", "set", "delete", "incr", "touch", "other"] as const;
export const FAMILY_COUNT = FAMILY_NAMES.length;

/** The family of an op. */
export function familyOf(op: Op): Family {
  switch (op) {
    case Op.get:
      return Family.get;
    case Op.store:
    case Op.uploadBegin:
    case Op.uploadData:
    case Op.uploadEnd:
      return Family.store;
    case Op.delete:
      return Family.delete;
    case Op.arithmetic:
      return Family.arithmetic;
    case Op.touch:
    case Op.fetch:
      return Family.touch;
    default:
      return Family.other;
  }
}

/** The sketches a thread keeps. */
export const SketchKind = { requests: 0, bytes: 1, misses: 2, largest: 3, prefixes: 4 } as const;
export type SketchKind = (typeof SketchKind)[keyof typeof SketchKind];
const SKETCH_COUNT = 5;

const PERIOD = 0;
const SAMPLES = 1;
const GENERATION = 2;
const BEGAN = 3;
const LATENCY_OFFSET = CACHE_LINE_BYTES;
const TTL_OFFSET = LATENCY_OFFSET + FAMILY_COUNT * HISTOGRAM_BYTES;
const VALUE_OFFSET = TTL_OFFSET + HISTOGRAM_BYTES;
const SKETCHES_OFFSET = VALUE_OFFSET + HISTOGRAM_BYTES;
const PREFIXES_OFFSET = SKETCHES_OFFSET + SKETCH_COUNT * SKETCH_BYTES;

/** Bytes of one thread's observation. */
export const OBSERVATION_BYTES = PREFIXES_OFFSET + PREFIX_TABLE_BYTES;

/** Views of one thread's observation; any thread may build them. */
export class Observation {
  /** Request latency, by `Family`. */
  readonly latency: readonly Histogram[];
  /** TTLs of stores that have one. */
  readonly ttl: Histogram;
  /** Lengths of values stored. */
  readonly valueBytes: Histogram;
  /** By `SketchKind`. */
  readonly sketches: readonly Sketch[];
  readonly prefixes: PrefixTable;
  readonly #words: Uint32Array;
  readonly #word: number;

  constructor(arena: Arena, base: number) {
    this.#words = arena.words;
    this.#word = base >>> 2;
    this.latency = FAMILY_NAMES.map(
      (_, family) => new Histogram(arena, base + LATENCY_OFFSET + family * HISTOGRAM_BYTES),
    );
    this.ttl = new Histogram(arena, base + TTL_OFFSET);
    this.valueBytes = new Histogram(arena, base + VALUE_OFFSET);
    this.sketches = Array.from(
      { length: SKETCH_COUNT },
      (_, kind) => new Sketch(arena, base + SKETCHES_OFFSET + kind * SKETCH_BYTES),
    );
    this.prefixes = new PrefixTable(arena, base + PREFIXES_OFFSET);
  }

  /** One request in this many is looked at now. */
  period(): number {
    return this.#words[this.#word + PERIOD] as number;
  }

  setPeriod(period: number): void {
    this.#words[this.#word + PERIOD] = period;
  }

  /** Requests looked at since the start (wraps at 2^32). */
  samples(): number {
    return this.#words[this.#word + SAMPLES] as number;
  }

  countSample(): void {
    const at = this.#word + SAMPLES;
    this.#words[at] = ((this.#words[at] as number) + 1) >>> 0;
  }

  /** The `stats reset` generation this thread has obeyed. */
  generation(): number {
    return this.#words[this.#word + GENERATION] as number;
  }

  /** The server second since when it is looked, and the sketches fade; 0 before the first tick. */
  began(): number {
    return this.#words[this.#word + BEGAN] as number;
  }

  setBegan(second: number): void {
    this.#words[this.#word + BEGAN] = second;
  }

  /** Forgets everything seen before `stats reset` number `generation`. The writer only. */
  clear(generation: number): void {
    for (const histogram of this.latency) histogram.clear();
    this.ttl.clear();
    this.valueBytes.clear();
    for (const sketch of this.sketches) sketch.clear();
    this.prefixes.clear();
    this.#words[this.#word + GENERATION] = generation >>> 0;
    this.#words[this.#word + BEGAN] = 0;
  }
}
