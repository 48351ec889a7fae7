/**
 * Counters: what a thread has done, in shared memory, one block a thread, one writer each, summed
 * by whoever asks.
 *
 *   thread 0 | Counter 0 | Counter 1 | … | base of 0 | base of 1 | … | 8 bytes each, float64 |    thread 1 | …
 *
 * Why float64: exact up to 2^53, one add and one store, never torn on the 64-bit machines we run
 * on. Names are memcached's stats (memcached doc/protocol.txt, "General-purpose statistics"), in
 * camel case.
 *
 * Counters only rise. `stats reset` writes, for every thread, the bases `since()` counts from: the
 * reset is complete when the command is answered, also for threads that sleep, no thread ever
 * clears what it counts, and metrics do not fall back to 0.
 */
import { CACHE_LINE_BYTES, doubleIndex, roundUp } from "../base/unit.ts";
import type { Arena } from "./arena.ts";

/** Counted by the connection's thread, from the request and the outcome. */
export const Counter = {
  cmdGet: 0,
  cmdSet: 1,
  cmdFlush: 2,
  cmdTouch: 3,
  cmdMeta: 4,
  getHits: 5,
  getMisses: 6,
  getExpired: 7,
  getFlushed: 8,
  deleteMisses: 9,
  deleteHits: 10,
  incrMisses: 11,
  incrHits: 12,
  decrMisses: 13,
  decrHits: 14,
  casMisses: 15,
  casHits: 16,
  casBadval: 17,
  touchHits: 18,
  touchMisses: 19,
  storeTooLarge: 20,
  storeNoMemory: 21,
  authCmds: 22,
  authErrors: 23,
  idleKicks: 24,
  bytesRead: 25,
  bytesWritten: 26,
  connYields: 27,
  connectionsOpened: 28,
  connectionsClosed: 29,
  rejectedConnections: 30,
  readBufOom: 31,
  /** Our own: how reads were served, and what crossing between threads cost. */
  readsDirect: 32,
  readsRetried: 33,
  readsBehind: 34,
  requestsSent: 35,
  requestsServed: 36,
  wakesSent: 37,
  loopTurns: 38,
  /** Processor time of the thread. */
  busyNanoseconds: 39,
  setAlreadyExpired: 40,
  ringFull: 41,
  /** Counted by the shard's owner. */
  totalItems: 42,
  evictions: 43,
  evictedUnfetched: 44,
  evictedActive: 45,
  expiredUnfetched: 46,
  reclaimed: 47,
  crawlerReclaimed: 48,
  crawlerItemsChecked: 49,
  compactions: 50,
  bytesCompacted: 51,
  ghostHits: 52,
  promotions: 53,
  /** Seconds since last access (or storing) of the item evicted last. */
  evictedTime: 54,
  evictedNonzero: 55,
  outOfMemory: 56,
  directReclaims: 57,
  bucketSplits: 58,
  /** Counted by the connection's thread: stampedes that meta's stale and win marks prevented. */
  staleServed: 59,
  recacheWins: 60,
  herdsPrevented: 61,
  /** Counted by the primary, which listens and accepts. */
  listenersOpened: 62,
  listenDisabled: 63,
  /**
   * How much of an owner's counter above belongs to the main queue and to large items; the rest is
   * the small queue's. See `Split`.
   */
  evictionsMain: 64,
  evictionsLarge: 65,
  evictedNonzeroMain: 66,
  evictedNonzeroLarge: 67,
  evictedUnfetchedMain: 68,
  evictedUnfetchedLarge: 69,
  evictedActiveMain: 70,
  evictedActiveLarge: 71,
  expiredUnfetchedMain: 72,
  expiredUnfetchedLarge: 73,
  reclaimedMain: 74,
  reclaimedLarge: 75,
  crawlerReclaimedMain: 76,
  crawlerReclaimedLarge: 77,
  crawlerItemsCheckedMain: 78,
  crawlerItemsCheckedLarge: 79,
  outOfMemoryMain: 80,
  outOfMemoryLarge: 81,
  /** `evictedTime` of each queue. */
  evictedTimeSmall: 82,
  evictedTimeMain: 83,
  evictedTimeLarge: 84,
  /** Counted by the primary, beside `listenDisabled`. */
  listenDisabledMicroseconds: 85,
  /**
   * Beside `requestsSent`: those for other shards that were done here, while their owners slept.
   */
  requestsOnLoan: 86,
  /** Of `busyNanoseconds`: looking for requests in vain (connection/busy-poll.ts). */
  polledNanoseconds: 87,
} as const;
export type Counter = (typeof Counter)[keyof typeof Counter];

