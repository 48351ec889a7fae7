/**
 * Upload table: large items that are being received, piece by piece. The owner alone reads and
 * writes it; it lies in shared memory so that a successor can free what a dead owner had begun.
 *
 *   upload i, 16 words:  0 first slab + 1 (0 = free)   1 last slab + 1   2 requester 16 · generation 16
 *                        3 bytes received   4 marks of the request   5 mode                  6 slabs set aside
 *                        7 vivify exptime   8 CAS low   9 high   10 new CAS low   11 high   12 hash low   13 high
 *
 * Key, lengths, client flags and exptime are in the first slab already, as the item they will be.
 */
import { wordIndex } from "../base/unit.ts";
import type { Arena } from "./arena.ts";
import { type ShardPlan, UPLOAD_BYTES } from "./shard-plan.ts";

const WORDS = UPLOAD_BYTES / 4;
const FIRST_WORD = 0;
const HOLDER_WORD = 2;
const HALF = 0x10000;

/** Words of an upload that hold plain numbers. */
export const UploadWord = {
  received: 3,
  marks: 4,
  mode: 5,
  reserved: 6,
  vivifyExptime: 7,
  casLow: 8,
  casHigh: 9,
  newCasLow: 10,
  newCasHigh: 11,
  hashLow: 12,
  hashHigh: 13,
} as const;
export type UploadWord = (typeof UploadWord)[keyof typeof UploadWord];

export class UploadTable {
  readonly count: number;
  readonly #words: Uint32Array;
  readonly #word: number;

  constructor(arena: Arena, base: number, plan: ShardPlan) {
    this.count = plan.uploadCount;
    this.#words = arena.words;
    this.#word = wordIndex(base + plan.uploadOffset);
  }

  /** The first slab of upload `index`, or -1 when it is free. */
  first(index: number): number {
    return (this.#words[this.#word + index * WORDS + FIRST_WORD] as number) - 1;
  }

  setFirst(index: number, slab: number): void {
    this.#words[this.#word + index * WORDS + FIRST_WORD] = slab + 1;
  }

  /** The slab that is being filled. */
  last(index: number): number {
    return (this.#words[this.#word + index * WORDS + 1] as number) - 1;
  }

  setLast(index: number, slab: number): void {
    this.#words[this.#word + index * WORDS + 1] = slab + 1;
  }

  requester(index: number): number {
    return (this.#words[this.#word + index * WORDS + HOLDER_WORD] as number) & (HALF - 1);
  }

  handle(index: number): number {
    const generation = (this.#words[this.#word + index * WORDS + HOLDER_WORD] as number) >>> 16;
    return generation * HALF + index;
  }

  /** The index of a handle in use, or -1. */
  indexOf(handle: number): number {
    const index = handle & (HALF - 1);
    if (index >= this.count || this.first(index) < 0) return -1;
    return this.handle(index) === handle ? index : -1;
  }

  /** Names the holder of upload `index`, under a new generation. */
  setRequester(index: number, requester: number): void {
    const at = this.#word + index * WORDS + HOLDER_WORD;
    const generation = (((this.#words[at] as number) >>> 16) + 1) % HALF || 1;
    this.#words[at] = generation * HALF + requester;
  }

  value(index: number, word: UploadWord): number {
    return this.#words[this.#word + index * WORDS + word] as number;
  }

  setValue(index: number, word: UploadWord, value: number): void {
    this.#words[this.#word + index * WORDS + word] = value;
  }
}
