/**
 * Shard gauges: what is in a shard now, read from its slab table by any thread, without asking its
 * owner.
 *
 *   slab table ──▶ per queue: items, bytes, slabs, age          the class numbers of `stats items` and `stats slabs`
 *              ──▶ per slab: queue, written, live, age, expiry  the dashboard's slab map
 *
 * memcached's slab classes do not exist here; its tools see one class per queue: 1 small (new
 * items), 2 main (items that were read), 3 large (items of more than a slab or 512 KiB, a chain of
 * slabs each).
 *
 * The bytes of items are those of memory they take, header, key, value and padding: memcached counts
 * headers of its own, which are larger than ours, and would show more than there is room for.
 *
 * The owner goes on writing meanwhile: numbers of one call may be a few requests apart. A slab
 * costs one cache line to read.
 */
import { CACHE_LINE_BYTES } from "../base/unit.ts";
import { GHOST_WAYS } from "../memory/ghost-table.ts";
import type { ShardHeader } from "../memory/shard-header.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import { BUCKET_ENTRIES, type ShardPlan, SLAB_HEAD_BYTES } from "../memory/shard-plan.ts";
import { NEVER, Queue, queueClass, type SlabTable } from "../memory/slab-table.ts";

/** A set of the ghost table is a row of u32 (memory/ghost-table.ts). */
const GHOST_SET_BYTES = GHOST_WAYS * 4;

/** The classes tools see. */
export const QUEUE_CLASSES = [1, 2, 3] as const;
export type QueueClass = (typeof QUEUE_CLASSES)[number];
export const QUEUE_CLASS_NAMES = ["small", "main", "large"] as const;

/** One class, summed over slabs, and by the caller over shards. */
export interface QueueGauges {
  items: number;
  /** Bytes of memory its live items take. */
  bytes: number;
  /** Bytes written, the dead ones included. */
  writtenBytes: number;
  slabs: number;
  /**
   * Seconds since the oldest slab of the queue was opened: the age of what would be evicted next.
   */
  ageSeconds: number;
}

/** What shards hold, summed. */
export interface StoreGauges {
  /** By class: small, main, large. */
  readonly queues: readonly [QueueGauges, QueueGauges, QueueGauges];
  slabs: number;
  /** Slabs that may be used: all, or fewer after cache_memlimit. */
  slabLimit: number;
  slabsFree: number;
  /** Of the free ones, those that were in use before, so that their memory is taken. */
  slabsReused: number;
  slabBytes: number;
  indexBytes: number;
  ghostBytes: number;
}

/** One slab, for the map. */
export interface SlabView {
  /** 0 free, else the class. */
  queue: number;
  writtenBytes: number;
  liveBytes: number;
  items: number;
  /** Server second it was opened at. */
  openedAt: number;
  /** The least exptime in it; 0 when nothing in it expires. */
  exptimeMin: number;
}

export class ShardGauges {
  readonly plan: ShardPlan;
  readonly #slabs: SlabTable;
  readonly #header: ShardHeader;

  constructor(memory: ShardMemory) {
    this.plan = memory.plan;
    this.#header = memory.header;
    this.#slabs = memory.slabs;
  }

  /** Adds what this shard holds to `into`. */
  addTo(into: StoreGauges, now: number): void {
    for (let slab = 0; slab < this.plan.slabCount; slab++) {
      const queue = this.#slabs.queue(slab);
      const gauges = into.queues[queueClass(queue) - 1];
      if (gauges === undefined) {
        into.slabsFree++;
        if (this.#slabs.openedAt(slab) > 0) into.slabsReused++;
        continue;
      }
      gauges.slabs++;
      gauges.writtenBytes += this.#slabs.writtenBytes(slab);
      gauges.bytes += this.#itemBytes(slab);
      if (this.#isFlushed(slab)) continue;
      if (this.#slabs.items(slab) > 0) {
        const age = Math.max(0, now - this.#slabs.openedAt(slab));
        if (age > gauges.ageSeconds) gauges.ageSeconds = age;
      }
    }
    for (const queue of [Queue.small, Queue.main, Queue.largeSmall, Queue.largeMain]) {
      const gauges = into.queues[queueClass(queue) - 1] as QueueGauges;
      gauges.items += this.#header.items(queue);
    }
    into.slabs += this.plan.slabCount;
    into.slabLimit += this.slabLimit();
    into.slabBytes = this.plan.slabBytes;
    into.indexBytes += this.indexBytes();
    into.ghostBytes += this.#header.ghostSets() * GHOST_SET_BYTES;
  }

  /** Flushed, not reclaimed yet. */
  #isFlushed(slab: number): boolean {
    return this.#slabs.epoch(slab) !== this.#header.epoch();
  }

  /** Bytes of the live items that begin in a slab. */
  #itemBytes(slab: number): number {
    const queue = this.#slabs.queue(slab);
    const holdsItems = queue !== Queue.free && queue <= Queue.largeMain;
    return holdsItems && !this.#isFlushed(slab) ? this.#slabs.liveBytes(slab) : 0;
  }

  /** Live items of the shard, and their bytes. */
  items(): { items: number; bytes: number } {
    let items = 0;
    let bytes = 0;
    for (const queue of [Queue.small, Queue.main, Queue.largeSmall, Queue.largeMain]) {
      items += this.#header.items(queue);
    }
    for (let slab = 0; slab < this.plan.slabCount; slab++) bytes += this.#itemBytes(slab);
    return { items, bytes };
  }

  /** What is known of one slab. */
  slab(slab: number): SlabView {
    const exptimeMin = this.#slabs.exptimeMin(slab);
    return {
      queue: queueClass(this.#slabs.queue(slab)),
      // The last slab of a chain also counts what lies in its tail.
      writtenBytes: Math.min(this.plan.slabBytes, this.#slabs.writtenBytes(slab)),
      liveBytes: this.#slabs.liveBytes(slab),
      items: this.#slabs.items(slab),
      openedAt: this.#slabs.openedAt(slab),
      exptimeMin: exptimeMin === NEVER ? 0 : exptimeMin,
    };
  }

  /** Bytes of the index that are in use. */
  indexBytes(): number {
    return (this.#header.bucketCount() + this.#header.overflowUsed()) * CACHE_LINE_BYTES;
  }

  /** Entries the index has room for before it overflows. */
  indexRoom(): number {
    return this.#header.bucketCount() * BUCKET_ENTRIES;
  }

  /** Slabs that may be used: all, or fewer after cache_memlimit. */
  slabLimit(): number {
    return Math.min(this.#header.slabLimit(), this.plan.slabCount);
  }

  /** Bytes a slab can hold. */
  slabRoomBytes(): number {
    return this.plan.slabBytes - SLAB_HEAD_BYTES;
  }
}

/** Gauges of no shard at all, to be added to. */
export function emptyGauges(): StoreGauges {
  return {
    queues: [emptyQueue(), emptyQueue(), emptyQueue()],
    slabs: 0,
    slabLimit: 0,
    slabsFree: 0,
    slabsReused: 0,
    slabBytes: 0,
    indexBytes: 0,
    ghostBytes: 0,
  };
}

/** Items of all classes. */
export function itemsOf({ queues }: StoreGauges): number {
  return queues[0].items + queues[1].items + queues[2].items;
}

/** Bytes of live items of all classes. */
export function bytesOf({ queues }: StoreGauges): number {
  return queues[0].bytes + queues[1].bytes + queues[2].bytes;
}

function emptyQueue(): QueueGauges {
  return { items: 0, bytes: 0, writtenBytes: 0, slabs: 0, ageSeconds: 0 };
}
