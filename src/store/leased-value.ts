/**
 * Leased value: a reader's way along the chain of slabs that holds a large value, while it has a
 * lease (uploads.ts).
 *
 *   first slab    | 8 | header 24 | key | value ……… |      chunk 0
 *   further slabs | 8 | value …………………………………… |      chunk 1, 2, …
 *   tail          | value … |                            the last one, in a slab of tails (store/chain-tails.ts)
 *
 * No lock is needed: under the lease the chain is neither freed nor written, and the owner granted
 * it after the last byte was in place.
 */
import { assert } from "../base/assert.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import { SLAB_HEAD_BYTES } from "../memory/shard-plan.ts";
import { NO_SLAB, Queue } from "../memory/slab-table.ts";
import { ChainTails } from "./chain-tails.ts";

export class LeasedValue {
  readonly #memory: ShardMemory;
  /** The chunk at hand: memory.arena.bytes[start, start + bytes). */
  start = 0;
  bytes = 0;
  readonly #first: number;
  readonly #tails: ChainTails;
  #slab: number;
  #left: number;

  /**
   * Begins at the value's first byte. `handle` is what the owner granted, `valueBytes` the value's
   * length.
   */
  constructor(memory: ShardMemory, handle: number, valueBytes: number) {
    this.#memory = memory;
    const lease = memory.leases.indexOf(handle);
    assert(lease >= 0, "a lease that is held");
    this.#first = memory.leases.slab(lease);
    this.#tails = new ChainTails(memory);
    this.#slab = this.#first;
    this.#left = valueBytes;
    const { items, slabs, plan } = memory;
    const item = slabs.itemAt(this.#slab, SLAB_HEAD_BYTES);
    this.start = items.valueStart(item);
    const slabStart = items.start(slabs.itemAt(this.#slab, 0));
    this.bytes = Math.min(valueBytes, slabStart + plan.slabBytes - this.start);
  }

  /** Uses up `bytes` bytes of the chunk; at its end, goes on to the next. */
  advance(bytes: number): void {
    assert(bytes <= this.bytes, "no more than the chunk");
    this.start += bytes;
    this.bytes -= bytes;
    this.#left -= bytes;
    if (this.bytes > 0 || this.#left === 0) return;
    const { items, slabs, plan } = this.#memory;
    this.#slab = slabs.chainNext(this.#slab);
    assert(this.#slab !== NO_SLAB, "a chain is as long as its value");
    if (slabs.queue(this.#slab) === Queue.tails) {
      this.start = this.#tails.startOf(this.#first, this.#slab);
      this.bytes = this.#left;
      return;
    }
    this.start = items.start(slabs.itemAt(this.#slab, 0)) + SLAB_HEAD_BYTES;
    this.bytes = Math.min(this.#left, plan.slabBytes - SLAB_HEAD_BYTES);
  }

  /** Bytes of the value not used up. */
  get left(): number {
    return this.#left;
  }

  /** The array the chunks lie in. */
  get array(): Uint8Array {
    return this.#memory.arena.bytes;
  }
}
