/**
 * Items: the bytes in front of every key and value, and the only code that reads them.
 *
 *  byte 0         4         8                              12       16        20         24
 *       | exptime | touched | key     | value    | marks,  | client | CAS     | CAS      | key, value, pad
 *       |         |         | bytes,8 | bytes,20 | 4 bits  | flags  | low     | high     | to 8
 *
 *  marks, low bit first: dead, stale, token sent, binary key
 *
 * An ItemRef is the item's byte offset in the shard's item memory, divided by 8; 0 is "none". A
 * large item (a chain of slabs) has LARGE for its value length: the slab table of its first slab
 * knows the real one.
 *
 * Why no links: the order of items in a slab is their order of eviction. Keys end at 250 bytes, so
 * one byte holds their length; a value in a slab is shorter than a slab, so 20 bits hold that.
 *
 * Invariants:
 *  - only the owning shard writes; others read inside the bucket's sequence lock;
 *  - an item's slot (header, key, value, pad) never changes its length, so a slab can be walked
 *    header to header;
 *  - the dead mark is for that walk alone: readers come by the index, which no longer leads to a
 *    dead item.
 */
import { assert } from "../base/assert.ts";
import { type ItemRef, type ServerSeconds, wordIndex } from "../base/unit.ts";
import { KEY_BYTES_MAX } from "../command/limits.ts";
import type { Arena } from "./arena.ts";
import { ITEM_HEADER_BYTES, type ShardPlan, SLAB_BYTES_MAX } from "./shard-plan.ts";

const EXPTIME_WORD = 0;
const TOUCHED_WORD = 1;
const PACKED_WORD = 2;
const CLIENT_FLAGS_WORD = 3;
const CAS_LOW_WORD = 4;
const CAS_HIGH_WORD = 5;
const HEADER_WORDS = ITEM_HEADER_BYTES / 4;

assert(ITEM_HEADER_BYTES % 8 === 0, "headers keep items 8-byte aligned");
assert(HEADER_WORDS === CAS_HIGH_WORD + 1, "the header ends with the CAS");

const KEY_BYTES_MASK = 0xff;
const VALUE_SHIFT = 8;
const VALUE_MASK = 0xf_ffff;
/** The value length of an item that has slabs of its own. */
export const LARGE = VALUE_MASK;

/** Marks of the packed word. A live item's `DEAD` is set while it is overwritten in place. */
export const DEAD = 1 << 28;
export const STALE = 1 << 29;
export const TOKEN_SENT = 1 << 30;
export const BINARY_KEY = 1 << 31;

assert(KEY_BYTES_MAX <= KEY_BYTES_MASK, "a key's length has 8 bits");
assert(SLAB_BYTES_MAX <= VALUE_MASK + 1, "the length of a value in a slab has 20 bits");
assert(2 ** VALUE_SHIFT * (VALUE_MASK + 1) === DEAD, "marks follow the lengths");

/** All of them. */
const MARKS = DEAD | STALE | TOKEN_SENT | BINARY_KEY;

/**
 * What the packed word says of an item's key and value: their lengths, the value's perhaps LARGE.
 */
export function keyBytesOf(packed: number): number {
  return packed & KEY_BYTES_MASK;
}

export function valueBytesOf(packed: number): number {
  return (packed >>> VALUE_SHIFT) & VALUE_MASK;
}

/** True when the key has that length, and nothing is marked. */
export function isPlain(packed: number, keyBytes: number): boolean {
  return (packed & (KEY_BYTES_MASK | MARKS)) === keyBytes;
}

/** Bytes of memory an item takes. */
export function slotBytes(keyBytes: number, valueBytes: number): number {
  return (ITEM_HEADER_BYTES + keyBytes + valueBytes + 7) & ~7;
}

