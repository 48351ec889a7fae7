/**
 * Verification: walks a whole shard and stops the process where two of its parts disagree. For
 * tests; O(n).
 */
import { assert } from "../base/assert.ts";
import type { KeyHash } from "../base/key-hash.ts";
import { bucketOf, CHAIN_BUCKETS_MAX, NONE, tagOf } from "../memory/buckets.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import {
  BUCKET_ENTRIES,
  ITEM_HEADER_BYTES,
  RESERVE_SLABS,
  SLAB_HEAD_BYTES,
} from "../memory/shard-plan.ts";
import { NEVER, NO_SLAB, QUEUES, Queue } from "../memory/slab-table.ts";
import { ChainTails } from "./chain-tails.ts";

/** Walks everything. */
export function verifyShard(memory: ShardMemory, hash: KeyHash): void {
  const counted = new Float64Array(QUEUES);
  const listed = verifyLists(memory);
  const live = verifyIndex(memory, hash);
  let found = 0;
  for (let slab = 0; slab < memory.slabs.count; slab++) {
    const queue = memory.slabs.queue(slab);
    assert((listed[slab] === 1) === queue < QUEUES, "a slab of a queue is in its list");
    if (queue === Queue.small || queue === Queue.main) found += verifySlab(memory, slab, live);
    else if (queue === Queue.largeSmall || queue === Queue.largeMain) {
      assert(live.has(memory.slabs.itemAt(slab, SLAB_HEAD_BYTES)), "a large item is in the index");
      found++;
    }
  }
  assert(found === live.size, "every entry leads to an item of a queue");
  for (const item of live) {
    const slab = memory.slabs.slabOf(item as never);
    if (memory.slabs.epoch(slab) !== memory.header.epoch()) continue;
    const queue = memory.slabs.queue(slab);
    counted[queue] = (counted[queue] as number) + 1;
  }
  for (let queue: number = Queue.small; queue < QUEUES; queue++) {
    assert(memory.header.items(queue as Queue) === counted[queue], "items are counted");
  }
  verifyChains(memory);
}

/** Walks the free list and the queues; which slabs are in one. */
function verifyLists(memory: ShardMemory): Uint8Array {
  const { header, slabs } = memory;
  const listed = new Uint8Array(slabs.count);
  for (let number: number = Queue.free; number < QUEUES; number++) {
    const queue = number as Queue;
    let before = NO_SLAB;
    let count = 0;
    for (let slab = header.oldest(queue); slab !== NO_SLAB; slab = slabs.newer(slab)) {
      assert(slabs.queue(slab) === queue, "a list holds slabs of its queue");
      assert(listed[slab] === 0, "a slab is in one list, once");
      assert(slabs.older(slab) === before, "lists are linked both ways");
      if (before !== NO_SLAB && queue !== Queue.free) {
        const apart = (slabs.sequence(before) - slabs.sequence(slab)) | 0;
        assert(apart < 0, "lists are in order");
      }
      listed[slab] = 1;
      before = slab;
      const large = queue === Queue.largeSmall || queue === Queue.largeMain;
      count += large ? slabs.chainSlabs(slab) : 1;
    }
    assert(header.newest(queue) === before, "the newest slab is the last of its list");
    if (queue === Queue.free) assert(header.freeSlabs() === count, "free slabs are counted");
    else assert(header.slabs(queue) === count, "slabs of a queue are counted");
    const open = header.open(queue);
    assert(open === NO_SLAB || slabs.queue(open) === queue, "an open slab is of its queue");
    const ajar = header.ajar(queue);
    assert(ajar === NO_SLAB || slabs.queue(ajar) === queue, "a slab that is ajar is of its queue");
    assert(ajar === NO_SLAB || ajar !== open, "a slab that is ajar is not open");
  }
  assert(header.freeSlabs() >= RESERVE_SLABS, "the reserve is there");
  return listed;
}

/** Walks all buckets; the references of the entries. */
function verifyIndex(memory: ShardMemory, hash: KeyHash): Set<number> {
  const { header, buckets, items, plan, arena } = memory;
  const live = new Set<number>();
  const overflow = new Uint8Array(plan.overflowBuckets);
  for (let primary = 0; primary < header.bucketCount(); primary++) {
    assert(!buckets.locks.isHeld(buckets.versionWord(primary)), "no bucket is being written");
    let length = 0;
    for (let bucket = primary; bucket !== NONE; bucket = buckets.link(bucket)) {
      length++;
      assert(length <= CHAIN_BUCKETS_MAX, "chains are bounded");
      let used = 0;
      for (let lane = 0; lane < BUCKET_ENTRIES; lane++) {
        const entry = bucket * BUCKET_ENTRIES + lane;
        if (buckets.tag(entry) === 0) continue;
        used++;
        const item = buckets.ref(entry);
        assert(!live.has(item), "an item has one entry");
        assert(!items.isDead(item), "an entry leads to a live item");
        live.add(item);
        const start = items.keyStart(item);
        hash.update(arena.bytes, start, start + items.keyBytes(item));
        assert(buckets.tag(entry) === tagOf(hash.high), "a tag is its key's");
        assert(bucketOf(hash.low, header.bucketCount()) === primary, "a key is in its bucket");
      }
      if (bucket === primary) continue;
      assert(used > 0, "an overflow bucket holds something");
      assert(overflow[bucket - plan.bucketsMax] === 0, "an overflow bucket is in one chain");
      overflow[bucket - plan.bucketsMax] = 1;
    }
  }
  assert(live.size === header.entries(), "entries are counted");
  let free = 0;
  for (let bucket = header.overflowFree(); bucket !== NONE; bucket = buckets.link(bucket)) free++;
  const inUse = overflow.reduce((sum, used) => sum + used, 0);
  assert(free + inUse === header.overflowUsed(), "overflow buckets are in a chain or free");
  return live;
}

