/**
 * Shard header: the state of a shard, beside what its slabs and buckets say. Written by the owner,
 * so that a successor finds everything here when the owner's thread dies; read by gauges and
 * readers.
 *
 *   from byte 256, words:  0 bucket count   1 free overflow bucket + 1   2 overflow buckets in use   3 index entries
 *                          4 flush epoch    5 delayed flush at           6 slab sequence             7 slab limit
 *                          8 free slabs     9 CAS low                   10 CAS high                 11 CAS bytes (0 or 8)
 *                         12 ghost sets    13 slabs of uploads          14 slabs of orphans         15 mean item size
 *   from byte 320, one line for each queue: oldest + 1, newest + 1, open + 1, slabs, items, ajar + 1
 *   from byte 640, a double: bytes the ghost has seen · words: how often room was given back ·
 *                  1 while recovery has judged every entry · 1 after the owner has stopped in order
 *
 * Doubles that may grow past 2^31 are worked on in here: returned from a call, each would be
 * garbage.
 */
import { doubleIndex, MIB, type ServerSeconds, wordIndex } from "../base/unit.ts";
import type { Arena } from "./arena.ts";
import { STATE_OFFSET } from "./shard-plan.ts";
import type { Queue } from "./slab-table.ts";

const BUCKET_COUNT_WORD = 0;
const OVERFLOW_FREE_WORD = 1;
const OVERFLOW_USED_WORD = 2;
const ENTRIES_WORD = 3;
const EPOCH_WORD = 4;
const FLUSH_AT_WORD = 5;
const SEQUENCE_WORD = 6;
const SLAB_LIMIT_WORD = 7;
const FREE_SLABS_WORD = 8;
const CAS_LOW_WORD = 9;
const CAS_HIGH_WORD = 10;
const CAS_BYTES_WORD = 11;
const GHOST_SETS_WORD = 12;
const UPLOAD_SLABS_WORD = 13;
const ORPHAN_SLABS_WORD = 14;
const MEAN_WORD = 15;
const QUEUE_LINES_OFFSET = 320;
const QUEUE_WORDS_SHIFT = 4;
const OLDEST_WORD = 0;
const NEWEST_WORD = 1;
const OPEN_WORD = 2;
const SLABS_WORD = 3;
const ITEMS_WORD = 4;
const AJAR_WORD = 5;
const DOUBLES_OFFSET = 640;
/**
 * The mean item size is kept in 256ths of a byte, and follows as if it were taken over this many
 * items.
 */
const MEAN_PARTS = 256;
const MEAN_ITEMS = 1000;
/** Larger items count as this much, so that the mean fits 31 bits. */
const MEAN_BYTES_MAX = 4 * MIB;
const GHOST_BYTES_DOUBLE = 0;
const ROOM_WORD = 2;
const JUDGED_WORD = 3;
const AT_REST_WORD = 4;

export class ShardHeader {
  readonly #words: Uint32Array;
  readonly #ints: Int32Array;
  readonly #doubles: Float64Array;
  readonly #word: number;
  readonly #queues: number;
  readonly #double: number;
  readonly #room: number;
  readonly #judged: number;
  readonly #atRest: number;

  constructor(arena: Arena, base: number) {
    this.#words = arena.words;
    this.#ints = arena.ints;
    this.#doubles = arena.doubles;
    this.#word = wordIndex(base + STATE_OFFSET);
    this.#queues = wordIndex(base + QUEUE_LINES_OFFSET);
    this.#double = doubleIndex(base + DOUBLES_OFFSET);
    this.#room = wordIndex(base + DOUBLES_OFFSET) + ROOM_WORD;
    this.#judged = wordIndex(base + DOUBLES_OFFSET) + JUDGED_WORD;
    this.#atRest = wordIndex(base + DOUBLES_OFFSET) + AT_REST_WORD;
  }

  /** Buckets in use. The owner reads it plainly. */
  bucketCount(): number {
    return this.#words[this.#word + BUCKET_COUNT_WORD] as number;
  }

