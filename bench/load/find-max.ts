/**
 * The highest rate at which a server keeps a promise ("p99 = 1 ms"): bisection between a rate that
 * held and one that did not, beginning at the throughput of a closed loop, which no open loop can
 * pass.
 */
import { type Histogram, percentile } from "./latency-counts.ts";

/** A promise about latency: at `percent` of the requests, no more than so many microseconds. */
export interface Objective {
  percent: number;
  microseconds: number;
}

const UNITS: Readonly<Record<string, number>> = { us: 1, µs: 1, ms: 1e3, s: 1e6 };

/** Reads "p99=1ms", "p99.9=250us", "max=5ms". */
export function parseObjective(text: string): Objective {
  const [, name, amount, unit] = /^(p[\d.]+|max)=([\d.]+)(us|µs|ms|s)$/.exec(text) ?? [];
  const percent = name === "max" ? 100 : Number(name?.slice(1));
  const microseconds = Number(amount) * (UNITS[unit ?? ""] ?? Number.NaN);
  if (!(percent > 0 && percent <= 100 && microseconds > 0)) {
    throw new Error(`objective "${text}": p99=1ms, p99.9=250us or max=5ms`);
  }
  return { percent, microseconds };
}

/** True when the latencies keep the promise. */
export function keeps(latency: Histogram, { percent, microseconds }: Objective): boolean {
  return percentile(latency, percent) <= microseconds;
}

export interface Step {
  rate: number;
  held: boolean;
}

/** The first rate tried below the limit, and each time nothing has held yet. */
const BACKOFF = 0.5;
/** Nothing below this share of the limit is searched. */
const LEAST_SHARE = 0.01;

/**
 * The highest rate up to `limit` for which `holds` says true, within `precision` (0.03: 3 %), and
 * the steps on the way. A rate that does not hold is tried twice: one disturbance is not the
 * server's. 0 when none holds.
 */
export async function searchRate(
  limit: number,
  precision: number,
  holds: (rate: number) => Promise<boolean>,
): Promise<{ rate: number; steps: Step[] }> {
  const steps: Step[] = [];
  let held = 0;
  let failed = limit * (1 + precision);
  let rate = limit;
  while (rate >= limit * LEAST_SHARE && failed - held > precision * failed) {
    const holding = (await holds(rate)) || (await holds(rate));
    steps.push({ rate, held: holding });
    if (holding) held = rate;
    else failed = rate;
    rate = held === 0 ? failed * BACKOFF : (held + failed) / 2;
    if (held >= limit) break;
  }
  return { rate: held, steps };
}

/** Confirming runs at most: a machine that is disturbed each time has no highest rate. */
const CONFIRMATIONS_MAX = 5;

/**
 * Measures at `rate` for as long as a report needs, and again by `precision` lower while the
 * promise does not hold: what is reported is a rate that a long run has kept. `held` is false when
 * none of `CONFIRMATIONS_MAX` did.
 */
export async function confirmRate<Result>(
  rate: number,
  precision: number,
  measure: (rate: number) => Promise<{ held: boolean; result: Result }>,
): Promise<{ rate: number; held: boolean; result: Result }> {
  let tried = rate;
  for (let runs = 1; ; runs++) {
    const { held, result } = await measure(tried);
    if (held || runs === CONFIRMATIONS_MAX) return { rate: tried, held, result };
    tried *= 1 - Math.max(precision, LEAST_SHARE);
  }
}
