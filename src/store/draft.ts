/**
 * Draft: what an item that is to be written shall be. One object a store, filled again for each
 * item; `key` and `value` are borrowed until it is written.
 */
import type { ServerSeconds } from "../base/unit.ts";
import { NO_SLAB, Queue } from "../memory/slab-table.ts";

/** What `write` did. */
export const Wrote = {
  done: 1,
  /** Room was made, and items may have moved: look the key up again, then write again. */
  again: 2,
  /** There is no room, and nothing may go. */
  noRoom: 3,
} as const;
export type Wrote = (typeof Wrote)[keyof typeof Wrote];

/** Where the old value goes in the new one. */
export const Join = { none: 0, before: 1, after: 2 } as const;
export type Join = (typeof Join)[keyof typeof Join];

/** The item to be written. Filled again for each; `key` and `value` are borrowed. */
export class Draft {
  key: Uint8Array;
  keyStart = 0;
  keyBytes = 0;
  hashLow = 0;
  hashHigh = 0;
  value: Uint8Array;
  valueStart = 0;
  /**
   * Length of the given part; the item's value is this, `spaces`, and with `join` the old value.
   */
  valueBytes = 0;
  /**
   * Spaces behind the given part, of a value that keeps its length (store/arithmetic.ts); else 0.
   */
  spaces = 0;
  /**
   * The first slab of the chain in which the given part was received, or NO_SLAB: then `value` does
   * not count.
   */
  chain: number = NO_SLAB;
  join: Join = Join.none;
  marks = 0;
  clientFlags = 0;
  exptime = 0 as ServerSeconds;
  /** When it is written. */
  now = 0 as ServerSeconds;
  casLow = 0;
  casHigh = 0;
  /** Once it is written: the queue it is in. */
  queue: Queue = Queue.small;

  constructor(bytes: Uint8Array) {
    this.key = bytes;
    this.value = bytes;
  }
}
