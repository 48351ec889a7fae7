/**
 * HeldInput: bytes that reached us after their slot was paused and before the kernel had stopped
 * receiving. Rare and few: what was under way at that moment. They are copied, so that no paused
 * connection keeps a lent buffer from the others.
 *
 * `resume` puts a slot on a list; the next turn hands its bytes over in order, then the end of the
 * stream when that came too.
 */
import { assert } from "../../base/assert.ts";

interface Held {
  readonly pieces: Uint8Array[];
  isEnded: boolean;
}

export class HeldInput {
  /** Slots to go on with. */
  resumedCount = 0;
  readonly #slots = new Map<number, Held>();
  readonly #resumed: number[] = [];

  has(slot: number): boolean {
    return this.#slots.has(slot);
  }

  hold(slot: number, bytes: Uint8Array, offset: number, length: number): void {
    this.#of(slot).pieces.push(bytes.slice(offset, offset + length)); // alloc: only while pausing
  }

  /** The stream ended behind what is held. */
  holdEnd(slot: number): void {
    this.#of(slot).isEnded = true;
  }

  /** The slot goes on next turn. */
  resume(slot: number): void {
    this.#resumed.push(slot);
    this.resumedCount = this.#resumed.length;
  }

  nextResumed(): number {
    const slot = this.#resumed.shift();
    this.resumedCount = this.#resumed.length;
    assert(slot !== undefined, "somebody goes on");
    return slot;
  }

  /** Writes the slot's next piece to `to` at `at`; its length, 0 when nothing is held. */
  next(slot: number, to: Uint8Array, at: number): number {
    const held = this.#slots.get(slot);
    const piece = held?.pieces.shift();
    if (held === undefined || piece === undefined) return 0;
    to.set(piece, at);
    if (held.pieces.length === 0 && !held.isEnded) this.#slots.delete(slot);
    return piece.length;
  }

  /** True when the stream ended; forgets that. */
  takeEnd(slot: number): boolean {
    const isEnded = this.#slots.get(slot)?.isEnded === true;
    this.#slots.delete(slot);
    return isEnded;
  }

  drop(slot: number): void {
    this.#slots.delete(slot);
  }

  #of(slot: number): Held {
    let held = this.#slots.get(slot);
    if (held === undefined) {
      held = { pieces: [], isEnded: false }; // alloc: only while pausing
      this.#slots.set(slot, held);
    }
    return held;
  }
}
