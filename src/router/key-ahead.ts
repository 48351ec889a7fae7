/**
 * Key ahead: looks at the keys of a long line before they are asked for, so that their cache misses overlap.
 *
 *   get k1 k2 k3 …     pass 1: hash every key, touch its bucket        the loads do not wait for one another
 *                      pass 2: touch the item each bucket leads to
 *                      then k1, k2, … as usual, out of the cache, with the hash remembered
 *
 * Why: a key costs two trips to memory, bucket and item, one after the other, and together they are a third of a multi-get's
 * time. A processor has a dozen such trips under way at once if nobody makes it wait for the first.
 *
 * What is remembered is good for the line just read: `forget` when other bytes may have taken its place.
 */
import { type KeyHash, shardOf } from "../base/key-hash.ts";

/** Keys looked at together: what they touch stays in the first-level cache. */
const AHEAD_MAX = 64;
const SPACE = 0x20;
const CR = 0x0d;
const LF = 0x0a;

/** What is needed of a shard's reader: loads without meaning, which return something so that they are made. */
export interface Warmable {
  warmBucket(hashLow: number): number;
  warmItem(hashLow: number, hashHigh: number): number;
}

export class KeyAhead {
  readonly #hash: KeyHash;
  readonly #readers: readonly Warmable[];
  readonly #starts = new Int32Array(AHEAD_MAX);
  readonly #lows = new Int32Array(AHEAD_MAX);
  readonly #highs = new Int32Array(AHEAD_MAX);
  #count = 0;
  #next = 0;
  /** What the loads returned, so that no compiler leaves them out. */
  sink = 0;

  constructor(hash: KeyHash, readers: readonly Warmable[]) {
    this.#hash = hash;
    this.#readers = readers;
  }

  /** The index of the remembered key that begins at `start`, or -1. Keys are asked for in their order. */
  indexOf(start: number): number {
    if (this.#next === this.#count || this.#starts[this.#next] !== start) return -1;
    return this.#next++;
  }

  hashLow(index: number): number {
    return this.#lows[index] as number;
  }

  hashHigh(index: number): number {
    return this.#highs[index] as number;
  }

  forget(): void {
    this.#count = 0;
    this.#next = 0;
  }

  /** Looks at the keys from bytes[start] to the end of the line, which is there. */
  look(bytes: Uint8Array, start: number): void {
    const shardCount = this.#readers.length;
    let count = 0;
    let at = start;
    let sink = 0;
    while (count < AHEAD_MAX) {
      while (bytes[at] === SPACE) at += 1;
      const keyStart = at;
      while ((bytes[at] as number) > SPACE) at += 1;
      const byte = bytes[at];
      if (at === keyStart || (byte !== SPACE && byte !== CR && byte !== LF)) break;
      this.#hash.update(bytes, keyStart, at);
      const { low, high } = this.#hash;
      this.#starts[count] = keyStart;
      this.#lows[count] = low;
      this.#highs[count] = high;
      count += 1;
      sink += (this.#readers[shardOf(high, shardCount)] as Warmable).warmBucket(low);
    }
    for (let key = 0; key < count; key++) {
      const low = this.#lows[key] as number;
      const high = this.#highs[key] as number;
      sink += (this.#readers[shardOf(high, shardCount)] as Warmable).warmItem(low, high);
    }
    this.sink = sink | 0;
    this.#count = count;
    this.#next = 0;
  }
}
