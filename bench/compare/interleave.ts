/**
 * The order of measurement. All candidates are measured once a round, in an order drawn anew for
 * each, so that neighbouring windows see the same machine and no candidate always follows the same
 * other one.
 *
 * Why: on a shared machine whole runs one after another agree to 11 %, ratios of neighbouring
 * windows to 1–4 %.
 */

import type { Random } from "../load/random.ts";
import { pairedRatios, type Summary, summarize } from "../report/statistics.ts";

/** A permutation of `items`, drawn from `random` (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last--) {
    const other = random.below(last + 1);
    const item = order[last] as T;
    order[last] = order[other] as T;
    order[other] = item;
  }
  return order;
}

/**
 * Calls `measure` for every candidate in every round; the results by candidate, in order of rounds.
 */
export async function interleave<T>(
  candidates: readonly string[],
  rounds: number,
  random: Random,
  measure: (candidate: string, round: number) => Promise<T>,
): Promise<Map<string, T[]>> {
  const results = new Map<string, T[]>(candidates.map((candidate) => [candidate, []]));
  for (let round = 0; round < rounds; round++) {
    for (const candidate of shuffled(candidates, random)) {
      results.get(candidate)?.push(await measure(candidate, round));
    }
  }
  return results;
}

/** Median, spread and extremes of value[round] / reference[round]. */
export function ratioSummary(values: readonly number[], reference: readonly number[]): Summary {
  return summarize(pairedRatios(values, reference));
}
