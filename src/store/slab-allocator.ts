/**
 * Slab allocator: free slabs, and the four queues of slabs in use. It appends and knows no policy:
 * who must go when there is no room is the evictor's business (store/evictor.ts). Why a log of slabs and
 * not size classes: docs/adr/0016-items-in-a-log-of-slabs.md.
 *
 *   free  ─▶ small, main          open ─▶ ajar ─▶ sealed: items are appended to the open slab and, where they fit, to
 *                                 the end of the one that is ajar, which was open before
 *                                 oldest … newest, linked both ways, evicted whole from the oldest end
 *         ─▶ largeSmall, largeMain  each entry of these queues is one large item: a chain of whole slabs
 *         ─▶ tails                  in no list: the ends of such chains (store/chain-tails.ts)
 *
 * Invariants:
 *  - an item's bytes are written before `commit` makes them part of the slab, and before the index
 *    leads to them;
 *  - a slab with nothing live is freed at once, but for the open one, which begins again;
 *  - RESERVE_SLABS free slabs are left alone by everybody but `takeReserve`, the copying of
 *    survivors.
 */
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import type { ItemRef } from "../base/unit.ts";
import type { ShardHeader } from "../memory/shard-header.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import { RESERVE_SLABS, SLAB_HEAD_BYTES } from "../memory/shard-plan.ts";
import { NEVER, NO_SLAB, Queue, type SlabTable } from "../memory/slab-table.ts";

/** "No item": `place` found no room. */
export const NO_ITEM = 0 as ItemRef;

export class SlabAllocator {
  readonly #header: ShardHeader;
  readonly #slabs: SlabTable;
  readonly #clock: Clock;
  readonly #slabBytes: number;

  constructor(memory: ShardMemory, clock: Clock) {
    this.#header = memory.header;
    this.#slabs = memory.slabs;
    this.#clock = clock;
    this.#slabBytes = memory.plan.slabBytes;
  }

