/**
 * Intake: what is done with a connection's bytes when they are not requests.
 *
 *   swallow   the value of a refused request is thrown away; its error is sent after the last of its bytes
 *   upload    a value too large for a ring record or a slab goes on to its owner as it comes, in whatever pieces
 *   closing   nothing: they are dropped
 *
 * And the other direction: a source (source.ts) fills the output as fast as the socket takes it.
 *
 * What the reply in the end must repeat of its request is saved in a block of the connection's, as
 * encoders save it in holes.
 */
import { assert } from "../base/assert.ts";
import type { Reply } from "../command/reply.ts";
import type { Request } from "../command/request.ts";
import { Status, WireError } from "../command/status.ts";
import { BLOCK_BYTES_MIN, type BlockPool, NO_BLOCK } from "../memory/block-pool.ts";
import type { Counters } from "../memory/counters.ts";
import { CR, LF } from "../protocol/ascii.ts";
import type { Encoder } from "../protocol/protocol.ts";
import type { Router } from "../router/router.ts";
import { Awaited, type Connection, Intake, Stage, Verdict } from "./connection.ts";
import { countOutcome } from "./count.ts";
import type { Output } from "./output.ts";
import { NO_PENDING } from "./pending-table.ts";
import type { Performer } from "./performer.ts";
import { SOURCE_DONE } from "./source.ts";

/** What a source is offered at a time. */
const SOURCE_BYTES = 64 * 1024;

export interface IntakeParts {
  readonly router: Router;
  readonly output: Output;
  readonly pool: BlockPool;
  readonly performer: Performer;
  readonly counters: Counters;
  readonly encoder: Encoder;
}

export class Intakes {
  readonly #router: Router;
  readonly #output: Output;
  readonly #pool: BlockPool;
  readonly #performer: Performer;
  readonly #counters: Counters;
  readonly #encoder: Encoder;

  constructor(parts: IntakeParts) {
    this.#router = parts.router;
    this.#output = parts.output;
    this.#pool = parts.pool;
    this.#performer = parts.performer;
    this.#counters = parts.counters;
    this.#encoder = parts.encoder;
  }

