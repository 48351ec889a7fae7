/**
 * Histogram: how often each size of a number was seen, in shared memory: latencies in nanoseconds,
 * ages in seconds.
 *
 * Log-linear: every octave is cut in 16, so a value is known to 6 % of itself over the whole range
 * of u32, and a bucket is found with one count of leading zeros. (The idea is HdrHistogram's;
 * bench/micro/observe.bench.ts has the cost.)
 *
 *   bucket   0 … 15           values 0 … 15, one each
 *   bucket  16 … 31           16 … 31, one each       (octave 4)
 *   bucket  32 … 47           32 … 63, two each       (octave 5)
 *   …
 *   bucket 448 … 463          2^31 … 2^32-1           (octave 31)
 *   double 464                sum of all values
 *   double 465                largest value
 *
 * Everything is float64: exact to 2^53, never torn, one writer (the thread it belongs to), read by
 * anybody. A reader may see a bucket one record ahead of the sum; nobody minds.
 */
import { CACHE_LINE_BYTES, doubleIndex, roundUp, UINT32_MAX } from "../base/unit.ts";
import type { Arena } from "./arena.ts";

const SUB_BITS = 4;
const SUB_COUNT = 1 << SUB_BITS;
/** Number of buckets; `bucketFloor(BUCKET_COUNT)` is one past the largest value. */
export const BUCKET_COUNT = (32 - SUB_BITS + 1) * SUB_COUNT;
const SUM = BUCKET_COUNT;
const MAX = BUCKET_COUNT + 1;

/** Bytes of one histogram. */
export const HISTOGRAM_BYTES = roundUp((BUCKET_COUNT + 2) * 8, CACHE_LINE_BYTES);

/** The bucket of a u32. */
export function bucketOf(value: number): number {
  if (value < SUB_COUNT) return value;
  const shift = 31 - SUB_BITS - Math.clz32(value);
  return (shift + 1) * SUB_COUNT + ((value >>> shift) & (SUB_COUNT - 1));
}

/** The smallest value of a bucket. */
export function bucketFloor(bucket: number): number {
  if (bucket < SUB_COUNT) return bucket;
  const shift = Math.floor(bucket / SUB_COUNT) - 1;
  return (SUB_COUNT + (bucket % SUB_COUNT)) * 2 ** shift;
}

export class Histogram {
  readonly #doubles: Float64Array;
  readonly #first: number;

  constructor(arena: Arena, base: number) {
    this.#doubles = arena.doubles;
    this.#first = doubleIndex(base);
  }

  /** Counts `value` (clamped to u32) `weight` times: a sampled value stands for that many. */
  record(value: number, weight: number): void {
    const clamped = value > UINT32_MAX ? UINT32_MAX : value > 0 ? value >>> 0 : 0;
    const doubles = this.#doubles;
    const first = this.#first;
    const at = first + bucketOf(clamped);
    doubles[at] = (doubles[at] as number) + weight;
    doubles[first + SUM] = (doubles[first + SUM] as number) + clamped * weight;
    if (clamped > (doubles[first + MAX] as number)) doubles[first + MAX] = clamped;
  }

  count(bucket: number): number {
    return this.#doubles[this.#first + bucket] as number;
  }

  /** The sum of all values recorded. */
  sum(): number {
    return this.#doubles[this.#first + SUM] as number;
  }

  /** The largest value recorded. */
  max(): number {
    return this.#doubles[this.#first + MAX] as number;
  }

  /** Adds every bucket to `into`, of `BUCKET_COUNT` numbers: how a reader merges threads. */
  addTo(into: Float64Array): void {
    const doubles = this.#doubles;
    const first = this.#first;
    for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
      into[bucket] = (into[bucket] as number) + (doubles[first + bucket] as number);
    }
  }

  /** Forgets everything. The writer's thread only. */
  clear(): void {
    this.#doubles.fill(0, this.#first, this.#first + BUCKET_COUNT + 2);
  }
}

/** How many values the merged buckets hold. */
export function totalOf(buckets: Float64Array): number {
  let total = 0;
  for (let bucket = 0; bucket < buckets.length; bucket++) total += buckets[bucket] as number;
  return total;
}

/**
 * The value below which `share` (0 … 1) of the merged buckets' values lie, interpolated inside its
 * bucket. 0 when there are none.
 */
export function percentileOf(buckets: Float64Array, share: number): number {
  const wanted = totalOf(buckets) * share;
  if (wanted === 0) return 0;
  let seen = 0;
  for (let bucket = 0; bucket < buckets.length; bucket++) {
    const count = buckets[bucket] as number;
    if (count > 0 && seen + count >= wanted) {
      const floor = bucketFloor(bucket);
      return floor + ((bucketFloor(bucket + 1) - floor) * (wanted - seen)) / count;
    }
    seen += count;
  }
  return bucketFloor(buckets.length);
}
