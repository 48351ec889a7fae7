/**
 * BatchLookup: looks keys up as a batch of plain gets does, step by step, so that a test can change
 * the shard between two steps.
 */
import type { KeyHash } from "../../src/base/key-hash.ts";
import { BATCH_KEYS_MAX, GetBatch } from "../../src/command/get-batch.ts";
import { KEY_BYTES_MAX } from "../../src/command/limits.ts";
import { BatchSearch } from "../../src/router/batch-search.ts";
import type { BatchFinder } from "../../src/store/batch-finder.ts";
import type { ReadOutcome } from "../../src/store/read-outcome.ts";

/** So much room the keys of a batch take. */
export const BATCH_KEYS_BYTES = BATCH_KEYS_MAX * KEY_BYTES_MAX;

export class BatchLookup {
  readonly batch = new GetBatch();
  readonly #search: BatchSearch;
  readonly #hash: KeyHash;
  readonly #keyBytes: Uint8Array;

  /** Keys are written at keyBytes[keysAt], which has room for a batch of them. */
  constructor(
    finders: readonly BatchFinder[],
    hash: KeyHash,
    keyBytes: Uint8Array = new Uint8Array(BATCH_KEYS_BYTES),
    keysAt = 0,
  ) {
    this.#search = new BatchSearch(finders);
    this.#hash = hash;
    this.#keyBytes = keyBytes;
    this.batch.origin = keysAt;
  }

  /** Makes a batch of these keys, as the scanner would. */
  fill(keys: readonly string[]): void {
    const batch = this.batch;
    let at = 0;
    keys.forEach((key, index) => {
      const start = batch.origin + at;
      const bytes = Buffer.from(key, "latin1");
      this.#keyBytes.set(bytes, start);
      this.#hash.update(this.#keyBytes, start, start + bytes.length);
      batch.starts[index] = at;
      at += bytes.length;
      batch.ends[index] = at;
      batch.lows[index] = this.#hash.low;
      batch.highs[index] = this.#hash.high;
    });
    batch.count = keys.length;
  }

  /** A batch of these keys, and what they seem to lead to. */
  seek(keys: readonly string[]): void {
    this.fill(keys);
    this.#search.seek(this.batch);
  }

  /** The finder of a key's shard: after `accept` it knows the value. */
  finder(key: number): BatchFinder {
    return this.#search.finders[this.batch.shards[key] as number] as BatchFinder;
  }

  accept(key: number): ReadOutcome {
    const { origin, starts, ends } = this.batch;
    const start = starts[key] as number;
    const length = (ends[key] as number) - start;
    return this.finder(key).accept(this.batch, key, this.#keyBytes, origin + start, length);
  }

  confirm(key: number): boolean {
    return this.finder(key).confirm(this.batch, key);
  }

  /** Of the last hit: its value as latin1. */
  value(key: number): string {
    const { bytes, valueStart, valueBytes } = this.finder(key);
    return Buffer.from(bytes.slice(valueStart, valueStart + valueBytes)).toString("latin1");
  }

  /** Of the last hit. */
  cas(key: number): bigint {
    const { casHigh, casLow } = this.finder(key);
    return (BigInt(casHigh) << 32n) | BigInt(casLow);
  }
}
