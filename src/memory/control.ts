/**
 * Control block: what holds for the whole node, and what threads ask of each other. Every thread
 * reads it; who writes a word stands beside it.
 *
 *   word  0  server seconds now            the primary, once a second; who runs `debugtime`, Atomics.add
 *   word  1  state: 0 starting, 1 serving, 2 draining, 3 stopped     the primary
 *   word  2  verbosity 0…3                 whoever runs `verbosity` (one word, last writer wins), and its bits in word 12
 *   word  3  requests a client made of the primary: bits of ControlAsk    any worker, Atomics.or; the primary takes them
 *   word  4  stats reset generation        any thread, Atomics.add
 *   word  5  item memory, MiB, as cache_memlimit last set it         any worker, Atomics.store
 *   word  6  connections open              transports, Atomics.add: the one count -c is checked against
 *   word  7  1 while `stats detail` counts per prefix                any worker, Atomics.store
 *   word  8  reload generation: moved by SIGHUP, files are read again     the primary
 *   word  9  events logged for watchers, so far                   any thread, Atomics.add
 *   word 10  1 while `lru_crawler disable` holds                  any worker, Atomics.store
 *   word 11  watchers                                             any worker, Atomics.add
 *   word 12  streams watched, one bit each (connection/event-log.ts), and `VerboseStream`       any worker
 *   word 13  seconds `debugtime` has moved the clock by          any worker, Atomics.add
 *   word 14  1 while `debugtime p` holds the clock                any worker, Atomics.store
 *   word 15  a planted fault: the worker that is to die at its next write, plus 1         any worker, Atomics.store
 *   word 16… one cache line per thread: word 0 is its sleep word (ring/wake.ts)     the thread, and who wakes it;
 *            word 1 is 1 while its shard has no thread (worker/stand-in.ts)      the primary
 *
 * Memory order: `now` is a plain load once a loop turn; everything that hands something over is
 * Atomics.
 */
import { CACHE_LINE_BYTES, type ServerSeconds } from "../base/unit.ts";
import type { Arena } from "./arena.ts";

const NOW_WORD = 0;
const STATE_WORD = 1;
const VERBOSITY_WORD = 2;
const ASK_WORD = 3;
const RESET_WORD = 4;
const MEMLIMIT_WORD = 5;
const OPEN_WORD = 6;
const DETAIL_WORD = 7;
const RELOAD_WORD = 8;
const EVENT_WORD = 9;
const CRAWLER_WORD = 10;
const WATCHERS_WORD = 11;
const WATCHED_WORD = 12;
const SHIFT_WORD = 13;
const PAUSED_WORD = 14;
const FAULT_WORD = 15;
const THREADS_WORD = 16;
const ABSENT_OFFSET_WORDS = 1;
const WORDS_PER_LINE = CACHE_LINE_BYTES / 4;

export const ServerState = { starting: 0, serving: 1, draining: 2, stopped: 3 } as const;
export type ServerState = (typeof ServerState)[keyof typeof ServerState];

/**
 * What -vv and -vvv show, as streams: whoever asks whether anybody watches asks for these too. Bits
 * that `watch` has no word for.
 */
export const VerboseStream = { requests: 1 << 16, states: 1 << 17 } as const;
const VERBOSE_STREAMS = VerboseStream.requests | VerboseStream.states;
/** The verbosity from which on each is shown. */
const SHOWS_REQUESTS = 2;
const SHOWS_STATES = 3;

/** What a client's command asks of the primary. */
export const ControlAsk = { shutdown: 1, shutdownGraceful: 2, memlimit: 4 } as const;

/** Bytes of the control block for `threadCount` workers and the primary. */
export function controlBytes(threadCount: number): number {
  return CACHE_LINE_BYTES * (1 + threadCount + 1);
}

export class Control {
  readonly #ints: Int32Array;
  readonly #word: number;

  constructor(arena: Arena, base: number) {
    this.#ints = arena.ints;
    this.#word = base >>> 2;
  }

  now(): ServerSeconds {
    return this.#ints[this.#word + NOW_WORD] as ServerSeconds;
  }

