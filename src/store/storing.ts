/**
 * Storing: set, add, replace, append, prepend and cas, of any protocol: who may store, and what
 * becomes of the old item.
 *
 *              absent                                   present
 *   set        stores; with a CAS notFound              stores; CAS differs: exists (meta I: a lower one stores stale)
 *   add        stores; binary with a CAS: notFound      notStored, and the item is bumped; binary with an equal CAS: stores
 *   replace    notStored; with a CAS notFound           as set
 *   append …   notStored; vivify: stores                stores; CAS differs: exists; flags and exptime stay
 *
 * A CAS of 0 equals none. A store that fails for want of room deletes the old item if its request
 * says so (Mark.dropsOldWhenRefused).
 */
import type { Clock } from "../base/clock.ts";
import type { ItemRef } from "../base/unit.ts";
import { StoreMode } from "../command/op.ts";
import type { Reply } from "../command/reply.ts";
import { Mark, type Request } from "../command/request.ts";
import { Status } from "../command/status.ts";
import { type Buckets, NONE } from "../memory/buckets.ts";
import { Counter, type Counters } from "../memory/counters.ts";
import { BINARY_KEY, type Items, itemTotalBytes, STALE, TOKEN_SENT } from "../memory/items.ts";
import type { ShardHeader } from "../memory/shard-header.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import { NO_SLAB, queueClass } from "../memory/slab-table.ts";
import type { CasClock } from "./cas-clock.ts";
import { Join, Wrote } from "./draft.ts";
import type { Residents } from "./residents.ts";
import type { Writer } from "./writer.ts";

/**
 * Rounds of making room and looking again; each ends nearer to an absent key that goes to the small
 * queue.
 */
export const WRITE_ATTEMPTS = 8;

/** True when the item's CAS is the request's, and not 0. */
export function casEquals(items: Items, item: ItemRef, request: Request): boolean {
  const low = request.casLow >>> 0;
  const high = request.casHigh >>> 0;
  if (low === 0 && high === 0) return false;
  return items.casLow(item) === low && items.casHigh(item) === high;
}

export class Storing {
  readonly #header: ShardHeader;
  readonly #items: Items;
  readonly #buckets: Buckets;
  readonly #itemBytesMax: number;
  readonly #residents: Residents;
  readonly #writer: Writer;
  readonly #cas: CasClock;
  readonly #clock: Clock;
  readonly #counters: Counters;

  constructor(
    memory: ShardMemory,
    parts: { residents: Residents; writer: Writer; cas: CasClock },
    clock: Clock,
    counters: Counters,
  ) {
    this.#header = memory.header;
    this.#items = memory.items;
    this.#buckets = memory.buckets;
    this.#itemBytesMax = memory.plan.itemBytesMax;
    this.#residents = parts.residents;
    this.#writer = parts.writer;
    this.#cas = parts.cas;
    this.#clock = clock;
    this.#counters = counters;
  }

