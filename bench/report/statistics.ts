/**
 * Statistics of repeated measurements: robust ones, since a shared machine disturbs some windows
 * and never helps any.
 *
 *   median    the middle: half of the disturbances may be arbitrarily large
 *   MAD       median absolute deviation from the median: the spread, in the unit of the values
 *   ratio     of two windows measured next to each other in time; a drift of the machine hits both and cancels
 */

/**
 * The middle of `values`; the mean of the two middle ones when their number is even. NaN when there
 * are none.
 */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which the share `q` of `values` lies, interpolated. NaN when there are none. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * Math.min(1, Math.max(0, q));
  const below = Math.floor(position);
  const low = sorted[below] as number;
  const high = sorted[Math.min(below + 1, sorted.length - 1)] as number;
  return low + (high - low) * (position - below);
}

/** Median absolute deviation from the median. */
export function medianDeviation(values: readonly number[]): number {
  const middle = median(values);
  return median(values.map((value) => Math.abs(value - middle)));
}

/** What is printed of a set of repeated measurements. */
export interface Summary {
  median: number;
  mad: number;
  min: number;
  max: number;
  count: number;
}

export function summarize(values: readonly number[]): Summary {
  return {
    median: median(values),
    mad: medianDeviation(values),
    min: values.length === 0 ? Number.NaN : Math.min(...values),
    max: values.length === 0 ? Number.NaN : Math.max(...values),
    count: values.length,
  };
}

/** values[i] / references[i] for every round in which both were measured. */
export function pairedRatios(
  values: readonly (number | null)[],
  references: readonly (number | null)[],
): number[] {
  const ratios: number[] = [];
  for (let round = 0; round < Math.min(values.length, references.length); round++) {
    const value = values[round];
    const reference = references[round];
    if (typeof value !== "number" || typeof reference !== "number" || reference === 0) continue;
    ratios.push(value / reference);
  }
  return ratios;
}
