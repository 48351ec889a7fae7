/**
 * SlotPool: which slots are free, and which wait to be closed. Two lists, fixed memory.
 *
 *   free     a stack: the slot used last is used next, its memory is warm
 *   closing  a ring, oldest first, worked off at the end of a turn
 *
 * Each list holds at most every slot once, so none can overflow.
 */
import { assert } from "../base/assert.ts";
import { FreeList } from "../base/free-list.ts";

export class SlotPool {
  /** Slots waiting for `nextClosing`. */
  closingCount = 0;
  readonly #slotCount: number;
  readonly #free: FreeList;
  readonly #closing: Int32Array;
  #closingFirst = 0;

  constructor(slotCount: number) {
    this.#slotCount = slotCount;
    this.#free = new FreeList(slotCount);
    this.#closing = new Int32Array(slotCount);
  }

  /** A free slot, -1 when there is none. */
  take(): number {
    return this.#free.take();
  }

  give(slot: number): void {
    this.#free.give(slot);
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
