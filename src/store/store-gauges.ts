/**
 * Store gauges: what a shard holds now, for stats, metrics and the dashboard. Any thread may ask;
 * single words may be a moment apart, which nobody's correctness needs.
 */
import type { Clock } from "../base/clock.ts";
import type { Arena } from "../memory/arena.ts";
import { ShardMemory } from "../memory/shard-memory.ts";
import type { ShardPlan } from "../memory/shard-plan.ts";
import { NO_SLAB, Queue } from "../memory/slab-table.ts";

/** One queue as stats number them: 1 small, 2 main, 3 large. */
export interface QueueGauges {
  items: number;
  /** As memcached counts them. */
  bytes: number;
  slabs: number;
  /** Bytes of memory in live items. */
  liveBytes: number;
  /** Seconds since the oldest slab was opened. */
  ageSeconds: number;
}

/** One slab, for the slab map. */
export interface SlabGauges {
  queue: Queue;
  writtenBytes: number;
  liveBytes: number;
  items: number;
  ageSeconds: number;
}

export class StoreGauges {
  readonly plan: ShardPlan;
  readonly #memory: ShardMemory;

  constructor(arena: Arena, base: number) {
    this.#memory = new ShardMemory(arena, base);
    this.plan = this.#memory.plan;
  }

  /** Live items of all queues. */
  items(): number {
    let items = 0;
    for (let queue: number = Queue.small; queue <= Queue.largeMain; queue++) {
      items += this.#memory.header.items(queue as Queue);
    }
    return items;
  }

  /** Their bytes, as memcached counts them. */
  bytes(): number {
    let bytes = 0;
    for (let queue: number = Queue.small; queue <= Queue.largeMain; queue++) {
      bytes += this.#memory.header.itemBytes(queue as Queue);
    }
    return bytes;
  }

  freeSlabs(): number {
    return this.#memory.header.freeSlabs();
  }

  /** Slabs that may be in use, as cache_memlimit last set them. */
  slabLimit(): number {
    return this.#memory.header.slabLimit();
  }

  /** Buckets of the index in use. */
  buckets(): number {
    return this.#memory.header.bucketCount();
  }

  /** Entries of the index: items, and flushed ones the sweep has not met yet. */
  entries(): number {
    return this.#memory.header.entries();
  }

  /** Slabs set aside for uploads, and slabs of items that are gone but still being read. */
  uploadSlabs(): number {
    return this.#memory.header.uploadSlabs();
  }

  orphanSlabs(): number {
    return this.#memory.header.orphanSlabs();
  }

  /** Running mean of the memory new items take. */
  meanItemBytes(): number {
    return this.#memory.header.meanItemBytes();
  }

  /** The gauges of queue 1, 2 or 3. */
  queue(number: number, clock: Clock): QueueGauges {
    const gauges: QueueGauges = { items: 0, bytes: 0, slabs: 0, liveBytes: 0, ageSeconds: 0 };
    if (number < 3) {
      this.#add(gauges, number as Queue, clock);
    } else {
      this.#add(gauges, Queue.largeSmall, clock);
      this.#add(gauges, Queue.largeMain, clock);
    }
    return gauges;
  }

  #add(gauges: QueueGauges, queue: Queue, clock: Clock): void {
    const { header, slabs } = this.#memory;
    gauges.items += header.items(queue);
    gauges.bytes += header.itemBytes(queue);
    gauges.slabs += header.slabs(queue);
    const oldest = header.oldest(queue);
    if (oldest !== NO_SLAB) {
      gauges.ageSeconds = Math.max(gauges.ageSeconds, clock.now - slabs.openedAt(oldest));
    }
    for (let slab = 0; slab < slabs.count; slab++) {
      if (slabs.queue(slab) === queue) gauges.liveBytes += slabs.liveBytes(slab);
    }
  }

  /** One slab of `plan.slabCount`. */
  slab(slab: number, clock: Clock): SlabGauges {
    const slabs = this.#memory.slabs;
    const queue = slabs.queue(slab);
    return {
      queue,
      writtenBytes: queue === Queue.free ? 0 : slabs.writtenBytes(slab),
      liveBytes: slabs.liveBytes(slab),
      items: slabs.items(slab),
      ageSeconds: queue === Queue.free ? 0 : clock.now - slabs.openedAt(slab),
    };
  }
}
