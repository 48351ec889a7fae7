/**
 * Minute window: sums of the last 60 frames, and the hit ratio of the hour before, for the health
 * sentence.
 */
import type { Rates, WorkerFrame } from "./frame.ts";
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
  readonly evictedAge: number;
  readonly ghostHits: number;
  readonly workers: readonly WorkerFrame[];
}

interface KeyRate {
  readonly text: string;
  readonly rate: number;
}

/** What the caller knows and the window does not. */
export type MinuteNow = Pick<
  Minute,
  "state" | "absentShards" | "memoryShare" | "memoryLimit" | "connections" | "connectionsMax"
>;

export class MinuteWindow {
  readonly #seconds: MinuteSecond[] = [];
  #hottest: KeyRate | null = null;
  #missed: KeyRate | null = null;
  #flushedAt = Number.NEGATIVE_INFINITY;
  #hitsBefore = 0;
  #readsBefore = 0;
  #secondsBefore = 0;

  add(second: MinuteSecond): void {
    this.#seconds.push(second);
    if (second.rates.flushes > 0) this.#flushedAt = second.time;
    if (this.#seconds.length <= SECONDS) return;
    const left = this.#seconds.shift() as MinuteSecond;
    this.#hitsBefore = this.#hitsBefore * BEFORE_FADE + left.rates.hits;
    this.#readsBefore = this.#readsBefore * BEFORE_FADE + left.rates.hits + left.rates.misses;
    if (left.rates.hits + left.rates.misses > 0) this.#secondsBefore++;
  }

  setKeys(hottest: KeyRate | null, missed: KeyRate | null): void {
    this.#hottest = hottest;
    this.#missed = missed;
  }

  summary(now: MinuteNow): Minute {
    const seconds = this.#seconds;
    const mean = (of: (second: MinuteSecond) => number): number =>
      seconds.length === 0 ? 0 : seconds.reduce((sum, each) => sum + of(each), 0) / seconds.length;
    const hits = mean((each) => each.rates.hits);
    const misses = mean((each) => each.rates.misses);
    const requests = mean(({ rates }) => requestsOf(rates));
    const last = seconds.at(-1);
    const known = this.#secondsBefore >= BEFORE_SECONDS_MIN;
    return {
      ...now,
      requests,
      reads: hits + misses,
      hitRatio: hits + misses === 0 ? 0 : hits / (hits + misses),
      hitRatioBefore: known ? this.#hitsBefore / this.#readsBefore : Number.NaN,
      evictions: mean((each) => each.rates.evictions),
      evictedAge: last?.evictedAge ?? 0,
      ghostHits: mean((each) => each.ghostHits),
      misses,
      rejected: mean((each) => each.rates.rejected),
      outOfMemory: mean((each) => each.rates.outOfMemory),
      tooLarge: mean((each) => each.rates.tooLarge),
      p99: median(seconds.filter((each) => each.p99 > 0).map((each) => each.p99)),
      busiest: busiestOf(seconds),
      hottestKey: share(this.#hottest, requests),
      missedKey: share(this.#missed, misses),
      flushedAgo: (last?.time ?? 0) - this.#flushedAt,
    };
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
