/**
 * Buckets: the cache lines of the index, eight entries each.
 *
 *  byte 0         4          8                  40                     56                 64
 *       | version | overflow | 8 references     | 8 tags, 16 bits each | 8 credits, 1 B   |
 *       |         | link + 1 | u32              | 0 = no entry         |                  |
 *
 *  credit byte     bit 7 fetched · bit 6 active (read twice) · bits 0…3 quarter hits (eviction)
 *
 * An entry is named by a number: bucket * 8 + lane. Overflow buckets follow the primary ones
 * (`bucketsMax` on); a chain is guarded by the version of its primary bucket, the versions of
 * overflow buckets are not used.
 *
 * Who writes: the owner, inside the sequence lock; but any reader writes credit bytes, and nothing
 * but them. Two that do so at once lose a hit; one that comes late credits another item. Nobody's
 * correctness reads a credit.
 */
import { assert } from "../base/assert.ts";
import { CACHE_LINE_BYTES, halfIndex, type ItemRef, wordIndex } from "../base/unit.ts";
import type { Arena } from "./arena.ts";
import { SequenceLock } from "./sequence-lock.ts";
import { BUCKET_ENTRIES, type ShardPlan } from "./shard-plan.ts";

const BUCKET_WORDS_SHIFT = 4;
const BUCKET_HALVES_SHIFT = 5;
const LINK_WORD = 1;
const REFS_WORD = 2;
const TAGS_WORD = 10;
const TAGS_HALF = 20;
const CREDITS_BYTE = 56;
const LANES_SHIFT = 3;
const TAG_BYTES = 2;
const REF_BYTES = 4;

assert(1 << LANES_SHIFT === BUCKET_ENTRIES, "a lane is the low bits of an entry");
assert(4 << BUCKET_WORDS_SHIFT === CACHE_LINE_BYTES, "a bucket is a cache line of words");
assert(2 << BUCKET_HALVES_SHIFT === CACHE_LINE_BYTES, "a bucket is a cache line of halves");
assert(4 * REFS_WORD + REF_BYTES * BUCKET_ENTRIES === 4 * TAGS_WORD, "tags follow references");
assert(4 * TAGS_WORD === 2 * TAGS_HALF, "tags are read as words and as halves");
assert(2 * TAGS_HALF + TAG_BYTES * BUCKET_ENTRIES === CREDITS_BYTE, "credits follow tags");
assert(CREDITS_BYTE + BUCKET_ENTRIES === CACHE_LINE_BYTES, "credits end the bucket");

const LANES_MASK = 7;
/** All bits but the highest of each half. */
const LOW_BITS = 0x7fff_7fff;

/** Bits of the credit byte. */
export const FETCHED = 0x80;
export const ACTIVE = 0x40;
export const CREDIT_MASK = 0x0f;
/** A hit adds this much; an item whose credit reached `CREDIT_FULL` gains no more. */
export const CREDIT_HIT = 4;
export const CREDIT_FULL = 12;
/** "No entry", "no bucket". */
export const NONE = -1;
/**
 * The longest chain, the primary bucket included: readers stop here, and the owner makes none
 * longer.
 */
export const CHAIN_BUCKETS_MAX = 16;

/** The tag of a key: 16 bits of its hash, never 0. */
export function tagOf(hashHigh: number): number {
  return hashHigh & 0xffff || 1;
}

/** The credit byte after one more hit. */
function creditAfterHit(credit: number): number {
  let next = credit | FETCHED;
  if ((credit & FETCHED) !== 0) next |= ACTIVE;
  if ((credit & CREDIT_MASK) < CREDIT_FULL) next += CREDIT_HIT;
  return next;
}

export class Buckets {
  readonly locks: SequenceLock;
  readonly #words: Uint32Array;
  readonly #halves: Uint16Array;
  readonly #bytes: Uint8Array;
  readonly #word: number;
  readonly #half: number;

  constructor(arena: Arena, base: number, plan: ShardPlan) {
    this.locks = new SequenceLock(arena);
    this.#words = arena.words;
    this.#halves = arena.halves;
    this.#bytes = arena.bytes;
    this.#half = halfIndex(base + plan.bucketOffset);
    this.#word = wordIndex(base + plan.bucketOffset);
  }

  /** Index of a bucket's version in `arena.ints`. */
  versionWord(bucket: number): number {
    return this.#word + (bucket << BUCKET_WORDS_SHIFT);
  }