/** Walks one slab header to header; the number of its live items. */
function verifySlab(memory: ShardMemory, slab: number, live: Set<number>): number {
  const { items, slabs } = memory;
  let liveBytes = 0;
  let count = 0;
  let at = SLAB_HEAD_BYTES;
  while (at < slabs.writtenBytes(slab)) {
    const item = slabs.itemAt(slab, at);
    const bytes = items.slotBytes(item);
    at += bytes;
    assert(items.isDead(item) !== live.has(item), "an item is dead or in the index");
    if (items.isDead(item)) continue;
    count++;
    liveBytes += bytes;
    const bound = items.exptime(item) || NEVER;
    assert(slabs.exptimeMin(slab) <= bound, "no item expires before its slab's least exptime");
    assert(slabs.exptimeMax(slab) >= bound, "no item expires after its slab's greatest exptime");
  }
  assert(at === slabs.writtenBytes(slab), "items fill a slab without gaps");
  assert(at <= memory.plan.slabBytes, "items end with their slab");
  assert(liveBytes === slabs.liveBytes(slab), "a slab counts its live bytes");
  assert(count === slabs.items(slab), "a slab counts its live items");
  const open = memory.header.open(slabs.queue(slab)) === slab;
  assert(count > 0 || open, "a sealed slab holds something");
  return count;
}

/**
 * Every slab of kind chain belongs to one large item, upload or orphan, and so does every part
 * taken of a slab of tails.
 */
function verifyChains(memory: ShardMemory): void {
  const { slabs, items, header } = memory;
  const tails = new ChainTails(memory);
  const chained = new Uint8Array(slabs.count);
  const taken = new Uint16Array(slabs.count);
  let orphans = 0;
  for (let first = 0; first < slabs.count; first++) {
    const queue = slabs.queue(first);
    if (queue < Queue.largeSmall || queue === Queue.chain || queue === Queue.tails) continue;
    let length = 1;
    let tail = NO_SLAB;
    for (let slab = slabs.chainNext(first); slab !== NO_SLAB; slab = slabs.chainNext(slab)) {
      assert(tail === NO_SLAB, "a chain ends with its tail");
      if (slabs.queue(slab) === Queue.tails) {
        tail = slab;
        const own = tails.maskOf(first);
        assert(((taken[slab] as number) & own) === 0, "a part is in one tail");
        taken[slab] = (taken[slab] as number) | own;
        continue;
      }
      assert(slabs.queue(slab) === Queue.chain, "the slabs of a chain are marked so");
      assert(chained[slab] === 0, "a slab is in one chain");
      chained[slab] = 1;
      length++;
    }
    assert(length === slabs.chainSlabs(first), "the slabs of a chain are counted");
    if (queue === Queue.orphan) {
      orphans += length;
      assert(slabs.leases(first) > 0, "an orphan is being read");
    }
    if (queue === Queue.upload) continue;
    const item = slabs.itemAt(first, SLAB_HEAD_BYTES);
    const bytes = ITEM_HEADER_BYTES + items.keyBytes(item) + slabs.valueBytes(first);
    assert(length === tails.slabsFor(bytes), "a chain fits its item");
    assert(tails.isWhole(first, tail, bytes), "a tail fits its item");
    if (queue === Queue.orphan) continue;
    assert(slabs.liveBytes(first) === bytes, "a chain counts its item's bytes");
  }
  for (let slab = 0; slab < slabs.count; slab++) {
    const inChain = slabs.queue(slab) === Queue.chain;
    assert(inChain === (chained[slab] === 1), "a slab marked so is in a chain");
    if (slabs.queue(slab) !== Queue.tails) continue;
    assert(taken[slab] === slabs.partsTaken(slab), "the parts taken are counted");
    assert(taken[slab] !== 0, "a slab of tails holds some");
  }
  assert(orphans === header.orphanSlabs(), "orphans are counted");
}
