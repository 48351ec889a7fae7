/**
 * `stats workers`: our own list, one group a thread: how busy it is, and what crossing between
 * threads cost it.
 *
 *   STAT 0:requests_sent 1200 …        the last number is the primary's
 */
import { Counter } from "../memory/counters.ts";
import type { Emit } from "./general.ts";
import type { NodeView } from "./node-view.ts";

const WORKER_COUNTERS: readonly (readonly [string, Counter])[] = [
  ["cmd_get", Counter.cmdGet],
  ["cmd_set", Counter.cmdSet],
  ["reads_direct", Counter.readsDirect],
  ["reads_retried", Counter.readsRetried],
  ["reads_behind", Counter.readsBehind],
  ["requests_sent", Counter.requestsSent],
  ["requests_on_loan", Counter.requestsOnLoan],
  ["requests_served", Counter.requestsServed],
  ["ring_full", Counter.ringFull],
  ["wakes_sent", Counter.wakesSent],
  ["loop_turns", Counter.loopTurns],
  ["evictions", Counter.evictions],
  ["promotions", Counter.promotions],
  ["ghost_hits", Counter.ghostHits],
  ["compactions", Counter.compactions],
  ["bytes_compacted", Counter.bytesCompacted],
  ["bucket_splits", Counter.bucketSplits],
];

/** `stats workers`. */
export function emitWorkers(view: NodeView, emit: Emit): void {
  view.counters.forEach((counters, thread) => {
    for (const [name, counter] of WORKER_COUNTERS) {
      emit(`${thread}:${name}`, counters.since(counter));
    }
    emit(`${thread}:busy_us`, Math.round(counters.since(Counter.busyNanoseconds) / 1000));
    emit(`${thread}:polled_us`, Math.round(counters.since(Counter.polledNanoseconds) / 1000));
    emit(`${thread}:sampling_period`, view.observations[thread]?.period() ?? 0);
  });
}