  /** The next bucket of the chain, or NONE. */
  link(bucket: number): number {
    const at = this.#word + (bucket << BUCKET_WORDS_SHIFT) + LINK_WORD;
    return (this.#words[at] as number) - 1;
  }

  setLink(bucket: number, next: number): void {
    this.#words[this.#word + (bucket << BUCKET_WORDS_SHIFT) + LINK_WORD] = next + 1;
  }

  /** Index of a bucket's first tags in `arena.words`. */
  tagsWord(bucket: number): number {
    return this.#word + (bucket << BUCKET_WORDS_SHIFT) + TAGS_WORD;
  }

  /**
   * The lanes whose tag is `tag`, as a set of bits that `firstLane` reads; 0 is none. No branch
   * depends on where the tag stands: a processor cannot guess that, and each wrong guess costs as
   * much as all of this.
   */
  lanes(bucket: number, tag: number): number {
    const pattern = (tag << 16) | tag;
    const at = this.tagsWord(bucket);
    const words = this.#words;
    return (
      (zeroHalves((words[at] as number) ^ pattern) >>> 3) |
      (zeroHalves((words[at + 1] as number) ^ pattern) >>> 2) |
      (zeroHalves((words[at + 2] as number) ^ pattern) >>> 1) |
      zeroHalves((words[at + 3] as number) ^ pattern)
    );
  }

  ref(entry: number): ItemRef {
    const at = ((entry >>> LANES_SHIFT) << BUCKET_WORDS_SHIFT) + REFS_WORD + (entry & LANES_MASK);
    return this.#words[this.#word + at] as ItemRef;
  }

  setRef(entry: number, item: ItemRef): void {
    const at = ((entry >>> LANES_SHIFT) << BUCKET_WORDS_SHIFT) + REFS_WORD + (entry & LANES_MASK);
    this.#words[this.#word + at] = item;
  }

  tag(entry: number): number {
    const at = ((entry >>> LANES_SHIFT) << BUCKET_HALVES_SHIFT) + TAGS_HALF + (entry & LANES_MASK);
    return this.#halves[this.#half + at] as number;
  }

  setTag(entry: number, tag: number): void {
    const at = ((entry >>> LANES_SHIFT) << BUCKET_HALVES_SHIFT) + TAGS_HALF + (entry & LANES_MASK);
    this.#halves[this.#half + at] = tag;
  }

  credit(entry: number): number {
    return this.#bytes[this.#creditAt(entry)] as number;
  }

  setCredit(entry: number, credit: number): void {
    this.#bytes[this.#creditAt(entry)] = credit;
  }

  #creditAt(entry: number): number {
    const word = this.#word + ((entry >>> LANES_SHIFT) << BUCKET_WORDS_SHIFT);
    return ((word << 2) | (CREDITS_BYTE + (entry & LANES_MASK))) >>> 0;
  }

  /** A hit by any thread: writes the credit byte, unless it would stay as it is. */
  hit(entry: number, credit: number): void {
    const next = creditAfterHit(credit);
    if (next !== credit) this.setCredit(entry, next);
  }

  /** Makes a bucket empty, its version aside. The owner only, while nobody can be led there. */
  clear(bucket: number): void {
    const at = this.#word + (bucket << BUCKET_WORDS_SHIFT);
    for (let word = LINK_WORD; word < 1 << BUCKET_WORDS_SHIFT; word++) this.#words[at + word] = 0;
  }
}

/** The highest bit of each 16-bit half that is zero. */
function zeroHalves(word: number): number {
  return ~(((word & LOW_BITS) + LOW_BITS) | word | LOW_BITS);
}

/**
 * One lane of a set that is not empty: lane 2p is bit 12 + p, lane 2p + 1 bit 28 + p. The rest is
 * `lanes & (lanes - 1)`.
 */
export function firstLane(lanes: number): number {
  const bit = 31 - Math.clz32(lanes & -lanes);
  return ((bit & 3) << 1) | (bit >>> 4);
}

/**
 * The bucket a hash belongs to while the index has `bucketCount` buckets (linear hashing: the lower
 * ones are split first).
 */
export function bucketOf(hashLow: number, bucketCount: number): number {
  const mask = -1 >>> Math.clz32(bucketCount - 1);
  const bucket = hashLow & mask;
  return bucket < bucketCount ? bucket : bucket & (mask >>> 1);
}
