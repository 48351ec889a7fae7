/**
 * Sketch: the heaviest keys of a stream in fixed memory, in shared memory, one writer, read live by
 * anybody.
 *
 * Space-Saving (Metwally et al., 2005) with random admission (Ben Basat et al., 2017), in sets. A
 * key may live in the 8 ways of the set its hash names. One that is not there takes the lightest
 * way with probability weight / (rank + weight), and then inherits its rank: on average that is
 * right, and the many keys of a long tail, each seen once, do not push the hot ones out (always
 * admitting, 256 entries lose every key below 0.4 % of the stream; so, far lighter ones stay). Sets
 * instead of one heap: an update reads one line of hashes and one of ranks, where a global minimum
 * would have to be found.
 *
 *   from byte 0, 1024 and 3072:
 *
 *   hashes   u32     [set][8]     low word of the key's hash; 0 is an empty way
 *   ranks    f64     [set][8]     decayed weight: what the sketch sorts by
 *   entries  320 B   [set][8]     0 version | 4 key bytes | 8 last value bytes | 12 last second |
 *                                 16 error | 24 requests | 32 bytes | 40 misses | 48 writes | 56 – | 64 key, to 250 bytes
 *
 * Weights fade: `decay()` once a second multiplies all of them, so that a steady rate r settles at
 * r / (1 - factor), and the reader gets rates back by the inverse. What was hot an hour ago is not
 * hot. In a sketch of sizes (`keepLargest`, `decaySizes`) the rank is the size seen last, which
 * does not fade: it is forgotten when its key has not been seen for long.
 *
 * A way changes its key inside its entry's version (odd while changing), for readers; the numbers
 * move without it.
 */
import { copyBytes, equalBytes } from "../base/bytes.ts";
import { CACHE_LINE_BYTES, roundUp } from "../base/unit.ts";
import { KEY_BYTES_MAX } from "../command/limits.ts";
import type { Arena } from "./arena.ts";

const WAYS = 8;
const SETS = 32;
/** Keys one sketch can hold. */
export const SKETCH_ENTRIES = WAYS * SETS;

/** Half of a weight is forgotten after this many seconds. */
export const SKETCH_HALF_LIFE_SECONDS = 30;
const FADE = 2 ** (-1 / SKETCH_HALF_LIFE_SECONDS);
/** Turns a faded weight into a rate per second. */
export const SKETCH_RATE = 1 - FADE;

/**
 * The same for a sketch that has faded only `ticks` times: its weights have not yet grown to what a
 * steady rate would make of them.
 */
export function sketchRate(ticks: number): number {
  return SKETCH_RATE / (1 - FADE ** Math.max(1, ticks));
}
/** Weights below this are forgotten. */
const WEIGHT_MIN = 0.01;

/** Length of a value nobody has seen whole: the key was only incremented, touched or deleted. */
export const VALUE_UNKNOWN = 0xffff_ffff;

const KEY_OFFSET = 64;
const ENTRY_BYTES = KEY_OFFSET + roundUp(KEY_BYTES_MAX, CACHE_LINE_BYTES);
const HASHES_OFFSET = 0;
const RANKS_OFFSET = SKETCH_ENTRIES * 4;
const ENTRIES_OFFSET = RANKS_OFFSET + SKETCH_ENTRIES * 8;

/** Bytes of one sketch. */
export const SKETCH_BYTES = ENTRIES_OFFSET + SKETCH_ENTRIES * ENTRY_BYTES;

const VERSION = 0;
const KEY_BYTES = 1;
const VALUE_BYTES = 2;
const SECOND = 3;
const ERROR = 2;
const REQUESTS = 3;
const BYTES = 4;
const MISSES = 5;
const WRITES = 6;

const NONE = -1;

/** The first way of the set that a key's hash names. */
function firstWay(hashHigh: number): number {
  return ((hashHigh >>> 8) % SETS) * WAYS;
}

