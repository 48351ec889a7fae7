/**
 * Observer: looks at a sample of a thread's requests, and writes what it sees to shared memory
 * (memory/observation.ts).
 *
 *   loop turn   turnBegan ── recv, parse, execute, encode, send … ── turnEnded        every T-th turn is timed
 *   request                       due()? ── sampled()                                  every S-th request of a timed turn
 *
 * A request's latency counts from the moment its loop turn began, when its bytes were in the kernel
 * at the latest, to the moment its reply was written; so waiting behind other sockets of the turn,
 * and for another shard, is in it.
 *
 * Cost: reading the clock takes 60 to 200 ns and a sample 300 ns, so neither is done for every
 * request. T and S follow the load, so that about `SAMPLES_PER_SECOND` are taken whatever the rate:
 * 0.1 % of a core. Gaps are drawn at random, or the sampling would march in step with clients that
 * repeat a pattern. Every sample is weighted by T × S, so counts stay true.
 *
 * How busy the thread is, the kernel says (libc/clocks.ts): between its turns a thread is
 * not only asleep, since io_uring receives and sends in the call that also waits. Where there is no
 * libc to ask, the timed turns stand for all.
 */
import { hrtime } from "node:process";
import type { Clock } from "../base/clock.ts";
import { Op, StoreMode } from "../command/op.ts";
import { Mark, type Request } from "../command/request.ts";
import type { Control } from "../memory/control.ts";
import { Counter, type Counters } from "../memory/counters.ts";
import { type Family, familyOf, type Observation, SketchKind } from "../memory/observation.ts";
import { PrefixCount } from "../memory/prefix-table.ts";
import { Sample, VALUE_UNKNOWN } from "../memory/sketch.ts";

/** Samples aimed at for each second. */
export const SAMPLES_PER_SECOND = 1000;
/** Timed turns aimed at: two readings of the clock each. */
const TIMED_TURNS_PER_SECOND = 2000;
/** One of this many timed turns also reads the thread's own clock: a system call of 0.4 µs. */
const TURNS_PER_THREAD_READING = 8;
/**
 * Between two ticks, this many samples or timed turns double their period at once: a sudden flood
 * does not wait for the tick.
 */
const SAMPLES_BURST_MAX = 2 * SAMPLES_PER_SECOND;
const TIMED_TURNS_BURST_MAX = 2 * TIMED_TURNS_PER_SECOND;
const REQUEST_PERIOD_START = 8;
const TURN_PERIOD_START = 8;
const PERIOD_MAX = 4096;
/** Values of at least this many bytes are candidates for the list of large ones. */
const LARGE_VALUE_BYTES = 4096;
/** A large value nobody has read or stored for so long is no longer told of. */
const LARGE_SEEN_SECONDS_MAX = 600;
/** What `sampled` is given for a request that brought no value to its client. */
export const NO_VALUE = -1;
const NO_TOKEN = -1;
const NANOSECONDS = 1e9;
/** A reply that is watched for is given up after this many ticks. */
const AWAIT_TICKS_MAX = 3;
const ASCII_0 = 0x30;
const ASCII_9 = 0x39;

export interface ObserverParts {
  readonly observation: Observation;
  readonly counters: Counters;
  readonly control: Control;
  readonly clock: Clock;
  /** -D: what ends a key's prefix. */
  readonly prefixDelimiter: string;
  /** Seeds the gaps. */
  readonly seed: number;
  /**
   * The time in nanoseconds, modulo 2^32, for a thread without libc `hrtime`'s; tests move it by
   * hand.
   */
  readonly nanoseconds?: () => number;
  /** The processor time this thread has used, modulo 2^32 too; null where nobody can say. */
  readonly threadNanoseconds?: (() => number) | null;
}

