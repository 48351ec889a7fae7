/**
 * Uploads and leases: large values on their way in and out, a piece at a time.
 *
 *   uploadBegin  key, lengths, how to store ─▶ ok and a handle, tooLarge, outOfMemory, or noRoomYet: ask again
 *   uploadData   handle, bytes              ─▶ ok, or outOfMemory: the upload is gone then
 *   uploadEnd    handle                     ─▶ what a store answers; decided only now, against the item there is now
 *   uploadAbort  handle
 *   lease        key                        ─▶ hit (with a handle when the value is a chain), miss, outOfMemory
 *   release      handle
 *
 * Bounds: the slabs that all uploads together may come to take are set aside when they begin, half
 * of the shard or one largest item; both tables are of fixed size. Of what is not free, an eighth:
 * an upload is gone in milliseconds, most of them replace what is there, and what was evicted for
 * them would be missed. Only who cannot wait has more evicted. Whatever gives room back moves
 * the header's room sequence, which tells those who wait for it. A handle that is not known any
 * more is answered notFound.
 */
import { assert } from "../base/assert.ts";
import type { StoreMode } from "../command/op.ts";
import { Op } from "../command/op.ts";
import type { Reply } from "../command/reply.ts";
import { Mark, Request } from "../command/request.ts";
import { Status } from "../command/status.ts";
import { type Buckets, NONE } from "../memory/buckets.ts";
import { type Counters, SPLITS } from "../memory/counters.ts";
import type { Items } from "../memory/items.ts";
import type { LeaseTable } from "../memory/lease-table.ts";
import type { ShardHeader } from "../memory/shard-header.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import { NO_SLAB, Queue, queueClass, type SlabTable } from "../memory/slab-table.ts";
import { type UploadTable, UploadWord } from "../memory/upload-table.ts";
import type { Evictor } from "./evictor.ts";
import type { LargeItems } from "./large-items.ts";
import type { Residents } from "./residents.ts";
import type { SlabAllocator } from "./slab-allocator.ts";
import type { Storing } from "./storing.ts";

/** All uploads together may set aside this share of the slabs, or one largest item. */
const UPLOAD_SHARE = 0.5;
/** The same for what would evict, as long as its sender can wait. */
const EVICTING_SHARE = 0.125;

export class Uploads {
  readonly #header: ShardHeader;
  readonly #slabs: SlabTable;
  readonly #items: Items;
  readonly #buckets: Buckets;
  readonly #table: UploadTable;
  readonly #leases: LeaseTable;
  readonly #chainSlabsMax: number;
  readonly #allocator: SlabAllocator;
  readonly #evictor: Evictor;
  readonly #residents: Residents;
  readonly #large: LargeItems;
  readonly #storing: Storing;
  readonly #counters: Counters;
  /** The store an upload ends with, put together again from its table entry. */
  readonly #request: Request;
  #nextLease = 0;

  constructor(
    memory: ShardMemory,
    parts: {
      allocator: SlabAllocator;
      evictor: Evictor;
      residents: Residents;
      large: LargeItems;
      storing: Storing;
    },
    counters: Counters,
  ) {
    this.#header = memory.header;
    this.#slabs = memory.slabs;
    this.#items = memory.items;
    this.#buckets = memory.buckets;
    this.#table = memory.uploads;
    this.#leases = memory.leases;
    this.#chainSlabsMax = memory.plan.chainSlabsMax;
    this.#allocator = parts.allocator;
    this.#evictor = parts.evictor;
    this.#residents = parts.residents;
    this.#large = parts.large;
    this.#storing = parts.storing;
    this.#counters = counters;
    this.#request = new Request(memory.arena.bytes);
    this.#request.op = Op.store;
  }

