/**
 * Store reader: the half of a shard that any thread may use. Finds items and walks over them, under
 * the sequence lock of the item's bucket, and writes nothing but an entry's credit byte.
 *
 *   find ─▶ hit: the reply describes the item and says where its value lies ─▶ the caller copies ─▶ confirm ─▶ true: the copy
 *        ─▶ miss                                                              is not torn; false: find again
 *        ─▶ busy: the owner kept writing in this bucket, or died there: ask it
 *
 * Until `confirm` is true nothing in the reply is to be trusted, but its ranges always lie inside
 * the region, so copying first and asking later is safe. A miss has confirmed itself.
 *
 * In the owner's own thread nobody else writes: `setOwner(true)` leaves the locks out, and notes
 * accesses in the item.
 */
import type { Clock } from "../base/clock.ts";
import type { ItemRef } from "../base/unit.ts";
import { ItemMark, type Reply } from "../command/reply.ts";
import { Mark, type Request } from "../command/request.ts";
import type { Arena } from "../memory/arena.ts";
import { type Buckets, bucketOf, NONE } from "../memory/buckets.ts";
import type { ItemView } from "../memory/item-view.ts";
import type { Items } from "../memory/items.ts";
import { KeySearch } from "../memory/key-search.ts";
import type { SequenceLock } from "../memory/sequence-lock.ts";
import type { ShardHeader } from "../memory/shard-header.ts";
import { ShardMemory } from "../memory/shard-memory.ts";
import { BUCKET_ENTRIES } from "../memory/shard-plan.ts";
import { BatchFinder } from "./batch-finder.ts";
import { ReadOutcome } from "./read-outcome.ts";

/** Times a reader looks again at a bucket that changes under it before it gives up. */
const READ_ATTEMPTS = 32;
const KEY_BYTES_MAX = 256;

export class StoreReader {
  /** The same for batches of plain gets. */
  readonly batches: BatchFinder;
  readonly #header: ShardHeader;
  readonly #items: Items;
  readonly #view: ItemView;
  readonly #buckets: Buckets;
  readonly #search: KeySearch;
  readonly #locks: SequenceLock;
  readonly #bytes: Uint8Array;
  readonly #itemsEnd: number;
  readonly #valueBytesMax: number;
  readonly #clock: Clock;
  readonly #keyCopy = new Uint8Array(KEY_BYTES_MAX);
  #own = false;
  /** Of the last find: where its version is, and what it was. */
  #versionWord = 0;
  #version = 0;

  constructor(arena: Arena, base: number, clock: Clock) {
    const memory = new ShardMemory(arena, base);
    this.#header = memory.header;
    this.#items = memory.items;
    this.#view = memory.view;
    this.#buckets = memory.buckets;
    this.#search = new KeySearch(arena, memory.buckets, memory.items);
    this.#locks = memory.buckets.locks;
    this.#bytes = arena.bytes;
    this.#itemsEnd = base + memory.plan.regionBytes;
    this.#valueBytesMax = memory.plan.slabItemBytesMax;
    this.#clock = clock;
    this.batches = new BatchFinder(memory, this.#itemsEnd, clock);
  }

  /** Says whether this is the owner's thread. */
  setOwner(own: boolean): void {
    this.#own = own;
    this.batches.setOwner(own);
  }

  /** Looks up the request's key and notes an access, unless it says noBump. */
  find(request: Request, reply: Reply): ReadOutcome {
    return this.#own ? this.#findOwn(request, reply) : this.#findShared(request, reply);
  }

  /** After the caller's copy: true when it is not torn. False: find again. */
  confirm(): boolean {
    return this.#own || this.#locks.unchanged(this.#versionWord, this.#version);
  }

  #findOwn(request: Request, reply: Reply): ReadOutcome {
    const bucket = bucketOf(request.hashLow, this.#header.bucketCount());
    const entry = this.#entry(bucket, request);
    if (entry === NONE) {
      reply.begin();
      return ReadOutcome.miss;
    }
    const item = this.#search.item;
    const credit = this.#buckets.credit(entry);
    if (!this.#describe(item, credit, reply)) return ReadOutcome.miss;
    if (!isNoted(request, reply)) return ReadOutcome.hit;
    this.#buckets.hit(entry, credit);
    const now = this.#clock.now;
    if (reply.accessed !== now) this.#items.setTouched(item, now);
    return ReadOutcome.hit;
  }

  #findShared(request: Request, reply: Reply): ReadOutcome {
    for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
      const count = this.#header.bucketCountOrdered();
      const bucket = bucketOf(request.hashLow, count);
      const word = this.#buckets.versionWord(bucket);
      const version = this.#locks.beginRead(word);
      if ((version & 1) !== 0) continue;
      this.#versionWord = word;
      this.#version = version;
      const entry = this.#entry(bucket, request);
      if (entry !== NONE) {
        const credit = this.#buckets.credit(entry);
        if (this.#describe(this.#search.item, credit, reply)) {
          if (!this.#isInside(reply)) continue;
          if (isNoted(request, reply)) this.#buckets.hit(entry, credit);
          return ReadOutcome.hit;
        }
      } else {
        reply.begin();
      }
      const stands = this.#locks.unchanged(word, version);
      if (stands && this.#header.bucketCountOrdered() === count) return ReadOutcome.miss;
    }
    return ReadOutcome.busy;
  }

  /** The entry of the request's key in a bucket's chain, or NONE. */
  #entry(bucket: number, request: Request): number {
    const { hashHigh, keyBytes, keyStart, keyEnd } = request;
    return this.#search.find(bucket, hashHigh, keyBytes, keyStart, keyEnd);
  }

  /** Fills the reply. False when the item's time is over, which `reply.marks` then tells. */
  #describe(item: ItemRef, credit: number, reply: Reply): boolean {
    const dead = this.#view.deadMark(item, this.#clock.now);
    if (dead !== 0) {
      reply.begin();
      reply.marks = dead;
      return false;
    }
    this.#view.describe(item, credit, reply);
    return true;
  }

