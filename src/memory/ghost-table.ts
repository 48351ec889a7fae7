/**
 * Ghost table: keys that were dropped lately, as 16 bits of their hash and 16 bits of time; 8-way,
 * so one set is half a cache line. The owner alone reads and writes it.
 *
 *   set s:  | tag 16 · stamp 16 | × 8         0 = no key
 *
 * Only the first `ways * sets` words are in use, so that few items touch little memory;
 * store/ghost.ts says how many.
 */
import { wordIndex } from "../base/unit.ts";
import type { Arena } from "./arena.ts";
import type { ShardPlan } from "./shard-plan.ts";

export const GHOST_WAYS = 8;

export class GhostTable {
  readonly words: number;
  readonly #words: Uint32Array;
  readonly #word: number;

  constructor(arena: Arena, base: number, plan: ShardPlan) {
    this.#words = arena.words;
    this.#word = wordIndex(base + plan.ghostOffset);
    this.words = plan.ghostWords;
  }

  /** The stamp and tag at an index. */
  entry(index: number): number {
    return this.#words[this.#word + index] as number;
  }

  setEntry(index: number, entry: number): void {
    this.#words[this.#word + index] = entry;
  }
}
