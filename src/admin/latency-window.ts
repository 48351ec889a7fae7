/**
 * Latency window: what the latency histograms gained since the last look: percentiles of a second
 * instead of since the start.
 */
import { BUCKET_COUNT, percentileOf, totalOf } from "../memory/histogram.ts";
import { FAMILY_COUNT, type Family } from "../memory/observation.ts";
import type { NodeView } from "../stats/node-view.ts";
import type { LatencyFrame } from "./frame.ts";
import { foldRows, LATENCY_ROWS } from "./heat.ts";

const NANOSECONDS_PER_MICROSECOND = 1000;

export class LatencyWindow {
  readonly #view: NodeView;
  #before: Float64Array[];

  constructor(view: NodeView) {
    this.#view = view;
    this.#before = this.#look();
  }

  /** The latencies of the requests since the last call. */
  advance(): LatencyFrame {
    const now = this.#look();
    const all = new Float64Array(BUCKET_COUNT);
    now.forEach((buckets, family) => {
      const gained = gain(buckets, this.#before[family] as Float64Array);
      for (let bucket = 0; bucket < BUCKET_COUNT; bucket++) {
        all[bucket] = (all[bucket] as number) + (gained[bucket] as number);
      }
    });
    this.#before = now;
    return {
      count: totalOf(all),
      p50: microseconds(all, 0.5),
      p90: microseconds(all, 0.9),
      p99: microseconds(all, 0.99),
      p999: microseconds(all, 0.999),
      max: microseconds(all, 1),
      heat: foldRows(all, NANOSECONDS_PER_MICROSECOND, LATENCY_ROWS),
    };
  }

  #look(): Float64Array[] {
    return Array.from({ length: FAMILY_COUNT }, (_, family) =>
      this.#view.latency(family as Family),
    );
  }
}

/** What `now` has more than `before`; all of it when it was reset in between. */
function gain(now: Float64Array, before: Float64Array): Float64Array {
  const gained = now.map((count, bucket) => count - (before[bucket] as number));
  return gained.some((count) => count < 0) ? now : gained;
}

function microseconds(buckets: Float64Array, share: number): number {
  return Math.round(percentileOf(buckets, share) / 10) / 100;
}
