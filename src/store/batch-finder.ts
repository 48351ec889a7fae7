/**
 * BatchFinder: finds the items of a batch of plain gets in one shard, in steps, so that the cache
 * misses of all keys overlap (router/batch-search.ts takes every key through one step before the
 * next).
 *
 *   bucketPlace ─▶ pick: the first entry whose tag fits ─▶ accept: the item is the key's, and an ordinary one ─▶ confirm
 *                        and the item it leads to           hit: its value may be copied; miss; or unknown
 *
 * It knows the plain case alone: the first entry with the tag is the key's, the value lies in one
 * slab, the item has neither expired nor been flushed, and nothing is marked on it. Of anything
 * else it says `busy`, and StoreReader, which knows every case, looks again. So nothing here is a
 * second opinion on what a get returns: it is the same answer, or none.
 *
 * Other threads' shards are read under the sequence lock as StoreReader does: the version is noted
 * in `pick`, and until `confirm` is true nothing is to be trusted but that it lies inside the
 * region.
 */
import { equalBytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { CACHE_LINE_BYTES, type ItemRef } from "../base/unit.ts";
import type { GetBatch } from "../command/get-batch.ts";
import {
  type Buckets,
  bucketOf,
  CHAIN_BUCKETS_MAX,
  firstLane,
  NONE,
  tagOf,
} from "../memory/buckets.ts";
import { type Items, isPlain, valueBytesOf } from "../memory/items.ts";
import type { SequenceLock } from "../memory/sequence-lock.ts";
import type { ShardHeader } from "../memory/shard-header.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import { BUCKET_ENTRIES } from "../memory/shard-plan.ts";
import type { SlabTable } from "../memory/slab-table.ts";
import { ReadOutcome } from "./read-outcome.ts";

/** What is touched of an item lies within this many words from the place that `pick` returned. */
const TOUCHED_WORDS_MAX = 64;

export class BatchFinder {
  /** The arena's words and bytes, where places lie. */
  readonly words: Uint32Array;
  readonly bytes: Uint8Array;
  /** What the last `accept` found, when it was a hit. */
  valueStart = 0;
  valueBytes = 0;
  clientFlags = 0;
  casLow = 0;
  casHigh = 0;
  readonly #header: ShardHeader;
  readonly #slabs: SlabTable;
  readonly #items: Items;
  readonly #buckets: Buckets;
  readonly #locks: SequenceLock;
  readonly #itemsEnd: number;
  readonly #valueBytesMax: number;
  /** The last place from which TOUCHED_WORDS_MAX words still lie in the arena. */
  readonly #lastPlace: number;
  readonly #clock: Clock;
  #own = false;

  constructor(memory: ShardMemory, itemsEnd: number, clock: Clock) {
    this.words = memory.arena.words;
    this.bytes = memory.arena.bytes;
    this.#header = memory.header;
    this.#slabs = memory.slabs;
    this.#items = memory.items;
    this.#buckets = memory.buckets;
    this.#locks = memory.buckets.locks;
    this.#itemsEnd = itemsEnd;
    this.#valueBytesMax = memory.plan.slabItemBytesMax;
    this.#lastPlace = this.words.length - TOUCHED_WORDS_MAX;
    this.#clock = clock;
  }

  setOwner(own: boolean): void {
    this.#own = own;
  }

  /** Finds the bucket of a key; returns a word of it. */
  bucketPlace(batch: GetBatch, key: number): number {
    const count = this.#own ? this.#header.bucketCount() : this.#header.bucketCountOrdered();
    const bucket = bucketOf(batch.lows[key] as number, count);
    batch.buckets[key] = bucket;
    return this.#buckets.tagsWord(bucket);
  }

  /**
   * Finds the entry of a key that has its tag; returns a word of the item it leads to, or of the
   * bucket.
   */
  pick(batch: GetBatch, key: number): number {
    const bucket = batch.buckets[key] as number;
    if (!this.#own) {
      batch.versions[key] = this.#locks.beginRead(this.#buckets.versionWord(bucket));
    }
    const tag = tagOf(batch.highs[key] as number);
    let at = bucket;
    let lanes = this.#buckets.lanes(at, tag);
    for (let length = 1; lanes === 0 && length < CHAIN_BUCKETS_MAX; length++) {
      at = this.#buckets.link(at);
      if (at === NONE) break;
      lanes = this.#buckets.lanes(at, tag);
    }
    if (lanes === 0) {
      batch.entries[key] = NONE;
      return this.#buckets.tagsWord(bucket);
    }
    const entry = at * BUCKET_ENTRIES + firstLane(lanes);
    const item = this.#buckets.ref(entry);
    batch.entries[key] = entry;
    batch.items[key] = item;
    return Math.min(this.#items.packedWord(item), this.#lastPlace);
  }

  /** How many cache lines an item of mean size touches. */
  itemLines(): number {
    return 1 + ((this.#header.meanBytes() / CACHE_LINE_BYTES) | 0);
  }

  /**
   * Looks whether what was picked is the item of keyBytes[start, start + length), and notes the
   * access.
   */
  accept(
    batch: GetBatch,
    key: number,
    keyBytes: Uint8Array,
    start: number,
    length: number,
  ): ReadOutcome {
    const own = this.#own;
    if (!own && ((batch.versions[key] as number) & 1) !== 0) return ReadOutcome.busy;
    const entry = batch.entries[key] as number;
    if (entry === NONE) return this.#isAbsent(batch, key) ? ReadOutcome.miss : ReadOutcome.busy;
    const items = this.#items;
    const item = batch.items[key] as ItemRef;
    const packed = items.packed(item);
    if (!isPlain(packed, length)) return ReadOutcome.busy;
    const valueBytes = valueBytesOf(packed);
    const keyStart = items.keyStart(item);
    const valueStart = keyStart + length;
    if (valueBytes > this.#valueBytesMax) return ReadOutcome.busy; // large, or torn
    if (valueStart + valueBytes > this.#itemsEnd) return ReadOutcome.busy;
    if (!equalBytes(keyBytes, start, this.bytes, keyStart, length)) return ReadOutcome.busy;
    // As ItemView.deadMark: asked there, pipelined gets took 4 to 8 % more.
    if (this.#slabs.epoch(this.#slabs.slabOf(item)) !== this.#header.epoch())
      return ReadOutcome.busy;
    const exptime = items.exptime(item);
    const now = this.#clock.now;
    if (exptime !== 0 && exptime <= now) return ReadOutcome.busy;
    this.valueStart = valueStart;
    this.valueBytes = valueBytes;
    this.clientFlags = items.clientFlags(item);
    this.casLow = items.casLow(item);
    this.casHigh = items.casHigh(item);
    this.#buckets.hit(entry, this.#buckets.credit(entry));
    if (own && items.touched(item) !== now) items.setTouched(item, now);
    return ReadOutcome.hit;
  }

  /** After the value was copied: true when the copy is not torn. */
  confirm(batch: GetBatch, key: number): boolean {
    return (
      this.#own ||
      this.#locks.unchanged(
        this.#buckets.versionWord(batch.buckets[key] as number),
        batch.versions[key] as number,
      )
    );
  }

  /**
   * After `pick` found no tag that fits: true when the key is surely missing. False when its bucket
   * was being changed, or when the index has grown and the key belongs to another bucket now.
   */
  #isAbsent(batch: GetBatch, key: number): boolean {
    if (this.#own) return true;
    if (!this.confirm(batch, key)) return false;
    const count = this.#header.bucketCountOrdered();
    return bucketOf(batch.lows[key] as number, count) === batch.buckets[key];
  }
}
