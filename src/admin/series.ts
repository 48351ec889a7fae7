/** Series: which numbers of a frame the history keeps. Names with one prefix stand together. */
import type { Frame } from "./frame.ts";
import { LATENCY_ROWS } from "./heat.ts";
import type { SeriesSpec } from "./history.ts";

interface Series extends SeriesSpec {
  readonly of: (frame: Frame) => number;
}

const HEAT_ROWS: readonly Series[] = Array.from({ length: LATENCY_ROWS }, (_, row) => ({
  name: `heat.${row}`,
  fold: "mean" as const,
  of: (frame: Frame) => frame.latency.heat[row] ?? 0,
}));

/** All series, in the history's order. */
export const SERIES: readonly Series[] = [
  { name: "rate.hits", fold: "mean", of: (frame) => frame.rates.hits },
  { name: "rate.misses", fold: "mean", of: (frame) => frame.rates.misses },
  { name: "rate.sets", fold: "mean", of: (frame) => frame.rates.sets },
  { name: "rate.deletes", fold: "mean", of: (frame) => frame.rates.deletes },
  { name: "rate.arithmetic", fold: "mean", of: (frame) => frame.rates.arithmetic },
  { name: "rate.touches", fold: "mean", of: (frame) => frame.rates.touches },
  { name: "rate.bytesIn", fold: "mean", of: (frame) => frame.rates.bytesIn },
  { name: "rate.bytesOut", fold: "mean", of: (frame) => frame.rates.bytesOut },
  { name: "rate.evictions", fold: "mean", of: (frame) => frame.rates.evictions },
  { name: "rate.expired", fold: "mean", of: (frame) => frame.rates.expired },
  { name: "rate.hops", fold: "mean", of: (frame) => frame.rates.hops },
  { name: "rate.rejected", fold: "mean", of: (frame) => frame.rates.rejected },
  { name: "rate.flushes", fold: "max", of: (frame) => frame.rates.flushes },
  { name: "latency.p50", fold: "mean", of: (frame) => frame.latency.p50 },
  { name: "latency.p99", fold: "max", of: (frame) => frame.latency.p99 },
  { name: "latency.p999", fold: "max", of: (frame) => frame.latency.p999 },
  { name: "gauge.hitRatio", fold: "mean", of: (frame) => frame.hitRatio },
  { name: "gauge.items", fold: "last", of: (frame) => frame.items },
  { name: "gauge.bytes", fold: "last", of: (frame) => frame.memory.items },
  { name: "gauge.rss", fold: "max", of: (frame) => frame.memory.rss },
  { name: "gauge.connections", fold: "max", of: (frame) => frame.connections },
  { name: "gauge.cpu", fold: "mean", of: (frame) => frame.cpu },
  { name: "gauge.evictedAge", fold: "last", of: (frame) => frame.ages.evicted },
  ...HEAT_ROWS,
];

/** A frame's numbers in that order. */
export function seriesValues(frame: Frame): Float64Array {
  return Float64Array.from(SERIES, (series) => series.of(frame));
}
