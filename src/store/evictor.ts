/**
 * Evictor: makes room. Size-aware S3-FIFO over slabs: two queues of slabs, a ghost, and a credit of
 * quarter hits per item (docs/adr/0017-size-aware-s3-fifo.md; S3-FIFO: Yang and others, SOSP '23).
 *
 *   new key ──▶ small (about 10 %) ── enough credit ──▶ main (the rest) ──▶ credit left to pay with? again, else dropped
 *      │                     └── else ──▶ dropped, remembered by the ghost
 *      └── in the ghost ──▶ main
 *
 *   cost(item)  = clamp(round(4 * size / mean size), 1, 16)        what staying one more round in main costs, in quarter hits
 *   need(item)  = 4 * clamp(ceil(cost / 4), promoteHits, 3)        what leaving small for main asks
 *
 * A step that makes room, cheapest first: reclaim a slab that a flush or its expiry has emptied;
 * compact a slab of which less than half lives; evict the oldest slab of a queue whole, its
 * survivors copied to the end of main. Large items are queues of their own but one order: the older
 * of the two queues' ends goes first.
 *
 * Invariants:
 *  - survivors of one slab fit the open slab and the reserve, so copying cannot fail; a thread that
 *    died in the middle of it leaves the reserve in use, and recovery empties another slab without
 *    it (store/reserve.ts);
 *  - after PATIENCE steps that gained nothing, survivors are no longer spared: a set waits for a
 *    bounded amount of copying.
 */
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import type { KeyHash } from "../base/key-hash.ts";
import type { ItemRef } from "../base/unit.ts";
import { type Buckets, CREDIT_MASK } from "../memory/buckets.ts";
import { Counter, type Counters, SPLITS } from "../memory/counters.ts";
import { DEAD, type Items } from "../memory/items.ts";
import type { ShardHeader } from "../memory/shard-header.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import { SLAB_HEAD_BYTES } from "../memory/shard-plan.ts";
import { NO_SLAB, Queue, queueClass, type SlabTable } from "../memory/slab-table.ts";
import type { Ghost } from "./ghost.ts";
import type { KeyIndex } from "./key-index.ts";
import type { Residents } from "./residents.ts";
import { NO_ITEM, type SlabAllocator } from "./slab-allocator.ts";
import type { StoreOptions } from "./store-options.ts";

const MAIN_SHARE = 0.9;
const COST_MAX = 16;
/** An item that is as large as this many mean ones asks for this many hits at most. */
const NEED_HITS_MAX = 3;
/** Below this share of live bytes a slab is compacted before live data is evicted. */
const COMPACT_SHARE = 0.5;
/** With -M a slab is compacted when this little of it is dead: there is no other way to room. */
const COMPACT_SHARE_STRICT = 15 / 16;
/**
 * A slab is compacted only if this share of it is dead. Less may be nothing but its unfilled end,
 * which the copy would have as well: compacting would never end.
 */
const DEAD_SHARE_MIN = 1 / 16;
/** Slabs that may be evicted in a row while all their items survive. */
const PATIENCE = 16;
/** Orphans (large items gone but still being read) may hold this share of the slabs. */
const ORPHAN_SHARE = 0.25;

/** What `#choose` found. */
const Work = { none: 0, reclaim: 1, expire: 2, compact: 3 } as const;
type Work = (typeof Work)[keyof typeof Work];

export class Evictor {
  readonly #memory: ShardMemory;
  readonly #header: ShardHeader;
  readonly #slabs: SlabTable;
  readonly #items: Items;
  readonly #buckets: Buckets;
  readonly #bytes: Uint8Array;
  readonly #index: KeyIndex;
  readonly #allocator: SlabAllocator;
  readonly #ghost: Ghost;
  readonly #residents: Residents;
  readonly #hash: KeyHash;
  readonly #clock: Clock;
  readonly #counters: Counters;
  readonly #options: StoreOptions;
  readonly #compactBytes: number;
  readonly #deadBytesMin: number;
  #chosen = NO_SLAB;
  #merciless = false;
  #hasReserve = true;

