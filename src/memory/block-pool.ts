/**
 * Block pool: a thread's buffers that outlive a turn, from 4 KiB to 2 MiB, by the buddy system.
 *
 *   order 0   4 KiB  | a | b |       a block's buddy is its offset with one bit turned; two free buddies become one block
 *   order 1   8 KiB  |  ab   |       of the next order, so a pool that was full of small blocks can serve large ones again
 *
 * Why buddies: sizes are powers of two, freeing is O(orders), nothing is scanned, and the pool
 * never leaks its shape. The bookkeeping lies in this thread's own typed arrays, one entry for each
 * 4 KiB: a block's memory is not touched before its user writes to it. Source: Knuth, The Art of
 * Computer Programming 1, 2.5.
 *
 * Invariants:
 *  - a block is on one free list, or taken; a free block's buddy of the same order is not free;
 *  - `take` refuses (NO_BLOCK) when nothing fits: connection/block-budget.ts says who pays then;
 *  - what was touched and then lay idle from one look to the next is named by `giveIdle`, whose
 *    caller hands it back to the system.
 */
import { assert } from "../base/assert.ts";
import { KIB } from "../base/unit.ts";

export const BLOCK_BYTES_MIN = 4 * KIB;
const ORDERS = 10;
export const BLOCK_BYTES_MAX = BLOCK_BYTES_MIN << (ORDERS - 1);
/** What `take` returns when no block is left. */
export const NO_BLOCK = -1;

/** Idle memory is given back in pieces of at least so much. */
const PIECE_ORDER = 4;
const PIECE_BYTES = BLOCK_BYTES_MIN << PIECE_ORDER;
/** What is known of a piece: the system has it, it was free at the last look, or taken since. */
const CLEAN = 0;
const IDLE = 1;
const USED = 2;

const NONE = -1;
const TAKEN = -1;

export class BlockPool {
  readonly #base: number;
  readonly #unitCount: number;
  /** First free block of each order, as a unit index. */
  readonly #first = new Int32Array(ORDERS).fill(NONE);
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  /** The order of a block: of a free block in `#freeOrder`, of a taken one in `#takenOrder`. */
  readonly #freeOrder: Int8Array;
  readonly #takenOrder: Int8Array;
  /** By piece: `CLEAN`, `IDLE` or `USED`. */
  readonly #pieces: Uint8Array;
  /** False when every piece is clean and nothing is taken. */
  #isTouched = false;
  #takenBytes = 0;

