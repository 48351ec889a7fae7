/**
 * SendBlocks: memory for bytes that a request to the kernel refers to until it is done. A stack of equal blocks: the one used
 * last is used next, so a few stay warm.
 */
import { assert } from "../base/assert.ts";
import { SEND_BLOCK_BYTES, SEND_BLOCK_COUNT } from "./uring-plan.ts";

/** There is no block. */
export const NO_BLOCK = -1;

export class SendBlocks {
  readonly #base: number;
  readonly #free = new Int32Array(SEND_BLOCK_COUNT);
  #freeCount = SEND_BLOCK_COUNT;

  /** `base`: of SEND_BLOCK_COUNT blocks in an arena. */
  constructor(base: number) {
    this.#base = base;
    for (let i = 0; i < SEND_BLOCK_COUNT; i++) this.#free[i] = SEND_BLOCK_COUNT - 1 - i;
  }

  /** A free block, `NO_BLOCK` when there is none. */
  take(): number {
    if (this.#freeCount === 0) return NO_BLOCK;
    this.#freeCount--;
    return this.#free[this.#freeCount] as number;
  }

  give(block: number): void {
    assert(this.#freeCount < SEND_BLOCK_COUNT, "a block is given back once");
    assert(block >= 0 && block < SEND_BLOCK_COUNT, "a block of this pool");
    this.#free[this.#freeCount] = block;
    this.#freeCount++;
  }

  /** Where a block's bytes lie in the arena. */
  offset(block: number): number {
    return this.#base + block * SEND_BLOCK_BYTES;
  }
}