  constructor(
    memory: ShardMemory,
    parts: { index: KeyIndex; allocator: SlabAllocator; ghost: Ghost; residents: Residents },
    hash: KeyHash,
    clock: Clock,
    counters: Counters,
    options: StoreOptions,
  ) {
    this.#memory = memory;
    this.#header = memory.header;
    this.#slabs = memory.slabs;
    this.#items = memory.items;
    this.#buckets = memory.buckets;
    this.#bytes = memory.arena.bytes;
    this.#index = parts.index;
    this.#allocator = parts.allocator;
    this.#ghost = parts.ghost;
    this.#residents = parts.residents;
    this.#hash = hash;
    this.#clock = clock;
    this.#counters = counters;
    this.#options = options;
    const share = options.evictions ? COMPACT_SHARE : COMPACT_SHARE_STRICT;
    this.#compactBytes = (memory.plan.slabBytes - SLAB_HEAD_BYTES) * share;
    this.#deadBytesMin = (memory.plan.slabBytes - SLAB_HEAD_BYTES) * DEAD_SHARE_MIN;
  }

  /**
   * Makes `queue`'s open slab take an item of `bytes`. False when nothing may go. Any item may have
   * moved or left.
   */
  makeRoom(queue: Queue, bytes: number): boolean {
    while (this.#allocator.place(queue, bytes) === NO_ITEM) {
      if (this.#allocator.tryOpen(queue)) return true;
      if (!this.freeSlabs(1)) return this.#allocator.place(queue, bytes) !== NO_ITEM;
    }
    return true;
  }

  /** Makes `wanted` slabs available. False when nothing may go. Any item may have moved or left. */
  freeSlabs(wanted: number): boolean {
    let patience = PATIENCE;
    let best = this.#allocator.available();
    let freed = best >= wanted;
    while (!freed) {
      this.#merciless = patience <= 0;
      if (!this.#step()) break;
      const now = this.#allocator.available();
      patience = now > best ? PATIENCE : patience - 1;
      best = Math.max(best, now);
      freed = now >= wanted;
      if (patience < -2 * this.#slabs.count) break;
    }
    this.#merciless = false;
    return freed;
  }

  /** One step towards room. False when there is nothing left that may go. */
  #step(): boolean {
    const work = this.#choose();
    if (work === Work.compact) this.compact(this.#chosen);
    else if (work !== Work.none) this.#sweepOut(this.#chosen);
    else if (!this.#options.evictions) return false;
    else return this.#evict();
    return true;
  }

  /** Looks for what can go without loss; the slab is left in `#chosen`. */
  #choose(): Work {
    const now = this.#clock.now;
    const epoch = this.#header.epoch();
    let work: Work = Work.none;
    let least = this.#compactBytes;
    for (let slab = 0; slab < this.#slabs.count; slab++) {
      const queue = this.#slabs.queue(slab);
      if (queue === Queue.free || queue > Queue.largeMain) continue;
      if (this.#slabs.epoch(slab) !== epoch || this.#slabs.exptimeMax(slab) <= now) {
        if (this.#slabs.items(slab) > 0) {
          this.#chosen = slab;
          return Work.reclaim;
        }
      }
      if (!this.#options.evictions && this.#slabs.exptimeMin(slab) <= now) {
        this.#chosen = slab;
        return Work.expire;
      }
      const large = queue === Queue.largeSmall || queue === Queue.largeMain;
      const live = this.#slabs.liveBytes(slab);
      if (large || live >= least || this.#allocator.isAppendable(slab, queue)) continue;
      if (this.#slabs.writtenBytes(slab) - SLAB_HEAD_BYTES - live < this.#deadBytesMin) continue;
      least = live;
      this.#chosen = slab;
      work = Work.compact;
    }
    return work;
  }

  /** Removes what is dead or expired in a slab. */
  #sweepOut(slab: number): void {
    this.#counters.add(Counter.directReclaims, 1);
    this.expire(slab, SLAB_HEAD_BYTES, this.#memory.plan.slabBytes);
  }

  /**
   * Reclaims what is over in a slab, from byte `offset` on, at most about `bytesMax` bytes of it.
   * The byte where it stopped, or 0 at the slab's end; then the slab's least exptime is exact.
   */
  expire(slab: number, offset: number, bytesMax: number): number {
    const queue = this.#slabs.queue(slab);
    if (queue === Queue.largeSmall || queue === Queue.largeMain) {
      const item = this.#residents.itemOfChain(slab);
      if (this.#residents.isOver(item)) this.#reclaim(item);
      return 0;
    }
    if (offset === SLAB_HEAD_BYTES) this.#slabs.beginWalk(slab);
    const stop = Math.min(this.#slabs.writtenBytes(slab), offset + bytesMax);
    let at = offset;
    while (at < stop) {
      const item = this.#slabs.itemAt(slab, at);
      at += this.#items.slotBytes(item);
      if (this.#items.isDead(item)) continue;
      this.#counters.addToQueue(SPLITS.crawlerItemsChecked, queueClass(queue), 1);
      if (this.#residents.isOver(item)) {
        this.#reclaim(item);
        if (this.#slabs.items(slab) === 0) return 0;
      } else {
        this.#slabs.noteWalked(slab, this.#items.exptime(item));
      }
    }
    if (at < this.#slabs.writtenBytes(slab)) return at;
    this.#slabs.endWalk(slab);
    return 0;
  }

  #reclaim(item: ItemRef): void {
    const entry = this.#residents.entryOf(item);
    this.#counters.addToQueue(SPLITS.crawlerReclaimed, this.#residents.queueOf(item), 1);
    this.#residents.reclaim(entry, this.#hash.low, this.#hash.high);
  }

  /** Copies what lives in a sealed slab to the end of its queue, credits and all, and frees it. */
  compact(slab: number): void {
    const queue = this.#slabs.queue(slab);
    this.#counters.add(Counter.compactions, 1);
    this.#counters.add(Counter.bytesCompacted, this.#slabs.liveBytes(slab));
    this.#allocator.detach(slab);
    const end = this.#slabs.writtenBytes(slab);
    for (let at = SLAB_HEAD_BYTES; at < end; ) {
      const item = this.#slabs.itemAt(slab, at);
      const bytes = this.#items.slotBytes(item);
      at += bytes;
      if (this.#items.isDead(item)) continue;
      const entry = this.#residents.entryOf(item);
      if (this.#residents.isOver(item)) this.#leave(item, entry, bytes, true);
      else this.#move(item, entry, bytes, queue, this.#buckets.credit(entry));
    }
    this.#finish(slab);
  }

  /** The same while the reserve is in use: survivors go where there is room, in either queue. */
  compactWithoutReserve(slab: number): void {
    this.#hasReserve = false;
    this.compact(slab);
    this.#hasReserve = true;
  }

  /**
   * Evicts the oldest slab or large item of the queue whose turn it is. False when there is none.
   */
  #evict(): boolean {
    const main = this.#header.slabs(Queue.main) + this.#header.slabs(Queue.largeMain);
    const small = this.#header.slabs(Queue.small) + this.#header.slabs(Queue.largeSmall);
    if (main + small === 0) return false;
    // Of what both hold, not of all slabs: uploads, orphans and the ends of large items have some,
    // too.
    const fromMain = small === 0 || main > (main + small) * MAIN_SHARE;
    const slab = fromMain
      ? this.#older(Queue.main, Queue.largeMain)
      : this.#older(Queue.small, Queue.largeSmall);
    const queue = this.#slabs.queue(slab);
    if (queue === Queue.largeSmall || queue === Queue.largeMain) this.#evictLarge(slab, fromMain);
    else this.#evictSlab(slab, fromMain);
    return true;
  }

  /** The slab that was put in its queue first. */
  #older(a: Queue, b: Queue): number {
    const first = this.#header.oldest(a);
    const second = this.#header.oldest(b);
    if (first === NO_SLAB) return second;
    if (second === NO_SLAB) return first;
    const apart = (this.#slabs.sequence(first) - this.#slabs.sequence(second)) | 0;
    return apart < 0 ? first : second;
  }

  #evictSlab(slab: number, fromMain: boolean): void {
    this.#allocator.detach(slab);
    const end = this.#slabs.writtenBytes(slab);
    for (let at = SLAB_HEAD_BYTES; at < end; ) {
      const item = this.#slabs.itemAt(slab, at);
      const bytes = this.#items.slotBytes(item);
      at += bytes;
      if (this.#items.isDead(item)) continue;
      const entry = this.#residents.entryOf(item);
      if (this.#residents.isOver(item)) {
        this.#leave(item, entry, bytes, true);
        continue;
      }
      const credit = this.#buckets.credit(entry);
      const kept = this.#creditKept(credit, bytes, fromMain);
      if (kept < 0) {
        this.#residents.countEviction(item, credit);
        if (!fromMain) this.#ghost.remember(this.#hash.low, this.#hash.high, bytes);
        this.#leave(item, entry, bytes, false);
      } else {
        if (!fromMain) this.#counters.add(Counter.promotions, 1);
        this.#move(item, entry, bytes, Queue.main, (credit & ~CREDIT_MASK) | kept);
      }
    }
    this.#finish(slab);
  }

  /** The credit an item goes on with in main; -1 when it does not stay. */
  #creditKept(credit: number, bytes: number, fromMain: boolean): number {
    if (this.#merciless) return -1;
    const hits = credit & CREDIT_MASK;
    const cost = Math.min(COST_MAX, Math.max(1, this.#header.quarterMeans(bytes)));
    if (fromMain) return hits >= cost ? hits - cost : -1;
    const needHits = Math.max(this.#options.promoteHits, (cost + 3) >>> 2);
    return hits >= 4 * Math.min(NEED_HITS_MAX, needHits) ? 0 : -1;
  }

  #evictLarge(slab: number, fromMain: boolean): void {
    const item = this.#residents.itemOfChain(slab);
    const entry = this.#residents.entryOf(item);
    if (this.#residents.isOver(item)) {
      this.#residents.reclaim(entry, this.#hash.low, this.#hash.high);
      return;
    }
    const bytes = this.#residents.footprint(item);
    const credit = this.#buckets.credit(entry);
    let kept = this.#creditKept(credit, bytes, fromMain);
    if (kept < 0 && this.#isHeld(slab)) kept = 0;
    if (kept >= 0) {
      this.#buckets.setCredit(entry, (credit & ~CREDIT_MASK) | kept);
      this.#requeueLarge(item, slab);
      return;
    }
    this.#residents.countEviction(item, credit);
    if (!fromMain) this.#ghost.remember(this.#hash.low, this.#hash.high, bytes);
    this.#index.remove(entry, this.#hash.low);
    this.#residents.bury(item);
  }

  /** True when somebody reads a large item, and its memory would join too many orphans. */
  #isHeld(slab: number): boolean {
    if (this.#slabs.leases(slab) === 0) return false;
    const orphans = this.#header.orphanSlabs() + this.#slabs.chainSlabs(slab);
    return orphans > this.#header.slabLimit() * ORPHAN_SHARE;
  }

  /** A large item goes to the end of main: no byte is copied. */
  #requeueLarge(item: ItemRef, slab: number): void {
    const queue = this.#slabs.queue(slab);
    const chain = this.#slabs.chainSlabs(slab);
    this.#residents.count(item, queue, -1);
    this.#allocator.unlink(slab);
    this.#header.setSlabs(queue, this.#header.slabs(queue) - chain);
    this.#allocator.link(slab, Queue.largeMain);
    this.#header.setSlabs(Queue.largeMain, this.#header.slabs(Queue.largeMain) + chain);
    this.#residents.count(item, Queue.largeMain, 1);
  }

  /** Copies an item to the end of a queue and leads its entry there. */
  #move(item: ItemRef, entry: number, bytes: number, queue: Queue, credit: number): void {
    let to = this.#allocator.place(queue, bytes);
    if (to === NO_ITEM && !this.#hasReserve) {
      queue = queue === Queue.main ? Queue.small : Queue.main;
      to = this.#allocator.place(queue, bytes);
    }
    if (to === NO_ITEM && !this.#hasReserve) {
      this.#residents.countEviction(item, credit);
      this.#leave(item, entry, bytes, false);
      return;
    }
    if (to === NO_ITEM) {
      this.#allocator.openReserve(queue);
      to = this.#allocator.place(queue, bytes);
    }
    assert(to !== NO_ITEM, "survivors of a slab fit the reserve");
    const from = this.#items.start(item);
    this.#bytes.copyWithin(this.#items.start(to), from, from + bytes);
    this.#allocator.commit(to, bytes, this.#items.exptime(to));
    this.#residents.count(item, this.#slabs.queue(this.#slabs.slabOf(item)), -1);
    this.#index.replace(entry, to, credit, this.#hash.low);
    this.#residents.count(to, queue, 1);
    this.#die(item, bytes);
  }

  /** Takes an item of a slab that is being emptied out of the index. */
  #leave(item: ItemRef, entry: number, bytes: number, over: boolean): void {
    if (over) {
      const credit = this.#buckets.credit(entry);
      this.#residents.countReclaimed(item, credit);
      this.#residents.recall(item, credit, this.#hash.low, this.#hash.high);
    }
    this.#residents.count(item, this.#slabs.queue(this.#slabs.slabOf(item)), -1);
    this.#index.remove(entry, this.#hash.low);
    this.#die(item, bytes);
  }

  #die(item: ItemRef, bytes: number): void {
    this.#items.setPacked(item, this.#items.packed(item) | DEAD);
    this.#allocator.forget(item, bytes);
  }

  #finish(slab: number): void {
    assert(this.#slabs.liveBytes(slab) === 0, "a slab that was emptied is empty");
    this.#allocator.free(slab);
  }
}