  /**
   * From now on `bytes` bytes are thrown away; then `error` is answered to `request`. False: no
   * memory to remember it.
   */
  swallow(connection: Connection, request: Request, bytes: number, error: WireError): boolean {
    if (!this.#save(connection, request)) return false;
    connection.savedError = error;
    connection.intake = Intake.swallow;
    connection.intakeBytes = bytes;
    return true;
  }

  /** From now on the bytes are the value of `request`, for the upload that `ticket` names. */
  upload(connection: Connection, request: Request, ticket: number): boolean {
    if (!this.#save(connection, request)) return false;
    connection.savedError = WireError.none;
    connection.intake = Intake.upload;
    connection.intakeBytes = request.valueBytes;
    connection.upload = ticket;
    return true;
  }

  /**
   * Takes what it can of bytes[start, end). Returns how many. Uses `request` for the reply at the
   * end.
   */
  takeIn(connection: Connection, request: Request, start: number, end: number): number {
    if (connection.intake === Intake.swallow) return this.#swallow(connection, request, start, end);
    if (connection.intake === Intake.upload) return this.#upload(connection, request, start, end);
    return end - start;
  }

  /** Lets the connection's source write. False: it has nothing now, or the socket is full. */
  pump(connection: Connection): boolean {
    const output = this.#output;
    const source = connection.source;
    assert(source !== null, "a source to pump");
    while (true) {
      if (!output.reserve(connection, SOURCE_BYTES)) {
        connection.stalled = Verdict.blocked;
        return false;
      }
      const written = source.fill(output.bytes, output.at, output.at + SOURCE_BYTES);
      if (written === SOURCE_DONE) {
        source.release();
        connection.source = null;
        return true;
      }
      if (written === 0) return false;
      output.at += written;
    }
  }

  /** The connection is gone. */
  abandon(connection: Connection): void {
    connection.source?.release();
    connection.source = null;
    this.#forget(connection);
  }

  #swallow(connection: Connection, request: Request, start: number, end: number): number {
    const taken = Math.min(connection.intakeBytes, end - start);
    connection.intakeBytes -= taken;
    if (connection.intakeBytes > 0) return taken;
    const encoder = this.#restore(connection, request);
    if (!this.#output.reserve(connection, encoder.bound(request))) {
      connection.stalled = Verdict.blocked;
      return taken;
    }
    this.#fail(connection, request, encoder, connection.savedError);
    return taken;
  }

  #upload(connection: Connection, request: Request, start: number, end: number): number {
    let at = start;
    if (connection.stage === Stage.fresh && connection.intakeBytes > 0) {
      const offered = Math.min(connection.intakeBytes, end - start);
      const taken = this.#router.uploadData(
        connection.upload,
        this.#output.bytes,
        start,
        start + offered,
      );
      connection.intakeBytes -= taken;
      at += taken;
      if (taken < offered) connection.stalled = Verdict.full;
      if (connection.intakeBytes > 0) return at - start;
    }
    const tail = connection.savedTailBytes;
    if (end - at < tail && connection.stage === Stage.fresh) return at - start;
    return at - start + this.#endUpload(connection, request, at, tail);
  }

  /** The value is there: commits it. Returns the bytes of the line end, once it is done with. */
  #endUpload(connection: Connection, request: Request, at: number, tail: number): number {
    const encoder = this.#restore(connection, request);
    const output = this.#output;
    if (!output.reserve(connection, encoder.bound(request))) {
      connection.stalled = Verdict.blocked;
      return 0;
    }
    const bytes = output.bytes;
    const ended = tail === 0 || (bytes[at] === CR && bytes[at + 1] === LF);
    if (connection.stage === Stage.fresh && !ended) {
      this.#router.letGo(connection.upload);
      this.#fail(connection, request, encoder, WireError.badDataChunk);
      return tail;
    }
    let reply: Reply | null = this.#performer.takeReply(connection, Awaited.uploadEnd);
    if (reply === null) {
      const token = this.#performer.waitToken(connection, request.dialect);
      if (token === NO_PENDING) {
        connection.stalled = Verdict.full;
        return 0;
      }
      reply = this.#performer.scratchReply;
      const outcome = this.#router.uploadEnd(connection.upload, reply, connection.order, token);
      const verdict = this.#performer.waitVerdict(connection, outcome, token, Awaited.uploadEnd);
      connection.stalled = verdict;
      if (verdict !== Verdict.done) return 0;
    }
    countOutcome(this.#counters, request, reply);
    output.at = encoder.encode(request, reply, bytes, output.at);
    this.#forget(connection);
    return tail;
  }

  #fail(connection: Connection, request: Request, encoder: Encoder, error: WireError): void {
    const output = this.#output;
    output.at = encoder.encodeError(request, error, output.bytes, output.at);
    this.#forget(connection);
    if (request.closeAfter) connection.intake = Intake.closing;
  }

  #save(connection: Connection, request: Request): boolean {
    const encoder = this.#encoder;
    assert(connection.savedBlock === NO_BLOCK, "one request at a time");
    const block = this.#pool.take(Math.max(BLOCK_BYTES_MIN, encoder.bound(request)));
    if (block === NO_BLOCK) return false;
    encoder.save(request, this.#output.bytes, block);
    connection.savedBlock = block;
    connection.savedTailBytes = request.bodyTailBytes;
    return true;
  }

  #restore(connection: Connection, request: Request): Encoder {
    const encoder = this.#encoder;
    encoder.restore(request, this.#output.bytes, connection.savedBlock);
    return encoder;
  }

  #forget(connection: Connection): void {
    if (connection.savedBlock !== NO_BLOCK) this.#pool.give(connection.savedBlock);
    connection.savedBlock = NO_BLOCK;
    if (connection.intake !== Intake.closing) connection.intake = Intake.requests;
    connection.intakeBytes = 0;
  }
}

/** What an upload that could not begin is told. */
export function uploadError(status: Status): WireError {
  if (status === Status.tooLarge) return WireError.tooLarge;
  if (status === Status.ownerLost) return WireError.ownerLost;
  return WireError.outOfMemoryStoring;
}
