/**
 * BatchReader: answers plain gets (get, gets, mg with v) that lie one behind the other in a connection's input, without a
 * round through parser and performer for each: found and hashed together, their memory touched together, then read and
 * answered in order.
 *
 *   scan up to 64 keys ─▶ warm all ─▶ read, copy, confirm ─▶ read, copy, confirm ─▶ …
 *
 * It takes the plain road only: a key that is not done at once, for whatever reason (a mutation of it is under way, its
 * value is large, the output is full), ends the batch, and the parser goes on exactly there. So every rule of a get is
 * still in one place (Performer), and this is the same reading and the same encoding in a tighter loop.
 */
import type { KeyHash } from "../base/key-hash.ts";
import { BatchMark, GetBatch } from "../command/get-batch.ts";
import { Op } from "../command/op.ts";
import { ItemMark, Reply } from "../command/reply.ts";
import { Dialect, Mark, Request } from "../command/request.ts";
import { Status } from "../command/status.ts";
import type { Counters } from "../memory/counters.ts";
import { GetScanner } from "../protocol/get-scanner.ts";
import type { Encoder } from "../protocol/protocol.ts";
import { Outcome } from "../router/outcome.ts";
import type { Router } from "../router/router.ts";
import type { Observer } from "../stats/observer.ts";
import { mayWin } from "../store/store-reader.ts";
import { type Connection, Stage } from "./connection.ts";
import { countOutcome } from "./count.ts";
import type { EventLog } from "./event-log.ts";
import type { Output } from "./output.ts";

export interface BatchReaderParts {
  readonly router: Router;
  readonly output: Output;
  readonly counters: Counters;
  readonly observer: Observer;
  readonly events: EventLog;
  readonly hash: KeyHash;
  readonly encoder: Encoder;
}

export class BatchReader {
  /** Requests that the last `serve` answered to their end. */
  served = 0;
  readonly #router: Router;
  readonly #output: Output;
  readonly #counters: Counters;
  readonly #observer: Observer;
  readonly #events: EventLog;
  readonly #scanner: GetScanner;
  readonly #encoder: Encoder;
  readonly #batch = new GetBatch();
  readonly #request: Request;
  readonly #reply: Reply;

  /** `bytes`: where input lies. */
  constructor(parts: BatchReaderParts, bytes: Uint8Array) {
    this.#router = parts.router;
    this.#output = parts.output;
    this.#counters = parts.counters;
    this.#observer = parts.observer;
    this.#events = parts.events;
    this.#encoder = parts.encoder;
    this.#scanner = new GetScanner(parts.hash);
    this.#request = new Request(bytes);
    this.#reply = new Reply(bytes);
    this.#request.begin(Op.get, Dialect.text, bytes);
    this.#request.marks = Mark.wantsValue;
  }

  /**
   * Answers plain gets from the start of [start, end) on, at most `requestsMax` of them. Returns how many bytes of the input
   * were done with: 0 when the request there is another, or must be performed the long way.
   */
  serve(connection: Connection, start: number, end: number, requestsMax: number): number {
    this.served = 0;
    if (connection.stage !== Stage.fresh) return 0;
    const batch = this.#batch;
    const bytes = this.#request.bytes;
    this.#scanner.scan(connection.wire, bytes, start, end, requestsMax, batch);
    if (batch.count === 0) return 0;
    if (this.#observer.detailEnabled() || this.#events.isWatched()) return 0;
    if (batch.count > 1) this.#router.warm(batch);
    for (let key = 0; key < batch.count; key++) {
      if (!this.#answer(connection, key)) return this.#stopAt(connection, key);
    }
    const marks = batch.marks[batch.count - 1] as number;
    this.#leave(connection, (marks & BatchMark.last) === 0, marks);
    return batch.end - start;
  }

  #answer(connection: Connection, key: number): boolean {
    const batch = this.#batch;
    const request = this.#request;
    const reply = this.#reply;
    const router = this.#router;
    const output = this.#output;
    const marks = batch.marks[key] as number;
    request.keyStart = batch.origin + (batch.starts[key] as number);
    request.keyEnd = batch.origin + (batch.ends[key] as number);
    request.hashLow = batch.lows[key] as number;
    request.hashHigh = batch.highs[key] as number;
    request.lastKey = (marks & BatchMark.last) !== 0;
    request.withCas = (marks & BatchMark.withCas) !== 0;
    request.dialect = (marks & BatchMark.meta) !== 0 ? Dialect.meta : Dialect.text;
    request.metaFlagsStart = request.keyEnd + 1;
    request.lineEnd = request.keyEnd + 2;
    const outcome = router.tryRead(request, reply, connection.order);
    const hit = outcome === Outcome.hit;
    if (!hit && outcome !== Outcome.miss) return false;
    if (hit && ((reply.marks & ItemMark.large) !== 0 || mayWin(request, reply))) return false;
    const room = this.#encoder.bound(request) + (hit ? reply.valueBytes : 0);
    if (!output.reserve(connection, room)) return false;
    reply.status = hit ? Status.hit : Status.miss;
    const written = hit
      ? output.writeHit(request, reply, this.#encoder)
      : this.#encoder.encode(request, reply, output.bytes, output.at);
    if (!router.confirm()) return false;
    output.at = written;
    countOutcome(this.#counters, request, reply);
    if (this.#observer.due()) this.#observer.sampled(request, !hit, reply.valueBytes);
    if (request.lastKey) this.served++;
    return true;
  }

  /** The parser goes on at this key; returns how many bytes are before it. */
  #stopAt(connection: Connection, key: number): number {
    const marks = this.#batch.marks[key] as number;
    this.#leave(connection, (marks & BatchMark.first) === 0, marks);
    return this.#batch.begins[key] as number;
  }

  /** Tells the parser whether the input goes on inside a line. */
  #leave(connection: Connection, inside: boolean, marks: number): void {
    connection.wire.keysOp = inside ? Op.get : Op.none;
    connection.wire.keysWithCas = (marks & BatchMark.withCas) !== 0;
  }
}
