/**
 * Large items: those too big for a slab among others. Each has a chain of whole slabs.
 *
 *   first slab    | 8 | header 24 | key | value …            |     in its queue (largeSmall, largeMain), counted as one
 *   further slabs | 8 | … value …                            |     linked by the slab table
 *   tail          | … value |                                      in a slab of tails, with others (store/chain-tails.ts)
 *
 *   upload    begin ─▶ data … ─▶ end (store/storing.ts decides, then `commit`), or abort: slabs are taken as bytes arrive,
 *             but the number is set aside at the beginning, so that half-received items are bounded
 *   lease     a reader holds a chain while it sends it; an item that goes meanwhile leaves an orphan, freed by the last
 *             release
 *
 * Invariant: nobody is led to a chain before it is whole, and a chain with leases is never freed.
 */
import { assert } from "../base/assert.ts";
import { copyBytes } from "../base/bytes.ts";
import type { ItemRef } from "../base/unit.ts";
import { ACTIVE, type Buckets, FETCHED, NONE } from "../memory/buckets.ts";
import { type Items, LARGE } from "../memory/items.ts";
import type { ShardHeader } from "../memory/shard-header.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import { ITEM_HEADER_BYTES, SLAB_HEAD_BYTES } from "../memory/shard-plan.ts";
import { NEVER, NO_SLAB, Queue, type SlabTable } from "../memory/slab-table.ts";
import { ChainTails } from "./chain-tails.ts";
import { type Draft, Join, Wrote } from "./draft.ts";
import type { Evictor } from "./evictor.ts";
import type { Ghost } from "./ghost.ts";
import type { KeyIndex } from "./key-index.ts";
import type { Residents } from "./residents.ts";
import { NO_ITEM, type SlabAllocator } from "./slab-allocator.ts";

export class LargeItems {
  readonly #header: ShardHeader;
  readonly #slabs: SlabTable;
  readonly #items: Items;
  readonly #buckets: Buckets;
  readonly #bytes: Uint8Array;
  readonly #slabBytes: number;
  readonly #index: KeyIndex;
  readonly #allocator: SlabAllocator;
  readonly #ghost: Ghost;
  readonly #residents: Residents;
  readonly #evictor: Evictor;
  readonly #tails: ChainTails;

  constructor(
    memory: ShardMemory,
    parts: {
      index: KeyIndex;
      allocator: SlabAllocator;
      ghost: Ghost;
      residents: Residents;
      evictor: Evictor;
    },
  ) {
    this.#header = memory.header;
    this.#slabs = memory.slabs;
    this.#items = memory.items;
    this.#buckets = memory.buckets;
    this.#bytes = memory.arena.bytes;
    this.#slabBytes = memory.plan.slabBytes;
    this.#index = parts.index;
    this.#allocator = parts.allocator;
    this.#ghost = parts.ghost;
    this.#residents = parts.residents;
    this.#evictor = parts.evictor;
    this.#tails = new ChainTails(memory);
  }

