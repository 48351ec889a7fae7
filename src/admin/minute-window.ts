/**
 * Minute window: means of the last 60 frames, and the hit ratio of the hour before, for the health
 * sentence and for whatever the page says of the last minute.
 *
 * A flush begins a new window: what was evicted or missed before it says nothing of the node as it
 * is now, and the hit ratio of before is what it is held against.
 */
import type { MissFrame, Rates, WorkerFrame } from "./frame.ts";
import type { Minute } from "./health.ts";

const SECONDS = 60;
/** The hour before fades with this half-life. */
const BEFORE_HALF_LIFE_SECONDS = 1200;
const BEFORE_FADE = 2 ** (-1 / BEFORE_HALF_LIFE_SECONDS);
/** Seconds of reads before the hit ratio of "before" means anything. */
const BEFORE_SECONDS_MIN = 300;

export interface MinuteSecond {
  readonly time: number;
  readonly rates: Rates;
  readonly p99: number;
  /** Seconds since its last use of what was evicted in this second, in the mean. */
  readonly evictedAge: number;
  /** Stores of keys that were evicted a moment ago, a second. */
  readonly ghostHits: number;
  /** Misses, a second, that met an expired item, and a flushed one. */
  readonly expiredMisses: number;
  readonly flushedMisses: number;
  readonly workers: readonly WorkerFrame[];
}

/** A key and how often a second it was asked for, or missed. */
export interface KeyRate {
  readonly text: string;
  readonly rate: number;
}

/** What the caller knows and the window does not. */
export type MinuteNow = Pick<
  Minute,
  | "state"
  | "absentShards"
  | "memoryShare"
  | "memoryLimit"
  | "residentBytes"
  | "cgroupLimit"
  | "connections"
  | "connectionsMax"
>;

export class MinuteWindow {
  #seconds: MinuteSecond[] = [];
  #hottest: KeyRate | null = null;
  #missed: KeyRate | null = null;
  #neverStored: readonly KeyRate[] = [];
  #flushedAt = Number.NEGATIVE_INFINITY;
  #hitsBefore = 0;
  #readsBefore = 0;
  #secondsBefore = 0;

  add(second: MinuteSecond): void {
    if (second.rates.flushes > 0) {
      this.#flushedAt = second.time;
      for (const before of this.#seconds) this.#leave(before);
      this.#seconds = [];
    }
    this.#seconds.push(second);
    if (this.#seconds.length > SECONDS) this.#leave(this.#seconds.shift() as MinuteSecond);
  }

  setKeys(
    hottest: KeyRate | null,
    missed: KeyRate | null,
    neverStored: readonly KeyRate[] = [],
  ): void {
    this.#hottest = hottest;
    this.#missed = missed;
    this.#neverStored = neverStored;
  }

  /** Why reads missed. */
  misses(): MissFrame {
    let left = this.#mean(({ rates }) => rates.misses);
    const part = (rate: number): number => {
      const taken = Math.min(left, rate);
      left -= taken;
      return taken;
    };
    const flushed = part(this.#mean((each) => each.flushedMisses));
    const expired = part(this.#mean((each) => each.expiredMisses));
    const neverStored = part(this.#neverStored.reduce((sum, { rate }) => sum + rate, 0));
    const evicted = part(this.#mean((each) => each.ghostHits));
    return { expired, flushed, evicted, neverStored, other: left };
  }

  /** Seconds since the last use of what was evicted, in the mean of all evictions; 0 without any. */
  evictedAge(): number {
    const evictions = this.#mean(({ rates }) => rates.evictions);
    if (evictions === 0) return 0;
    return this.#mean(({ rates, evictedAge }) => rates.evictions * evictedAge) / evictions;
  }

  summary(now: MinuteNow): Minute {
    const seconds = this.#seconds;
    const hits = this.#mean((each) => each.rates.hits);
    const misses = this.#mean((each) => each.rates.misses);
    const requests = this.#mean(({ rates }) => requestsOf(rates));
    const last = seconds.at(-1);
    const known = this.#secondsBefore >= BEFORE_SECONDS_MIN;
    return {
      ...now,
      seconds: seconds.length,
      requests,
      reads: hits + misses,
      hitRatio: hits + misses === 0 ? 0 : hits / (hits + misses),
      hitRatioBefore: known ? this.#hitsBefore / this.#readsBefore : Number.NaN,
      sets: this.#mean((each) => each.rates.sets),
      evictions: this.#mean((each) => each.rates.evictions),
      evictedAge: this.evictedAge(),
      misses: this.misses(),
      rejected: this.#mean((each) => each.rates.rejected),
      outOfMemory: this.#mean((each) => each.rates.outOfMemory),
      tooLarge: this.#mean((each) => each.rates.tooLarge),
      p99: median(seconds.filter((each) => each.p99 > 0).map((each) => each.p99)),
      busiest: busiestOf(seconds),
      hottestKey: share(this.#hottest, requests),
      missedKey: share(this.#missed, misses),
      neverStored: this.#neverStored.map(({ text }) => text),
      flushedAgo: (last?.time ?? 0) - this.#flushedAt,
    };
  }

  /** A second that is not of the last minute any more. */
  #leave({ rates }: MinuteSecond): void {
    const reads = rates.hits + rates.misses;
    this.#hitsBefore = this.#hitsBefore * BEFORE_FADE + rates.hits;
    this.#readsBefore = this.#readsBefore * BEFORE_FADE + reads;
    if (reads > 0) this.#secondsBefore++;
  }

  #mean(of: (second: MinuteSecond) => number): number {
    const seconds = this.#seconds;
    if (seconds.length === 0) return 0;
    return seconds.reduce((sum, each) => sum + of(each), 0) / seconds.length;
  }
}

/** All requests a second. */
export function requestsOf(rates: Rates): number {
  const { hits, misses, sets, deletes, arithmetic, touches } = rates;
  return hits + misses + sets + deletes + arithmetic + touches;
}

function share(key: KeyRate | null, all: number): { text: string; share: number } | null {
  return key === null || all === 0 ? null : { text: key.text, share: Math.min(1, key.rate / all) };
}

function median(values: number[]): number {
  values.sort((a, b) => a - b);
  return values[Math.floor(values.length / 2)] ?? 0;
}

function busiestOf(seconds: readonly MinuteSecond[]): Minute["busiest"] {
  const busy = new Map<number, number>();
  for (const second of seconds) {
    for (const worker of second.workers) {
      busy.set(worker.id, (busy.get(worker.id) ?? 0) + worker.busy / seconds.length);
    }
  }
  const sorted = [...busy].sort((a, b) => b[1] - a[1]);
  const [first, ...rest] = sorted;
  if (first === undefined) return { id: 0, busy: 0, others: 0 };
  const others = rest.reduce((sum, [, share]) => sum + share, 0) / Math.max(1, rest.length);
  return { id: first[0], busy: first[1], others: rest.length === 0 ? first[1] : others };
}
