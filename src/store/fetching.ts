/**
 * Fetching: what an owner does to an item that stays: reads with effects, touch, delete and its
 * milder forms.
 *
 *   fetch    gat, gats, mg with T, N, R, or on a stale item      value, exptime, the right to recache
 *   touch    touch                                               exptime
 *   remove   delete, md                                          gone, stale (I), empty (x), or both
 *
 * Exactly one winner: an item's token-sent mark is set by the request that wins, and seen by all
 * later ones; the owner alone sets it. A request that may win (Mark.mayWin) does when it created the item, when the item
 * is stale, or when it expires sooner than the request wants (R), and nobody has won before.
 */
import type { Clock } from "../base/clock.ts";
import type { ItemRef, ServerSeconds } from "../base/unit.ts";
import { DeleteMode } from "../command/op.ts";
import { ItemMark, type Reply } from "../command/reply.ts";
import { Mark, type Request } from "../command/request.ts";
import { Status } from "../command/status.ts";
import { type Buckets, NONE } from "../memory/buckets.ts";
import { Counter, type Counters } from "../memory/counters.ts";
import { BINARY_KEY, type Items, STALE, TOKEN_SENT } from "../memory/items.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import { NO_SLAB, type SlabTable } from "../memory/slab-table.ts";
import { Join, Wrote } from "./draft.ts";
import type { KeyIndex } from "./key-index.ts";
import type { Residents } from "./residents.ts";
import { casEquals, type Storing, WRITE_ATTEMPTS } from "./storing.ts";
import { shownExptime, vivifiedExptime } from "./vivified.ts";
import type { Writer } from "./writer.ts";

/**
 * How long another thread may take to read the value of a fetch, with a tick of the clock in
 * between.
 */
const READ_SECONDS_MAX = 1;

export class Fetching {
  readonly #items: Items;
  readonly #slabs: SlabTable;
  readonly #buckets: Buckets;
  readonly #index: KeyIndex;
  readonly #residents: Residents;
  readonly #writer: Writer;
  readonly #storing: Storing;
  readonly #clock: Clock;
  readonly #counters: Counters;

  constructor(
    memory: ShardMemory,
    parts: {
      index: KeyIndex;
      residents: Residents;
      writer: Writer;
      storing: Storing;
    },
    clock: Clock,
    counters: Counters,
  ) {
    this.#items = memory.items;
    this.#slabs = memory.slabs;
    this.#buckets = memory.buckets;
    this.#index = parts.index;
    this.#residents = parts.residents;
    this.#writer = parts.writer;
    this.#storing = parts.storing;
    this.#clock = clock;
    this.#counters = counters;
  }

  /** Executes Op.fetch (and Op.get, Op.inspect: reads that came to the owner). */
  fetch(request: Request, reply: Reply): void {
    const entry = this.#residents.find(request);
    if (entry === NONE) {
      this.#miss(request, reply);
      return;
    }
    const item = this.#buckets.ref(entry);
    this.#residents.describe(item, this.#buckets.credit(entry), reply);
    reply.status = Status.hit;
    this.#claim(request, item, reply);
    if ((request.marks & Mark.exptime) !== 0) {
      if (this.#outlivesReading(request, item, reply))
        this.#setExptime(request, item, request.exptime);
      else reply.marks |= ItemMark.expiring;
      if ((request.marks & Mark.exptimeBefore) === 0) reply.exptime = request.exptime;
    }
    if ((request.marks & Mark.noBump) === 0) this.#residents.touch(entry, item);
  }

  /**
   * False when the requester is to read the value after this, from another thread or, when it is
   * large, under a lease, and the new exptime may leave it no time to.
   */
  #outlivesReading(request: Request, item: ItemRef, reply: Reply): boolean {
    const apart = (request.marks & Mark.valueApart) !== 0 || this.#isLeased(request, item);
    if (!apart || reply.valueBytes === 0) return true;
    return request.exptime === 0 || request.exptime > this.#clock.now + READ_SECONDS_MAX;
  }

