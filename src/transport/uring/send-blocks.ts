/**
 * SendBlocks: memory for bytes that a request to the kernel refers to until it is done. A stack of
 * equal blocks: the one used last is used next, so a few stay warm.
 */
import { assert } from "../../base/assert.ts";
import { FreeList, NONE_FREE } from "../../base/free-list.ts";
import { SEND_BLOCK_BYTES, SEND_BLOCK_COUNT } from "./uring-plan.ts";

/** There is no block. */
export const NO_BLOCK = NONE_FREE;

export class SendBlocks {
  readonly #base: number;
  readonly #free = new FreeList(SEND_BLOCK_COUNT);

  /** `base`: of SEND_BLOCK_COUNT blocks in an arena. */
  constructor(base: number) {
    this.#base = base;
  }

  /** A free block, `NO_BLOCK` when there is none. */
  take(): number {
    return this.#free.take();
  }

  give(block: number): void {
    assert(block >= 0 && block < SEND_BLOCK_COUNT, "a block of this pool");
    this.#free.give(block);
  }

  /** Where a block's bytes lie in the arena. */
  offset(block: number): number {
    return this.#base + block * SEND_BLOCK_BYTES;
  }
}
