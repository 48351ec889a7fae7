/**
 * Wait: what a connection needs while a request of its stands still, or while its value or its
 * reply is under way. Pooled: a connection has one only as long, and the pool has as many as ever
 * waited at once.
 *
 *   request     put aside  ▶  `operation` goes on with it, once what it waits for is there
 *   input       | the request, `consumed` bytes from `at` on | what came behind it …      its ranges move with the input
 *
 * The request is not parsed again and not copied: the object it was parsed into changes hands, and
 * the parser goes on with the pooled one (`putAside`).
 */
import { assert } from "../base/assert.ts";
import { KEY_BYTES_MAX } from "../command/limits.ts";
import { Reply } from "../command/reply.ts";
import { Request } from "../command/request.ts";
import { WireError } from "../command/status.ts";
import type { Encoder } from "../protocol/protocol.ts";
import type { Source } from "./source.ts";
import type { Step } from "./step.ts";

const NOTHING = new Uint8Array(0);
/** `roomSince` of what has not waited for room yet. */
export const NOT_WAITING = -1;

/** Who waits: a connection. */
export interface Waiter {
  wait: Wait | null;
}

/** One stage of a request that may have to wait. */
export interface Operation {
  /**
   * Begins (`answer` null), or goes on with the reply that was awaited. Asks for room in the output
   * before it looks at the answer: on `noRoom` it gets the same answer again. On `refused`, `behind`
   * and `crowded` nothing has happened: it is run again.
   */
  run(connection: Waiter, request: Request, answer: Reply | null): Step;
}

export class Wait {
  request: Request;
  /** What goes on; null: the request is executed from its beginning. */
  operation: Operation | null = null;
  /** Bytes of the input that are the request's, and where they began when last seen. */
  consumed = 0;
  at = 0;
  /** The reply that was awaited, once it has come. */
  readonly reply: Reply;
  isAnswered = false;

  /** What a fetch found whose large value is being leased, or which is about to end its item. */
  readonly found: Reply;
  hasFound = false;
  /** Whether the large value that is being leased for a plain read had been read before. */
  fetchedBefore = false;

  /** Of a value under way: bytes to come, what follows it, the upload it belongs to. */
  bodyBytes = 0;
  tailBytes = 0;
  upload = 0;
  /** What a refused request is answered after its value. */
  error: WireError = WireError.none;
  /** What the reply must repeat of a request whose head has been read (Encoder.save). */
  saved = NOTHING;

  /**
   * Of an upload that waits for room: since when, until when if nothing changes, in which shard,
   * and what it saw there (upload-queue.ts).
   */
  roomSince = NOT_WAITING;
  roomUntil = 0;
  roomShard = 0;
  roomSeen = 0;

  /** Produces output by and by: a large value, a dump, a watcher's log. */
  source: Source | null = null;
  /** A key that did not lie in the input: it was base64. */
  #key: Uint8Array | null = null;

  constructor(bytes: Uint8Array) {
    this.request = new Request(bytes);
    this.reply = new Reply(bytes);
    this.found = new Reply(bytes);
  }

  /** Takes the request that was parsed from the input at `at`; returns one to parse into. */
  putAside(request: Request, at: number, consumed: number): Request {
    const other = this.request;
    this.request = request;
    this.at = at;
    this.consumed = consumed;
    if (request.keyBytes !== request.bytes) this.#keepKey(request);
    return other;
  }

  /** `operation` is what goes on from now on; what was answered has been looked at. */
  goOnWith(operation: Operation | null): void {
    this.operation = operation;
    this.isAnswered = false;
  }

  /** The request is executed from its beginning. */
  startAgain(): void {
    this.goOnWith(null);
    this.hasFound = false;
  }

  /** The input begins at `at` now: so does the request. */
  moveTo(at: number): void {
    if (this.consumed === 0) return;
    this.request.move(at - this.at);
    this.at = at;
  }

  /** Saves what the reply must repeat: the request's bytes leave the input before it. */
  save(request: Request, encoder: Encoder): void {
    const bytes = encoder.bound(request);
    if (this.saved.length < bytes) this.saved = new Uint8Array(bytes); // alloc: rare, and kept
    encoder.save(request, this.saved, 0);
  }

  /** Remembers what a fetch found. */
  keepFound(found: Reply): void {
    this.found.copy(found);
    this.hasFound = true;
  }

  /** Ready for the next connection. */
  reset(bytes: Uint8Array): void {
    this.goOnWith(null);
    this.consumed = 0;
    this.found.value = bytes; // what was kept of a value is let go
    this.hasFound = false;
    this.roomSince = NOT_WAITING;
    this.source?.release();
    this.source = null;
  }

  #keepKey(request: Request): void {
    const { keyBytes, keyStart, keyEnd } = request;
    this.#key ??= new Uint8Array(KEY_BYTES_MAX); // alloc: once a wait
    for (let at = keyStart; at < keyEnd; at++) this.#key[at - keyStart] = keyBytes[at] as number;
    request.keyBytes = this.#key;
    request.keyStart = 0;
    request.keyEnd = keyEnd - keyStart;
  }
}

export class WaitPool {
  readonly #bytes: Uint8Array;
  readonly #free: Wait[] = [];

  /** `bytes`: where input lies. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The connection's wait; from now on it has one. */
  of(connection: Waiter): Wait {
    // alloc: as many as ever waited at once
    connection.wait ??= this.#free.pop() ?? new Wait(this.#bytes);
    return connection.wait;
  }

  /** The connection waits no more: lets go of what its wait held. */
  give(connection: Waiter): void {
    const { wait } = connection;
    assert(wait !== null, "a wait is given back once");
    connection.wait = null;
    wait.reset(this.#bytes);
    this.#free.push(wait);
  }
}