  /** True when the reply has a value that is too large to be copied. */
  #isLeased(request: Request, item: ItemRef): boolean {
    if ((request.marks & Mark.wantsValue) === 0 || !this.#items.isLarge(item)) return false;
    const skips = (request.marks & Mark.casMatchSkipsValue) !== 0;
    return !(skips && casEquals(this.#items, item, request));
  }

  #miss(request: Request, reply: Reply): void {
    reply.status = Status.miss;
    reply.marks = this.#residents.deadMark;
    if ((request.marks & Mark.vivify) === 0) return;
    const dead = reply.marks;
    const exptime = vivifiedExptime(request);
    this.#fill(request, 0, exptime, TOKEN_SENT);
    const draft = this.#writer.draft;
    draft.marks = TOKEN_SENT; // a key in base64 too is shown as text
    // Without room for the new item a miss is just a miss.
    if (this.#write(request, Status.hit) !== Status.hit) return;
    reply.status = Status.hit;
    this.#counters.add(Counter.totalItems, 1);
    reply.casLow = draft.casLow;
    reply.casHigh = draft.casHigh;
    reply.clientFlags = 0;
    reply.valueBytes = 0;
    reply.accessed = this.#clock.now;
    if (exptime === 0 || exptime > this.#clock.now) this.#describeNew(request, reply);
    reply.exptime = shownExptime(request);
    reply.marks = ItemMark.created | ItemMark.won | dead;
  }

  /** Describes the item that was just made, for which its making is the first access. */
  #describeNew(request: Request, reply: Reply): void {
    const entry = this.#residents.find(request);
    if (entry === NONE) return;
    const item = this.#buckets.ref(entry);
    this.#residents.describe(item, 0, reply);
    if ((request.marks & Mark.noBump) === 0) this.#residents.touch(entry, item);
  }

  /** Gives the right to recache to one request of those that may have it. */
  #claim(request: Request, item: ItemRef, reply: Reply): void {
    if ((request.marks & Mark.mayWin) === 0) return;
    const packed = this.#items.packed(item);
    if ((packed & TOKEN_SENT) !== 0) {
      if ((request.marks & Mark.tokenHeld) === 0) return;
      reply.marks = (reply.marks & ~ItemMark.tokenSent) | ItemMark.won;
      return;
    }
    const after = (request.marks & Mark.recacheAfter) !== 0;
    const exptime = after ? request.exptime : this.#items.exptime(item);
    const recaches = (request.marks & Mark.recache) !== 0;
    const soon = recaches && exptime !== 0 && exptime < request.recacheExptime;
    if (!soon && (packed & STALE) === 0) return;
    this.#index.beginWrite(request.hashLow);
    this.#items.setPacked(item, packed | TOKEN_SENT);
    this.#index.endWrite(request.hashLow);
    reply.marks |= ItemMark.won;
  }

  /** Executes Op.touch. With a CAS, it is the second half of a fetch (ItemMark.expiring). */
  touch(request: Request, reply: Reply): void {
    const entry = this.#residents.find(request);
    if (entry === NONE) {
      reply.status = Status.notFound;
      reply.marks = this.#residents.deadMark;
      return;
    }
    const item = this.#buckets.ref(entry);
    if ((request.marks & Mark.compareCas) !== 0 && !this.#isDescribed(item, request)) {
      reply.status = Status.exists;
      return;
    }
    this.#residents.describe(item, this.#buckets.credit(entry), reply);
    reply.status = Status.touched;
    this.#setExptime(request, item, request.exptime);
    if ((request.marks & Mark.exptimeBefore) === 0) reply.exptime = request.exptime;
    if ((request.marks & Mark.noBump) === 0) this.#residents.touch(entry, item);
  }

  /** True when the item has the request's CAS, be it 0. */
  #isDescribed(item: ItemRef, request: Request): boolean {
    const { casLow, casHigh } = request;
    return this.#items.casLow(item) === casLow >>> 0 && this.#items.casHigh(item) === casHigh >>> 0;
  }

