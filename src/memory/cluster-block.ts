/**
 * Cluster block: the list of nodes as clients are told it, for every thread to read.
 *
 *   byte  0  generation: lists published so far; 0 = none yet           the primary, Atomics.store
 *         4  bytes of the list in half 0                                the primary
 *         8  bytes of the list in half 1                                the primary
 *        64  half 0, CLUSTER_LIST_BYTES_MAX                             the primary
 *      …     half 1
 *
 * Generation g lies in half g mod 2, so the primary writes where nobody who looks now reads. A
 * reader copies, then looks at the generation again: half g is overwritten only after g + 1 was
 * published, so an unchanged generation means that the copy is whole. Neither side ever waits, and
 * a worker that never turns its event loop knows a change at once.
 */
import { assert } from "../base/assert.ts";
import { CACHE_LINE_BYTES } from "../base/unit.ts";
import { CLUSTER_LIST_BYTES_MAX } from "../command/limits.ts";
import type { Arena } from "./arena.ts";

const GENERATION_WORD = 0;
const LENGTHS_WORD = 1;
const HALVES_BYTE = CACHE_LINE_BYTES;
export const CLUSTER_BLOCK_BYTES = HALVES_BYTE + 2 * CLUSTER_LIST_BYTES_MAX;

export class ClusterBlock {
  readonly #bytes: Uint8Array;
  readonly #ints: Int32Array;
  readonly #base: number;

  constructor(arena: Arena, base: number) {
    this.#bytes = arena.bytes;
    this.#ints = arena.ints;
    this.#base = base;
  }

  /** Makes `list` what every thread reads. The primary only. */
  publish(list: Uint8Array): void {
    assert(list.length <= CLUSTER_LIST_BYTES_MAX, "a list fits its half");
    const word = this.#base >>> 2;
    const generation = ((this.#ints[word + GENERATION_WORD] as number) + 1) | 0;
    const half = generation & 1;
    this.#bytes.set(list, this.#base + HALVES_BYTE + half * CLUSTER_LIST_BYTES_MAX);
    this.#ints[word + LENGTHS_WORD + half] = list.length;
    Atomics.store(this.#ints, word + GENERATION_WORD, generation);
  }

  /** A copy of the list; null while none was published. */
  read(): Buffer | null {
    const word = this.#base >>> 2;
    while (true) {
      const generation = Atomics.load(this.#ints, word + GENERATION_WORD);
      if (generation === 0) return null;
      const half = generation & 1;
      const start = this.#base + HALVES_BYTE + half * CLUSTER_LIST_BYTES_MAX;
      const length = this.#ints[word + LENGTHS_WORD + half] as number;
      const copy = Buffer.from(this.#bytes.subarray(start, start + length));
      if (Atomics.load(this.#ints, word + GENERATION_WORD) === generation) return copy;
    }
  }
}
