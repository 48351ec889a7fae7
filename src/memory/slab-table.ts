/**
 * Slab table: what the shard knows of each slab, one cache line each. The owner writes; gauges and
 * dumps read.
 *
 *   word  0 queue           1 bytes written    2 live bytes        3 flush epoch it was opened in
 *         4 older slab + 1  5 newer slab + 1   6 least exptime     7 greatest exptime (NEVER when an item has none)
 *         8 live items      9 sequence        10 opened at        11 leases
 *        12 next of chain + 1                 13 slabs in chain (16 bits), its tail's first part (8) and parts (8)
 *        14 value bytes of the large item; of a slab of tails the parts taken, a bit each
 *        15 least exptime seen since the last walk over the slab began
 *
 * Slabs of one queue are linked oldest to newest; the chain of a large item is linked by word 12,
 * and only its first slab is in a queue; the last one's word 12 leads to the slab of tails its item
 * ends in (store/chain-tails.ts), and its bytes written count those there. `sequence` grows with
 * every slab put at the end of a queue, so the older of two queues' slabs is known. The bounds on
 * exptime are just that, bounds. A walk (store/evictor.ts) makes the least one exact: what it
 * passes and what is written meanwhile is gathered in word 15, which becomes word 6 at the slab's
 * end.
 */
import { type ItemRef, wordIndex } from "../base/unit.ts";
import type { Arena } from "./arena.ts";
import type { ShardPlan } from "./shard-plan.ts";

const WORDS_SHIFT = 4;
const QUEUE_WORD = 0;
const WRITTEN_WORD = 1;
const LIVE_WORD = 2;
const EPOCH_WORD = 3;
const OLDER_WORD = 4;
const NEWER_WORD = 5;
const EXPTIME_MIN_WORD = 6;
const EXPTIME_MAX_WORD = 7;
const ITEMS_WORD = 8;
const SEQUENCE_WORD = 9;
const OPENED_WORD = 10;
const LEASES_WORD = 11;
const CHAIN_NEXT_WORD = 12;
const CHAIN_SLABS_WORD = 13;
const VALUE_BYTES_WORD = 14;
const EXPTIME_WALK_WORD = 15;
const CHAIN_SLABS_MASK = 0xffff;
const TAIL_START_SHIFT = 16;
const TAIL_PARTS_SHIFT = 24;
const TAIL_MASK = 0xff;

/**
 * "No item of this slab expires": the least and greatest exptime of a slab use it for 0. 68 years
 * of serving, and the largest number that needs no box.
 */
export const NEVER = 0x7fff_ffff;
/** "No slab." */
export const NO_SLAB = -1;

/** What a slab is for. Below `QUEUES` it is in a list of that name. */
export const Queue = {
  free: 0,
  small: 1,
  main: 2,
  largeSmall: 3,
  largeMain: 4,
  /** A further slab of a large item. */
  chain: 5,
  /** The first slab of an item that is still being received. */
  upload: 6,
  /** The first slab of an item that is gone but still being read. */
  orphan: 7,
  /** Ends of large items, several to a slab. */
  tails: 8,
} as const;
export type Queue = (typeof Queue)[keyof typeof Queue];
export const QUEUES = 5;

/** A queue as stats number it: 1 small, 2 main, 3 whatever large items take; 0 free. */
export function queueClass(queue: Queue): number {
  return queue > 3 ? 3 : queue;
}

export class SlabTable {
  readonly #words: Uint32Array;
  readonly #word: number;
  readonly count: number;
  readonly #refShift: number;

  constructor(arena: Arena, base: number, plan: ShardPlan) {
    this.#words = arena.words;
    this.#word = wordIndex(base + plan.slabTableOffset);
    this.count = plan.slabCount;
    this.#refShift = plan.slabShift - 3;
  }

  /** The slab an item lies in. */
  slabOf(item: ItemRef): number {
    return item >>> this.#refShift;
  }