  #setExptime(request: Request, item: ItemRef, exptime: ServerSeconds): void {
    this.#slabs.noteExptime(this.#slabs.slabOf(item), exptime);
    this.#index.beginWrite(request.hashLow);
    this.#items.setExptime(item, exptime);
    this.#index.endWrite(request.hashLow);
  }

  /** Executes Op.delete. */
  remove(request: Request, reply: Reply): void {
    const entry = this.#residents.find(request);
    if (entry === NONE) {
      reply.status = Status.notFound;
      return;
    }
    const item = this.#buckets.ref(entry);
    reply.queue = this.#residents.queueOf(item);
    if ((request.marks & Mark.compareCas) !== 0 && !casEquals(this.#items, item, request)) {
      reply.status = Status.exists;
      return;
    }
    if (request.mode === DeleteMode.remove) {
      this.#residents.drop(entry, request.hashLow, request.hashHigh);
      reply.status = Status.deleted;
    } else if (request.mode === DeleteMode.invalidate) {
      this.#invalidate(request, item, reply);
    } else {
      this.#blank(request, item, reply);
    }
  }

  /** md I: the item stays, stale, with a new CAS, and its token may be won again. */
  #invalidate(request: Request, item: ItemRef, reply: Reply): void {
    const sets = (request.marks & Mark.exptime) !== 0;
    if (sets) this.#slabs.noteExptime(this.#slabs.slabOf(item), request.exptime);
    this.#storing.name(request);
    const draft = this.#writer.draft;
    this.#index.beginWrite(request.hashLow);
    this.#items.setPacked(item, (this.#items.packed(item) & ~TOKEN_SENT) | STALE);
    this.#items.setCas(item, draft.casLow, draft.casHigh);
    if (sets) this.#items.setExptime(item, request.exptime);
    this.#index.endWrite(request.hashLow);
    reply.status = Status.stored;
    reply.casLow = draft.casLow;
    reply.casHigh = draft.casHigh;
  }

  /** md x: the item stays, empty; its CAS stays too, unless E or I gives a new one. */
  #blank(request: Request, item: ItemRef, reply: Reply): void {
    const stale = request.mode === DeleteMode.invalidateBlank;
    const marks = (this.#items.packed(item) & BINARY_KEY) | (stale ? STALE : 0);
    const sets = (request.marks & Mark.exptime) !== 0;
    const casLow = this.#items.casLow(item);
    const casHigh = this.#items.casHigh(item);
    this.#fill(request, 0, sets ? request.exptime : (0 as ServerSeconds), marks);
    const draft = this.#writer.draft;
    if ((request.marks & Mark.clientFlags) !== 0) draft.clientFlags = request.clientFlags;
    if (!stale && (request.marks & Mark.explicitCas) === 0) {
      draft.casLow = casLow;
      draft.casHigh = casHigh;
    }
    reply.status = this.#write(request, Status.stored);
    if (reply.status === Status.stored) this.#counters.add(Counter.totalItems, 1);
    reply.casLow = draft.casLow;
    reply.casHigh = draft.casHigh;
  }

  /** Drafts an item without a value. */
  #fill(request: Request, clientFlags: number, exptime: ServerSeconds, marks: number): void {
    this.#storing.name(request);
    const draft = this.#writer.draft;
    draft.valueStart = 0;
    draft.valueBytes = 0;
    draft.chain = NO_SLAB;
    draft.join = Join.none;
    draft.clientFlags = clientFlags;
    draft.exptime = exptime;
    const binary = (request.marks & Mark.binaryKey) !== 0;
    draft.marks = binary ? marks | BINARY_KEY : marks;
  }

  /** Writes the draft, looking the key up again after room was made. `done`, or outOfMemory. */
  #write(request: Request, done: Status): Status {
    for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
      const wrote = this.#writer.write(this.#residents.find(request));
      if (wrote === Wrote.done) return done;
      if (wrote === Wrote.noRoom) break;
    }
    this.#counters.add(Counter.outOfMemory, 1);
    return Status.outOfMemory;
  }
}