  setNow(now: ServerSeconds): void {
    Atomics.store(this.#ints, this.#word + NOW_WORD, now);
  }

  state(): ServerState {
    return Atomics.load(this.#ints, this.#word + STATE_WORD) as ServerState;
  }

  setState(state: ServerState): void {
    Atomics.store(this.#ints, this.#word + STATE_WORD, state);
  }

  verbosity(): number {
    return this.#ints[this.#word + VERBOSITY_WORD] as number;
  }

  setVerbosity(level: number): void {
    Atomics.store(this.#ints, this.#word + VERBOSITY_WORD, level);
    const requests = level >= SHOWS_REQUESTS ? VerboseStream.requests : 0;
    const states = level >= SHOWS_STATES ? VerboseStream.states : 0;
    Atomics.and(this.#ints, this.#word + WATCHED_WORD, ~VERBOSE_STREAMS);
    Atomics.or(this.#ints, this.#word + WATCHED_WORD, requests | states);
  }

  /** Leaves a bit of `ControlAsk` for the primary, which must then be woken. */
  ask(bit: number): void {
    Atomics.or(this.#ints, this.#word + ASK_WORD, bit);
  }

  /** Takes every bit asked for since the last call. The primary only. */
  takeAsked(): number {
    return Atomics.exchange(this.#ints, this.#word + ASK_WORD, 0);
  }

  resetGeneration(): number {
    return Atomics.load(this.#ints, this.#word + RESET_WORD);
  }

  nextResetGeneration(): void {
    Atomics.add(this.#ints, this.#word + RESET_WORD, 1);
  }

  /** Streams somebody watches: a plain load, for the request path. */
  watched(): number {
    return this.#ints[this.#word + WATCHED_WORD] as number;
  }

  watchers(): number {
    return Atomics.load(this.#ints, this.#word + WATCHERS_WORD);
  }

  addWatcher(streams: number): void {
    Atomics.add(this.#ints, this.#word + WATCHERS_WORD, 1);
    Atomics.or(this.#ints, this.#word + WATCHED_WORD, streams);
  }

  /**
   * When the last watcher has gone, nothing is watched but what verbosity shows; before that, a
   * stream may be logged in vain.
   */
  removeWatcher(): void {
    if (Atomics.sub(this.#ints, this.#word + WATCHERS_WORD, 1) !== 1) return;
    Atomics.and(this.#ints, this.#word + WATCHED_WORD, VERBOSE_STREAMS);
  }

  /** The number of the next event logged. */
  nextEvent(): number {
    return Atomics.add(this.#ints, this.#word + EVENT_WORD, 1) + 1;
  }

  crawlerEnabled(): boolean {
    return Atomics.load(this.#ints, this.#word + CRAWLER_WORD) === 0;
  }

  setCrawlerEnabled(enabled: boolean): void {
    Atomics.store(this.#ints, this.#word + CRAWLER_WORD, enabled ? 0 : 1);
  }

  /** Seconds the clock is ahead of the time that passed. */
  clockShift(): number {
    return Atomics.load(this.#ints, this.#word + SHIFT_WORD);
  }

  isClockPaused(): boolean {
    return Atomics.load(this.#ints, this.#word + PAUSED_WORD) !== 0;
  }

  setClockPaused(paused: boolean): void {
    Atomics.store(this.#ints, this.#word + PAUSED_WORD, paused ? 1 : 0);
  }

  /** Moves the clock, now and for good. For tests: -o debug. */
  shiftClock(seconds: number): void {
    Atomics.add(this.#ints, this.#word + SHIFT_WORD, seconds);
    Atomics.add(this.#ints, this.#word + NOW_WORD, seconds);
  }

  /** Has `worker` die at its next write. For tests: -o debug. */
  plantFault(worker: number): void {
    Atomics.store(this.#ints, this.#word + FAULT_WORD, worker + 1);
  }

  /** True once, when `worker` is to die now. */
  takeFault(worker: number): boolean {
    const planted = worker + 1;
    return Atomics.compareExchange(this.#ints, this.#word + FAULT_WORD, planted, 0) === planted;
  }

  reloadGeneration(): number {
    return Atomics.load(this.#ints, this.#word + RELOAD_WORD);
  }

  nextReloadGeneration(): void {
    Atomics.add(this.#ints, this.#word + RELOAD_WORD, 1);
  }

  memlimitMib(): number {
    return Atomics.load(this.#ints, this.#word + MEMLIMIT_WORD);
  }

  setMemlimitMib(mib: number): void {
    Atomics.store(this.#ints, this.#word + MEMLIMIT_WORD, mib);
  }

  /** A plain load: it is asked for each request. */
  detailEnabled(): boolean {
    return this.#ints[this.#word + DETAIL_WORD] !== 0;
  }

  setDetailEnabled(enabled: boolean): void {
    Atomics.store(this.#ints, this.#word + DETAIL_WORD, enabled ? 1 : 0);
  }

  openConnections(): number {
    return Atomics.load(this.#ints, this.#word + OPEN_WORD);
  }

  /**
   * Counts `delta` connections opened (or, negative, closed); returns how many were open before.
   */
  addOpenConnections(delta: number): number {
    return Atomics.add(this.#ints, this.#word + OPEN_WORD, delta);
  }

  /** Says whether a shard has no thread for the moment. The primary only. */
  setAbsent(shard: number, absent: boolean): void {
    Atomics.store(this.#ints, this.sleepWord(shard) + ABSENT_OFFSET_WORDS, absent ? 1 : 0);
  }

  /** True while the shard has no thread: what needs its owner is refused. */
  isAbsent(shard: number): boolean {
    return Atomics.load(this.#ints, this.sleepWord(shard) + ABSENT_OFFSET_WORDS) !== 0;
  }

  /** Index into `arena.ints` of a thread's sleep word; thread `threadCount` is the primary. */
  sleepWord(thread: number): number {
    return this.#word + THREADS_WORD + thread * WORDS_PER_LINE;
  }
}
