/**
 * BatchSearch: takes every key of a batch through the steps of store/batch-finder.ts, one step for
 * all keys before the next, so that their cache misses overlap.
 *
 *   which bucket k1, k2, k3 … belong to     arithmetic only
 *   touch them                              one load a key, and nothing else
 *   which item each leads to                the buckets are at hand now
 *   touch them                              one load a key, or three where items have several cache lines; what a longer one
 *                                           has besides, the processor fetches by itself while it is copied
 *
 * Why the loads have loops of their own: a processor has some 250 instructions in flight. If all of
 * a key's arithmetic stood between two loads, the second would begin when the first is nearly done;
 * with ten instructions between them, a dozen loads overlap.
 */
import { shardOf } from "../base/key-hash.ts";
import { CACHE_LINE_BYTES } from "../base/unit.ts";
import { BATCH_KEYS_MAX, type GetBatch } from "../command/get-batch.ts";
import type { BatchFinder } from "../store/batch-finder.ts";

const LINE_WORDS = CACHE_LINE_BYTES / 4;

export class BatchSearch {
  /** By shard. */
  readonly finders: readonly BatchFinder[];
  readonly #words: readonly Uint32Array[];
  /** The one arena in which all shards lie, if they do. */
  readonly #allWords: Uint32Array | null;
  readonly #places = new Int32Array(BATCH_KEYS_MAX);
  /** What the loads returned, so that no compiler leaves them out. */
  sink = 0;

  constructor(finders: readonly BatchFinder[]) {
    this.finders = finders;
    this.#words = finders.map((finder) => finder.words);
    const first = this.#words[0] as Uint32Array;
    this.#allWords = this.#words.every((words) => words === first) ? first : null;
  }

  /** Finds what each key of the batch seems to lead to, for `BatchFinder.accept`. */
  seek(batch: GetBatch): void {
    const { count, shards } = batch;
    const finders = this.finders;
    const places = this.#places;
    for (let key = 0; key < count; key++) {
      const shard = shardOf(batch.highs[key] as number, finders.length);
      shards[key] = shard;
      places[key] = (finders[shard] as BatchFinder).bucketPlace(batch, key);
    }
    if (count === 1) {
      (finders[shards[0] as number] as BatchFinder).pick(batch, 0);
      return;
    }
    this.#touch(batch, false);
    for (let key = 0; key < count; key++) {
      places[key] = (finders[shards[key] as number] as BatchFinder).pick(batch, key);
    }
    this.#touch(batch, (finders[0] as BatchFinder).itemLines() > 1);
  }

  /**
   * Touches each place, and where things are `long` the two cache lines behind it. In one go: the
   * three need one translation of their address.
   */
  #touch(batch: GetBatch, long: boolean): void {
    const { count, shards } = batch;
    const words = this.#words;
    const allWords = this.#allWords;
    const places = this.#places;
    let sink = this.sink;
    for (let key = 0; key < count; key++) {
      const there = allWords ?? (words[shards[key] as number] as Uint32Array);
      const place = places[key] as number;
      sink ^= there[place] as number;
      if (!long) continue;
      sink ^= there[place + LINE_WORDS] as number;
      sink ^= there[place + 2 * LINE_WORDS] as number;
    }
    this.sink = sink;
  }
}
