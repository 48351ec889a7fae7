/**
 * FreeList: which of the numbers 0 to count - 1 are free, for tables whose rows are taken and given
 * back at any time.
 *
 *   free   | 7 | 4 | 0 | 2 |        a stack: what was given back last is taken next, its memory is warm
 *                        ▲ next
 *
 * Each number is in it at most once, so it cannot overflow.
 */
import { assert } from "./assert.ts";

/** What `peek` and `take` return when none is free. */
export const NONE_FREE = -1;

export class FreeList {
  readonly #free: Int32Array;
  #count: number;

  /** All of the numbers 0 to `count` - 1 are free; 0 is taken first. */
  constructor(count: number) {
    this.#free = new Int32Array(count);
    for (let i = 0; i < count; i++) this.#free[i] = count - 1 - i;
    this.#count = count;
  }

  /** The number `take` would give; NONE_FREE when there is none. */
  peek(): number {
    return this.#count === 0 ? NONE_FREE : (this.#free[this.#count - 1] as number);
  }

  /** A free number; NONE_FREE when there is none. */
  take(): number {
    if (this.#count === 0) return NONE_FREE;
    this.#count--;
    return this.#free[this.#count] as number;
  }

  /** `number` is free again. */
  give(number: number): void {
    assert(this.#count < this.#free.length, "what is given back was taken");
    this.#free[this.#count] = number;
    this.#count++;
  }
}
