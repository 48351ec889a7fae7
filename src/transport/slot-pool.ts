/**
 * SlotPool: which slots are free, which asked to be visited again, which wait to be closed. Three lists, fixed memory.
 *
 *   free     a stack: the slot used last is used next, its memory is warm
 *   again    a ring, oldest first; a slot is in it at most once (the transport keeps the flag)
 *   closing  a ring, drained at the end of a turn
 *
 * Each list holds at most every slot once, so none can overflow.
 */
import { assert } from "../base/assert.ts";

export class SlotPool {
  /** Slots waiting for `nextAgain`. */
  againCount = 0;
  /** Slots waiting for `nextClosing`. */
  closingCount = 0;
  readonly #slotCount: number;
  readonly #free: Int32Array;
  readonly #again: Int32Array;
  readonly #closing: Int32Array;
  #freeCount: number;
  #againFirst = 0;
  #closingFirst = 0;

  constructor(slotCount: number) {
    this.#slotCount = slotCount;
    this.#free = new Int32Array(slotCount);
    for (let i = 0; i < slotCount; i++) this.#free[i] = slotCount - 1 - i;
    this.#freeCount = slotCount;
    this.#again = new Int32Array(slotCount);
    this.#closing = new Int32Array(slotCount);
  }

  /** A free slot, -1 when there is none. */
  take(): number {
    if (this.#freeCount === 0) return -1;
    this.#freeCount--;
    return this.#free[this.#freeCount] as number;
  }

  give(slot: number): void {
    assert(this.#freeCount < this.#slotCount, "a slot is given back once");
    this.#free[this.#freeCount] = slot;
    this.#freeCount++;
  }

  askAgain(slot: number): void {
    assert(this.againCount < this.#slotCount, "a slot asks once");
    this.#again[(this.#againFirst + this.againCount) % this.#slotCount] = slot;
    this.againCount++;
  }

  /** The slot that asked first. */
  nextAgain(): number {
    assert(this.againCount > 0, "somebody asked");
    const slot = this.#again[this.#againFirst] as number;
    this.#againFirst = (this.#againFirst + 1) % this.#slotCount;
    this.againCount--;
    return slot;
  }

  closeLater(slot: number): void {
    assert(this.closingCount < this.#slotCount, "a slot is closed once");
    this.#closing[(this.#closingFirst + this.closingCount) % this.#slotCount] = slot;
    this.closingCount++;
  }

  /** The slot that was to be closed first. */
  nextClosing(): number {
    assert(this.closingCount > 0, "somebody is to be closed");
    const slot = this.#closing[this.#closingFirst] as number;
    this.#closingFirst = (this.#closingFirst + 1) % this.#slotCount;
    this.closingCount--;
    return slot;
  }
}
