/**
 * Key index, the owner's half: from a key to its item. Linear hashing over 64-byte buckets
 * (memory/buckets.ts; Litwin, VLDB 1980; docs/adr/0001-index-by-linear-hashing.md).
 *
 *   buckets   0 … split - 1 | split … 2^k - 1 | 2^k … count - 1        count = 2^k + split
 *             \ already split with k + 1 bits /\ the upper halves /
 *
 * One bucket is split whenever there are more than BUCKET_LOAD entries for each, so the index grows
 * with what it holds: a cache that is half empty has touched half the index. A bucket that is full
 * takes overflow buckets from a pool. When the pool is empty, or a chain too long, `insert`
 * refuses, and the caller drops the chain's least credited item: an index that is full costs hits,
 * never a set.
 *
 * Invariants:
 *  - an entry leads to a whole, live item whose key hashes to its bucket, at every moment a reader
 *    may look, and at every moment the thread may die: references are replaced by one store, tags
 *    are written last and cleared first;
 *  - holes of a chain are filled from its end, so an overflow bucket is never empty.
 */
import { assert } from "../base/assert.ts";
import type { KeyHash } from "../base/key-hash.ts";
import type { ItemRef } from "../base/unit.ts";
import {
  type Buckets,
  bucketOf,
  CHAIN_BUCKETS_MAX,
  CREDIT_MASK,
  NONE,
  tagOf,
} from "../memory/buckets.ts";
import type { Items } from "../memory/items.ts";
import { KeySearch } from "../memory/key-search.ts";
import type { ShardHeader } from "../memory/shard-header.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import { BUCKET_ENTRIES, BUCKET_LOAD } from "../memory/shard-plan.ts";

/** The index begins with this many buckets. */
export const BUCKETS_MIN = 64;

export class KeyIndex {
  readonly #header: ShardHeader;
  readonly #buckets: Buckets;
  readonly #items: Items;
  readonly #search: KeySearch;
  readonly #bytes: Uint8Array;
  readonly #hash: KeyHash;
  readonly #bucketsMax: number;
  readonly #overflowBuckets: number;
  /** Which entries of the chain being split move: 1 each, in the order of the chain. */
  readonly #moved = new Uint8Array(CHAIN_BUCKETS_MAX * BUCKET_ENTRIES);

  constructor(memory: ShardMemory, hash: KeyHash) {
    this.#header = memory.header;
    this.#buckets = memory.buckets;
    this.#items = memory.items;
    this.#bytes = memory.arena.bytes;
    this.#search = new KeySearch(memory.arena, memory.buckets, memory.items);
    this.#hash = hash;
    this.#bucketsMax = memory.plan.bucketsMax;
    this.#overflowBuckets = memory.plan.overflowBuckets;
  }

