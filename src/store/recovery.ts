/**
 * Recovery: makes a shard whole again whose owner died at any point. Everything is derived anew
 * from the buckets, the bytes of the slabs and the slab table's own lines; counts, lists and marks
 * are only rebuilt, never trusted.
 *
 *   0 slabs     a slab whose own line cannot be true is given up
 *   1 buckets   versions made even; entries that lead nowhere, to an item that was mid-change, to a key that belongs
 *               elsewhere (a split stopped half-way) are taken out
 *   2 items     all marked dead
 *   3 buckets   each entry's item is made live again and counted; a second entry to one item is taken out; holes filled
 *   4 slabs     chains of large items checked, leases counted; what holds nothing live is freed; queues and
 *               free list linked anew, by sequence
 *
 * What this relies on, and who keeps it: an entry is led to an item only after the item and its
 * slab's written bytes are there (store/writer.ts); an item overwritten in place carries the dead
 * mark meanwhile; the packed word of an item is one store, so a slab can always be walked. Readers
 * go on all the while: only versions and tags change under them.
 *
 * A recovery that dies is begun anew. Once step 1 is done the shard says so (`isJudged`), since the
 * dead marks of step 2 would otherwise be taken for items that were mid-change.
 *
 * The shard may lie in a file somebody damaged. So every number that leads elsewhere is looked at
 * before it is followed: a walk stays in its slab, a chain in the slab table, and each loop ends.
 * What cannot be made whole stops with an assertion: then the shard is formatted anew.
 */
import { assert } from "../base/assert.ts";
import type { KeyHash } from "../base/key-hash.ts";
import type { ItemRef } from "../base/unit.ts";
import { type Buckets, bucketOf, CHAIN_BUCKETS_MAX, NONE, tagOf } from "../memory/buckets.ts";
import { DEAD, type Items } from "../memory/items.ts";
import type { ShardHeader } from "../memory/shard-header.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import { BUCKET_ENTRIES, ITEM_HEADER_BYTES, SLAB_HEAD_BYTES } from "../memory/shard-plan.ts";
import { NEVER, NO_SLAB, Queue, type SlabTable } from "../memory/slab-table.ts";
import { ChainTails } from "./chain-tails.ts";
import { KeyIndex } from "./key-index.ts";
import { relinkSlabs } from "./relink.ts";

export class Recovery {
  readonly #memory: ShardMemory;
  readonly #tails: ChainTails;
  readonly #header: ShardHeader;
  readonly #slabs: SlabTable;
  readonly #items: Items;
  readonly #buckets: Buckets;
  readonly #hash: KeyHash;
  /** Of each slab the first slab of the large item that has it, plus 1. */
  readonly #chainOf: Int32Array;
  #dropped = 0;

  constructor(memory: ShardMemory, hash: KeyHash) {
    this.#memory = memory;
    this.#tails = new ChainTails(memory);
    this.#header = memory.header;
    this.#slabs = memory.slabs;
    this.#items = memory.items;
    this.#buckets = memory.buckets;
    this.#hash = hash;
    this.#chainOf = new Int32Array(memory.slabs.count);
  }

