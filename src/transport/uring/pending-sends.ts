/**
 * PendingSends: sends that are under way in an io_uring, at most one a slot. Their bytes lie in
 * send blocks until the kernel says that it is done with them.
 *
 *   of a slot   block | bytes so far | its request's word | submissions when it was written
 *
 * A send that nobody has submitted yet takes more bytes: several replies of a turn leave as one.
 */
import { copyBytes } from "../../base/bytes.ts";
import { MSG_NOSIGNAL, MSG_WAITALL } from "../../libc/linux.ts";
import type { Arena } from "../../memory/arena.ts";
import { NO_BLOCK, SendBlocks } from "./send-blocks.ts";
import type { Uring } from "./uring.ts";
import { SEND_BLOCK_BYTES } from "./uring-plan.ts";

export class PendingSends {
  readonly #uring: Uring;
  readonly #to: Uint8Array;
  readonly #blocks: SendBlocks;
  readonly #block: Int32Array;
  readonly #bytes: Int32Array;
  readonly #word: Int32Array;
  readonly #time: Float64Array;

  /** `base`: of the send blocks in `arena`. */
  constructor(uring: Uring, arena: Arena, base: number, slotCount: number) {
    this.#uring = uring;
    this.#to = arena.bytes;
    this.#blocks = new SendBlocks(base);
    this.#block = new Int32Array(slotCount).fill(NO_BLOCK);
    this.#bytes = new Int32Array(slotCount);
    this.#word = new Int32Array(slotCount);
    this.#time = new Float64Array(slotCount);
  }

  /**
   * Writes a request that sends the bytes. False when they are too many for a block, or there is
   * none.
   */
  tryBegin(
    slot: number,
    fd: number,
    from: Uint8Array,
    start: number,
    length: number,
    kind: number,
  ): boolean {
    if (length > SEND_BLOCK_BYTES) return false;
    const block = this.#blocks.take();
    if (block === NO_BLOCK) return false;
    const offset = this.#blocks.offset(block);
    copyBytes(this.#to, offset, from, start, length);
    this.#block[slot] = block;
    this.#bytes[slot] = length;
    // The request first: writing it may submit what was written before, but not itself.
    const flags = MSG_NOSIGNAL | MSG_WAITALL;
    this.#word[slot] = this.#uring.send(fd, offset, length, flags, slot, kind);
    this.#time[slot] = this.#uring.submissions;
    return true;
  }

  /** Adds bytes to the slot's send: how many it took. None once it was submitted. */
  append(slot: number, from: Uint8Array, start: number, length: number): number {
    if (this.#time[slot] !== this.#uring.submissions) return 0;
    const used = this.#bytes[slot] as number;
    const taken = Math.min(length, SEND_BLOCK_BYTES - used);
    if (taken === 0) return 0;
    const offset = this.#blocks.offset(this.#block[slot] as number);
    copyBytes(this.#to, offset + used, from, start, taken);
    this.#bytes[slot] = used + taken;
    this.#uring.extend(this.#word[slot] as number, used + taken);
    return taken;
  }

  /** The kernel is done: gives the block back. How many bytes were to be sent. */
  end(slot: number): number {
    this.#blocks.give(this.#block[slot] as number);
    this.#block[slot] = NO_BLOCK;
    return this.#bytes[slot] as number;
  }
}