/** An item's size as memcached counts it: what -I limits and `size` shows. */
export function itemTotalBytes(
  keyBytes: number,
  valueBytes: number,
  clientFlags: number,
  casBytes: number,
): number {
  return 48 + keyBytes + 1 + (clientFlags === 0 ? 0 : 4) + casBytes + valueBytes + 2;
}

export class Items {
  readonly #words: Uint32Array;
  readonly #word: number;

  constructor(arena: Arena, base: number, plan: ShardPlan) {
    this.#words = arena.words;
    this.#word = wordIndex(base + plan.itemOffset);
  }

  exptime(item: ItemRef): ServerSeconds {
    return this.#words[this.#word + (item << 1) + EXPTIME_WORD] as ServerSeconds;
  }

  setExptime(item: ItemRef, at: ServerSeconds): void {
    this.#words[this.#word + (item << 1) + EXPTIME_WORD] = at;
  }

  touched(item: ItemRef): ServerSeconds {
    return this.#words[this.#word + (item << 1) + TOUCHED_WORD] as ServerSeconds;
  }

  setTouched(item: ItemRef, at: ServerSeconds): void {
    this.#words[this.#word + (item << 1) + TOUCHED_WORD] = at;
  }

  clientFlags(item: ItemRef): number {
    return this.#words[this.#word + (item << 1) + CLIENT_FLAGS_WORD] as number;
  }

  setClientFlags(item: ItemRef, clientFlags: number): void {
    this.#words[this.#word + (item << 1) + CLIENT_FLAGS_WORD] = clientFlags;
  }

  casLow(item: ItemRef): number {
    return this.#words[this.#word + (item << 1) + CAS_LOW_WORD] as number;
  }

  casHigh(item: ItemRef): number {
    return this.#words[this.#word + (item << 1) + CAS_HIGH_WORD] as number;
  }

  setCas(item: ItemRef, low: number, high: number): void {
    const at = this.#word + (item << 1);
    this.#words[at + CAS_LOW_WORD] = low;
    this.#words[at + CAS_HIGH_WORD] = high;
  }

  /** Key length, value length and marks in one word. */
  packed(item: ItemRef): number {
    return this.#words[this.#word + (item << 1) + PACKED_WORD] as number;
  }

  /** Index of that word in `arena.words`. */
  packedWord(item: ItemRef): number {
    return this.#word + (item << 1) + PACKED_WORD;
  }

  setPacked(item: ItemRef, packed: number): void {
    this.#words[this.#word + (item << 1) + PACKED_WORD] = packed;
  }

  keyBytes(item: ItemRef): number {
    return keyBytesOf(this.packed(item));
  }

  /** The value's length, or LARGE. */
  valueBytes(item: ItemRef): number {
    return valueBytesOf(this.packed(item));
  }

  isLarge(item: ItemRef): boolean {
    return this.valueBytes(item) === LARGE;
  }

  isDead(item: ItemRef): boolean {
    return (this.packed(item) & DEAD) !== 0;
  }

  /** Bytes of the item's slot. Only for an item in a slab with others: a large one has no slot. */
  slotBytes(item: ItemRef): number {
    const packed = this.packed(item);
    return slotBytes(keyBytesOf(packed), valueBytesOf(packed));
  }

  /** Index into `arena.bytes` of the key. */
  keyStart(item: ItemRef): number {
    return ((this.#word + (item << 1) + HEADER_WORDS) << 2) >>> 0;
  }

  /** Index into `arena.bytes` of the value (of a large item: of its first part). */
  valueStart(item: ItemRef): number {
    return this.keyStart(item) + this.keyBytes(item);
  }

  /** Index into `arena.bytes` of the item. */
  start(item: ItemRef): number {
    return ((this.#word + (item << 1)) << 2) >>> 0;
  }

  /** Writes the lengths and marks of a new item, or of one overwritten in its slot. */
  pack(item: ItemRef, keyBytes: number, valueBytes: number, marks: number): void {
    this.setPacked(item, keyBytes | (valueBytes << VALUE_SHIFT) | marks);
  }
}
