/**
 * Lease table: who is reading which large item. The owner writes; a reader looks up what it was
 * granted.
 *
 *   lease i:  | first slab + 1 (0 = free) | requester 16 · generation 16 |
 *
 * A handle is generation * 65536 + i, so that a handle released twice is noticed.
 */
import { wordIndex } from "../base/unit.ts";
import type { Arena } from "./arena.ts";
import type { ShardPlan } from "./shard-plan.ts";
import { NO_SLAB } from "./slab-table.ts";

const SLAB_WORD = 0;
const HOLDER_WORD = 1;
const HALF = 0x10000;

export class LeaseTable {
  readonly count: number;
  readonly #words: Uint32Array;
  readonly #word: number;

  constructor(arena: Arena, base: number, plan: ShardPlan) {
    this.count = plan.leaseCount;
    this.#words = arena.words;
    this.#word = wordIndex(base + plan.leaseOffset);
  }

  /** The first slab of the item lease `index` holds, or NO_SLAB. */
  slab(index: number): number {
    return (this.#words[this.#word + index * 2 + SLAB_WORD] as number) - 1;
  }

  requester(index: number): number {
    return (this.#words[this.#word + index * 2 + HOLDER_WORD] as number) & (HALF - 1);
  }

  /** The handle of lease `index`. */
  handle(index: number): number {
    const generation = (this.#words[this.#word + index * 2 + HOLDER_WORD] as number) >>> 16;
    return generation * HALF + index;
  }

  /** The index of a handle that is held, or -1. */
  indexOf(handle: number): number {
    const index = handle & (HALF - 1);
    if (index >= this.count || this.slab(index) === NO_SLAB) return -1;
    return this.handle(index) === handle ? index : -1;
  }

  /** Gives lease `index` to a requester, under a new generation (never 0: no handle is 0). */
  grant(index: number, slab: number, requester: number): void {
    const at = this.#word + index * 2;
    const generation = (((this.#words[at + HOLDER_WORD] as number) >>> 16) + 1) % HALF || 1;
    this.#words[at + HOLDER_WORD] = generation * HALF + requester;
    this.#words[at + SLAB_WORD] = slab + 1;
  }

  free(index: number): void {
    this.#words[this.#word + index * 2 + SLAB_WORD] = 0;
  }
}
