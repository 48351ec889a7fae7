/**
 * WarmUp: touches what the keys of a batch lead to before they are read, so that their cache misses overlap.
 *
 *   where the bucket of k1, k2, k3 … lies     arithmetic only
 *   touch them                                one load a key, and nothing else
 *   where the item each leads to lies         the buckets are at hand now
 *   touch them                                one load a key
 *
 * Why four loops: a processor has some 250 instructions under way. With the arithmetic of a key between two loads it reaches
 * the second when the first is nearly back; with ten instructions a load it has a dozen under way at once.
 */
import { shardOf } from "../base/key-hash.ts";
import { BATCH_KEYS_MAX, type GetBatch } from "../command/get-batch.ts";

/** What is needed of a shard's reader: places are indexes into `words`. */
export interface Warmable {
  readonly words: Uint32Array;
  /** A word of the key's bucket. */
  bucketPlace(hashLow: number): number;
  /** A word of the item that the key's bucket seems to lead to; when it leads to none, of the bucket. */
  itemPlace(hashLow: number, hashHigh: number): number;
}

export class WarmUp {
  readonly #readers: readonly Warmable[];
  readonly #words: readonly Uint32Array[];
  readonly #shards = new Uint16Array(BATCH_KEYS_MAX);
  readonly #places = new Int32Array(BATCH_KEYS_MAX);
  /** What the loads returned, so that no compiler leaves them out. */
  sink = 0;

  constructor(readers: readonly Warmable[]) {
    this.#readers = readers;
    this.#words = readers.map((reader) => reader.words);
  }

  /** Touches the keys of the batch. */
  touch(batch: GetBatch): void {
    const { count } = batch;
    const readers = this.#readers;
    const shards = this.#shards;
    const places = this.#places;
    for (let key = 0; key < count; key++) {
      const shard = shardOf(batch.highs[key] as number, readers.length);
      shards[key] = shard;
      places[key] = (readers[shard] as Warmable).bucketPlace(batch.lows[key] as number);
    }
    const sink = this.#load(count);
    for (let key = 0; key < count; key++) {
      const reader = readers[shards[key] as number] as Warmable;
      places[key] = reader.itemPlace(batch.lows[key] as number, batch.highs[key] as number);
    }
    this.sink = sink ^ this.#load(count);
  }

  #load(count: number): number {
    const words = this.#words;
    const shards = this.#shards;
    const places = this.#places;
    let sink = 0;
    for (let key = 0; key < count; key++) {
      sink ^= (words[shards[key] as number] as Uint32Array)[places[key] as number] as number;
    }
    return sink;
  }
}
