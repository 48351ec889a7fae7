/**
 * Writer: puts an item into the shard, new or in place of one. A draft says what the item shall be;
 * `write` finds where.
 *
 *   same slot length as the item it replaces   ─▶ overwritten where it lies, inside the sequence lock
 *   fits a slab                                ─▶ appended to the queue of the item it replaces; a new key to small,
 *                                                 or to main when the ghost knows it
 *   larger                                     ─▶ a chain of slabs (store/large-items.ts)
 *
 * Order, for a thread that may die at any point: bytes, then the slab's written bytes, then the
 * index, then the end of the item before. An item being overwritten carries the dead mark
 * meanwhile: found so by recovery, it is dropped.
 */
import { assert } from "../base/assert.ts";
import { copyBytes } from "../base/bytes.ts";
import type { ItemRef } from "../base/unit.ts";
import { ACTIVE, type Buckets, FETCHED, NONE } from "../memory/buckets.ts";
import { DEAD, type Items, slotBytes } from "../memory/items.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import { NO_SLAB, Queue, type SlabTable } from "../memory/slab-table.ts";
import { Draft, Join, Wrote } from "./draft.ts";
import type { Evictor } from "./evictor.ts";
import type { Ghost } from "./ghost.ts";
import type { KeyIndex } from "./key-index.ts";
import type { LargeItems } from "./large-items.ts";
import type { Residents } from "./residents.ts";
import { NO_ITEM, type SlabAllocator } from "./slab-allocator.ts";

const ASCII_SPACE = 0x20;

export class Writer {
  readonly draft: Draft;
  readonly #items: Items;
  readonly #slabs: SlabTable;
  readonly #buckets: Buckets;
  readonly #bytes: Uint8Array;
  readonly #slabItemBytesMax: number;
  readonly #index: KeyIndex;
  readonly #allocator: SlabAllocator;
  readonly #ghost: Ghost;
  readonly #residents: Residents;
  readonly #evictor: Evictor;
  readonly #large: LargeItems;

  constructor(
    memory: ShardMemory,
    parts: {
      index: KeyIndex;
      allocator: SlabAllocator;
      ghost: Ghost;
      residents: Residents;
      evictor: Evictor;
      large: LargeItems;
    },
  ) {
    this.draft = new Draft(memory.arena.bytes);
    this.#items = memory.items;
    this.#slabs = memory.slabs;
    this.#buckets = memory.buckets;
    this.#bytes = memory.arena.bytes;
    this.#slabItemBytesMax = memory.plan.slabItemBytesMax;
    this.#index = parts.index;
    this.#allocator = parts.allocator;
    this.#ghost = parts.ghost;
    this.#residents = parts.residents;
    this.#evictor = parts.evictor;
    this.#large = parts.large;
  }

  /** Writes the draft. `entry` is that of the live item it replaces, or NONE. */
  write(entry: number): Wrote {
    const draft = this.draft;
    const old = entry === NONE ? NO_ITEM : this.#buckets.ref(entry);
    const joined = draft.join === Join.none ? 0 : this.#residents.valueBytes(old);
    const valueBytes = joined + draft.valueBytes + draft.spaces;
    const bytes = slotBytes(draft.keyBytes, valueBytes);
    if (bytes > this.#slabItemBytesMax) {
      draft.queue = Queue.largeSmall;
      return this.#large.write(draft, entry, old, valueBytes);
    }
    if (draft.chain !== NO_SLAB) this.#large.borrowValue(draft);
    if (old === NO_ITEM) return this.#writeNew(valueBytes, bytes);
    if (this.#fitsSlot(old, bytes)) {
      this.#overwrite(old, valueBytes);
      this.#clearReads(entry);
      return Wrote.done;
    }
    return this.#replace(entry, old, valueBytes, bytes);
  }

  /**
   * True when the new item takes exactly the old one's slot, and nothing of the old value is still
   * to be moved back.
   */
  #fitsSlot(old: ItemRef, bytes: number): boolean {
    if (this.#items.isLarge(old) || this.draft.join === Join.after) return false;
    return this.#items.slotBytes(old) === bytes;
  }