  /** The same, for readers: in order with what they read next. */
  bucketCountOrdered(): number {
    return Atomics.load(this.#ints, this.#word + BUCKET_COUNT_WORD);
  }

  /** Published: the new bucket was written before. */
  setBucketCount(count: number): void {
    Atomics.store(this.#ints, this.#word + BUCKET_COUNT_WORD, count);
  }

  overflowFree(): number {
    return (this.#words[this.#word + OVERFLOW_FREE_WORD] as number) - 1;
  }

  setOverflowFree(bucket: number): void {
    this.#words[this.#word + OVERFLOW_FREE_WORD] = bucket + 1;
  }

  /** Overflow buckets that were ever taken; those beyond are fresh. */
  overflowUsed(): number {
    return this.#words[this.#word + OVERFLOW_USED_WORD] as number;
  }

  setOverflowUsed(count: number): void {
    this.#words[this.#word + OVERFLOW_USED_WORD] = count;
  }

  entries(): number {
    return this.#words[this.#word + ENTRIES_WORD] as number;
  }

  setEntries(count: number): void {
    this.#words[this.#word + ENTRIES_WORD] = count;
  }

  /** Items in a slab of another epoch are flushed. */
  epoch(): number {
    return this.#words[this.#word + EPOCH_WORD] as number;
  }

  setEpoch(epoch: number): void {
    Atomics.store(this.#ints, this.#word + EPOCH_WORD, epoch);
  }

  /** When everything dies; 0 is never. */
  flushAt(): ServerSeconds {
    return this.#words[this.#word + FLUSH_AT_WORD] as ServerSeconds;
  }

  setFlushAt(at: ServerSeconds): void {
    this.#words[this.#word + FLUSH_AT_WORD] = at;
  }

  nextSequence(): number {
    const next = ((this.#words[this.#word + SEQUENCE_WORD] as number) + 1) >>> 0;
    this.#words[this.#word + SEQUENCE_WORD] = next;
    return next;
  }

  /** Slabs that may be in use: all, or fewer after cache_memlimit. */
  slabLimit(): number {
    return this.#words[this.#word + SLAB_LIMIT_WORD] as number;
  }

  setSlabLimit(slabs: number): void {
    this.#words[this.#word + SLAB_LIMIT_WORD] = slabs;
  }

  freeSlabs(): number {
    return this.#words[this.#word + FREE_SLABS_WORD] as number;
  }

  setFreeSlabs(slabs: number): void {
    this.#words[this.#word + FREE_SLABS_WORD] = slabs;
  }

  casLow(): number {
    return this.#words[this.#word + CAS_LOW_WORD] as number;
  }

  casHigh(): number {
    return this.#words[this.#word + CAS_HIGH_WORD] as number;
  }

  setCas(low: number, high: number): void {
    this.#words[this.#word + CAS_LOW_WORD] = low;
    this.#words[this.#word + CAS_HIGH_WORD] = high;
  }

  /** What a CAS adds to an item's size as memcached counts it: 8, or 0 with -C. */
  casBytes(): number {
    return this.#words[this.#word + CAS_BYTES_WORD] as number;
  }

  setCasBytes(bytes: number): void {
    this.#words[this.#word + CAS_BYTES_WORD] = bytes;
  }

  /** Sets of the ghost table in use: 0 or a power of two. */
  ghostSets(): number {
    return this.#words[this.#word + GHOST_SETS_WORD] as number;
  }

  setGhostSets(sets: number): void {
    this.#words[this.#word + GHOST_SETS_WORD] = sets;
  }

  /** Slabs set aside for items that are being received. */
  uploadSlabs(): number {
    return this.#words[this.#word + UPLOAD_SLABS_WORD] as number;
  }

  setUploadSlabs(slabs: number): void {
    this.#words[this.#word + UPLOAD_SLABS_WORD] = slabs;
  }

  /** Slabs of items that are gone but still being read. */
  orphanSlabs(): number {
    return this.#words[this.#word + ORPHAN_SLABS_WORD] as number;
  }

  setOrphanSlabs(slabs: number): void {
    this.#words[this.#word + ORPHAN_SLABS_WORD] = slabs;
  }

  /**
   * Moves whenever an upload or a lease has given room back: any thread may look whether it is
   * worth asking again.
   */
  roomSequence(): number {
    return Atomics.load(this.#ints, this.#room);
  }

  /** Published: the room was given back before. */
  noteRoom(): void {
    Atomics.store(this.#ints, this.#room, ((this.#ints[this.#room] as number) + 1) | 0);
  }

  /** A recovery that did not end has taken out what led nowhere: dead marks are its own. */
  isJudged(): boolean {
    return this.#words[this.#judged] === 1;
  }

  setJudged(judged: boolean): void {
    this.#words[this.#judged] = judged ? 1 : 0;
  }

  /** The owner has stopped between two requests: nothing is half done, nobody owns the shard. */
  isAtRest(): boolean {
    return this.#words[this.#atRest] === 1;
  }

  setAtRest(atRest: boolean): void {
    this.#words[this.#atRest] = atRest ? 1 : 0;
  }

  oldest(queue: Queue): number {
    return (this.#words[this.#queues + (queue << QUEUE_WORDS_SHIFT) + OLDEST_WORD] as number) - 1;
  }

  setOldest(queue: Queue, slab: number): void {
    this.#words[this.#queues + (queue << QUEUE_WORDS_SHIFT) + OLDEST_WORD] = slab + 1;
  }

  newest(queue: Queue): number {
    return (this.#words[this.#queues + (queue << QUEUE_WORDS_SHIFT) + NEWEST_WORD] as number) - 1;
  }

  setNewest(queue: Queue, slab: number): void {
    this.#words[this.#queues + (queue << QUEUE_WORDS_SHIFT) + NEWEST_WORD] = slab + 1;
  }

  /** The slab a queue appends to, or NO_SLAB. */
  open(queue: Queue): number {
    return (this.#words[this.#queues + (queue << QUEUE_WORDS_SHIFT) + OPEN_WORD] as number) - 1;
  }

  setOpen(queue: Queue, slab: number): void {
    this.#words[this.#queues + (queue << QUEUE_WORDS_SHIFT) + OPEN_WORD] = slab + 1;
  }

  /** The slab a queue appended to before, whose end still takes what fits there, or NO_SLAB. */
  ajar(queue: Queue): number {
    return (this.#words[this.#queues + (queue << QUEUE_WORDS_SHIFT) + AJAR_WORD] as number) - 1;
  }

  setAjar(queue: Queue, slab: number): void {
    this.#words[this.#queues + (queue << QUEUE_WORDS_SHIFT) + AJAR_WORD] = slab + 1;
  }

  /** Slabs of a queue, the further slabs of its large items included. */
  slabs(queue: Queue): number {
    return this.#words[this.#queues + (queue << QUEUE_WORDS_SHIFT) + SLABS_WORD] as number;
  }

  setSlabs(queue: Queue, slabs: number): void {
    this.#words[this.#queues + (queue << QUEUE_WORDS_SHIFT) + SLABS_WORD] = slabs;
  }

  /** Items of a queue, those a flush has killed not counted. */
  items(queue: Queue): number {
    return this.#words[this.#queues + (queue << QUEUE_WORDS_SHIFT) + ITEMS_WORD] as number;
  }

  setItems(queue: Queue, items: number): void {
    this.#words[this.#queues + (queue << QUEUE_WORDS_SHIFT) + ITEMS_WORD] = items;
  }

  /** Adds `items`, which may be negative, to a queue's count. */
  addItems(queue: Queue, items: number): void {
    const word = this.#queues + (queue << QUEUE_WORDS_SHIFT) + ITEMS_WORD;
    this.#words[word] = (this.#words[word] as number) + items;
  }

  /** A new item took `bytes`: moves the mean by a thousandth of the difference. */
  noteItemBytes(bytes: number): void {
    const at = this.#word + MEAN_WORD;
    const parts = Math.min(bytes, MEAN_BYTES_MAX) * MEAN_PARTS;
    const mean = this.#words[at] as number;
    this.#words[at] = mean === 0 ? parts : mean + (((parts - mean) / MEAN_ITEMS) | 0);
  }

  /** Bytes of a mean item; 0 before there was one. */
  meanBytes(): number {
    return ((this.#words[this.#word + MEAN_WORD] as number) / MEAN_PARTS) | 0;
  }

  /** How many quarters of a mean item `bytes` are, rounded. */
  quarterMeans(bytes: number): number {
    const mean = this.#words[this.#word + MEAN_WORD] as number;
    return mean === 0 ? 4 : Math.round((4 * MEAN_PARTS * bytes) / mean) | 0;
  }

  /** Bytes of all keys the ghost was ever given, its clock, moved on by `bytes`. */
  addGhostBytes(bytes: number): void {
    const at = this.#double + GHOST_BYTES_DOUBLE;
    this.#doubles[at] = (this.#doubles[at] as number) + bytes;
  }

  /** The ghost's clock in steps of `stampBytes`, modulo 2^16. */
  ghostStamp(stampBytes: number): number {
    const bytes = this.#doubles[this.#double + GHOST_BYTES_DOUBLE] as number;
    return Math.floor(bytes / stampBytes) & 0xffff;
  }
}
