/**
 * Reply: what a store operation found or did, before any protocol words it.
 *
 * One object per thread, filled again for each operation. It is bounded: numbers only, and for a
 * value the place where it lies; that is why a reply fits one slot of a reply ring
 * (ring/reply-ring.ts), and reply rings cannot grow.
 */
import type { ServerSeconds } from "../base/unit.ts";
import { Status } from "./status.ts";

/** Bits of `reply.marks`: what meta flags and dumps show of an item. */
export const ItemMark = {
  /** The item was fetched before this request (meta h). */
  fetched: 1 << 0,
  /** The item is stale (X). */
  stale: 1 << 1,
  /** This request won the right to recache (W). */
  won: 1 << 2,
  /** Somebody else has won it before (Z). */
  tokenSent: 1 << 3,
  /** The item's key was stored in base64. */
  binaryKey: 1 << 4,
  /** The value lies in a chain of slabs: it is read under a lease. */
  large: 1 << 5,
  /** A read found the item but dead: expired, or flushed. Counters want to know. */
  expired: 1 << 6,
  flushed: 1 << 7,
  /** Created by this request (vivify). */
  created: 1 << 8,
  /**
   * A fetch asked for an end so near that its value could not be read afterwards: the exptime is
   * not set yet. The requester reads the value, and then has the item touched, if it still is the
   * one described.
   */
  expiring: 1 << 9,
} as const;

export class Reply {
  status: Status = Status.none;
  /** Bits of `ItemMark`. */
  marks = 0;
  casLow = 0;
  casHigh = 0;
  clientFlags = 0;
  /** When the item expires; 0 is never. */
  exptime = 0 as ServerSeconds;
  /** When it was last accessed, before this request. */
  accessed = 0 as ServerSeconds;
  /** The value's length; of a number, of its decimal digits. */
  valueBytes = 0;
  /** The result of arithmetic. */
  numberLow = 0;
  numberHigh = 0;
  /** Item total as memcached counts it (48 + key + 1 + value + 2 …), what `size` shows. */
  totalBytes = 0;
  /** Which queue the item is in: 1 small, 2 main, 3 large: the "slab class" of stats. */
  queue = 0;
  /** Upload or lease id. */
  handle = 0;

  /** A hit's value and key: `value[valueStart, valueStart + valueBytes)`; not carried by rings. */
  value: Uint8Array;
  valueStart = 0;
  keyStart = 0;
  keyBytes = 0;

  constructor(bytes: Uint8Array) {
    this.value = bytes;
  }

  /**
   * A new reply: what counters, watchers and samplers look at whatever the outcome is reset. CAS,
   * exptime and the like speak of an item or a number, and are read of replies that have one.
   */
  begin(): void {
    this.status = Status.none;
    this.marks = 0;
    this.valueBytes = 0;
    this.totalBytes = 0;
    this.queue = 0;
    this.handle = 0;
  }

  /** Becomes what `from` is. */
  copy(from: Reply): void {
    this.status = from.status;
    this.marks = from.marks;
    this.casLow = from.casLow;
    this.casHigh = from.casHigh;
    this.clientFlags = from.clientFlags;
    this.exptime = from.exptime;
    this.accessed = from.accessed;
    this.valueBytes = from.valueBytes;
    this.numberLow = from.numberLow;
    this.numberHigh = from.numberHigh;
    this.totalBytes = from.totalBytes;
    this.queue = from.queue;
    this.handle = from.handle;
    this.value = from.value;
    this.valueStart = from.valueStart;
    this.keyStart = from.keyStart;
    this.keyBytes = from.keyBytes;
  }
}