  /** The primary bucket of a hash. */
  bucketOf(hashLow: number): number {
    return bucketOf(hashLow, this.#header.bucketCount());
  }

  /** The entry of a key, or NONE. */
  find(hashLow: number, hashHigh: number, key: Uint8Array, start: number, end: number): number {
    return this.#search.find(this.bucketOf(hashLow), hashHigh, key, start, end);
  }

  /** The entry that leads to an item whose hash is known, or NONE. */
  entryOf(item: ItemRef, hashLow: number, hashHigh: number): number {
    const tag = tagOf(hashHigh);
    let bucket = this.bucketOf(hashLow);
    while (bucket !== NONE) {
      for (let lane = 0; lane < BUCKET_ENTRIES; lane++) {
        const entry = bucket * BUCKET_ENTRIES + lane;
        if (this.#buckets.ref(entry) === item && this.#buckets.tag(entry) === tag) return entry;
      }
      bucket = this.#buckets.link(bucket);
    }
    return NONE;
  }

  /** Before the item of a key is changed where it lies: readers of its bucket wait. */
  beginWrite(hashLow: number): void {
    this.#buckets.locks.beginWrite(this.#buckets.versionWord(this.bucketOf(hashLow)));
  }

  /** After `beginWrite` and the change. */
  endWrite(hashLow: number): void {
    this.#buckets.locks.endWrite(this.#buckets.versionWord(this.bucketOf(hashLow)));
  }

  /** Leads an entry to another item of the same key. */
  replace(entry: number, item: ItemRef, credit: number, hashLow: number): void {
    this.beginWrite(hashLow);
    this.#buckets.setRef(entry, item);
    this.#buckets.setCredit(entry, credit);
    this.endWrite(hashLow);
  }

  /**
   * Adds an entry. False when its chain is full and cannot grow: drop its `weakest` and try again.
   */
  insert(hashLow: number, hashHigh: number, item: ItemRef, credit: number): boolean {
    const primary = this.bucketOf(hashLow);
    let entry = this.#hole(primary);
    const version = this.#buckets.versionWord(primary);
    if (entry === NONE) {
      const overflow = this.#extend(primary);
      if (overflow === NONE) return false;
      entry = overflow * BUCKET_ENTRIES;
    }
    this.#buckets.locks.beginWrite(version);
    this.#buckets.setRef(entry, item);
    this.#buckets.setCredit(entry, credit);
    this.#buckets.setTag(entry, tagOf(hashHigh));
    this.#buckets.locks.endWrite(version);
    const entries = this.#header.entries() + 1;
    this.#header.setEntries(entries);
    if (entries > this.#header.bucketCount() * BUCKET_LOAD) this.#split();
    return true;
  }

  /** Takes an entry out. Entries of the same chain may move: no other entry number stays valid. */
  remove(entry: number, hashLow: number): void {
    const primary = this.bucketOf(hashLow);
    const version = this.#buckets.versionWord(primary);
    assert(this.#buckets.tag(entry) !== 0, "an entry that is removed was there");
    this.#buckets.locks.beginWrite(version);
    this.#buckets.setTag(entry, 0);
    if (this.#buckets.link(primary) !== NONE) this.tidy(primary);
    this.#buckets.locks.endWrite(version);
    this.#header.setEntries(this.#header.entries() - 1);
  }

  /** The least credited entry of the chain a hash belongs to. */
  weakest(hashLow: number): number {
    let weakest = NONE;
    let least = CREDIT_MASK + 1;
    let bucket = this.bucketOf(hashLow);
    while (bucket !== NONE) {
      for (let lane = 0; lane < BUCKET_ENTRIES; lane++) {
        const entry = bucket * BUCKET_ENTRIES + lane;
        const credit = this.#buckets.credit(entry) & CREDIT_MASK;
        if (this.#buckets.tag(entry) === 0 || credit >= least) continue;
        least = credit;
        weakest = entry;
      }
      bucket = this.#buckets.link(bucket);
    }
    assert(weakest !== NONE, "a chain that is full has entries");
    return weakest;
  }

  /** The first entry of a chain that is not used, or NONE. */
  #hole(primary: number): number {
    let bucket = primary;
    while (bucket !== NONE) {
      for (let lane = 0; lane < BUCKET_ENTRIES; lane++) {
        const entry = bucket * BUCKET_ENTRIES + lane;
        if (this.#buckets.tag(entry) === 0) return entry;
      }
      bucket = this.#buckets.link(bucket);
    }
    return NONE;
  }

  /**
   * Adds an empty overflow bucket to the end of a chain; NONE when there is none, or the chain is
   * long enough.
   */
  #extend(primary: number): number {
    let last = primary;
    let length = 1;
    for (let next = this.#buckets.link(last); next !== NONE; next = this.#buckets.link(last)) {
      last = next;
      length++;
    }
    if (length >= CHAIN_BUCKETS_MAX) return NONE;
    const taken = this.#takeOverflow();
    if (taken === NONE) return NONE;
    const version = this.#buckets.versionWord(primary);
    this.#buckets.locks.beginWrite(version);
    this.#buckets.setLink(last, taken);
    this.#buckets.locks.endWrite(version);
    return taken;
  }

  /** An empty overflow bucket, or NONE. */
  #takeOverflow(): number {
    let taken = this.#header.overflowFree();
    if (taken !== NONE) {
      this.#header.setOverflowFree(this.#buckets.link(taken));
    } else {
      const used = this.#header.overflowUsed();
      if (used === this.#overflowBuckets) return NONE;
      this.#header.setOverflowUsed(used + 1);
      taken = this.#bucketsMax + used;
    }
    this.#buckets.clear(taken);
    return taken;
  }

  #freeOverflow(bucket: number): void {
    this.#buckets.setLink(bucket, this.#header.overflowFree());
    this.#header.setOverflowFree(bucket);
  }

  /**
   * Fills the holes of a chain from its end, and frees overflow buckets that are empty then. Inside
   * the lock.
   */
  tidy(primary: number): void {
    for (;;) {
      let before = primary;
      let last = primary;
      for (let next = this.#buckets.link(last); next !== NONE; next = this.#buckets.link(last)) {
        before = last;
        last = next;
      }
      if (last === primary) return;
      const moved = this.#lastEntry(last);
      if (moved === NONE) {
        this.#buckets.setLink(before, NONE);
        this.#freeOverflow(last);
        continue;
      }
      const hole = this.#hole(primary);
      if (hole === NONE || (hole / BUCKET_ENTRIES) >>> 0 === last) return;
      this.#copy(moved, hole);
      this.#buckets.setTag(moved, 0);
    }
  }

  /** The last entry of a bucket that is in use, or NONE. */
  #lastEntry(bucket: number): number {
    for (let lane = BUCKET_ENTRIES - 1; lane >= 0; lane--) {
      const entry = bucket * BUCKET_ENTRIES + lane;
      if (this.#buckets.tag(entry) !== 0) return entry;
    }
    return NONE;
  }

  #copy(from: number, to: number): void {
    this.#buckets.setRef(to, this.#buckets.ref(from));
    this.#buckets.setCredit(to, this.#buckets.credit(from));
    this.#buckets.setTag(to, this.#buckets.tag(from));
  }

  /**
   * Adds one bucket and moves to it what now hashes there. The new bucket is whole before the count
   * leads anybody to it, and what moved is still in the old one then: a thread that dies between
   * leaves copies, which recovery takes out.
   */
  #split(): void {
    const count = this.#header.bucketCount();
    if (count === this.#bucketsMax) return;
    const parent = count - 2 ** (31 - Math.clz32(count));
    const locks = this.#buckets.locks;
    const parentVersion = this.#buckets.versionWord(parent);
    const targetVersion = this.#buckets.versionWord(count);
    locks.beginWrite(parentVersion);
    locks.beginWrite(targetVersion);
    this.#buckets.clear(count);
    const whole = this.#copyUpper(parent, count);
    if (whole) {
      this.#header.setBucketCount(count + 1);
      this.#clearMoved(parent);
    } else {
      this.#freeChain(count);
    }
    locks.endWrite(targetVersion);
    locks.endWrite(parentVersion);
  }

  /**
   * Copies what belongs to bucket `target` there, and notes it in `#moved`. False when overflow
   * buckets ran out.
   */
  #copyUpper(parent: number, target: number): boolean {
    let into = target * BUCKET_ENTRIES;
    let noted = 0;
    for (let bucket = parent; bucket !== NONE; bucket = this.#buckets.link(bucket)) {
      for (let lane = 0; lane < BUCKET_ENTRIES; lane++) {
        const entry = bucket * BUCKET_ENTRIES + lane;
        const moves = this.#buckets.tag(entry) !== 0 && this.#home(entry, target + 1) === target;
        this.#moved[noted++] = moves ? 1 : 0;
        if (!moves) continue;
        if (into % BUCKET_ENTRIES === 0 && into !== target * BUCKET_ENTRIES) {
          const overflow = this.#takeOverflow();
          if (overflow === NONE) return false;
          this.#buckets.setLink(into / BUCKET_ENTRIES - 1, overflow);
          into = overflow * BUCKET_ENTRIES;
        }
        this.#copy(entry, into);
        into++;
      }
    }
    return true;
  }

  #clearMoved(parent: number): void {
    let noted = 0;
    for (let bucket = parent; bucket !== NONE; bucket = this.#buckets.link(bucket)) {
      for (let lane = 0; lane < BUCKET_ENTRIES; lane++) {
        if (this.#moved[noted++] === 1) this.#buckets.setTag(bucket * BUCKET_ENTRIES + lane, 0);
      }
    }
    this.tidy(parent);
  }

  /** Frees the overflow buckets of a chain that is given up, and empties its primary bucket. */
  #freeChain(primary: number): void {
    let overflow = this.#buckets.link(primary);
    while (overflow !== NONE) {
      const next = this.#buckets.link(overflow);
      this.#freeOverflow(overflow);
      overflow = next;
    }
    this.#buckets.clear(primary);
  }

  /** The bucket an entry's key hashes to, were there `bucketCount` buckets. */
  #home(entry: number, bucketCount: number): number {
    const item = this.#buckets.ref(entry);
    const start = this.#items.keyStart(item);
    this.#hash.update(this.#bytes, start, start + this.#items.keyBytes(item));
    return bucketOf(this.#hash.low, bucketCount);
  }
}