  /**
   * Executes Op.store. `chain` is the chain that holds the value when it was uploaded, else
   * NO_SLAB.
   */
  store(request: Request, chain: number, reply: Reply): void {
    const uploaded = chain !== NO_SLAB;
    const valueBytes = uploaded ? request.valueBytes : request.valueEnd - request.valueStart;
    if (this.isTooLarge(request, valueBytes)) {
      this.refuse(request, Status.tooLarge, reply);
      return;
    }
    for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
      const entry = this.#residents.find(request);
      const status = this.#decide(request, entry);
      if (status !== Status.stored) {
        reply.status = status;
        return;
      }
      const draft = this.#writer.draft;
      draft.chain = chain;
      if (attempt === 0) this.name(request);
      this.#fill(request, entry, valueBytes);
      const joined = draft.join === Join.none ? 0 : this.#oldBytes(entry);
      if (joined > 0 && this.isTooLarge(request, valueBytes + joined)) {
        reply.status = Status.notStored;
        return;
      }
      const wrote = this.#writer.write(entry);
      if (wrote === Wrote.again) continue;
      if (wrote === Wrote.noRoom) break;
      this.#counters.add(Counter.totalItems, 1);
      reply.status = Status.stored;
      reply.casLow = draft.casLow;
      reply.casHigh = draft.casHigh;
      reply.valueBytes = joined + valueBytes;
      reply.queue = queueClass(draft.queue);
      return;
    }
    this.#counters.add(Counter.outOfMemory, 1);
    this.refuse(request, Status.outOfMemory, reply);
  }

  /**
   * True when an item of the request's key and flags with this much value is more than -I allows.
   */
  isTooLarge(request: Request, valueBytes: number): boolean {
    const keyBytes = request.keyEnd - request.keyStart;
    const casBytes = this.#header.casBytes();
    const total = itemTotalBytes(keyBytes, valueBytes, request.clientFlags, casBytes);
    return total > this.#itemBytesMax;
  }

  /** Answers a store there is no room for; some take the old item with them. */
  refuse(request: Request, status: Status, reply: Reply): void {
    reply.status = status;
    if ((request.marks & Mark.dropsOldWhenRefused) === 0) return;
    const entry = this.#residents.find(request);
    if (entry !== NONE) this.#residents.drop(entry, request.hashLow, request.hashHigh);
  }

  #oldBytes(entry: number): number {
    return this.#residents.valueBytes(this.#buckets.ref(entry));
  }

  /** Status.stored when the request may store, else its answer. */
  #decide(request: Request, entry: number): Status {
    const mode = request.mode;
    const compares = (request.marks & Mark.compareCas) !== 0;
    const binary = (request.marks & Mark.binarySemantics) !== 0;
    if (entry === NONE) {
      if (mode === StoreMode.set) return compares ? Status.notFound : Status.stored;
      if (mode === StoreMode.add) return compares && binary ? Status.notFound : Status.stored;
      if (mode === StoreMode.replace) return compares ? Status.notFound : Status.notStored;
      return (request.marks & Mark.vivify) !== 0 ? Status.stored : Status.notStored;
    }
    const item = this.#buckets.ref(entry);
    if (mode === StoreMode.add && !(compares && binary)) {
      this.#residents.bump(entry);
      return Status.notStored;
    }
    if (!compares || casEquals(this.#items, item, request)) return Status.stored;
    return this.#storesStale(request, item) ? Status.stored : Status.exists;
  }

  /** meta I: a set or replace whose CAS is lower than the item's stores, stale. */
  #storesStale(request: Request, item: ItemRef): boolean {
    if ((request.marks & Mark.invalidate) === 0) return false;
    if (request.mode !== StoreMode.set && request.mode !== StoreMode.replace) return false;
    const low = request.casLow >>> 0;
    const high = request.casHigh >>> 0;
    if (low === 0 && high === 0) return false;
    const itemHigh = this.#items.casHigh(item);
    return high < itemHigh || (high === itemHigh && low < this.#items.casLow(item));
  }

  #fill(request: Request, entry: number, valueBytes: number): void {
    const draft = this.#writer.draft;
    draft.value = request.bytes;
    draft.valueStart = request.valueStart;
    draft.valueBytes = valueBytes;
    draft.join = Join.none;
    draft.marks = (request.marks & Mark.binaryKey) !== 0 ? BINARY_KEY : 0;
    draft.clientFlags = request.clientFlags;
    draft.exptime = request.exptime;
    const joins = request.mode === StoreMode.append || request.mode === StoreMode.prepend;
    if (entry === NONE) {
      if (joins) draft.exptime = request.vivifyExptime;
      return;
    }
    const item = this.#buckets.ref(entry);
    if (joins) {
      draft.join = request.mode === StoreMode.append ? Join.before : Join.after;
      draft.clientFlags = this.#items.clientFlags(item);
      draft.exptime = this.#items.exptime(item);
      draft.marks = 0; // what is put together is shown by its text key, however its parts came
    } else if ((request.marks & Mark.compareCas) !== 0 && this.#storesStale(request, item)) {
      draft.exptime = this.#items.exptime(item);
      draft.marks |= (this.#items.packed(item) & TOKEN_SENT) | STALE;
    }
  }

  /**
   * Fills what every draft has of its request: the key, its hash, the time, and the CAS it will
   * have.
   */
  name(request: Request): void {
    const draft = this.#writer.draft;
    draft.key = request.keyBytes;
    draft.keyStart = request.keyStart;
    draft.keyBytes = request.keyEnd - request.keyStart;
    draft.hashLow = request.hashLow;
    draft.hashHigh = request.hashHigh;
    draft.now = this.#clock.now;
    if ((request.marks & Mark.explicitCas) !== 0) {
      draft.casLow = request.newCasLow >>> 0;
      draft.casHigh = request.newCasHigh >>> 0;
    } else {
      this.#cas.next();
      draft.casLow = this.#cas.low;
      draft.casHigh = this.#cas.high;
    }
  }
}
