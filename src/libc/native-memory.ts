/**
 * NativeMemory: an arena as the kernel sees it. The only place that turns (arena, offset, length)
 * into an address.
 *
 *   offset, length ── inside the buffer? ──▶ base address + offset
 *
 * Why the cache: an address does not fit a small integer, so V8 boxes each one it hands to a native
 * function: 12 bytes a call, and a collection every hundred thousand calls. Almost every call
 * passes one of a few offsets (the input region, the starts of output), so their boxes are kept:
 * 128 pairs, found by a hash, since those offsets are equal in their low bits. Pairs, so that two
 * that meet in one do not take turns in throwing each other out.
 *
 * Invariants:
 *  - shared memory never moves and is never detached: an address stays good as long as this object
 *    holds the arena;
 *  - no address leaves without its whole range having been checked, whatever the caller believes.
 */
import { assert } from "../base/assert.ts";
import type { Arena } from "../memory/arena.ts";

declare const unit: unique symbol;

/** Where the kernel finds or puts bytes: what a call takes for a pointer. */
export type Address = number & { readonly [unit]: "Address" };

/** No address: the pointer that a call does without. */
export const NULL = 0 as Address;

const WORD_VALUES = 2 ** 32;
const PAIR_BITS = 7;
const BOX_COUNT = 2 << PAIR_BITS;
/** Fibonacci hashing: 2^32 divided by the golden ratio. */
const HASH_MULTIPLIER = 0x9e37_79b1;

export class NativeMemory {
  readonly arena: Arena;
  readonly #base: number;
  readonly #bytes: number;
  readonly #offsets: Float64Array;
  /** Holds addresses boxed: an array of anything, so that V8 does not store bare doubles. */
  readonly #boxes: (Address | null)[];
  /** Which of a pair is filled next. */
  #turn = 0;

  constructor(arena: Arena, base: number) {
    assert(base > 0 && Number.isSafeInteger(base), "an address is a positive integer");
    this.arena = arena;
    this.#base = base;
    this.#bytes = arena.buffer.byteLength;
    this.#offsets = new Float64Array(BOX_COUNT).fill(-1);
    this.#boxes = new Array<Address | null>(BOX_COUNT).fill(null);
  }

  /** The address of arena bytes [offset, offset + length). */
  address(offset: number, length: number): Address {
    assert(
      offset >= 0 && length >= 0 && offset + length <= this.#bytes,
      "a range lies in its arena",
    );
    const box = (Math.imul(offset, HASH_MULTIPLIER) >>> (32 - PAIR_BITS)) << 1;
    if (this.#offsets[box] === offset) return this.#boxes[box] as Address;
    if (this.#offsets[box + 1] === offset) return this.#boxes[box + 1] as Address;
    return this.#fill(box, offset);
  }

  /**
   * Writes the address of arena bytes [offset, offset + length) to words[at] (low) and words[at +
   * 1] (high).
   */
  putAddress(words: Uint32Array, at: number, offset: number, length: number): void {
    assert(
      offset >= 0 && length >= 0 && offset + length <= this.#bytes,
      "a range lies in its arena",
    );
    const address = this.#base + offset;
    words[at] = address; // modulo 2^32
    words[at + 1] = address / WORD_VALUES; // rounded down
  }

  #fill(pair: number, offset: number): Address {
    assert(Number.isInteger(offset), "an offset is whole");
    const address = (this.#base + offset) as Address;
    this.#turn ^= 1;
    this.#offsets[pair + this.#turn] = offset;
    this.#boxes[pair + this.#turn] = address; // alloc: a box, kept
    return address;
  }
}
