/**
 * `stats latency`: how long requests took inside the server, by family, over all workers.
 *
 *   STAT get:count 1200000      requests the samples stand for
 *   STAT get:mean_us 61.20      … p50_us, p90_us, p99_us, p999_us, max_us: microseconds
 *
 * A latency counts from the loop turn that found the request's bytes to its reply being written
 * (stats/observer.ts).
 */

import { percentileOf, totalOf } from "../memory/histogram.ts";
import { FAMILY_NAMES, type Family } from "../memory/observation.ts";
import type { Emit } from "./general.ts";
import type { NodeView } from "./node-view.ts";

const PERCENTILES = [
  ["p50_us", 0.5],
  ["p90_us", 0.9],
  ["p99_us", 0.99],
  ["p999_us", 0.999],
] as const;

/** `stats latency`: families nobody used are left out. */
export function emitLatency(view: NodeView, emit: Emit): void {
  FAMILY_NAMES.forEach((name, index) => {
    const family = index as Family;
    const buckets = view.latency(family);
    const count = totalOf(buckets);
    if (count === 0) return;
    let sum = 0;
    let max = 0;
    for (const observation of view.observations) {
      sum += observation.latency[family]?.sum() ?? 0;
      max = Math.max(max, observation.latency[family]?.max() ?? 0);
    }
    emit(`${name}:count`, count);
    emit(`${name}:mean_us`, (sum / count / 1000).toFixed(2));
    for (const [label, share] of PERCENTILES) {
      emit(`${name}:${label}`, (Math.min(max, percentileOf(buckets, share)) / 1000).toFixed(2));
    }
    emit(`${name}:max_us`, (max / 1000).toFixed(2));
  });
}