  /** Repairs the shard; the number of entries that were taken out. */
  run(): number {
    const bucketCount = this.#header.bucketCount();
    const { bucketsMax, overflowBuckets } = this.#memory.plan;
    assert(bucketCount > 0 && bucketCount <= bucketsMax, "a shard has buckets, and no more");
    assert(this.#header.overflowUsed() <= overflowBuckets, "so it has overflow buckets");
    for (let slab = 0; slab < this.#slabs.count; slab++) this.#checkSlab(slab);
    const overflowInUse = new Uint8Array(this.#memory.plan.overflowBuckets);
    for (let bucket = 0; bucket < bucketCount; bucket++) this.#repairChain(bucket, overflowInUse);
    this.#freeOverflow(overflowInUse);
    this.#header.setJudged(true);
    for (let slab = 0; slab < this.#slabs.count; slab++) this.#killAll(slab);
    for (let queue: number = Queue.free; queue <= Queue.largeMain; queue++) {
      this.#header.setItems(queue as Queue, 0);
    }
    let entries = 0;
    for (let bucket = 0; bucket < bucketCount; bucket++) entries += this.#reviveChain(bucket);
    this.#header.setEntries(entries);
    const index = new KeyIndex(this.#memory, this.#hash);
    for (let bucket = 0; bucket < bucketCount; bucket++) index.tidy(bucket);
    this.#trimOpen();
    relinkSlabs(this.#memory);
    this.#header.setJudged(false);
    for (let bucket = 0; bucket < this.#memory.plan.bucketsMax; bucket++) this.#unlock(bucket);
    return this.#dropped;
  }

  /** Gives a slab up whose line of the slab table leads out of it. */
  #checkSlab(slab: number): void {
    const queue = this.#slabs.queue(slab);
    const next = this.#slabs.chainNext(slab);
    if (next !== NO_SLAB && next >= this.#slabs.count) this.#slabs.setChainNext(slab, NO_SLAB);
    if (queue === Queue.tails) this.#slabs.setChainNext(slab, NO_SLAB);
    const isListed = queue === Queue.small || queue === Queue.main;
    const isTooLong = this.#slabs.writtenBytes(slab) > this.#memory.plan.slabBytes;
    if (queue > Queue.tails || (isListed && isTooLong)) this.#slabs.setQueue(slab, Queue.free);
  }

  /**
   * Takes what is dead off the ends of the slabs that are appended to: a copy its entry was not yet
   * led to. What the dead owner was copying from still holds it, and must find the room it had.
   */
  #trimOpen(): void {
    for (const queue of [Queue.small, Queue.main]) {
      for (const slab of [this.#header.open(queue), this.#header.ajar(queue)]) {
        if (slab < 0 || slab >= this.#slabs.count || this.#slabs.queue(slab) !== queue) continue;
        this.#slabs.setWrittenBytes(slab, this.#endOfLiving(slab));
      }
    }
  }

  #endOfLiving(slab: number): number {
    const end = this.#slabs.writtenBytes(slab);
    let living = SLAB_HEAD_BYTES;
    for (let at = SLAB_HEAD_BYTES; at < end; ) {
      const item = this.#slabs.itemAt(slab, at);
      at += this.#items.slotBytes(item);
      if (!this.#items.isDead(item)) living = at;
    }
    return living;
  }

  #unlock(bucket: number): void {
    const word = this.#buckets.versionWord(bucket);
    if (this.#buckets.locks.isHeld(word)) this.#buckets.locks.endWrite(word);
  }

  /** Takes out the entries of a chain that lead nowhere; cuts it where it runs into another. */
  #repairChain(primary: number, overflowInUse: Uint8Array): void {
    const first = this.#memory.plan.bucketsMax;
    const last = first + this.#header.overflowUsed();
    let bucket = primary;
    for (let length = 1; ; length++) {
      for (let lane = 0; lane < BUCKET_ENTRIES; lane++) {
        const entry = bucket * BUCKET_ENTRIES + lane;
        if (this.#buckets.tag(entry) !== 0 && !this.#leadsToItem(entry, primary)) {
          this.#takeOut(entry);
        }
      }
      const next = this.#buckets.link(bucket);
      const valid = next >= first && next < last && overflowInUse[next - first] === 0;
      if (!valid || length === CHAIN_BUCKETS_MAX) {
        if (next !== NONE) this.#buckets.setLink(bucket, NONE);
        return;
      }
      overflowInUse[next - first] = 1;
      bucket = next;
    }
  }

  #takeOut(entry: number): void {
    this.#buckets.setTag(entry, 0);
    this.#dropped++;
  }

  /** True when an entry leads to a whole item whose key belongs to the bucket. */
  #leadsToItem(entry: number, primary: number): boolean {
    const item = this.#buckets.ref(entry);
    const slab = this.#slabs.slabOf(item);
    if (slab >= this.#slabs.count) return false;
    const queue = this.#slabs.queue(slab);
    if (queue === Queue.free || queue > Queue.largeMain) return false;
    const offset = this.#slabs.offsetOf(item);
    const isLarge = queue === Queue.largeSmall || queue === Queue.largeMain;
    if (isLarge !== this.#items.isLarge(item)) return false;
    if (this.#items.isDead(item) && !this.#header.isJudged()) return false;
    if (isLarge && (offset !== SLAB_HEAD_BYTES || !this.#isChainWhole(slab, item))) return false;
    if (!isLarge && offset + this.#items.slotBytes(item) > this.#slabs.writtenBytes(slab)) {
      return false;
    }
    const start = this.#items.keyStart(item);
    this.#hash.update(this.#memory.arena.bytes, start, start + this.#items.keyBytes(item));
    if (this.#buckets.tag(entry) !== tagOf(this.#hash.high)) return false;
    if (bucketOf(this.#hash.low, this.#header.bucketCount()) !== primary) return false;
    return !isLarge || this.#claimChain(slab);
  }

  /** Takes a chain's slabs for its item. False when another item has one of them. */
  #claimChain(first: number): boolean {
    for (let slab = first; slab !== NO_SLAB; slab = this.#slabs.chainNext(slab)) {
      if (this.#slabs.queue(slab) === Queue.tails) break;
      const owner = this.#chainOf[slab] as number;
      if (owner !== 0 && owner !== first + 1) return false;
      this.#chainOf[slab] = first + 1;
    }
    return true;
  }

  /** True when a chain has as many slabs as its item needs, and its tail. */
  #isChainWhole(first: number, item: ItemRef): boolean {
    const bytes = ITEM_HEADER_BYTES + this.#items.keyBytes(item) + this.#slabs.valueBytes(first);
    const slabs = this.#tails.slabsFor(bytes);
    if (this.#slabs.chainSlabs(first) !== slabs) return false;
    let slab = first;
    for (let passed = 1; passed < slabs; passed++) {
      slab = this.#slabs.chainNext(slab);
      if (slab === NO_SLAB || this.#slabs.queue(slab) !== Queue.chain) return false;
    }
    return this.#tails.isWhole(first, this.#slabs.chainNext(slab), bytes);
  }

  /** Overflow buckets that no chain holds are free. */
  #freeOverflow(overflowInUse: Uint8Array): void {
    this.#header.setOverflowFree(NONE);
    for (let i = this.#header.overflowUsed() - 1; i >= 0; i--) {
      if (overflowInUse[i] === 1) continue;
      const bucket = this.#memory.plan.bucketsMax + i;
      this.#buckets.clear(bucket);
      this.#buckets.setLink(bucket, this.#header.overflowFree());
      this.#header.setOverflowFree(bucket);
    }
  }

  /** Marks every item of a slab dead, and counts nothing in it. */
  #killAll(slab: number): void {
    const queue = this.#slabs.queue(slab);
    if (queue === Queue.small || queue === Queue.main) {
      const end = this.#slabs.writtenBytes(slab);
      let at = SLAB_HEAD_BYTES;
      for (let next = at; at < end; at = next) {
        const item = this.#slabs.itemAt(slab, at);
        next = at + this.#items.slotBytes(item);
        if (next > end) break;
        this.#items.setPacked(item, this.#items.packed(item) | DEAD);
      }
      this.#slabs.setWrittenBytes(slab, at);
    } else if (queue === Queue.largeSmall || queue === Queue.largeMain) {
      const item = this.#slabs.itemAt(slab, SLAB_HEAD_BYTES);
      this.#items.setPacked(item, this.#items.packed(item) | DEAD);
    }
    this.#slabs.setItems(slab, 0);
    this.#slabs.setLiveBytes(slab, 0);
    this.#slabs.setExptimes(slab, NEVER, 0);
  }

  /** Makes the items of a chain live again; the number of its entries. */
  #reviveChain(primary: number): number {
    let entries = 0;
    let bucket = primary;
    while (bucket !== NONE) {
      for (let lane = 0; lane < BUCKET_ENTRIES; lane++) {
        const entry = bucket * BUCKET_ENTRIES + lane;
        if (this.#buckets.tag(entry) === 0) continue;
        const item = this.#buckets.ref(entry);
        if (!this.#items.isDead(item)) {
          this.#takeOut(entry);
          continue;
        }
        this.#revive(item);
        entries++;
      }
      bucket = this.#buckets.link(bucket);
    }
    return entries;
  }

  #revive(item: ItemRef): void {
    const slab = this.#slabs.slabOf(item);
    const queue = this.#slabs.queue(slab);
    this.#items.setPacked(item, this.#items.packed(item) & ~DEAD);
    const large = this.#items.isLarge(item);
    const keyBytes = this.#items.keyBytes(item);
    const valueBytes = large ? this.#slabs.valueBytes(slab) : this.#items.valueBytes(item);
    const bytes = large ? ITEM_HEADER_BYTES + keyBytes + valueBytes : this.#items.slotBytes(item);
    this.#slabs.setItems(slab, this.#slabs.items(slab) + 1);
    this.#slabs.setLiveBytes(slab, this.#slabs.liveBytes(slab) + bytes);
    this.#slabs.noteExptime(slab, this.#items.exptime(item));
    if (this.#slabs.epoch(slab) !== this.#header.epoch()) return;
    this.#header.addItems(queue, 1);
  }
}