export class Observer {
  readonly #observation: Observation;
  readonly #counters: Counters;
  readonly #control: Control;
  readonly #clock: Clock;
  readonly #delimiter: number;
  readonly #nanoseconds: () => number;
  readonly #threadNanoseconds: (() => number) | null;
  readonly #sample = new Sample();
  #random: number;
  /** Whether this turn is timed, hence its requests may be sampled. */
  #timed = false;
  #turnStart = 0;
  #turnsLeft = 1;
  #turnPeriod = TURN_PERIOD_START;
  #turnsTimed = 0;
  /** Of the thread's processor time, what has been counted. */
  #threadCounted = 0;
  #requestsLeft = 1;
  #requestPeriod = REQUEST_PERIOD_START;
  #samples = 0;
  /** The one request in flight to another shard whose reply is timed. */
  #awaited = NO_TOKEN;
  #awaitedFamily: Family = 0;
  #awaitedStart = 0;
  #awaitedWeight = 0;
  #awaitedTicks = 0;

  constructor(parts: ObserverParts) {
    this.#observation = parts.observation;
    this.#counters = parts.counters;
    this.#control = parts.control;
    this.#clock = parts.clock;
    this.#delimiter = parts.prefixDelimiter.charCodeAt(0);
    this.#random = parts.seed | 0 || 0x2545f491;
    this.#nanoseconds = parts.nanoseconds ?? wrappedNanoseconds;
    this.#threadNanoseconds = parts.threadNanoseconds ?? null;
    this.#threadCounted = this.#threadNanoseconds?.() ?? 0;
    this.#observation.setPeriod(this.#requestPeriod * this.#turnPeriod);
  }

  /** The loop woke: to be called before the first socket is read. */
  turnBegan(): void {
    if (--this.#turnsLeft > 0) {
      this.#timed = false;
      return;
    }
    this.#turnsLeft = this.#gap(this.#turnPeriod);
    this.#timed = true;
    this.#turnStart = this.#nanoseconds();
  }

