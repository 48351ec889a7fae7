/**
 * Residents: the items that are in the shard, as the index, the slabs and the gauges together know
 * them. Every way in and out leads through here, so that the three never disagree.
 *
 *   find ──▶ live item's entry, or NONE (an expired or flushed one is reclaimed on the way)
 *   drop ──▶ out of the index, then dead in its slab (or its chain freed), counted off its queue
 *
 * A key that leaves by expiry, delete or flush and was worth something (a credit, or a place in
 * main) goes to the ghost: otherwise every expiry would demote the hottest keys.
 */
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import type { KeyHash } from "../base/key-hash.ts";
import type { ItemRef } from "../base/unit.ts";
import { Op } from "../command/op.ts";
import { ItemMark, type Reply } from "../command/reply.ts";
import type { Request } from "../command/request.ts";
import {
  ACTIVE,
  type Buckets,
  CREDIT_FULL,
  CREDIT_HIT,
  CREDIT_MASK,
  FETCHED,
  NONE,
} from "../memory/buckets.ts";
import { Counter, type Counters, EVICTED_TIMES, SPLITS } from "../memory/counters.ts";
import type { ItemView } from "../memory/item-view.ts";
import { DEAD, type Items } from "../memory/items.ts";
import type { ShardHeader } from "../memory/shard-header.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import { SLAB_HEAD_BYTES } from "../memory/shard-plan.ts";
import { NO_SLAB, Queue, queueClass, type SlabTable } from "../memory/slab-table.ts";
import { ChainTails } from "./chain-tails.ts";
import type { Ghost } from "./ghost.ts";
import type { KeyIndex } from "./key-index.ts";
import type { SlabAllocator } from "./slab-allocator.ts";

/** A read whose connection counts the dead item it met (connection/count.ts). */
function isRead(op: Op): boolean {
  return op === Op.get || op === Op.fetch || op === Op.inspect;
}

export class Residents {
  /** Why the last `find` of a key that was there returned NONE: a bit of ItemMark, else 0. */
  deadMark = 0;
  readonly #header: ShardHeader;
  readonly #slabs: SlabTable;
  readonly #items: Items;
  readonly #view: ItemView;
  readonly #buckets: Buckets;
  readonly #bytes: Uint8Array;
  readonly #slabBytes: number;
  readonly #index: KeyIndex;
  readonly #allocator: SlabAllocator;
  readonly #ghost: Ghost;
  readonly #hash: KeyHash;
  readonly #clock: Clock;
  readonly #counters: Counters;
  readonly #tails: ChainTails;

  constructor(
    memory: ShardMemory,
    parts: { index: KeyIndex; allocator: SlabAllocator; ghost: Ghost },
    hash: KeyHash,
    clock: Clock,
    counters: Counters,
  ) {
    this.#header = memory.header;
    this.#slabs = memory.slabs;
    this.#items = memory.items;
    this.#view = memory.view;
    this.#buckets = memory.buckets;
    this.#bytes = memory.arena.bytes;
    this.#slabBytes = memory.plan.slabBytes;
    this.#index = parts.index;
    this.#allocator = parts.allocator;
    this.#ghost = parts.ghost;
    this.#hash = hash;
    this.#clock = clock;
    this.#counters = counters;
    this.#tails = new ChainTails(memory);
  }

