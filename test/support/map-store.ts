/**
 * MapStore: a store that is a Map, for tests of what stands above a store. It knows the ops, not
 * the memory: values lie in arrays of their own, a lease pins an array, an upload fills one.
 */
import { Op, StoreMode } from "../../src/command/op.ts";
import { ItemMark, type Reply } from "../../src/command/reply.ts";
import { Mark, type Request } from "../../src/command/request.ts";
import { Status } from "../../src/command/status.ts";
import { Outcome } from "../../src/router/outcome.ts";

interface Entry {
  value: Uint8Array;
  clientFlags: number;
  cas: number;
  tokenSent: boolean;
}

interface Upload {
  requester: number;
  key: string;
  entry: Entry;
  filled: number;
}

export class MapStore {
  readonly entries = new Map<string, Entry>();
  readonly leases = new Map<number, { requester: number; value: Uint8Array }>();
  readonly uploads = new Map<number, Upload>();
  /** Every op executed, for assertions about what ran and how often. */
  readonly log: string[] = [];
  /** Values from this length are large. */
  largeBytes = 4096;
  /** What `isOverdue` says. */
  overdue = false;
  /** When set, `execute` calls it first: tests throw from here. */
  fault: ((request: Request) => void) | null = null;
  #cas = 1;
  #handle = 0;

  isOverdue(): boolean {
    return this.overdue;
  }

  recover(): number {
    this.log.push("recover");
    return 0;
  }

  execute(request: Request, reply: Reply): void {
    this.fault?.(request);
    const key = keyOf(request);
    this.log.push(`${request.op} ${key}`);
    reply.status = Status.none;
    reply.marks = 0;
    reply.handle = 0;
    switch (request.op) {
      case Op.store:
        this.#store(request, reply, key, valueBytesOf(request));
        break;
      case Op.delete:
        reply.status = this.entries.delete(key) ? Status.deleted : Status.notFound;
        break;
      case Op.fetch:
      case Op.touch:
        this.#fetch(request, reply, key);
        break;
      case Op.flush:
        this.entries.clear();
        reply.status = Status.ok;
        break;
      case Op.lease:
        this.#lease(request, reply, key);
        break;
      case Op.release:
        reply.status = this.leases.delete(request.handle) ? Status.ok : Status.notFound;
        break;
      default:
        this.#upload(request, reply, key);
    }
  }

  abortUploadsOf(requester: number): void {
    this.log.push(`abortUploadsOf ${requester}`);
    for (const [handle, upload] of this.uploads) {
      if (upload.requester === requester) this.uploads.delete(handle);
    }
  }

  releaseLeasesOf(requester: number): void {
    for (const [handle, lease] of this.leases) {
      if (lease.requester === requester) this.leases.delete(handle);
    }
  }

  #store(request: Request, reply: Reply, key: string, value: Uint8Array): void {
    const old = this.entries.get(key);
    if (request.mode === StoreMode.add && old !== undefined) {
      reply.status = Status.notStored;
      return;
    }
    if ((request.marks & Mark.compareCas) !== 0 && old?.cas !== request.casLow) {
      reply.status = old === undefined ? Status.notFound : Status.exists;
      return;
    }
    const cas = ++this.#cas;
    this.entries.set(key, { value, clientFlags: request.clientFlags, cas, tokenSent: false });
    reply.status = Status.stored;
    reply.casLow = cas;
    reply.casHigh = 0;
  }

  #fetch(request: Request, reply: Reply, key: string): void {
    const entry = this.entries.get(key);
    reply.status = entry === undefined ? Status.miss : Status.hit;
    if (entry === undefined) return;
    this.describe(entry, reply);
    if ((request.marks & Mark.recache) === 0) return;
    const isHeld = (request.marks & Mark.tokenHeld) !== 0;
    reply.marks |= entry.tokenSent && !isHeld ? ItemMark.tokenSent : ItemMark.won;
    entry.tokenSent = true;
  }

  #lease(request: Request, reply: Reply, key: string): void {
    const entry = this.entries.get(key);
    reply.status = entry === undefined ? Status.miss : Status.hit;
    if (entry === undefined) return;
    this.describe(entry, reply);
    reply.handle = ++this.#handle;
    this.leases.set(reply.handle, { requester: request.requester, value: entry.value });
  }

  #upload(request: Request, reply: Reply, key: string): void {
    if (request.op === Op.uploadBegin) {
      const value = new Uint8Array(request.valueBytes);
      const entry = { value, clientFlags: request.clientFlags, cas: 0, tokenSent: false };
      reply.handle = ++this.#handle;
      reply.status = Status.ok;
      this.uploads.set(reply.handle, { requester: request.requester, key, entry, filled: 0 });
      return;
    }
    const upload = this.uploads.get(request.handle);
    reply.status = upload === undefined ? Status.notFound : Status.ok;
    if (upload === undefined) return;
    if (request.op === Op.uploadData) {
      const piece = valueBytesOf(request);
      upload.entry.value.set(piece, upload.filled);
      upload.filled += piece.length;
      return;
    }
    this.uploads.delete(request.handle);
    if (request.op === Op.uploadAbort) return;
    upload.entry.cas = ++this.#cas;
    this.entries.set(upload.key, upload.entry);
    reply.status = Status.stored;
  }

  /** Fills `reply` as a hit on `entry`. */
  describe(entry: Entry, reply: Reply): void {
    reply.marks = entry.value.length >= this.largeBytes ? ItemMark.large : 0;
    reply.casLow = entry.cas;
    reply.casHigh = 0;
    reply.clientFlags = entry.clientFlags;
    reply.valueBytes = entry.value.length;
    reply.value = entry.value;
    reply.valueStart = 0;
  }
}

/** A reader over a MapStore, which can be told to find buckets busy and copies torn. */
export class MapReader {
  readonly store: MapStore;
  busyLooks = 0;
  torn = 0;

  constructor(store: MapStore) {
    this.store = store;
  }

  find(request: Request, reply: Reply): number {
    if (this.busyLooks > 0) {
      this.busyLooks--;
      return Outcome.busy;
    }
    const entry = this.store.entries.get(keyOf(request));
    reply.status = entry === undefined ? Status.miss : Status.hit;
    if (entry === undefined) return Outcome.miss;
    this.store.describe(entry, reply);
    return Outcome.hit;
  }

  confirm(): boolean {
    if (this.torn === 0) return true;
    this.torn--;
    return false;
  }
}

function keyOf(request: Request): string {
  return Buffer.from(request.keyBytes.slice(request.keyStart, request.keyEnd)).toString("latin1");
}

function valueBytesOf(request: Request): Uint8Array {
  return request.bytes.slice(request.valueStart, request.valueEnd);
}
