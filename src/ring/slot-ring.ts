/**
 * Slot ring: 32-bit numbers from one thread to another, in order. It carries the descriptors of accepted connections from the
 * primary to a worker.
 *
 *   line 0   written     the producer
 *   line 1   consumed    the consumer
 *   line 2…  slots       one word each
 *
 * Why not a request ring: a descriptor needs no reply, and a worker must take it even while every reply slot is in use.
 * The producer writes the slot, then publishes `written`; the consumer loads `written`, then reads the slot. Both indexes
 * run freely through 32 bits, so all slots are usable. Every index lies in shared memory, so a new thread can go on.
 */
import { assert } from "../base/assert.ts";
import { CACHE_LINE_BYTES } from "../base/unit.ts";
import type { Arena } from "../memory/arena.ts";

const CONSUMED_WORD = CACHE_LINE_BYTES / 4;
const SLOTS_WORD = 2 * CONSUMED_WORD;
/** What `take` returns when the ring is empty. */
export const NO_SLOT = -1;

/** Bytes of a ring of `slotCount` slots, a power of two. */
export function slotRingBytes(slotCount: number): number {
  return 2 * CACHE_LINE_BYTES + slotCount * 4;
}

export class SlotRing {
  readonly #ints: Int32Array;
  readonly #word: number;
  readonly #mask: number;

  constructor(arena: Arena, base: number, slotCount: number) {
    assert((slotCount & (slotCount - 1)) === 0, "a ring's size is a power of two");
    this.#ints = arena.ints;
    this.#word = base >>> 2;
    this.#mask = slotCount - 1;
  }

  /** Hands `value` (not negative) over and publishes it. False when the ring is full. The producer only. */
  tryPush(value: number): boolean {
    assert(value >= 0, "a slot's value is not negative");
    const written = this.#ints[this.#word] as number;
    const consumed = Atomics.load(this.#ints, this.#word + CONSUMED_WORD);
    if (((written - consumed) | 0) > this.#mask) return false;
    this.#ints[this.#word + SLOTS_WORD + (written & this.#mask)] = value;
    Atomics.store(this.#ints, this.#word, (written + 1) | 0);
    return true;
  }

  /** The next value; NO_SLOT when there is none. The consumer only. */
  take(): number {
    const consumed = this.#ints[this.#word + CONSUMED_WORD] as number;
    if (Atomics.load(this.#ints, this.#word) === consumed) return NO_SLOT;
    const value = this.#ints[this.#word + SLOTS_WORD + (consumed & this.#mask)] as number;
    Atomics.store(this.#ints, this.#word + CONSUMED_WORD, (consumed + 1) | 0);
    return value;
  }
}
