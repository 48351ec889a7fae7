/**
 * Pending table: the requests of one thread's connections that another shard has not answered yet.
 *
 * A connection's pending requests form a list in request order. Each either left a hole in the
 * connection's output, as large as its reply can get, or needs no reply (noreply, quiet forms that
 * stay silent), or is waited for.
 *
 *   output   | VALUE a … | hole 1    | VALUE b … | hole 2    | END …     later bytes go on being written behind the holes
 *   list                   first ──────────────▶ last
 *
 * When the last of them is answered, the holes are closed by moving the bytes together
 * (`Output.settle`), and all is sent.
 *
 * Why a table of numbers: a token that travels through a ring must be a number, and a request must
 * cost no garbage.
 */
import { assert } from "../base/assert.ts";
import { FreeList, NONE_FREE } from "../base/free-list.ts";
import type { Request } from "../command/request.ts";

/** Pending requests of one thread. A power of two: the token's low bits. */
export const PENDING_MAX = 4096;
/** Of one connection, so that one flood of noreply commands cannot take all. */
export const PENDING_PER_CONNECTION_MAX = 512;
export const NO_PENDING = NONE_FREE;
const NO_SLOT = -1;

/** What a pending request's reply is for. */
export const PendingKind = {
  /** It fills a hole. */
  hole: 0,
  /** Nothing is written. */
  silent: 1,
  /** The connection stands still until it comes. */
  wait: 2,
} as const;
export type PendingKind = (typeof PendingKind)[keyof typeof PendingKind];

export class PendingTable {
  readonly #slot = new Int32Array(PENDING_MAX).fill(NO_SLOT);
  readonly #kind = new Int32Array(PENDING_MAX);
  readonly #dialect = new Int32Array(PENDING_MAX);
  /** Where the hole begins, counted from the start of the connection's output. */
  readonly #holeAt = new Int32Array(PENDING_MAX);
  readonly #holeBytes = new Int32Array(PENDING_MAX);
  readonly #filledBytes = new Int32Array(PENDING_MAX);
  readonly #settled = new Uint8Array(PENDING_MAX);
  /**
   * Of silent ones: op, mode and dialect in one word, marks in another: what counting them needs.
   */
  readonly #what = new Int32Array(PENDING_MAX);
  readonly #marks = new Int32Array(PENDING_MAX);
  readonly #valueBytes = new Float64Array(PENDING_MAX);
  readonly #next = new Int32Array(PENDING_MAX);
  /** Keys, of those sent while somebody watched. */
  readonly #keys: (Uint8Array | null)[] = new Array<Uint8Array | null>(PENDING_MAX).fill(null);
  readonly #exptimes = new Uint32Array(PENDING_MAX);
  readonly #free = new FreeList(PENDING_MAX);

  /** The entry `take` would give next; NO_PENDING when the table is full. */
  peek(): number {
    return this.#free.peek();
  }

  /** An entry for the connection in `slot`; NO_PENDING when the table is full. */
  take(slot: number, kind: PendingKind, dialect: number): number {
    const pending = this.#free.take();
    if (pending === NO_PENDING) return NO_PENDING;
    this.#slot[pending] = slot;
    this.#kind[pending] = kind;
    this.#dialect[pending] = dialect;
    this.#settled[pending] = 0;
    this.#next[pending] = NO_PENDING;
    return pending;
  }

  give(pending: number): void {
    this.#slot[pending] = NO_SLOT;
    this.#free.give(pending);
  }

  /** The connection has gone: its reply, when it comes, only frees the entry. */
  orphan(pending: number): void {
    this.#slot[pending] = NO_SLOT;
  }

  /** Its reply has come. */
  settle(pending: number): void {
    this.#settled[pending] = 1;
  }

  isSettled(pending: number): boolean {
    return this.#settled[pending] === 1;
  }

  /** Notes of a silent request what counting its outcome needs. */
  note(pending: number, request: Request): void {
    this.#what[pending] = request.op | (request.mode << 8);
    this.#marks[pending] = request.marks;
    this.#valueBytes[pending] = request.valueBytes;
    this.#exptimes[pending] = request.exptime;
  }

  /** Fills `request` with what `note` noted. */
  describe(pending: number, request: Request): void {
    const what = this.#what[pending] as number;
    const dialect = this.#dialect[pending] as Request["dialect"];
    request.begin((what & 0xff) as Request["op"], dialect, request.bytes);
    request.mode = (what >>> 8) as Request["mode"];
    request.marks = this.#marks[pending] as number;
    request.valueBytes = this.#valueBytes[pending] as number;
    request.exptime = this.#exptimes[pending] as Request["exptime"];
  }

  /** Keeps a copy of the key, for watchers. */
  keepKey(pending: number, request: Request): void {
    this.#keys[pending] = request.keyBytes.slice(request.keyStart, request.keyEnd);
  }

  /** Gives `request` the key that was kept, if it was. */
  takeKey(pending: number, request: Request): void {
    const key = this.#keys[pending] as Uint8Array | null;
    if (key === null) return;
    request.keyBytes = key;
    request.keyStart = 0;
    request.keyEnd = key.length;
    this.#keys[pending] = null;
  }

  /** The connection's slot; -1 when it has gone. */
  slot(pending: number): number {
    return this.#slot[pending] as number;
  }

  kind(pending: number): PendingKind {
    return this.#kind[pending] as PendingKind;
  }

  next(pending: number): number {
    return this.#next[pending] as number;
  }

  setNext(pending: number, next: number): void {
    this.#next[pending] = next;
  }

  setHole(pending: number, at: number, bytes: number): void {
    this.#holeAt[pending] = at;
    this.#holeBytes[pending] = bytes;
  }

  holeAt(pending: number): number {
    return this.#holeAt[pending] as number;
  }

  holeBytes(pending: number): number {
    return this.#holeBytes[pending] as number;
  }

  filledBytes(pending: number): number {
    return this.#filledBytes[pending] as number;
  }

  fill(pending: number, bytes: number): void {
    assert(bytes <= (this.#holeBytes[pending] as number), "a reply fits its hole");
    this.#filledBytes[pending] = bytes;
  }
}
