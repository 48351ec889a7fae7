/**
 * Node header: what the shards do not say of themselves and yet mean nothing without. A process that
 * found header and shards, and nothing else, could serve what is in them.
 *
 *  byte 0       4         8             12        16          20           24            28      32
 *       | magic | layout  | incarnation | shards  | hash seed | hash seed  | last second | first | epoch, Unix  |
 *       |       | version |             |         | low       | high       |             | second| seconds, f64 |
 *
 *   seeds        which shard, bucket and tag a key has (base/key-hash.ts): with others, no key is found
 *   shards       how many the hash is spread over, and the step between two CAS uniques of one shard
 *   epoch        what second 0 of exptimes and access times was; 0 until the first ClockTicker sets it
 *   last second  what the clock read last: it must never read less, or what has expired would revive
 *   first second what the clock read when the process that serves now began
 *   incarnation  how many processes have served from this memory, this one included
 *
 * Who writes: the primary. All but the last second before any other thread looks; that one once a
 * second, for its successor alone.
 */
import { assert } from "../base/assert.ts";
import {
  CACHE_LINE_BYTES,
  doubleIndex,
  SERVER_SECONDS_START,
  type ServerSeconds,
  wordIndex,
} from "../base/unit.ts";
import type { Arena } from "./arena.ts";

const MAGIC = 0x65_64_6f_6e; // "node"
/** Grows with every change of what lies where in this header. */
export const NODE_LAYOUT_VERSION = 2;

const MAGIC_WORD = 0;
const VERSION_WORD = 1;
const INCARNATION_WORD = 2;
const SHARDS_WORD = 3;
const SEED_LOW_WORD = 4;
const SEED_HIGH_WORD = 5;
const LAST_SECOND_WORD = 6;
const FIRST_SECOND_WORD = 7;
const EPOCH_DOUBLE = 4;

export const NODE_HEADER_BYTES = CACHE_LINE_BYTES;

/** What a node is born with. */
export interface NodeBirth {
  readonly shardCount: number;
  readonly hashSeedLow: number;
  readonly hashSeedHigh: number;
}

export class NodeHeader {
  readonly #words: Uint32Array;
  readonly #doubles: Float64Array;
  readonly #word: number;
  readonly #epoch: number;

  /** Writes a new node's header at `base`, into zeroed memory. Once, before anybody attaches. */
  static format(arena: Arena, base: number, birth: NodeBirth): void {
    const word = wordIndex(base);
    arena.words[word + INCARNATION_WORD] = 1;
    arena.words[word + SHARDS_WORD] = birth.shardCount;
    arena.words[word + SEED_LOW_WORD] = birth.hashSeedLow;
    arena.words[word + SEED_HIGH_WORD] = birth.hashSeedHigh;
    arena.words[word + LAST_SECOND_WORD] = SERVER_SECONDS_START;
    arena.words[word + FIRST_SECOND_WORD] = SERVER_SECONDS_START;
    arena.words[word + VERSION_WORD] = NODE_LAYOUT_VERSION;
    arena.words[word + MAGIC_WORD] = MAGIC;
  }

  /** Attaches to the header at `base`; stops when there is none, or one of another layout. */
  constructor(arena: Arena, base: number) {
    this.#words = arena.words;
    this.#doubles = arena.doubles;
    this.#word = wordIndex(base);
    this.#epoch = doubleIndex(base) + EPOCH_DOUBLE;
    assert(this.#words[this.#word + MAGIC_WORD] === MAGIC, "a node begins with its magic");
    assert(this.#words[this.#word + VERSION_WORD] === NODE_LAYOUT_VERSION, "a node has our layout");
  }

  /** True when a header of a node like this one begins there. */
  static isAt(arena: Arena, base: number, birth: NodeBirth): boolean {
    const word = wordIndex(base);
    return (
      arena.words[word + MAGIC_WORD] === MAGIC &&
      arena.words[word + VERSION_WORD] === NODE_LAYOUT_VERSION &&
      arena.words[word + SHARDS_WORD] === birth.shardCount &&
      arena.words[word + SEED_LOW_WORD] === birth.hashSeedLow &&
      arena.words[word + SEED_HIGH_WORD] === birth.hashSeedHigh
    );
  }

  incarnation(): number {
    return this.#words[this.#word + INCARNATION_WORD] as number;
  }

  /** One more process serves from this memory. */
  beginNext(): void {
    this.#words[this.#word + INCARNATION_WORD] = this.incarnation() + 1;
  }

  shardCount(): number {
    return this.#words[this.#word + SHARDS_WORD] as number;
  }

  hashSeedLow(): number {
    return this.#words[this.#word + SEED_LOW_WORD] as number;
  }

  hashSeedHigh(): number {
    return this.#words[this.#word + SEED_HIGH_WORD] as number;
  }

  /** The Unix time at which the server's clock would have read 0; 0 before it was set. */
  epochUnix(): number {
    return this.#doubles[this.#epoch] as number;
  }

  setEpochUnix(seconds: number): void {
    this.#doubles[this.#epoch] = seconds;
  }

  /** The greatest second the server's clock has read. */
  lastSecond(): ServerSeconds {
    return this.#words[this.#word + LAST_SECOND_WORD] as ServerSeconds;
  }

  setLastSecond(second: ServerSeconds): void {
    this.#words[this.#word + LAST_SECOND_WORD] = second;
  }

  /** The second in which this process began to serve. */
  firstSecond(): ServerSeconds {
    return this.#words[this.#word + FIRST_SECOND_WORD] as ServerSeconds;
  }

  setFirstSecond(second: ServerSeconds): void {
    this.#words[this.#word + FIRST_SECOND_WORD] = second;
  }
}
