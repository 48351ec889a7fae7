/**
 * Chain tails: where the last part of a large item lies, so that an item just longer than a number
 * of slabs does not take one more. Ends of several items share a slab of tails, by sixteenths.
 *
 *   chain          | 8 | header, key, value … | ─▶ | 8 | … value … | ─▶ the end, unless it nearly fills a slab:
 *   slab of tails  | end of A | end of B         | end of C |   |   |    parts in a row, a sixteenth of the slab each
 *
 * A tail never moves while its item lives, so that a lease covers it like the rest. A slab of tails
 * is in no queue; it is freed when its last tail goes. The first slab of the chain knows which
 * parts are its item's, the last one which slab.
 */
import { assert } from "../base/assert.ts";
import type { Items } from "../memory/items.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import { SLAB_HEAD_BYTES } from "../memory/shard-plan.ts";
import { NO_SLAB, Queue, type SlabTable } from "../memory/slab-table.ts";
import type { SlabAllocator } from "./slab-allocator.ts";

/** What a tail may waste is half a part; more parts would not fit the slab table's words. */
const PARTS = 16;

export class ChainTails {
  readonly #slabs: SlabTable;
  readonly #items: Items;
  /** What an item has of a slab it has to itself. */
  readonly #roomBytes: number;
  readonly #partBytes: number;

  constructor(memory: ShardMemory) {
    this.#slabs = memory.slabs;
    this.#items = memory.items;
    this.#roomBytes = memory.plan.slabBytes - SLAB_HEAD_BYTES;
    this.#partBytes = memory.plan.slabBytes / PARTS;
  }

  /** Parts of a slab that the tail of a large item of `bytes` takes; 0 when it has none. */
  partsFor(bytes: number): number {
    if (bytes <= this.#roomBytes) return 0;
    const parts = Math.ceil((bytes % this.#roomBytes) / this.#partBytes);
    return parts < PARTS ? parts : 0;
  }

  /** Slabs that an item of `bytes` has to itself. */
  slabsFor(bytes: number): number {
    const rest = this.partsFor(bytes) > 0 ? Math.floor : Math.ceil;
    return rest(bytes / this.#roomBytes);
  }

  /** The memory of an item's tail. */
  bytesOf(first: number): number {
    return this.#slabs.tailParts(first) * this.#partBytes;
  }

  /** Index into `arena.bytes` of the tail that lies in a slab. */
  startOf(first: number, slab: number): number {
    const start = this.#items.start(this.#slabs.itemAt(slab, 0));
    return start + this.#slabs.tailStart(first) * this.#partBytes;
  }

  /**
   * Gives the chain that ends with slab `last` a tail. The caller knows that a slab is available.
   */
  take(first: number, last: number, parts: number, allocator: SlabAllocator): void {
    assert(parts > 0 && parts < PARTS, "a tail is a part of a slab");
    let slab = 0;
    let start = -1;
    for (; slab < this.#slabs.count; slab++) {
      if (this.#slabs.queue(slab) !== Queue.tails) continue;
      start = freeRun(this.#slabs.partsTaken(slab), parts);
      if (start >= 0) break;
    }
    if (start < 0) {
      slab = allocator.take(Queue.tails);
      start = 0;
    }
    this.#slabs.setTail(first, start, parts);
    this.mark(first, slab);
    this.#slabs.setChainNext(last, slab);
  }

  /** Counts the parts of a chain's tail as taken. */
  mark(first: number, slab: number): void {
    const taken = this.#slabs.partsTaken(slab);
    const own = this.maskOf(first);
    assert((taken & own) === 0, "a part has one owner");
    this.#slabs.setPartsTaken(slab, taken | own);
  }

  /** Gives a chain's tail back; the slab of tails is freed with its last one. */
  release(first: number, slab: number, allocator: SlabAllocator): void {
    const taken = this.#slabs.partsTaken(slab);
    const own = this.maskOf(first);
    assert((taken & own) === own, "a tail is given back once");
    this.#slabs.setPartsTaken(slab, taken & ~own);
    if (taken === own) allocator.free(slab);
  }

  /** The parts of a chain's tail, a bit each. */
  maskOf(first: number): number {
    return ((1 << this.#slabs.tailParts(first)) - 1) << this.#slabs.tailStart(first);
  }

  /**
   * True when slab `next` holds the tail that an item of `bytes` has, or there is neither. For a
   * chain that may be torn.
   */
  isWhole(first: number, next: number, bytes: number): boolean {
    const parts = this.partsFor(bytes);
    if (this.#slabs.tailParts(first) !== parts) return false;
    if (parts === 0) return next === NO_SLAB;
    return next !== NO_SLAB && this.#slabs.queue(next) === Queue.tails;
  }
}

/** The first of `parts` free ones in a row, or -1. */
function freeRun(taken: number, parts: number): number {
  const run = (1 << parts) - 1;
  for (let start = 0; start + parts <= PARTS; start++) {
    if ((taken & (run << start)) === 0) return start;
  }
  return -1;
}
