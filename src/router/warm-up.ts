/**
 * WarmUp: touches what the keys of a batch lead to before they are read, so that their cache misses overlap.
 *
 *   pass 1   bucket of k1, k2, k3 …     the loads do not wait for one another
 *   pass 2   item each bucket leads to
 *
 * Each pass is nothing but loads: with the hash of a key between two of them, a processor would reach the second load only
 * when the first is back (the hashes are in the batch already).
 */
import { shardOf } from "../base/key-hash.ts";
import type { GetBatch } from "../command/get-batch.ts";

/** What is needed of a shard's reader: loads without meaning, which return something so that they are made. */
export interface Warmable {
  warmBucket(hashLow: number): number;
  warmItem(hashLow: number, hashHigh: number): number;
}

export class WarmUp {
  readonly #readers: readonly Warmable[];
  /** What the loads returned, so that no compiler leaves them out. */
  sink = 0;

  constructor(readers: readonly Warmable[]) {
    this.#readers = readers;
  }

  /** Touches the keys [from, to) of the batch. */
  touch(batch: GetBatch, from: number, to: number): void {
    const readers = this.#readers;
    const shardCount = readers.length;
    let sink = 0;
    for (let key = from; key < to; key++) {
      const shard = shardOf(batch.highs[key] as number, shardCount);
      sink ^= (readers[shard] as Warmable).warmBucket(batch.lows[key] as number);
    }
    for (let key = from; key < to; key++) {
      const high = batch.highs[key] as number;
      const reader = readers[shardOf(high, shardCount)] as Warmable;
      sink ^= reader.warmItem(batch.lows[key] as number, high);
    }
    this.sink = sink;
  }
}