  /** Executes Op.uploadBegin. */
  begin(request: Request, reply: Reply): void {
    if (this.#storing.isTooLarge(request, request.valueBytes)) {
      this.#storing.refuse(request, Status.tooLarge, reply);
      return;
    }
    const keyBytes = request.keyEnd - request.keyStart;
    const slabs = this.#large.slabsFor(keyBytes, request.valueBytes);
    const index = this.#freeUpload();
    if (index < 0 || !this.#mayReserve(slabs, request.marks) || !this.#evictor.freeSlabs(1)) {
      this.#refuse(request, reply);
      return;
    }
    const table = this.#table;
    const first = this.#large.begin(
      request.keyBytes,
      request.keyStart,
      keyBytes,
      request.valueBytes,
    );
    const item = this.#residents.itemOfChain(first);
    this.#items.setClientFlags(item, request.clientFlags);
    this.#items.setExptime(item, request.exptime);
    table.setRequester(index, request.requester);
    table.setLast(index, first);
    table.setValue(index, UploadWord.received, 0);
    table.setValue(index, UploadWord.marks, request.marks);
    table.setValue(index, UploadWord.mode, request.mode);
    table.setValue(index, UploadWord.reserved, slabs);
    table.setValue(index, UploadWord.vivifyExptime, request.vivifyExptime);
    table.setValue(index, UploadWord.casLow, request.casLow);
    table.setValue(index, UploadWord.casHigh, request.casHigh);
    table.setValue(index, UploadWord.newCasLow, request.newCasLow);
    table.setValue(index, UploadWord.newCasHigh, request.newCasHigh);
    table.setValue(index, UploadWord.hashLow, request.hashLow);
    table.setValue(index, UploadWord.hashHigh, request.hashHigh);
    this.#header.setUploadSlabs(this.#header.uploadSlabs() + slabs);
    table.setFirst(index, first);
    reply.handle = table.handle(index);
    reply.status = Status.ok;
  }

  /** No room: for good, unless others may give some back and the requester can wait for that. */
  #refuse(request: Request, reply: Reply): void {
    const underWay = this.#header.uploadSlabs() + this.#header.orphanSlabs();
    if (underWay > 0 && (request.marks & Mark.mayWait) !== 0) {
      reply.status = Status.noRoomYet;
      return;
    }
    this.#counters.addToQueue(SPLITS.outOfMemory, queueClass(Queue.largeSmall), 1);
    this.#storing.refuse(request, Status.outOfMemory, reply);
  }

  #freeUpload(): number {
    for (let index = 0; index < this.#table.count; index++) {
      if (this.#table.first(index) === NO_SLAB) return index;
    }
    return -1;
  }

  #mayReserve(slabs: number, marks: number): boolean {
    const reserved = this.#header.uploadSlabs() + slabs;
    if (reserved > this.#share(UPLOAD_SHARE)) return false;
    if ((marks & Mark.mayWait) === 0 || reserved <= this.#share(EVICTING_SHARE)) return true;
    return reserved - this.#taken() <= this.#allocator.available();
  }

  #share(share: number): number {
    return Math.max(Math.floor(this.#header.slabLimit() * share), this.#chainSlabsMax);
  }

  /** Of the slabs set aside for uploads, those they have already. */
  #taken(): number {
    let taken = 0;
    for (let index = 0; index < this.#table.count; index++) {
      const first = this.#table.first(index);
      if (first !== NO_SLAB) taken += this.#slabs.chainSlabs(first);
    }
    return taken;
  }

  /** Executes Op.uploadData: bytes[valueStart, valueEnd) follow what came before. */
  data(request: Request, reply: Reply): void {
    const index = this.#table.indexOf(request.handle);
    if (index < 0) {
      reply.status = Status.notFound;
      return;
    }
    const first = this.#table.first(index);
    const length = request.valueEnd - request.valueStart;
    const received = this.#table.value(index, UploadWord.received) + length;
    assert(received <= this.#slabs.valueBytes(first), "no more is uploaded than was declared");
    let done = 0;
    for (;;) {
      const last = this.#table.last(index);
      const from = request.valueStart + done;
      done += this.#large.append(first, last, request.bytes, from, length - done);
      if (done === length) break;
      if (!this.#evictor.freeSlabs(1)) {
        this.#end(index, true);
        this.#counters.addToQueue(SPLITS.outOfMemory, queueClass(Queue.largeSmall), 1);
        reply.status = Status.outOfMemory;
        return;
      }
      this.#table.setLast(index, this.#large.extend(first, last));
    }
    this.#table.setValue(index, UploadWord.received, received);
    reply.status = Status.ok;
  }

  /** Executes Op.uploadEnd: the value is whole, and stored as its request said. */
  end(request: Request, reply: Reply): void {
    const table = this.#table;
    const index = table.indexOf(request.handle);
    if (index < 0) {
      reply.status = Status.notFound;
      return;
    }
    const first = table.first(index);
    const valueBytes = this.#slabs.valueBytes(first);
    const received = table.value(index, UploadWord.received);
    assert(received === valueBytes, "an upload ends when all was received");
    const item = this.#residents.itemOfChain(first);
    const store = this.#request;
    store.keyStart = this.#items.keyStart(item);
    store.keyEnd = store.keyStart + this.#items.keyBytes(item);
    store.valueBytes = valueBytes;
    store.clientFlags = this.#items.clientFlags(item);
    store.exptime = this.#items.exptime(item);
    store.marks = table.value(index, UploadWord.marks);
    store.mode = table.value(index, UploadWord.mode) as StoreMode;
    store.vivifyExptime = table.value(index, UploadWord.vivifyExptime) as typeof store.exptime;
    store.casLow = table.value(index, UploadWord.casLow);
    store.casHigh = table.value(index, UploadWord.casHigh);
    store.newCasLow = table.value(index, UploadWord.newCasLow);
    store.newCasHigh = table.value(index, UploadWord.newCasHigh);
    store.hashLow = table.value(index, UploadWord.hashLow);
    store.hashHigh = table.value(index, UploadWord.hashHigh);
    this.#storing.store(store, first, reply);
    this.#end(index, this.#slabs.queue(first) === Queue.upload);
  }

  /** Executes Op.uploadAbort. An unknown handle is no news. */
  abort(handle: number): void {
    const index = this.#table.indexOf(handle);
    if (index >= 0) this.#end(index, true);
  }

  /** Aborts what a requester has begun. */
  abortOf(requester: number): void {
    for (let index = 0; index < this.#table.count; index++) {
      const used = this.#table.first(index) !== NO_SLAB;
      if (used && this.#table.requester(index) === requester) this.#end(index, true);
    }
  }

  #end(index: number, discards: boolean): void {
    const first = this.#table.first(index);
    const reserved = this.#table.value(index, UploadWord.reserved);
    this.#table.setFirst(index, NO_SLAB);
    this.#header.setUploadSlabs(this.#header.uploadSlabs() - reserved);
    if (discards) this.#large.discard(first);
    this.#header.noteRoom();
  }

  /**
   * Executes Op.lease: describes the item, and holds its chain when it has one. The read that found
   * the item large has given it credit, but only its owner may note the time.
   */
  lease(request: Request, reply: Reply): void {
    const entry = this.#residents.find(request);
    if (entry === NONE) {
      reply.status = Status.miss;
      reply.marks = this.#residents.deadMark;
      return;
    }
    const item = this.#buckets.ref(entry);
    this.#residents.describe(item, this.#buckets.credit(entry), reply);
    reply.status = Status.hit;
    if (this.#items.isLarge(item)) {
      const index = this.#freeLease();
      if (index < 0) {
        reply.status = Status.outOfMemory;
        return;
      }
      const slab = this.#slabs.slabOf(item);
      this.#leases.grant(index, slab, request.requester);
      this.#slabs.setLeases(slab, this.#slabs.leases(slab) + 1);
      reply.handle = this.#leases.handle(index);
    }
    if ((request.marks & Mark.noBump) === 0) this.#residents.noteTime(item);
  }

  #freeLease(): number {
    for (let tried = 0; tried < this.#leases.count; tried++) {
      const index = this.#nextLease;
      this.#nextLease = (index + 1) % this.#leases.count;
      if (this.#leases.slab(index) === NO_SLAB) return index;
    }
    return -1;
  }

  /** Executes Op.release. */
  release(handle: number): void {
    const index = this.#leases.indexOf(handle);
    if (index >= 0) this.#release(index);
  }

  /** Ends the leases of a requester. */
  releaseOf(requester: number): void {
    for (let index = 0; index < this.#leases.count; index++) {
      const held = this.#leases.slab(index) !== NO_SLAB;
      if (held && this.#leases.requester(index) === requester) this.#release(index);
    }
  }

  #release(index: number): void {
    const slab = this.#leases.slab(index);
    this.#leases.free(index);
    const leases = this.#slabs.leases(slab) - 1;
    assert(leases >= 0, "a lease is given back once");
    this.#slabs.setLeases(slab, leases);
    if (leases > 0 || this.#slabs.queue(slab) !== Queue.orphan) return;
    this.#header.setOrphanSlabs(this.#header.orphanSlabs() - this.#slabs.chainSlabs(slab));
    this.#residents.freeChain(slab);
    this.#header.noteRoom();
  }
}