  /** Slabs an item takes as a chain, that of its tail included. */
  slabsFor(keyBytes: number, valueBytes: number): number {
    const bytes = ITEM_HEADER_BYTES + keyBytes + valueBytes;
    return Math.ceil(bytes / (this.#slabBytes - SLAB_HEAD_BYTES));
  }

  /** Writes a draft as a chain, in place of `old` at `entry` if there is one. */
  write(draft: Draft, entry: number, old: ItemRef, valueBytes: number): Wrote {
    const whole = draft.chain !== NO_SLAB && draft.join === Join.none;
    if (!whole) {
      const slabs = this.slabsFor(draft.keyBytes, valueBytes);
      if (this.#allocator.available() < slabs) {
        return this.#evictor.freeSlabs(slabs) ? Wrote.again : Wrote.noRoom;
      }
    }
    const first = whole ? draft.chain : this.#build(draft, old, valueBytes);
    this.#head(first, draft);
    if (whole) draft.chain = NO_SLAB;
    this.#commit(draft, entry, old, first);
    return Wrote.done;
  }

  /**
   * An uploaded value that turns out to fit a slab with the rest of its item: it is copied from the
   * chain.
   */
  borrowValue(draft: Draft): void {
    const item = this.#residents.itemOfChain(draft.chain);
    draft.value = this.#bytes;
    draft.valueStart = this.#items.valueStart(item);
    assert(this.#slabs.chainNext(draft.chain) === NO_SLAB, "a value that fits a slab lies in one");
  }

  /**
   * Takes the first slab of a chain for a key and a value. The caller knows that one is available.
   */
  begin(key: Uint8Array, keyStart: number, keyBytes: number, valueBytes: number): number {
    const first = this.#allocator.take(Queue.upload);
    const item = this.#residents.itemOfChain(first);
    this.#items.pack(item, keyBytes, LARGE, 0);
    copyBytes(this.#bytes, this.#items.keyStart(item), key, keyStart, keyBytes);
    this.#slabs.setChainSlabs(first, 1);
    this.#slabs.setValueBytes(first, valueBytes);
    this.#slabs.setWrittenBytes(first, SLAB_HEAD_BYTES + ITEM_HEADER_BYTES + keyBytes);
    return first;
  }

  /**
   * Appends bytes to a chain that is being built: as many as the last slab takes, or the tail. The
   * number of bytes that went in; when that is not all, `extend` the chain and go on.
   */
  append(first: number, last: number, from: Uint8Array, start: number, length: number): number {
    const written = this.#slabs.writtenBytes(last);
    const tail = this.#slabs.chainNext(last);
    const room = this.#slabBytes + (tail === NO_SLAB ? 0 : this.#tails.bytesOf(first)) - written;
    const bytes = Math.min(length, room);
    const at =
      tail === NO_SLAB
        ? this.#items.start(this.#slabs.itemAt(last, 0)) + written
        : this.#tails.startOf(first, tail) + written - this.#slabBytes;
    copyBytes(this.#bytes, at, from, start, bytes);
    this.#slabs.setWrittenBytes(last, written + bytes);
    return bytes;
  }

  /**
   * Adds room to a chain whose slabs are full: a slab, or its tail. The caller knows that a slab is
   * available. The last slab.
   */
  extend(first: number, last: number): number {
    const slabs = this.#slabs.chainSlabs(first);
    const item = this.#residents.itemOfChain(first);
    const bytes = ITEM_HEADER_BYTES + this.#items.keyBytes(item) + this.#slabs.valueBytes(first);
    if (slabs === this.#tails.slabsFor(bytes)) {
      this.#tails.take(first, last, this.#tails.partsFor(bytes), this.#allocator);
      return last;
    }
    const next = this.#allocator.take(Queue.chain);
    this.#slabs.setChainNext(last, next);
    this.#slabs.setChainSlabs(first, slabs + 1);
    return next;
  }

  /** Lets go of a chain that was never linked. */
  discard(first: number): void {
    this.#residents.freeChain(first);
  }

  /** Builds a chain of a draft's value and, as it says, the old one's. There are slabs enough. */
  #build(draft: Draft, old: ItemRef, valueBytes: number): number {
    const first = this.begin(draft.key, draft.keyStart, draft.keyBytes, valueBytes);
    let last = first;
    if (draft.join === Join.before) last = this.#copyValue(first, last, old);
    if (draft.chain === NO_SLAB) {
      last = this.#copy(first, last, draft.value, draft.valueStart, draft.valueBytes);
    } else {
      last = this.#copyValue(first, last, this.#residents.itemOfChain(draft.chain));
    }
    if (draft.join === Join.after) this.#copyValue(first, last, old);
    return first;
  }

  #copy(first: number, into: number, from: Uint8Array, start: number, length: number): number {
    let last = into;
    let done = 0;
    for (;;) {
      done += this.append(first, last, from, start + done, length - done);
      if (done === length) return last;
      last = this.extend(first, last);
    }
  }

  /** Appends an item's whole value, which lies in a slab or in a chain. */
  #copyValue(first: number, into: number, item: ItemRef): number {
    const items = this.#items;
    if (!items.isLarge(item)) {
      return this.#copy(first, into, this.#bytes, items.valueStart(item), items.valueBytes(item));
    }
    let last = into;
    const from = this.#slabs.slabOf(item);
    let slab = from;
    let start = items.valueStart(item);
    let left = this.#slabs.valueBytes(slab);
    while (left > 0) {
      const end = items.start(this.#slabs.itemAt(slab, 0)) + this.#slabBytes;
      const bytes = Math.min(left, end - start);
      last = this.#copy(first, last, this.#bytes, start, bytes);
      left -= bytes;
      if (left === 0) break;
      slab = this.#slabs.chainNext(slab);
      start =
        this.#slabs.queue(slab) === Queue.tails
          ? this.#tails.startOf(from, slab)
          : items.start(this.#slabs.itemAt(slab, SLAB_HEAD_BYTES));
    }
    return last;
  }

  #head(first: number, draft: Draft): void {
    const item = this.#residents.itemOfChain(first);
    this.#items.pack(item, draft.keyBytes, LARGE, draft.marks);
    this.#items.setExptime(item, draft.exptime);
    this.#items.setTouched(item, draft.now);
    this.#items.setClientFlags(item, draft.clientFlags);
    this.#items.setCas(item, draft.casLow, draft.casHigh);
    this.#slabs.setExptimes(first, NEVER, 0);
    this.#slabs.noteExptime(first, draft.exptime);
    this.#slabs.setEpoch(first, this.#header.epoch());
    this.#slabs.setItems(first, 1);
    const bytes = ITEM_HEADER_BYTES + draft.keyBytes + this.#slabs.valueBytes(first);
    this.#slabs.setLiveBytes(first, bytes);
  }

  /** A whole chain becomes an item: into its queue first, then into the index. */
  #commit(draft: Draft, entry: number, old: ItemRef, first: number): void {
    const item = this.#residents.itemOfChain(first);
    if (entry === NONE) {
      const known = this.#ghost.has(draft.hashLow, draft.hashHigh);
      const queue = known ? Queue.largeMain : Queue.largeSmall;
      this.#enqueue(first, queue);
      const bytes = this.#residents.footprint(item);
      this.#residents.admit(item, queue, bytes, draft.hashLow, draft.hashHigh);
      return;
    }
    assert(old !== NO_ITEM, "an entry leads to an item");
    const oldQueue = this.#slabs.queue(this.#slabs.slabOf(old));
    const inMain = oldQueue === Queue.main || oldQueue === Queue.largeMain;
    const queue = inMain ? Queue.largeMain : Queue.largeSmall;
    this.#enqueue(first, queue);
    const credit = this.#buckets.credit(entry) & ~(FETCHED | ACTIVE);
    this.#index.replace(entry, item, credit, draft.hashLow);
    this.#residents.count(item, queue, 1);
    this.#residents.bury(old);
  }

  #enqueue(first: number, queue: Queue): void {
    this.#allocator.link(first, queue);
    this.#header.setSlabs(queue, this.#header.slabs(queue) + this.#slabs.chainSlabs(first));
  }
}