  /**
   * True when what the reply points to lies inside the region and is no longer than an item of a
   * slab, torn or not.
   */
  #isInside(reply: Reply): boolean {
    const bytes = (reply.marks & ItemMark.large) === 0 ? reply.valueBytes : 0;
    return reply.valueStart + bytes <= this.#itemsEnd && bytes <= this.#valueBytesMax;
  }

  /**
   * Shows the live items of bucket `cursor`, and returns the next cursor; 0 when that was the last.
   * `visit` gets a description whose key is at `reply.value[keyStart, keyStart + keyBytes)`, valid
   * during the call. Nothing is locked between calls: an item that is there from the first call to
   * the last is shown at least once, twice if its bucket was split meanwhile. A bucket whose owner
   * died while writing is left out.
   */
  walk(cursor: number, reply: Reply, visit: (reply: Reply) => void): number {
    for (let lane = 0; this.#showEntry(cursor, lane, reply, visit); lane++);
    const next = cursor + 1;
    return next < this.#header.bucketCountOrdered() ? next : 0;
  }

  /**
   * Shows the entry that is `ordinal` entries down a bucket's chain. False when the chain is
   * shorter.
   */
  #showEntry(
    primary: number,
    ordinal: number,
    reply: Reply,
    visit: (reply: Reply) => void,
  ): boolean {
    for (let attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
      const word = this.#buckets.versionWord(primary);
      const version = this.#locks.beginRead(word);
      if ((version & 1) !== 0 && !this.#own) continue;
      let bucket = primary;
      for (let passed = ordinal >>> 3; passed > 0 && bucket !== NONE; passed--) {
        bucket = this.#buckets.link(bucket);
      }
      let shown = false;
      if (bucket !== NONE) {
        const entry = bucket * BUCKET_ENTRIES + (ordinal & 7);
        if (this.#buckets.tag(entry) !== 0) shown = this.#copyEntry(entry, reply);
      }
      if (!this.#locks.unchanged(word, version)) continue;
      if (shown) visit(reply);
      return bucket !== NONE;
    }
    return false;
  }

  #copyEntry(entry: number, reply: Reply): boolean {
    const item = this.#buckets.ref(entry);
    if (!this.#describe(item, this.#buckets.credit(entry), reply)) return false;
    for (let at = 0; at < reply.keyBytes; at++) {
      this.#keyCopy[at] = this.#bytes[reply.keyStart + at] as number;
    }
    reply.value = this.#keyCopy;
    reply.keyStart = 0;
    reply.valueStart = 0;
    return true;
  }
}

/**
 * True when this read may have won the right to recache: it asks for that, and the item is stale
 * and has no winner yet. Only the owner can say.
 */
export function mayWin(request: Request, reply: Reply): boolean {
  return (
    (reply.marks & (ItemMark.stale | ItemMark.tokenSent)) === ItemMark.stale &&
    (request.marks & Mark.mayWin) !== 0
  );
}

/**
 * Whether this read is to be noted as an access. One that may win is noted by the owner, who tells
 * what was before.
 */
function isNoted(request: Request, reply: Reply): boolean {
  return (request.marks & Mark.noBump) === 0 && !mayWin(request, reply);
}