  #writeNew(valueBytes: number, bytes: number): Wrote {
    const hashLow = this.draft.hashLow;
    const hashHigh = this.draft.hashHigh;
    const known = this.#ghost.has(hashLow, hashHigh);
    const queue = known ? Queue.main : Queue.small;
    const item = this.#allocator.place(queue, bytes);
    if (item === NO_ITEM) return this.#evictor.makeRoom(queue, bytes) ? Wrote.again : Wrote.noRoom;
    this.#fill(item, NO_ITEM, valueBytes);
    this.#allocator.commit(item, bytes, this.draft.exptime);
    this.#residents.admit(item, queue, bytes, hashLow, hashHigh);
    this.draft.queue = queue;
    return Wrote.done;
  }

  #replace(entry: number, old: ItemRef, valueBytes: number, bytes: number): Wrote {
    const oldQueue = this.#slabs.queue(this.#slabs.slabOf(old));
    const queue =
      oldQueue === Queue.main || oldQueue === Queue.largeMain ? Queue.main : Queue.small;
    const item = this.#allocator.place(queue, bytes);
    if (item === NO_ITEM) return this.#evictor.makeRoom(queue, bytes) ? Wrote.again : Wrote.noRoom;
    this.#fill(item, old, valueBytes);
    this.#allocator.commit(item, bytes, this.draft.exptime);
    const credit = this.#buckets.credit(entry) & ~(FETCHED | ACTIVE);
    this.#index.replace(entry, item, credit, this.draft.hashLow);
    this.#residents.count(item, queue, 1);
    this.#residents.bury(old);
    this.draft.queue = queue;
    return Wrote.done;
  }

  /**
   * Writes the item where the old one lies. Its key is there already; an appended-to value stays
   * where it is.
   */
  #overwrite(item: ItemRef, valueBytes: number): void {
    const draft = this.draft;
    const items = this.#items;
    const slab = this.#slabs.slabOf(item);
    const kept = draft.join === Join.before ? valueBytes - draft.valueBytes : 0;
    draft.queue = this.#slabs.queue(slab);
    this.#index.beginWrite(draft.hashLow);
    items.setPacked(item, items.packed(item) | DEAD);
    const bytes = this.#bytes;
    const at = items.valueStart(item) + kept;
    copyBytes(bytes, at, draft.value, draft.valueStart, draft.valueBytes);
    const end = at + draft.valueBytes;
    if (draft.spaces > 0) bytes.fill(ASCII_SPACE, end, end + draft.spaces);
    this.#head(item);
    items.pack(item, draft.keyBytes, valueBytes, draft.marks);
    this.#index.endWrite(draft.hashLow);
    this.#slabs.noteExptime(slab, draft.exptime);
  }

  /** The value is a new one, which nobody has read: forgets that the old one was read. */
  #clearReads(entry: number): void {
    const credit = this.#buckets.credit(entry);
    const cleared = credit & ~(FETCHED | ACTIVE);
    if (cleared !== credit) this.#buckets.setCredit(entry, cleared);
  }

  /** Writes header, key and value where nobody is led yet. */
  #fill(item: ItemRef, old: ItemRef, valueBytes: number): void {
    const draft = this.draft;
    assert(draft.spaces === 0, "a value that keeps its length is overwritten where it lies");
    this.#items.pack(item, draft.keyBytes, valueBytes, draft.marks);
    this.#head(item);
    const bytes = this.#bytes;
    copyBytes(bytes, this.#items.keyStart(item), draft.key, draft.keyStart, draft.keyBytes);
    let at = this.#items.valueStart(item);
    const oldBytes = valueBytes - draft.valueBytes;
    if (draft.join === Join.before) {
      copyBytes(bytes, at, bytes, this.#items.valueStart(old), oldBytes);
      at += oldBytes;
    }
    copyBytes(bytes, at, draft.value, draft.valueStart, draft.valueBytes);
    if (draft.join !== Join.after) return;
    copyBytes(bytes, at + draft.valueBytes, bytes, this.#items.valueStart(old), oldBytes);
  }

  #head(item: ItemRef): void {
    const draft = this.draft;
    this.#items.setExptime(item, draft.exptime);
    this.#items.setTouched(item, draft.now);
    this.#items.setClientFlags(item, draft.clientFlags);
    this.#items.setCas(item, draft.casLow, draft.casHigh);
  }
}