  /** A pool over `bytes` bytes at `base` (a multiple of 4 KiB long). */
  constructor(base: number, bytes: number) {
    this.#base = base;
    this.#unitCount = Math.floor(bytes / BLOCK_BYTES_MIN);
    this.#next = new Int32Array(this.#unitCount).fill(NONE);
    this.#previous = new Int32Array(this.#unitCount).fill(NONE);
    this.#freeOrder = new Int8Array(this.#unitCount).fill(TAKEN);
    this.#takenOrder = new Int8Array(this.#unitCount);
    this.#pieces = new Uint8Array(Math.ceil(this.#unitCount / (1 << PIECE_ORDER)));
    let unit = 0;
    while (unit < this.#unitCount) {
      let order = ORDERS - 1;
      while (unit % (1 << order) !== 0 || unit + (1 << order) > this.#unitCount) order--;
      this.#link(unit, order);
      unit += 1 << order;
    }
  }

  /** Bytes in blocks that are taken; tests only. */
  takenBytes(): number {
    return this.#takenBytes;
  }

  /** Bytes in blocks that are free. */
  freeBytes(): number {
    return this.#unitCount * BLOCK_BYTES_MIN - this.#takenBytes;
  }

  /**
   * A block of at least `bytes` bytes, as an offset in the arena; NO_BLOCK when there is none, or
   * when less than `keptBytes` would be left.
   */
  take(bytes: number, keptBytes = 0): number {
    const wanted = orderFor(bytes);
    if (this.freeBytes() - (BLOCK_BYTES_MIN << wanted) < keptBytes) return NO_BLOCK;
    let order = wanted;
    while (order < ORDERS && this.#first[order] === NONE) order++;
    if (order >= ORDERS) return NO_BLOCK;
    const unit = this.#first[order] as number;
    this.#unlink(unit, order);
    while (order > wanted) {
      order--;
      this.#link(unit + (1 << order), order);
    }
    this.#takenOrder[unit] = wanted;
    this.#takenBytes += BLOCK_BYTES_MIN << wanted;
    this.#isTouched = true;
    const lastPiece = (unit + (1 << wanted) - 1) >>> PIECE_ORDER;
    for (let piece = unit >>> PIECE_ORDER; piece <= lastPiece; piece++) this.#pieces[piece] = USED;
    return this.#base + unit * BLOCK_BYTES_MIN;
  }

  /** Bytes of a block that was taken. */
  blockBytes(block: number): number {
    return BLOCK_BYTES_MIN << (this.#takenOrder[this.#unit(block)] as number);
  }

  give(block: number): void {
    let unit = this.#unit(block);
    let order = this.#takenOrder[unit] as number;
    this.#takenBytes -= BLOCK_BYTES_MIN << order;
    while (order < ORDERS - 1) {
      const buddy = unit ^ (1 << order);
      if (buddy + (1 << order) > this.#unitCount || this.#freeOrder[buddy] !== order) break;
      this.#unlink(buddy, order);
      unit = Math.min(unit, buddy);
      order++;
    }
    this.#link(unit, order);
  }

  /**
   * Tells `give` of every stretch that has been free since the last look, and was touched before:
   * its offset in the arena, and its bytes.
   */
  giveIdle(give: (offset: number, bytes: number) => void): void {
    if (!this.#isTouched) return;
    this.#isTouched = this.#takenBytes > 0;
    for (let order = PIECE_ORDER; order < ORDERS; order++) {
      let unit = this.#first[order] as number;
      while (unit !== NONE) {
        this.#age(unit >>> PIECE_ORDER, (unit + (1 << order)) >>> PIECE_ORDER, give);
        unit = this.#next[unit] as number;
      }
    }
  }

  /** The pieces [first, end) of a free block grow older; what was idle already is given. */
  #age(first: number, end: number, give: (offset: number, bytes: number) => void): void {
    let from = first;
    for (let piece = first; piece < end; piece++) {
      const state = this.#pieces[piece] as number;
      if (state === USED) this.#isTouched = true;
      if (state !== CLEAN) this.#pieces[piece] = state - 1;
      if (state === IDLE) continue;
      if (piece > from) give(this.#base + from * PIECE_BYTES, (piece - from) * PIECE_BYTES);
      from = piece + 1;
    }
    if (end > from) give(this.#base + from * PIECE_BYTES, (end - from) * PIECE_BYTES);
  }

  #unit(block: number): number {
    const unit = (block - this.#base) / BLOCK_BYTES_MIN;
    assert(Number.isInteger(unit) && unit >= 0 && unit < this.#unitCount, "a block of this pool");
    assert(this.#freeOrder[unit] === TAKEN, "a block that is taken");
    return unit;
  }

  #link(unit: number, order: number): void {
    const second = this.#first[order] as number;
    this.#first[order] = unit;
    this.#next[unit] = second;
    this.#previous[unit] = NONE;
    if (second !== NONE) this.#previous[second] = unit;
    this.#freeOrder[unit] = order;
  }

  #unlink(unit: number, order: number): void {
    const next = this.#next[unit] as number;
    const previous = this.#previous[unit] as number;
    if (previous === NONE) this.#first[order] = next;
    else this.#next[previous] = next;
    if (next !== NONE) this.#previous[next] = previous;
    this.#freeOrder[unit] = TAKEN;
  }
}

function orderFor(bytes: number): number {
  let order = 0;
  while (BLOCK_BYTES_MIN << order < bytes && order < ORDERS) order++;
  return order;
}
