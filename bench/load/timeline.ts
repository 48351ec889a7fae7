/**
 * A run over time: what happened between two looks at the boards, for the progress line and the
 * plots.
 */

import { Meter } from "./board.ts";
import { addCounts, emptyHistogram, LATENCY_COUNTS, percentile } from "./latency-counts.ts";
import type { Session } from "./load-pool.ts";

/** One interval. Latencies in microseconds; NaN when nothing was answered. */
export interface Moment {
  seconds: number;
  throughput: number;
  p50: number;
  p99: number;
  max: number;
  errors: number;
}

export class Timeline {
  readonly moments: Moment[] = [];
  readonly #session: Session;
  readonly #start = performance.now();
  #before = new Float64Array(LATENCY_COUNTS);
  #keysBefore = 0;
  #errorsBefore = 0;
  #at = this.#start;

  constructor(session: Session) {
    this.#session = session;
  }

  /** Looks at the boards and adds what is new since the last look. */
  look(): Moment {
    const now = performance.now();
    const counts = new Float64Array(LATENCY_COUNTS);
    let keys = 0;
    let errors = 0;
    for (const board of this.#session.boards) {
      const meter = (index: number) => board.meters[index] as number;
      keys += meter(Meter.keys);
      errors += meter(Meter.refusals) + meter(Meter.lies) + meter(Meter.failures);
      for (let i = 0; i < LATENCY_COUNTS; i++) {
        counts[i] = (counts[i] as number) + (board.counts[i] as number);
      }
    }
    const fresh = counts.map((count, index) => count - (this.#before[index] as number));
    const latency = emptyHistogram();
    addCounts(latency, fresh);
    const moment = {
      seconds: (now - this.#start) / 1000,
      throughput: ((keys - this.#keysBefore) * 1000) / (now - this.#at),
      p50: percentile(latency, 50),
      p99: percentile(latency, 99),
      max: latency.totalCount === 0 ? Number.NaN : latency.maxValue / 1e3,
      errors: errors - this.#errorsBefore,
    };
    this.moments.push(moment);
    this.#before = counts;
    this.#keysBefore = keys;
    this.#errorsBefore = errors;
    this.#at = now;
    return moment;
  }
}