  /** The loop is about to sleep: counts the turn, and now and then how busy the thread was. */
  turnEnded(): void {
    this.#counters.add(Counter.loopTurns, 1);
    if (!this.#timed) return;
    this.#timed = false;
    if (this.#threadNanoseconds === null) {
      const busy = this.#since(this.#turnStart);
      this.#counters.add(Counter.busyNanoseconds, busy * this.#turnPeriod);
    } else if (this.#turnsTimed % TURNS_PER_THREAD_READING === 0) {
      this.#countThread(this.#threadNanoseconds());
    }
    if (++this.#turnsTimed >= TIMED_TURNS_BURST_MAX) {
      this.#turnsTimed = 0;
      this.#turnPeriod = Math.min(this.#turnPeriod * 2, PERIOD_MAX);
    }
  }

  /** The loop has looked for sockets in vain, and looks again: the turn begins now. */
  turnAgain(): void {
    if (this.#timed) this.#turnStart = this.#nanoseconds();
  }

  /** True when the request just served is to be looked at: call `sampled` or `sent` with it. */
  due(): boolean {
    if (!this.#timed || --this.#requestsLeft > 0) return false;
    this.#requestsLeft = this.#gap(this.#requestPeriod);
    return true;
  }

  /**
   * Looks at a request that has been answered. What it says of a read: `missed`, that there was no
   * such item; `readBytes`, the length of the value that was sent, or NO_VALUE. Of any other op
   * both count for nothing: what it wrote is in the request. The request's key and hash must still
   * be as the router left them.
   */
  sampled(request: Request, missed: boolean, readBytes: number): void {
    const elapsed = this.#since(this.#turnStart);
    const weight = this.#turnPeriod * this.#requestPeriod;
    const histogram = this.#observation.latency[familyOf(request.op)];
    histogram?.record(elapsed, weight);
    this.#look(request, missed, readBytes, weight);
  }

  /**
   * Looks at a request that went to another shard; its latency is recorded when `replied` meets its
   * token.
   */
  sent(request: Request, token: number): void {
    const weight = this.#turnPeriod * this.#requestPeriod;
    if (this.#awaited === NO_TOKEN) {
      this.#awaited = token;
      this.#awaitedFamily = familyOf(request.op);
      this.#awaitedStart = this.#turnStart;
      this.#awaitedWeight = weight;
      this.#awaitedTicks = 0;
    }
    this.#look(request, false, NO_VALUE, weight);
  }

  /**
   * Looks at a store whose value is still on its way: how long that takes is up to the client, so
   * no latency is recorded.
   */
  uploading(request: Request): void {
    this.#look(request, false, NO_VALUE, this.#turnPeriod * this.#requestPeriod);
  }

  /** To be called with the token of every reply that comes back: one comparison. */
  replied(token: number): void {
    if (token === this.#awaited) this.#arrived();
  }

  /** True while `stats detail` counts: then every request must be given to `detail`. */
  detailEnabled(): boolean {
    return this.#control.detailEnabled();
  }

  /**
   * Counts a request for its prefix; keys without the delimiter are not recorded, as in memcached.
   */
  detail(request: Request, hit: boolean): void {
    this.#obeyReset();
    const start = request.keyStart;
    const end = this.#delimiterAt(request.keyBytes, start, request.keyEnd);
    if (end < 0) return;
    const prefixes = this.#observation.prefixes;
    switch (request.op) {
      case Op.get:
      case Op.fetch:
        prefixes.tryCount(PrefixCount.get, request.keyBytes, start, end);
        if (hit) prefixes.tryCount(PrefixCount.hit, request.keyBytes, start, end);
        return;
      case Op.store:
        prefixes.tryCount(PrefixCount.set, request.keyBytes, start, end);
        return;
      case Op.delete:
        prefixes.tryCount(PrefixCount.delete, request.keyBytes, start, end);
        return;
      default:
    }
  }

  /** Once a second: fades the sketches, obeys `stats reset`, and fits the periods to the load. */
  tick(): void {
    this.#obeyReset();
    if (this.#observation.began() === 0) this.#observation.setBegan(this.#clock.now);
    if (this.#threadNanoseconds !== null) this.#countThread(this.#threadNanoseconds());
    const { sketches } = this.#observation;
    for (let kind = 0; kind < sketches.length; kind++) {
      if (kind !== SketchKind.largest) sketches[kind]?.decay();
    }
    sketches[SketchKind.largest]?.decaySizes(this.#clock.now - LARGE_SEEN_SECONDS_MAX);
    const turns = this.#turnsTimed * this.#turnPeriod;
    const requests = this.#samples * this.#turnPeriod * this.#requestPeriod;
    this.#turnPeriod = periodFor(turns, TIMED_TURNS_PER_SECOND);
    const period = periodFor(requests, SAMPLES_PER_SECOND);
    this.#requestPeriod = Math.max(1, Math.round(period / this.#turnPeriod));
    this.#turnsTimed = 0;
    this.#samples = 0;
    this.#turnsLeft = Math.min(this.#turnsLeft, this.#turnPeriod);
    this.#requestsLeft = Math.min(this.#requestsLeft, this.#requestPeriod);
    this.#observation.setPeriod(this.#turnPeriod * this.#requestPeriod);
    if (this.#awaited !== NO_TOKEN && ++this.#awaitedTicks > AWAIT_TICKS_MAX) {
      this.#awaited = NO_TOKEN;
    }
  }

  /** Forgets everything when `stats reset` was asked for since. */
  #obeyReset(): void {
    const generation = this.#control.resetGeneration() >>> 0;
    if (generation !== this.#observation.generation()) this.#observation.clear(generation);
  }

  /** Counts the processor time used since it was counted last. */
  #countThread(used: number): void {
    this.#counters.add(Counter.busyNanoseconds, (used - this.#threadCounted) >>> 0);
    this.#threadCounted = used;
  }

  /** Nanoseconds since a reading of the clock, modulo 2^32: longer ones are given up before. */
  #since(reading: number): number {
    return (this.#nanoseconds() - reading) >>> 0;
  }

  #arrived(): void {
    this.#awaited = NO_TOKEN;
    const elapsed = this.#since(this.#awaitedStart);
    this.#observation.latency[this.#awaitedFamily]?.record(elapsed, this.#awaitedWeight);
  }

  #look(request: Request, notFound: boolean, readBytes: number, weight: number): void {
    this.#observation.countSample();
    if (++this.#samples >= SAMPLES_BURST_MAX) {
      this.#samples = 0;
      this.#requestPeriod = Math.min(this.#requestPeriod * 2, PERIOD_MAX);
    }
    const start = request.keyStart;
    const end = request.keyEnd;
    if (end <= start) return;
    const isStore = request.op === Op.store;
    const isRead = request.op === Op.get || request.op === Op.fetch;
    const missed = isRead && notFound;
    const reads = isRead && !notFound && readBytes !== NO_VALUE;
    const bytes = isStore ? request.valueBytes : reads ? readBytes : 0;
    const sample = this.#sample;
    sample.weight = weight;
    sample.bytes = bytes;
    sample.valueBytes = reads || isPlainSet(request) ? bytes : VALUE_UNKNOWN;
    sample.misses = missed ? 1 : 0;
    sample.writes = isStore ? 1 : 0;
    sample.second = this.#clock.now;
    if (isStore) this.#lookAtStore(request, weight);
    const { sketches } = this.#observation;
    const keys = request.keyBytes;
    const low = request.hashLow;
    const high = request.hashHigh;
    sketches[SketchKind.requests]?.add(keys, start, end, low, high, weight, sample);
    if (bytes > 0) {
      sketches[SketchKind.bytes]?.add(keys, start, end, low, high, bytes * weight, sample);
    }
    if (missed) sketches[SketchKind.misses]?.add(keys, start, end, low, high, weight, sample);
    else sketches[SketchKind.misses]?.note(keys, start, end, low, high, sample);
    if (sample.valueBytes !== VALUE_UNKNOWN) {
      sketches[SketchKind.largest]?.keepLargest(
        keys,
        start,
        end,
        low,
        high,
        bytes >= LARGE_VALUE_BYTES ? bytes : 0,
        sample,
      );
    }
    const prefixEnd = this.#prefixEnd(keys, start, end);
    if (prefixEnd > start) {
      const hash = hashPrefix(keys, start, prefixEnd);
      const mixed = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
      sample.valueBytes = VALUE_UNKNOWN; // a prefix has no length
      sketches[SketchKind.prefixes]?.add(keys, start, prefixEnd, hash, mixed, weight, sample);
    }
  }

  #lookAtStore(request: Request, weight: number): void {
    this.#observation.valueBytes.record(request.valueBytes, weight);
    if (request.mode === StoreMode.append || request.mode === StoreMode.prepend) return;
    if ((request.marks & Mark.exptime) === 0 || request.exptime === 0) return;
    this.#observation.ttl.record(Math.max(0, request.exptime - this.#clock.now), weight);
  }

  /** A gap between 1 and 2 × period - 1, whose mean is the period (xorshift32). */
  #gap(period: number): number {
    if (period === 1) return 1;
    let random = this.#random;
    random ^= random << 13;
    random ^= random >>> 17;
    random ^= random << 5;
    this.#random = random;
    return 1 + ((random >>> 0) % (2 * period - 1));
  }

  /** Where the delimiter is; -1 when the key has none. */
  #delimiterAt(keys: Uint8Array, start: number, end: number): number {
    for (let at = start; at < end; at++) if (keys[at] === this.#delimiter) return at;
    return -1;
  }

  /**
   * A key's prefix ends behind its delimiter; without one, before its first digit; else it has
   * none: `start`.
   */
  #prefixEnd(keys: Uint8Array, start: number, end: number): number {
    const delimiter = this.#delimiterAt(keys, start, end);
    if (delimiter >= 0) return delimiter + 1;
    for (let at = start; at < end; at++) {
      const byte = keys[at] as number;
      if (byte >= ASCII_0 && byte <= ASCII_9) return at;
    }
    return start;
  }
}

/**
 * The clock of a thread without libc: an integer of 32 bits needs no box, and where V8 inlines
 * `hrtime` (Node 20 and 24), its pair is never made.
 */
function wrappedNanoseconds(): number {
  const pair = hrtime();
  return (Math.imul(pair[0], NANOSECONDS) + pair[1]) | 0;
}

/**
 * A store after which the key has exactly this value, whatever was there before: an `add`, a `cas`
 * or an `append` need not change it, or not to this.
 */
function isPlainSet(request: Request): boolean {
  if (request.op !== Op.store || request.mode !== StoreMode.set) return false;
  return (request.marks & Mark.compareCas) === 0;
}

/** Every how many of `perSecond` events one is looked at, for `wanted` looks a second. */
function periodFor(perSecond: number, wanted: number): number {
  return Math.min(PERIOD_MAX, Math.max(1, Math.round(perSecond / wanted)));
}

function hashPrefix(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) {
    hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  }
  return hash;
}