  /** The entry of the live item the request names, or NONE. Reclaims a dead one. */
  find(request: Request): number {
    this.deadMark = 0;
    const entry = this.#index.find(
      request.hashLow,
      request.hashHigh,
      request.keyBytes,
      request.keyStart,
      request.keyEnd,
    );
    if (entry === NONE) return NONE;
    const item = this.#buckets.ref(entry);
    const dead = this.#view.deadMark(item, this.#clock.now);
    if (dead === 0) return entry;
    this.deadMark = dead;
    if (!isRead(request.op)) {
      this.#counters.add(dead === ItemMark.expired ? Counter.getExpired : Counter.getFlushed, 1);
    }
    this.reclaim(entry, request.hashLow, request.hashHigh);
    return NONE;
  }

  /** True when an item's time is over, or a flush has killed it. */
  isOver(item: ItemRef): boolean {
    return this.#view.deadMark(item, this.#clock.now) !== 0;
  }

  /** The queue an item is in, as stats number it. */
  queueOf(item: ItemRef): number {
    return queueClass(this.#slabs.queue(this.#slabs.slabOf(item)));
  }

  /** The length of an item's value, be it in a slab or in a chain. */
  valueBytes(item: ItemRef): number {
    return this.#view.valueBytes(item);
  }

  /** The memory an item takes: its slot, or its slabs and its tail. */
  footprint(item: ItemRef): number {
    if (!this.#items.isLarge(item)) return this.#items.slotBytes(item);
    const slab = this.#slabs.slabOf(item);
    return this.#slabs.chainSlabs(slab) * this.#slabBytes + this.#tails.bytesOf(slab);
  }

  /** Counts an item in, or (negative `sign`) off a queue, when no flush has killed it. */
  count(item: ItemRef, queue: Queue, sign: 1 | -1): void {
    if (this.#slabs.epoch(this.#slabs.slabOf(item)) !== this.#header.epoch()) return;
    this.#header.addItems(queue, sign);
  }

  /**
   * Takes a new item in: its entry, its count, and the mean; the ghost need not remember its key
   * any more.
   */
  admit(item: ItemRef, queue: Queue, bytes: number, hashLow: number, hashHigh: number): void {
    while (!this.#index.insert(hashLow, hashHigh, item, 0)) this.#dropWeakest(hashLow);
    this.count(item, queue, 1);
    if (queue === Queue.main || queue === Queue.largeMain) {
      this.#ghost.forget(hashLow, hashHigh);
      this.#counters.add(Counter.ghostHits, 1);
    }
    this.#header.noteItemBytes(bytes);
  }

  /**
   * The index has no room for another entry where one is needed: its least credited neighbour goes.
   */
  #dropWeakest(hashLow: number): void {
    const entry = this.#index.weakest(hashLow);
    const item = this.#buckets.ref(entry);
    this.countEviction(item, this.#buckets.credit(entry));
    this.#index.remove(entry, hashLow);
    this.bury(item);
  }

  /** Counts a live item that leaves for want of room. */
  countEviction(item: ItemRef, credit: number): void {
    const queue = this.queueOf(item);
    const age = this.#clock.now - this.#items.touched(item);
    const counters = this.#counters;
    counters.addToQueue(SPLITS.evictions, queue, 1);
    if ((credit & FETCHED) === 0) counters.addToQueue(SPLITS.evictedUnfetched, queue, 1);
    if ((credit & ACTIVE) !== 0) counters.addToQueue(SPLITS.evictedActive, queue, 1);
    if (this.#items.exptime(item) !== 0) counters.addToQueue(SPLITS.evictedNonzero, queue, 1);
    counters.set(Counter.evictedTime, age);
    counters.set(EVICTED_TIMES[queue - 1] as Counter, age);
  }

  /** Counts an item that leaves because it has expired, or was flushed. */
  countReclaimed(item: ItemRef, credit: number): void {
    const queue = this.queueOf(item);
    this.#counters.addToQueue(SPLITS.reclaimed, queue, 1);
    if ((credit & FETCHED) === 0) this.#counters.addToQueue(SPLITS.expiredUnfetched, queue, 1);
  }

  /** Removes a dead item: expired, or flushed. */
  reclaim(entry: number, hashLow: number, hashHigh: number): void {
    this.countReclaimed(this.#buckets.ref(entry), this.#buckets.credit(entry));
    this.drop(entry, hashLow, hashHigh);
  }

  /**
   * Removes an item because its key was deleted or its time is over: the ghost remembers what was
   * worth something.
   */
  drop(entry: number, hashLow: number, hashHigh: number): void {
    const item = this.#buckets.ref(entry);
    this.recall(item, this.#buckets.credit(entry), hashLow, hashHigh);
    this.#index.remove(entry, hashLow);
    this.bury(item);
  }

  /** Has the ghost remember a key that leaves though it was worth something. */
  recall(item: ItemRef, credit: number, hashLow: number, hashHigh: number): void {
    const queue = this.#slabs.queue(this.#slabs.slabOf(item));
    if ((credit & CREDIT_MASK) === 0 && queue !== Queue.main && queue !== Queue.largeMain) return;
    this.#ghost.remember(hashLow, hashHigh, this.footprint(item));
  }

  /** Gives back the memory of an item the index no longer leads to. */
  bury(item: ItemRef): void {
    const slab = this.#slabs.slabOf(item);
    const queue = this.#slabs.queue(slab);
    this.count(item, queue, -1);
    if (this.#items.isLarge(item)) {
      this.#allocator.detach(slab);
      this.#header.setSlabs(queue, this.#header.slabs(queue) - this.#slabs.chainSlabs(slab) + 1);
      this.#buryChain(slab);
      return;
    }
    const bytes = this.#items.slotBytes(item);
    this.#items.setPacked(item, this.#items.packed(item) | DEAD);
    this.#allocator.release(item, bytes);
  }

  #buryChain(slab: number): void {
    if (this.#slabs.leases(slab) === 0) {
      this.freeChain(slab);
      return;
    }
    this.#slabs.setQueue(slab, Queue.orphan);
    this.#header.setOrphanSlabs(this.#header.orphanSlabs() + this.#slabs.chainSlabs(slab));
  }

  /** Frees a chain of slabs that is in no queue, and its tail. */
  freeChain(first: number): void {
    let slab = first;
    while (slab !== NO_SLAB) {
      const next = this.#slabs.chainNext(slab);
      if (this.#slabs.queue(slab) === Queue.tails)
        this.#tails.release(first, slab, this.#allocator);
      else this.#allocator.free(slab);
      slab = next;
    }
  }

  /** The entry of an item found in a slab; its key's hash is left in the KeyHash. */
  entryOf(item: ItemRef): number {
    const start = this.#items.keyStart(item);
    this.#hash.update(this.#bytes, start, start + this.#items.keyBytes(item));
    const entry = this.#index.entryOf(item, this.#hash.low, this.#hash.high);
    assert(entry !== NONE, "a live item is in the index");
    return entry;
  }

  /** Notes that an item was wanted, though nobody has read it. */
  bump(entry: number): void {
    const credit = this.#buckets.credit(entry);
    const next = credit + CREDIT_HIT;
    if ((credit & CREDIT_MASK) < CREDIT_FULL) this.#buckets.setCredit(entry, next);
  }

  /** Notes an access: the credit, and when. */
  touch(entry: number, item: ItemRef): void {
    this.#buckets.hit(entry, this.#buckets.credit(entry));
    this.noteTime(item);
  }

  /** Notes when an item was accessed, where its credit has been given already. */
  noteTime(item: ItemRef): void {
    const { now } = this.#clock;
    if (this.#items.touched(item) !== now) this.#items.setTouched(item, now);
  }

  /** Describes an item as it is now. `credit` is its credit byte from before the request. */
  describe(item: ItemRef, credit: number, reply: Reply): void {
    this.#view.describe(item, credit, reply);
  }

  /** The item of a chain's first slab. */
  itemOfChain(slab: number): ItemRef {
    return this.#slabs.itemAt(slab, SLAB_HEAD_BYTES);
  }
}
