/**
 * Item view: what an item is now, for the owner and for every reader alike.
 *
 *   deadMark   is it still there for anybody? Its slab's epoch and its exptime say
 *   describe   its header and its slab's line, as the reply's fields
 *
 * A reader may look at an item that is being replaced: whatever it is told then, the bucket's version
 * tells it to throw away.
 */
import type { ItemRef, ServerSeconds } from "../base/unit.ts";
import { ItemMark, type Reply } from "../command/reply.ts";
import type { Arena } from "./arena.ts";
import { FETCHED } from "./buckets.ts";
import {
  BINARY_KEY,
  type Items,
  itemTotalBytes,
  keyBytesOf,
  LARGE,
  STALE,
  TOKEN_SENT,
  valueBytesOf,
} from "./items.ts";
import type { ShardHeader } from "./shard-header.ts";
import { queueClass, type SlabTable } from "./slab-table.ts";

const RARE_MARKS = STALE | TOKEN_SENT | BINARY_KEY;

export class ItemView {
  readonly #header: ShardHeader;
  readonly #slabs: SlabTable;
  readonly #items: Items;
  readonly #bytes: Uint8Array;

  constructor(arena: Arena, header: ShardHeader, slabs: SlabTable, items: Items) {
    this.#header = header;
    this.#slabs = slabs;
    this.#items = items;
    this.#bytes = arena.bytes;
  }

  /** Why an item is there for nobody any more: a bit of ItemMark; 0 while it lives. */
  deadMark(item: ItemRef, now: ServerSeconds): number {
    if (this.#slabs.epoch(this.#slabs.slabOf(item)) !== this.#header.epoch()) {
      return ItemMark.flushed;
    }
    const exptime = this.#items.exptime(item);
    return exptime !== 0 && exptime <= now ? ItemMark.expired : 0;
  }

  /** The length of an item's value, be it in a slab or in a chain. */
  valueBytes(item: ItemRef): number {
    const valueBytes = this.#items.valueBytes(item);
    return valueBytes === LARGE ? this.#slabs.valueBytes(this.#slabs.slabOf(item)) : valueBytes;
  }

  /** Describes an item. `credit` is its credit byte from before the request. */
  describe(item: ItemRef, credit: number, reply: Reply): void {
    const items = this.#items;
    const slab = this.#slabs.slabOf(item);
    const packed = items.packed(item);
    const keyBytes = keyBytesOf(packed);
    let marks = (credit & FETCHED) === 0 ? 0 : ItemMark.fetched;
    if ((packed & RARE_MARKS) !== 0) {
      if ((packed & STALE) !== 0) marks |= ItemMark.stale;
      if ((packed & TOKEN_SENT) !== 0) marks |= ItemMark.tokenSent;
      if ((packed & BINARY_KEY) !== 0) marks |= ItemMark.binaryKey;
    }
    let valueBytes = valueBytesOf(packed);
    if (valueBytes === LARGE) {
      valueBytes = this.#slabs.valueBytes(slab);
      marks |= ItemMark.large;
    }
    const clientFlags = items.clientFlags(item);
    const keyStart = items.keyStart(item);
    reply.marks = marks;
    reply.exptime = items.exptime(item);
    reply.accessed = items.touched(item);
    reply.clientFlags = clientFlags;
    reply.casLow = items.casLow(item);
    reply.casHigh = items.casHigh(item);
    reply.queue = queueClass(this.#slabs.queue(slab));
    reply.value = this.#bytes;
    reply.valueBytes = valueBytes;
    reply.keyStart = keyStart;
    reply.keyBytes = keyBytes;
    reply.valueStart = keyStart + keyBytes;
    const casBytes = this.#header.casBytes();
    reply.totalBytes = itemTotalBytes(keyBytes, valueBytes, clientFlags, casBytes);
  }
}
