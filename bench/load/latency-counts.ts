/**
 * Latencies of one thread, counted while it runs: 2048 steps, then 1024 for every doubling, each
 * within 0.1 %.
 *
 *   value   in ticks of 16 ns, below 2^31 (34 s; anything longer counts as that)
 *   index   value < 2048: the value itself
 *           else: with e = position of the highest bit - 10, index = e * 1024 + (value >>> e)
 *
 * Why not an HdrHistogram at once: its JavaScript takes 150 ns a value, a seventh of a pipelined
 * request. These counts take 3 ns, are a plain array that crosses threads, and fill an HdrHistogram
 * when the window is over.
 */
import hdr from "hdr-histogram-js";

const TICK_NANOSECONDS = 16;
const TICKS_MAX = 0x7fff_ffff;
const STEPS = 1024;
/** Length of the array of counts. */
export const LATENCY_COUNTS = 22 * STEPS;

/** Bounds of the HdrHistogram: 1 ns to 40 s with three digits. */
const HISTOGRAM = {
  bitBucketSize: 64,
  lowestDiscernibleValue: 1,
  highestTrackableValue: 4e10,
  numberOfSignificantValueDigits: 3,
  autoResize: false,
  useWebAssembly: false,
} as const;

/** Adds `count` latencies of so many milliseconds to `counts`. */
export function countLatency(counts: Float64Array, milliseconds: number, count: number): void {
  const ticks = milliseconds * (1e6 / TICK_NANOSECONDS);
  const index = indexOf(ticks < TICKS_MAX ? (ticks > 0 ? ticks | 0 : 0) : TICKS_MAX);
  counts[index] = (counts[index] as number) + count;
}

function indexOf(ticks: number): number {
  const shift = 21 - Math.clz32(ticks);
  return shift <= 0 ? ticks : shift * STEPS + (ticks >>> shift);
}

/** The middle of what counts[index] counts, in nanoseconds. */
function nanosecondsOf(index: number): number {
  const shift = index < 2 * STEPS ? 0 : Math.floor(index / STEPS) - 1;
  const ticks = (index - shift * STEPS) * 2 ** shift;
  return Math.round((ticks + 2 ** shift / 2) * TICK_NANOSECONDS);
}

export type Histogram = hdr.Histogram;

/** An empty histogram of nanoseconds. */
export function emptyHistogram(): Histogram {
  return hdr.build(HISTOGRAM);
}

/** Adds what `counts` holds to `histogram`. */
export function addCounts(histogram: Histogram, counts: Float64Array): void {
  for (let index = 0; index < counts.length; index++) {
    const count = counts[index] as number;
    if (count > 0) histogram.recordValueWithCount(nanosecondsOf(index), count);
  }
}

/** Microseconds below which the share `percent` of the latencies lies; NaN when there are none. */
export function percentile(histogram: Histogram, percent: number): number {
  if (histogram.totalCount === 0) return Number.NaN;
  return histogram.getValueAtPercentile(percent) / 1e3;
}
