/**
 * FdTable: which descriptor each connection slot of a worker holds, in shared memory.
 *
 *  word 0       1           2 … 10                    11 … 15   16             17
 *      | open | loop fd+1 | loop's 3 mappings:        | spare   | slot 0: fd+1 | slot 1: fd+1 | …
 *      |      |           | address u64 | bytes | …   |
 *
 *  Zeroed memory is an empty table. Bit 30 of a slot's word: the connection goes out, so it is none
 *  of those that -c counts.
 *
 *  all words: written by the worker that owns the table; anybody may read them (to see its load)
 *
 * Why shared: a descriptor belongs to the process, not to the thread. When a worker dies, its
 * successor finds here what is left open, and closes it.
 *
 * Invariant: a slot is cleared before its descriptor is closed. A worker that dies between the two
 * leaks one descriptor; the other order would let the successor close a number that by then belongs
 * to somebody else.
 */
import { assert } from "../base/assert.ts";
import { CACHE_LINE_BYTES, roundUp } from "../base/unit.ts";
import type { Address } from "../libc/native-memory.ts";
import type { Arena } from "../memory/arena.ts";

const OPEN_WORD = 0;
const LOOP_WORD = 1;
const MAPPINGS_WORD = 2;
const MAPPING_WORDS = 3;
const SLOTS_WORD = 16;
const OUTGOING = 1 << 30;
/** Mappings a loop can have: io_uring's two, and the ring of lent buffers. */
export const LOOP_MAPPINGS_MAX = 3;

assert(
  MAPPINGS_WORD + LOOP_MAPPINGS_MAX * MAPPING_WORDS <= SLOTS_WORD,
  "the mappings end before the slots",
);

/** Bytes of a table of `slotCount` slots. */
export function fdTableBytes(slotCount: number): number {
  return roundUp((SLOTS_WORD + slotCount) * 4, CACHE_LINE_BYTES);
}

export class FdTable {
  readonly slotCount: number;
  readonly #ints: Int32Array;
  readonly #first: number;

  constructor(arena: Arena, base: number, slotCount: number) {
    assert(base % CACHE_LINE_BYTES === 0, "a table starts a cache line");
    assert(base + fdTableBytes(slotCount) <= arena.buffer.byteLength, "a table lies in its arena");
    this.slotCount = slotCount;
    this.#ints = arena.ints;
    this.#first = base >>> 2;
  }

  /** Connections open. */
  open(): number {
    return this.#ints[this.#first + OPEN_WORD] as number;
  }

  /** The descriptor of a slot, -1 when the slot is free. */
  fd(slot: number): number {
    assert(slot >= 0 && slot < this.slotCount, "a slot of this table");
    return ((this.#ints[this.#first + SLOTS_WORD + slot] as number) & ~OUTGOING) - 1;
  }

  /** True when the connection of a slot goes out. */
  isOutgoing(slot: number): boolean {
    return ((this.#ints[this.#first + SLOTS_WORD + slot] as number) & OUTGOING) !== 0;
  }

  /** Fills a free slot. The owner only. */
  take(slot: number, fd: number, isOutgoing = false): void {
    assert(this.fd(slot) === -1, "a slot is taken once");
    assert(fd >= 0, "a descriptor is not negative");
    this.#ints[this.#first + SLOTS_WORD + slot] = (fd + 1) | (isOutgoing ? OUTGOING : 0);
    this.#ints[this.#first + OPEN_WORD] = this.open() + 1;
  }

  /** Frees a slot and returns its descriptor, which the caller closes next. The owner only. */
  release(slot: number): number {
    const fd = this.fd(slot);
    assert(fd !== -1, "a slot is released once");
    this.#ints[this.#first + SLOTS_WORD + slot] = 0;
    this.#ints[this.#first + OPEN_WORD] = this.open() - 1;
    return fd;
  }

  /**
   * Counts again: a worker that died inside `take` or `release` may have left the count wrong. The
   * owner only.
   */
  recount(): void {
    let open = 0;
    for (let slot = 0; slot < this.slotCount; slot++) if (this.fd(slot) !== -1) open++;
    this.#ints[this.#first + OPEN_WORD] = open;
  }

  /** The descriptor of the worker's own event loop, -1 when none: a successor closes that too. */
  loopFd(): number {
    return (this.#ints[this.#first + LOOP_WORD] as number) - 1;
  }

  setLoopFd(fd: number): void {
    this.#ints[this.#first + LOOP_WORD] = fd + 1;
  }

  /**
   * Notes memory the loop has mapped; 0 bytes forgets it. A mapping keeps an io_uring alive after
   * its descriptor.
   */
  setLoopMapping(index: number, address: number, bytes: number): void {
    assert(index >= 0 && index < LOOP_MAPPINGS_MAX, "a loop has so many mappings");
    const word = this.#first + MAPPINGS_WORD + index * MAPPING_WORDS;
    this.#ints[word] = address;
    this.#ints[word + 1] = address / 2 ** 32;
    this.#ints[word + 2] = bytes;
  }

  loopMappingAddress(index: number): Address {
    const word = this.#first + MAPPINGS_WORD + index * MAPPING_WORDS;
    const low = (this.#ints[word] as number) >>> 0;
    return (low + (this.#ints[word + 1] as number) * 2 ** 32) as Address;
  }

  /** 0 when there is none. */
  loopMappingBytes(index: number): number {
    return this.#ints[this.#first + MAPPINGS_WORD + index * MAPPING_WORDS + 2] as number;
  }

  /** The slot that holds `fd`, -1 when none does. O(slots). */
  slotOf(fd: number): number {
    for (let slot = 0; slot < this.slotCount; slot++) if (this.fd(slot) === fd) return slot;
    return -1;
  }
}