  /** The byte of the slab at which an item lies. */
  offsetOf(item: ItemRef): number {
    return (item & ((1 << this.#refShift) - 1)) * 8;
  }

  /** The item at a byte of a slab. */
  itemAt(slab: number, offset: number): ItemRef {
    return ((slab << this.#refShift) + (offset >>> 3)) as ItemRef;
  }

  queue(slab: number): Queue {
    return this.#words[this.#word + (slab << WORDS_SHIFT) + QUEUE_WORD] as Queue;
  }

  setQueue(slab: number, queue: Queue): void {
    this.#words[this.#word + (slab << WORDS_SHIFT) + QUEUE_WORD] = queue;
  }

  writtenBytes(slab: number): number {
    return this.#words[this.#word + (slab << WORDS_SHIFT) + WRITTEN_WORD] as number;
  }

  setWrittenBytes(slab: number, bytes: number): void {
    this.#words[this.#word + (slab << WORDS_SHIFT) + WRITTEN_WORD] = bytes;
  }

  liveBytes(slab: number): number {
    return this.#words[this.#word + (slab << WORDS_SHIFT) + LIVE_WORD] as number;
  }

  setLiveBytes(slab: number, bytes: number): void {
    this.#words[this.#word + (slab << WORDS_SHIFT) + LIVE_WORD] = bytes;
  }

  epoch(slab: number): number {
    return this.#words[this.#word + (slab << WORDS_SHIFT) + EPOCH_WORD] as number;
  }

  setEpoch(slab: number, epoch: number): void {
    this.#words[this.#word + (slab << WORDS_SHIFT) + EPOCH_WORD] = epoch;
  }

  older(slab: number): number {
    return (this.#words[this.#word + (slab << WORDS_SHIFT) + OLDER_WORD] as number) - 1;
  }

  setOlder(slab: number, older: number): void {
    this.#words[this.#word + (slab << WORDS_SHIFT) + OLDER_WORD] = older + 1;
  }

  newer(slab: number): number {
    return (this.#words[this.#word + (slab << WORDS_SHIFT) + NEWER_WORD] as number) - 1;
  }

  setNewer(slab: number, newer: number): void {
    this.#words[this.#word + (slab << WORDS_SHIFT) + NEWER_WORD] = newer + 1;
  }

  exptimeMin(slab: number): number {
    return this.#words[this.#word + (slab << WORDS_SHIFT) + EXPTIME_MIN_WORD] as number;
  }

  exptimeMax(slab: number): number {
    return this.#words[this.#word + (slab << WORDS_SHIFT) + EXPTIME_MAX_WORD] as number;
  }

  setExptimes(slab: number, min: number, max: number): void {
    const at = this.#word + (slab << WORDS_SHIFT);
    this.#words[at + EXPTIME_MIN_WORD] = min;
    this.#words[at + EXPTIME_MAX_WORD] = max;
    this.#words[at + EXPTIME_WALK_WORD] = min;
  }

  /** A walk over the slab begins. */
  beginWalk(slab: number): void {
    this.#words[this.#word + (slab << WORDS_SHIFT) + EXPTIME_WALK_WORD] = NEVER;
  }

  /** A walk passes a live item with this exptime (0 is never). */
  noteWalked(slab: number, exptime: number): void {
    const at = this.#word + (slab << WORDS_SHIFT) + EXPTIME_WALK_WORD;
    if (exptime !== 0 && exptime < (this.#words[at] as number)) this.#words[at] = exptime;
  }

  /** A walk has reached the slab's end: the least exptime is known. */
  endWalk(slab: number): void {
    const at = this.#word + (slab << WORDS_SHIFT);
    this.#words[at + EXPTIME_MIN_WORD] = this.#words[at + EXPTIME_WALK_WORD] as number;
  }

  /** Widens the bounds to hold `exptime` (0 is never). */
  noteExptime(slab: number, exptime: number): void {
    const bound = exptime === 0 ? NEVER : exptime;
    const at = this.#word + (slab << WORDS_SHIFT);
    if (bound < (this.#words[at + EXPTIME_MIN_WORD] as number)) {
      this.#words[at + EXPTIME_MIN_WORD] = bound;
    }
    if (bound < (this.#words[at + EXPTIME_WALK_WORD] as number)) {
      this.#words[at + EXPTIME_WALK_WORD] = bound;
    }
    if (bound > (this.#words[at + EXPTIME_MAX_WORD] as number)) {
      this.#words[at + EXPTIME_MAX_WORD] = bound;
    }
  }

  items(slab: number): number {
    return this.#words[this.#word + (slab << WORDS_SHIFT) + ITEMS_WORD] as number;
  }

  setItems(slab: number, items: number): void {
    this.#words[this.#word + (slab << WORDS_SHIFT) + ITEMS_WORD] = items;
  }

  sequence(slab: number): number {
    return this.#words[this.#word + (slab << WORDS_SHIFT) + SEQUENCE_WORD] as number;
  }

  setSequence(slab: number, sequence: number): void {
    this.#words[this.#word + (slab << WORDS_SHIFT) + SEQUENCE_WORD] = sequence;
  }

  openedAt(slab: number): number {
    return this.#words[this.#word + (slab << WORDS_SHIFT) + OPENED_WORD] as number;
  }

  setOpenedAt(slab: number, at: number): void {
    this.#words[this.#word + (slab << WORDS_SHIFT) + OPENED_WORD] = at;
  }

  leases(slab: number): number {
    return this.#words[this.#word + (slab << WORDS_SHIFT) + LEASES_WORD] as number;
  }

  setLeases(slab: number, leases: number): void {
    this.#words[this.#word + (slab << WORDS_SHIFT) + LEASES_WORD] = leases;
  }

  chainNext(slab: number): number {
    return (this.#words[this.#word + (slab << WORDS_SHIFT) + CHAIN_NEXT_WORD] as number) - 1;
  }

  setChainNext(slab: number, next: number): void {
    this.#words[this.#word + (slab << WORDS_SHIFT) + CHAIN_NEXT_WORD] = next + 1;
  }

  /** Slabs a large item has to itself. */
  chainSlabs(first: number): number {
    return this.#chainWord(first) & CHAIN_SLABS_MASK;
  }

  /** Also says that the chain has no tail. */
  setChainSlabs(first: number, slabs: number): void {
    this.#words[this.#word + (first << WORDS_SHIFT) + CHAIN_SLABS_WORD] = slabs;
  }

  /** The first part of a large item's tail in its slab of tails. */
  tailStart(first: number): number {
    return (this.#chainWord(first) >>> TAIL_START_SHIFT) & TAIL_MASK;
  }

  /** How many parts that tail takes; 0 is no tail. */
  tailParts(first: number): number {
    return this.#chainWord(first) >>> TAIL_PARTS_SHIFT;
  }

  setTail(first: number, start: number, parts: number): void {
    const tail = (start << TAIL_START_SHIFT) | (parts << TAIL_PARTS_SHIFT);
    const at = this.#word + (first << WORDS_SHIFT) + CHAIN_SLABS_WORD;
    this.#words[at] = (this.#chainWord(first) & CHAIN_SLABS_MASK) | tail;
  }

  #chainWord(first: number): number {
    return this.#words[this.#word + (first << WORDS_SHIFT) + CHAIN_SLABS_WORD] as number;
  }

  /** Of a slab of tails: the parts that are taken, a bit each. */
  partsTaken(slab: number): number {
    return this.#words[this.#word + (slab << WORDS_SHIFT) + VALUE_BYTES_WORD] as number;
  }

  setPartsTaken(slab: number, mask: number): void {
    this.#words[this.#word + (slab << WORDS_SHIFT) + VALUE_BYTES_WORD] = mask;
  }

  valueBytes(slab: number): number {
    return this.#words[this.#word + (slab << WORDS_SHIFT) + VALUE_BYTES_WORD] as number;
  }

  setValueBytes(slab: number, bytes: number): void {
    this.#words[this.#word + (slab << WORDS_SHIFT) + VALUE_BYTES_WORD] = bytes;
  }
}