/** What a sampled request adds to its key's entry. Filled again for each sample. */
export class Sample {
  /** How many requests this one stands for. */
  weight = 1;
  /** Bytes of value it moved. */
  bytes = 0;
  /** The length of the key's value after it, or VALUE_UNKNOWN. */
  valueBytes = VALUE_UNKNOWN;
  misses = 0;
  writes = 0;
  /** The server second. */
  second = 0;
}

/** What a reader copies out of an entry. */
export interface SketchEntry {
  key: Buffer;
  /** Faded weights; multiply by `SKETCH_RATE` for a rate per second. */
  rank: number;
  error: number;
  requests: number;
  bytes: number;
  misses: number;
  writes: number;
  /** Length of the value as seen last, or VALUE_UNKNOWN. */
  valueBytes: number;
  /** When the key was seen last. */
  second: number;
}

export class Sketch {
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #ints: Int32Array;
  readonly #doubles: Float64Array;
  readonly #base: number;
  /** State of the admission's generator; any number but 0 will do. */
  #random = 0x2545f491;

  constructor(arena: Arena, base: number) {
    this.#bytes = arena.bytes;
    this.#words = arena.words;
    this.#ints = arena.ints;
    this.#doubles = arena.doubles;
    this.#base = base;
  }

  /**
   * Adds `rank` to the key keys[start, end), whose hash is (`hashLow`, `hashHigh`). The writer
   * only.
   */
  add(
    keys: Uint8Array,
    start: number,
    end: number,
    hashLow: number,
    hashHigh: number,
    rank: number,
    sample: Sample,
  ): void {
    const hash = hashLow >>> 0 || 1;
    const first = firstWay(hashHigh);
    const held = this.#wayOf(first, hash, keys, start, end);
    if (held !== NONE) {
      this.#count(held, rank, sample);
      return;
    }
    const way = this.#lightest(first);
    if (!this.#admits(this.#doubles[(this.#base + RANKS_OFFSET) / 8 + way] as number, rank)) return;
    this.#replace(way, hash, keys, start, end);
    this.#count(way, rank, sample);
  }

  /**
   * Like `add`, for a rank that is a size: the entry has the one seen last. `size` 0: too small to
   * be kept, and an entry of that key goes.
   */
  keepLargest(
    keys: Uint8Array,
    start: number,
    end: number,
    hashLow: number,
    hashHigh: number,
    size: number,
    sample: Sample,
  ): void {
    const hash = hashLow >>> 0 || 1;
    const first = firstWay(hashHigh);
    const ranks = (this.#base + RANKS_OFFSET) / 8;
    const held = this.#wayOf(first, hash, keys, start, end);
    if (held !== NONE) {
      if (size === 0) {
        this.#forget(held);
        return;
      }
      this.#doubles[ranks + held] = size;
      this.#count(held, 0, sample);
      return;
    }
    const way = this.#lightest(first);
    if (size <= (this.#doubles[ranks + way] as number)) return;
    this.#replace(way, hash, keys, start, end);
    this.#doubles[this.#entry(way) / 8 + ERROR] = 0; // a size is no estimate
    this.#doubles[ranks + way] = size;
    this.#count(way, 0, sample);
  }

  /**
   * Counts a request for a key if the sketch has it; its rank stays. The sketch of misses learns so
   * whether its keys are ever found or stored. The writer only.
   */
  note(
    keys: Uint8Array,
    start: number,
    end: number,
    hashLow: number,
    hashHigh: number,
    sample: Sample,
  ): void {
    const way = this.#wayOf(firstWay(hashHigh), hashLow >>> 0 || 1, keys, start, end);
    if (way !== NONE) this.#count(way, 0, sample);
  }

  /** Fades every weight: once a second. The writer only. */
  decay(): void {
    const ranks = (this.#base + RANKS_OFFSET) / 8;
    const hashes = (this.#base + HASHES_OFFSET) >>> 2;
    for (let way = 0; way < SKETCH_ENTRIES; way++) {
      const rank = (this.#doubles[ranks + way] as number) * FADE;
      if (rank < WEIGHT_MIN) {
        if (this.#words[hashes + way] !== 0) this.#forget(way);
        continue;
      }
      this.#doubles[ranks + way] = rank;
      this.#fade(way, ERROR);
    }
  }

  /**
   * `decay` for a sketch of sizes: what is counted beside the size fades, and keys that were not
   * seen since `second` are forgotten. The writer only.
   */
  decaySizes(second: number): void {
    const hashes = (this.#base + HASHES_OFFSET) >>> 2;
    for (let way = 0; way < SKETCH_ENTRIES; way++) {
      if (this.#words[hashes + way] === 0) continue;
      if ((this.#words[(this.#entry(way) >>> 2) + SECOND] as number) < second) this.#forget(way);
      else this.#fade(way, REQUESTS);
    }
  }

  /** Fades an entry's numbers from field `first` on. */
  #fade(way: number, first: number): void {
    const at = this.#entry(way) / 8;
    for (let field = first; field <= WRITES; field++) {
      this.#doubles[at + field] = (this.#doubles[at + field] as number) * FADE;
    }
  }

  /** Forgets every key. The writer only. */
  clear(): void {
    for (let way = 0; way < SKETCH_ENTRIES; way++) this.#forget(way);
  }

  /**
   * Copies the `countMax` heaviest entries out, the heaviest first. An entry that changes its key
   * just now is left out. Any thread.
   */
  read(countMax = SKETCH_ENTRIES): SketchEntry[] {
    const first = (this.#base + RANKS_OFFSET) / 8;
    const ranks = this.#doubles.slice(first, first + SKETCH_ENTRIES);
    const ways: number[] = [];
    for (let way = 0; way < SKETCH_ENTRIES; way++) if ((ranks[way] as number) > 0) ways.push(way);
    ways.sort((a, b) => (ranks[b] as number) - (ranks[a] as number));
    const entries: SketchEntry[] = [];
    for (const way of ways.slice(0, countMax)) {
      const entry = this.#readEntry(way);
      if (entry !== null) entries.push(entry);
    }
    return entries;
  }

  #readEntry(way: number): SketchEntry | null {
    const entry = this.#entry(way);
    const word = entry >>> 2;
    const version = Atomics.load(this.#ints, word + VERSION);
    if ((version & 1) === 1) return null;
    const hash = this.#words[((this.#base + HASHES_OFFSET) >>> 2) + way] as number;
    const rank = this.#doubles[(this.#base + RANKS_OFFSET) / 8 + way] as number;
    if (hash === 0) return null;
    const keyBytes = Math.min(this.#words[word + KEY_BYTES] as number, KEY_BYTES_MAX);
    const at = entry / 8;
    const copy = {
      key: Buffer.from(this.#bytes.slice(entry + KEY_OFFSET, entry + KEY_OFFSET + keyBytes)),
      rank,
      error: this.#doubles[at + ERROR] as number,
      requests: this.#doubles[at + REQUESTS] as number,
      bytes: this.#doubles[at + BYTES] as number,
      misses: this.#doubles[at + MISSES] as number,
      writes: this.#doubles[at + WRITES] as number,
      valueBytes: this.#words[word + VALUE_BYTES] as number,
      second: this.#words[word + SECOND] as number,
    };
    return Atomics.load(this.#ints, word + VERSION) === version ? copy : null;
  }

  #entry(way: number): number {
    return this.#base + ENTRIES_OFFSET + way * ENTRY_BYTES;
  }

  #holds(way: number, keys: Uint8Array, start: number, end: number): boolean {
    const entry = this.#entry(way);
    const length = end - start;
    if (this.#words[(entry >>> 2) + KEY_BYTES] !== length) return false;
    return equalBytes(this.#bytes, entry + KEY_OFFSET, keys, start, length);
  }

  /** The way that has this key, in the set that begins at `first`; NONE when none has. */
  #wayOf(first: number, hash: number, keys: Uint8Array, start: number, end: number): number {
    const hashes = (this.#base + HASHES_OFFSET) >>> 2;
    for (let way = first; way < first + WAYS; way++) {
      if (this.#words[hashes + way] === hash && this.#holds(way, keys, start, end)) return way;
    }
    return NONE;
  }

  #lightest(first: number): number {
    const ranks = (this.#base + RANKS_OFFSET) / 8;
    let lightest = first;
    let rank = this.#doubles[ranks + first] as number;
    for (let way = first + 1; way < first + WAYS; way++) {
      const other = this.#doubles[ranks + way] as number;
      if (other < rank) {
        rank = other;
        lightest = way;
      }
    }
    return lightest;
  }

  /** Whether a newcomer of this weight displaces a key of that rank (xorshift32). */
  #admits(rank: number, weight: number): boolean {
    let random = this.#random;
    random ^= random << 13;
    random ^= random >>> 17;
    random ^= random << 5;
    this.#random = random;
    return (random >>> 0) * (rank + weight) < weight * 4_294_967_296;
  }

  /** Gives the way to another key; the rank it had stays, as the newcomer's possible error. */
  #replace(way: number, hash: number, keys: Uint8Array, start: number, end: number): void {
    const entry = this.#entry(way);
    const word = entry >>> 2;
    const at = entry / 8;
    const version = this.#ints[word + VERSION] as number;
    Atomics.store(this.#ints, word + VERSION, version | 1);
    Atomics.load(this.#ints, word + VERSION); // no plain store below moves above the odd version
    const length = Math.min(end - start, KEY_BYTES_MAX);
    copyBytes(this.#bytes, entry + KEY_OFFSET, keys, start, length);
    this.#words[word + KEY_BYTES] = length;
    this.#words[word + VALUE_BYTES] = VALUE_UNKNOWN;
    this.#words[((this.#base + HASHES_OFFSET) >>> 2) + way] = hash;
    this.#doubles[at + ERROR] = this.#doubles[(this.#base + RANKS_OFFSET) / 8 + way] as number;
    for (let field = REQUESTS; field <= WRITES; field++) this.#doubles[at + field] = 0;
    Atomics.store(this.#ints, word + VERSION, ((version | 1) + 1) | 0);
  }

  #count(way: number, rank: number, sample: Sample): void {
    const ranks = (this.#base + RANKS_OFFSET) / 8;
    const entry = this.#entry(way);
    const at = entry / 8;
    const weight = sample.weight;
    const doubles = this.#doubles;
    doubles[ranks + way] = (doubles[ranks + way] as number) + rank;
    doubles[at + REQUESTS] = (doubles[at + REQUESTS] as number) + weight;
    doubles[at + BYTES] = (doubles[at + BYTES] as number) + sample.bytes * weight;
    doubles[at + MISSES] = (doubles[at + MISSES] as number) + sample.misses * weight;
    doubles[at + WRITES] = (doubles[at + WRITES] as number) + sample.writes * weight;
    if (sample.valueBytes !== VALUE_UNKNOWN) {
      this.#words[(entry >>> 2) + VALUE_BYTES] = sample.valueBytes;
    }
    this.#words[(entry >>> 2) + SECOND] = sample.second;
  }

  #forget(way: number): void {
    const entry = this.#entry(way);
    const word = entry >>> 2;
    const version = this.#ints[word + VERSION] as number;
    Atomics.store(this.#ints, word + VERSION, version | 1);
    Atomics.load(this.#ints, word + VERSION);
    this.#words[((this.#base + HASHES_OFFSET) >>> 2) + way] = 0;
    this.#doubles[(this.#base + RANKS_OFFSET) / 8 + way] = 0;
    this.#doubles.fill(0, entry / 8 + ERROR, entry / 8 + WRITES + 1);
    Atomics.store(this.#ints, word + VERSION, ((version | 1) + 1) | 0);
  }
}