  /** Free slabs that may be taken now: neither the reserve's nor beyond the limit. */
  available(): number {
    const used = this.#slabsUsed();
    return Math.min(this.#header.freeSlabs() - RESERVE_SLABS, this.#header.slabLimit() - used);
  }

  /** Slabs in use: of queues, uploads and orphans. */
  #slabsUsed(): number {
    return (this.#slabs.count - this.#header.freeSlabs()) | 0;
  }

  /**
   * Where an item of `bytes` would go in a queue: the slab that is ajar, else the open one.
   * NO_ITEM: it fits neither.
   */
  place(queue: Queue, bytes: number): ItemRef {
    const item = this.#endOf(this.#header.ajar(queue), bytes);
    return item === NO_ITEM ? this.#endOf(this.#header.open(queue), bytes) : item;
  }

  #endOf(slab: number, bytes: number): ItemRef {
    if (slab === NO_SLAB) return NO_ITEM;
    const written = this.#slabs.writtenBytes(slab);
    if (written + bytes > this.#slabBytes) return NO_ITEM;
    return this.#slabs.itemAt(slab, written);
  }

  /** True while items may be appended to a slab of a queue. */
  isAppendable(slab: number, queue: Queue): boolean {
    return this.#header.open(queue) === slab || this.#header.ajar(queue) === slab;
  }

  /** Makes the item just written at `place` part of its slab. */
  commit(item: ItemRef, bytes: number, exptime: number): void {
    const slab = this.#slabs.slabOf(item);
    assert(this.#slabs.offsetOf(item) === this.#slabs.writtenBytes(slab), "items are appended");
    this.#slabs.setWrittenBytes(slab, this.#slabs.writtenBytes(slab) + bytes);
    this.#slabs.setLiveBytes(slab, this.#slabs.liveBytes(slab) + bytes);
    this.#slabs.setItems(slab, this.#slabs.items(slab) + 1);
    this.#slabs.noteExptime(slab, exptime);
  }

  /**
   * An item of `bytes` in a slab of several has died. Frees the slab when it was the last, unless
   * the slab is open.
   */
  release(item: ItemRef, bytes: number): void {
    const slab = this.#slabs.slabOf(item);
    const live = this.#slabs.liveBytes(slab) - bytes;
    assert(live >= 0, "no more dies in a slab than lived there");
    this.#slabs.setLiveBytes(slab, live);
    this.#slabs.setItems(slab, this.#slabs.items(slab) - 1);
    if (live !== 0) return;
    const queue = this.#slabs.queue(slab);
    if (this.#header.open(queue) === slab) this.#rewind(slab);
    else this.retire(slab);
  }

  /** The same while the slab is being emptied by somebody who frees it himself: only counts. */
  forget(item: ItemRef, bytes: number): void {
    const slab = this.#slabs.slabOf(item);
    assert(this.#slabs.liveBytes(slab) >= bytes, "no more leaves a slab than lived there");
    this.#slabs.setLiveBytes(slab, this.#slabs.liveBytes(slab) - bytes);
    this.#slabs.setItems(slab, this.#slabs.items(slab) - 1);
  }

  /** Takes a slab out of its queue, to be emptied item by item and then freed by `free`. */
  detach(slab: number): void {
    const queue = this.#slabs.queue(slab);
    if (this.#header.open(queue) === slab) this.#header.setOpen(queue, NO_SLAB);
    else if (this.#header.ajar(queue) === slab) this.#header.setAjar(queue, NO_SLAB);
    this.unlink(slab);
    this.#header.setSlabs(queue, this.#header.slabs(queue) - 1);
  }

  /**
   * Opens a slab for a queue; the one that was open is ajar, if it has more room than that. False
   * when none is available.
   */
  tryOpen(queue: Queue): boolean {
    if (this.available() <= 0) return false;
    this.#open(queue);
    return true;
  }

  /** The same for survivors, who may take the reserve. */
  openReserve(queue: Queue): void {
    this.#open(queue);
  }

  /** Nothing more is appended to a queue's slabs; what holds nothing that lives is freed. */
  seal(queue: Queue): void {
    this.#header.setAjar(queue, NO_SLAB);
    const open = this.#header.open(queue);
    if (open === NO_SLAB) return;
    this.#header.setOpen(queue, NO_SLAB);
    if (this.#slabs.liveBytes(open) === 0) this.retire(open);
  }

  /** Takes a slab in which nothing lives out of its queue, and frees it. */
  retire(slab: number): void {
    const queue = this.#slabs.queue(slab);
    assert(queue === Queue.small || queue === Queue.main, "a slab of several items retires");
    assert(this.#slabs.items(slab) === 0, "a slab that is freed holds nothing");
    this.detach(slab);
    this.free(slab);
  }

  /**
   * Takes a free slab, the one freed last; the caller has asked `available`. It is in no list yet.
   */
  take(queue: Queue): number {
    const slab = this.#header.newest(Queue.free);
    assert(slab !== NO_SLAB, "there is a free slab");
    this.unlink(slab);
    this.#header.setFreeSlabs(this.#header.freeSlabs() - 1);
    this.#slabs.setQueue(slab, queue);
    this.#slabs.setWrittenBytes(slab, SLAB_HEAD_BYTES);
    this.#slabs.setLiveBytes(slab, 0);
    this.#slabs.setItems(slab, 0);
    this.#slabs.setLeases(slab, 0);
    this.#slabs.setChainNext(slab, NO_SLAB);
    this.#slabs.setChainSlabs(slab, 0);
    this.#slabs.setValueBytes(slab, 0);
    this.#slabs.setExptimes(slab, NEVER, 0);
    this.#slabs.setEpoch(slab, this.#header.epoch());
    this.#slabs.setOpenedAt(slab, this.#clock.now);
    return slab;
  }

  /** Returns a slab that is in no list. */
  free(slab: number): void {
    this.#slabs.setItems(slab, 0);
    this.#slabs.setLiveBytes(slab, 0);
    this.#slabs.setWrittenBytes(slab, SLAB_HEAD_BYTES);
    this.link(slab, Queue.free);
    this.#header.setFreeSlabs(this.#header.freeSlabs() + 1);
  }

  /** Puts a slab at the newest end of a queue. */
  link(slab: number, queue: Queue): void {
    const newest = this.#header.newest(queue);
    this.#slabs.setQueue(slab, queue);
    this.#slabs.setSequence(slab, this.#header.nextSequence());
    this.#slabs.setOlder(slab, newest);
    this.#slabs.setNewer(slab, NO_SLAB);
    if (newest === NO_SLAB) this.#header.setOldest(queue, slab);
    else this.#slabs.setNewer(newest, slab);
    this.#header.setNewest(queue, slab);
  }

  /** Takes a slab out of its queue's list. */
  unlink(slab: number): void {
    const queue = this.#slabs.queue(slab);
    const older = this.#slabs.older(slab);
    const newer = this.#slabs.newer(slab);
    if (older === NO_SLAB) this.#header.setOldest(queue, newer);
    else this.#slabs.setNewer(older, newer);
    if (newer === NO_SLAB) this.#header.setNewest(queue, older);
    else this.#slabs.setOlder(newer, older);
  }

  #open(queue: Queue): void {
    this.#closeFuller(queue);
    const slab = this.take(queue);
    this.link(slab, queue);
    this.#header.setOpen(queue, slab);
    this.#header.setSlabs(queue, this.#header.slabs(queue) + 1);
  }

  /**
   * No slab of a queue is open any more: of the open one and the one that is ajar, that with more
   * room is ajar now.
   */
  #closeFuller(queue: Queue): void {
    const open = this.#header.open(queue);
    if (open === NO_SLAB) return;
    this.#header.setOpen(queue, NO_SLAB);
    if (this.#slabs.liveBytes(open) === 0) {
      this.retire(open);
      return;
    }
    const ajar = this.#header.ajar(queue);
    const isRoomier =
      ajar === NO_SLAB || this.#slabs.writtenBytes(open) < this.#slabs.writtenBytes(ajar);
    if (isRoomier) this.#header.setAjar(queue, open);
  }

  /**
   * An open slab in which nothing lives any more begins again. Its items all left the index, so no
   * reader is led here.
   */
  #rewind(slab: number): void {
    this.#slabs.setWrittenBytes(slab, SLAB_HEAD_BYTES);
    this.#slabs.setExptimes(slab, NEVER, 0);
    this.#slabs.setSequence(slab, this.#header.nextSequence());
  }
}
