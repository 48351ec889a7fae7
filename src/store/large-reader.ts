/**
 * Large reader: finds the bytes of a large value that a lease holds, piece by piece, from any thread.
 *
 *   lease handle ─▶ first slab ─▶ chain ─▶ the piece that holds byte `position` of the value
 *
 * The bytes do not move or change while the lease lasts, so a piece can be sent straight from the shared memory.
 */
import { assert } from "../base/assert.ts";
import type { Arena } from "../memory/arena.ts";
import type { Items } from "../memory/items.ts";
import type { LeaseTable } from "../memory/lease-table.ts";
import { ShardMemory } from "../memory/shard-memory.ts";
import { SLAB_HEAD_BYTES } from "../memory/shard-plan.ts";
import type { SlabTable } from "../memory/slab-table.ts";

export class LargeReader {
  /** The bytes `start` points into: the arena's. */
  readonly bytes: Uint8Array;
  /** Where the piece found last begins. */
  start = 0;
  readonly #slabs: SlabTable;
  readonly #items: Items;
  readonly #leases: LeaseTable;
  readonly #slabBytes: number;

  constructor(arena: Arena, base: number) {
    const memory = new ShardMemory(arena, base);
    this.bytes = arena.bytes;
    this.#slabs = memory.slabs;
    this.#items = memory.items;
    this.#leases = memory.leases;
    this.#slabBytes = memory.plan.slabBytes;
  }

  /** Finds byte `position` of the leased value; how many bytes from there lie together, with `start` where they begin. */
  locate(handle: number, position: number): number {
    const index = this.#leases.indexOf(handle);
    assert(index >= 0, "what is read in pieces is leased");
    let slab = this.#leases.slab(index);
    const item = this.#slabs.itemAt(slab, SLAB_HEAD_BYTES);
    const valueBytes = this.#slabs.valueBytes(slab);
    assert(position < valueBytes, "a position lies in the value");
    let start = this.#items.valueStart(item);
    let piece = this.#items.start(this.#slabs.itemAt(slab, 0)) + this.#slabBytes - start;
    let before = 0;
    while (position >= before + piece) {
      before += piece;
      slab = this.#slabs.chainNext(slab);
      start = this.#items.start(this.#slabs.itemAt(slab, SLAB_HEAD_BYTES));
      piece = this.#slabBytes - SLAB_HEAD_BYTES;
    }
    this.start = start + position - before;
    return Math.min(piece - (position - before), valueBytes - position);
  }
}