/** A counter kept by queue: all of it, and the parts of the main queue and of large items. */
export type Split = readonly [all: Counter, main: Counter, large: Counter];

/** What `stats items` shows of each queue. */
export const SPLITS = {
  evictions: [Counter.evictions, Counter.evictionsMain, Counter.evictionsLarge],
  evictedNonzero: [Counter.evictedNonzero, Counter.evictedNonzeroMain, Counter.evictedNonzeroLarge],
  evictedUnfetched: [
    Counter.evictedUnfetched,
    Counter.evictedUnfetchedMain,
    Counter.evictedUnfetchedLarge,
  ],
  evictedActive: [Counter.evictedActive, Counter.evictedActiveMain, Counter.evictedActiveLarge],
  expiredUnfetched: [
    Counter.expiredUnfetched,
    Counter.expiredUnfetchedMain,
    Counter.expiredUnfetchedLarge,
  ],
  reclaimed: [Counter.reclaimed, Counter.reclaimedMain, Counter.reclaimedLarge],
  crawlerReclaimed: [
    Counter.crawlerReclaimed,
    Counter.crawlerReclaimedMain,
    Counter.crawlerReclaimedLarge,
  ],
  crawlerItemsChecked: [
    Counter.crawlerItemsChecked,
    Counter.crawlerItemsCheckedMain,
    Counter.crawlerItemsCheckedLarge,
  ],
  outOfMemory: [Counter.outOfMemory, Counter.outOfMemoryMain, Counter.outOfMemoryLarge],
} as const satisfies Record<string, Split>;

/** `evictedTime` by class: small, main, large. */
export const EVICTED_TIMES = [
  Counter.evictedTimeSmall,
  Counter.evictedTimeMain,
  Counter.evictedTimeLarge,
] as const;

/** Room to grow without moving anything. */
const COUNTERS_MAX = 128;

/** Bytes of one thread's counters and their bases. */
export const COUNTERS_BYTES = roundUp(2 * COUNTERS_MAX * 8, CACHE_LINE_BYTES);

/** One thread's counters. Only that thread adds; anybody reads. */
export class Counters {
  readonly #doubles: Float64Array;
  readonly #first: number;

  constructor(arena: Arena, base: number) {
    this.#doubles = arena.doubles;
    this.#first = doubleIndex(base);
  }

  value(counter: Counter): number {
    return this.#doubles[this.#first + counter] as number;
  }

  add(counter: Counter, amount: number): void {
    const at = this.#first + counter;
    this.#doubles[at] = (this.#doubles[at] as number) + amount;
  }

  /** Adds to a counter of a queue: 1 small, 2 main, 3 large, as stats number them. */
  addToQueue(split: Split, queueClass: number, amount: number): void {
    this.add(split[0], amount);
    if (queueClass === 2) this.add(split[1], amount);
    else if (queueClass === 3) this.add(split[2], amount);
  }

  set(counter: Counter, value: number): void {
    this.#doubles[this.#first + counter] = value;
  }

  /** What was added since the last `rebase`: what `stats` shows. */
  since(counter: Counter): number {
    const at = this.#first + counter;
    return (this.#doubles[at] as number) - (this.#doubles[at + COUNTERS_MAX] as number);
  }

  /** `stats reset`: `since` counts from here. Any thread; two at once are both right. */
  rebase(): void {
    const first = this.#first;
    this.#doubles.copyWithin(first + COUNTERS_MAX, first, first + COUNTERS_MAX);
  }

  /** Clears every counter and base: for tests, and for memory that is used again. */
  clear(): void {
    this.#doubles.fill(0, this.#first, this.#first + 2 * COUNTERS_MAX);
  }
}
