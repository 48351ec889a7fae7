/**
 * Heat: fine log-linear buckets (memory/histogram.ts) folded into the few rows a picture has: two
 * an octave.
 *
 *   row 0      up to `unit`
 *   row i      up to unit × 2^(i/2)
 */
import { bucketFloor } from "../memory/histogram.ts";

/** Rows of the latency picture: 1 µs to 1 s. */
export const LATENCY_ROWS = 41;
/** Rows of the lifetime picture: 1 s to 194 days. */
export const LIFETIME_ROWS = 49;

/** The row of a value counted in units. */
export function rowOf(value: number, rows: number): number {
  if (value <= 1) return 0;
  return Math.min(rows - 1, Math.max(0, Math.ceil(2 * Math.log2(value))));
}

/** Folds `buckets` into `rows` rows; a bucket's values count as `unit` of its middle. */
export function foldRows(buckets: Float64Array, unit: number, rows: number): number[] {
  const folded = new Array<number>(rows).fill(0);
  for (let bucket = 0; bucket < buckets.length; bucket++) {
    const count = buckets[bucket] as number;
    if (count === 0) continue;
    const middle = (bucketFloor(bucket) + bucketFloor(bucket + 1)) / 2;
    const row = rowOf(middle / unit, rows);
    folded[row] = (folded[row] as number) + count;
  }
  return folded;
}
