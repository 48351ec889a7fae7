/**
 * Fetch endings: the second half of a read that ends its item (`gat -1 a`, `mg a v T-1`), on
 * another shard or large.
 *
 *   fetch ─▶ owner describes the item, and leaves its exptime        (ItemMark.expiring)
 *         ◀─ the value is read from shared memory and kept; a large one is kept by its lease
 *   touch ─▶ owner sets the exptime, if the item still has that CAS  ◀── the fetch happens here
 *         ◀─ touched: what was kept is the answer; anything else: all begins anew
 *
 * Why two steps: an item whose time is over may be reclaimed at any moment, so its value must be
 * read before. For a large value that goes for our own shard too, since its lease comes after the
 * fetch.
 */
import { Op } from "../command/op.ts";
import { ItemMark, Reply } from "../command/reply.ts";
import { type Dialect, Mark, Request } from "../command/request.ts";
import { Status } from "../command/status.ts";
import type { Encoder } from "../protocol/protocol.ts";
import { Outcome } from "../router/outcome.ts";
import type { Router } from "../router/router.ts";
import { Awaited, type Connection, Verdict } from "./connection.ts";
import type { Output } from "./output.ts";
import { NO_PENDING } from "./pending-table.ts";

/** What a performer (performer.ts) lends: waiting for a reply of another shard. */
export interface Waits {
  readonly scratchReply: Reply;
  waitToken(connection: Connection, dialect: Dialect): number;
  waitVerdict(connection: Connection, outcome: Outcome, token: number, awaited: Awaited): Verdict;
  takeReply(connection: Connection, awaited: Awaited): Reply | null;
}

export class FetchEndings {
  /**
   * After `resume` said done: the item has been ended. False: it was no longer there, and the fetch
   * begins anew.
   */
  ended = false;
  readonly #waits: Waits;
  readonly #router: Router;
  readonly #encoder: Encoder;
  readonly #output: Output;
  readonly #touch: Request;

  constructor(waits: Waits, parts: { router: Router; encoder: Encoder; output: Output }) {
    this.#waits = waits;
    this.#router = parts.router;
    this.#encoder = parts.encoder;
    this.#output = parts.output;
    this.#touch = new Request(parts.output.bytes);
  }

  /**
   * Keeps what a fetch describes and will end. False: it ends nothing, is large, or its value has
   * changed since.
   */
  tryKeep(connection: Connection, request: Request, described: Reply): boolean {
    if ((described.marks & ItemMark.expiring) === 0) return false;
    const carries = this.#encoder.carriesValue(request, described);
    if (carries && (described.marks & ItemMark.large) !== 0) return false;
    const kept = new Reply(this.#output.bytes); // alloc: such fetches are rare
    kept.copy(described);
    while (carries) {
      if (this.#router.readFetched(request, described) !== Outcome.hit) return false;
      const end = described.valueStart + described.valueBytes;
      kept.value = described.value.slice(described.valueStart, end); // alloc: it outlives its item
      if (this.#router.confirm()) break;
    }
    kept.valueStart = 0;
    connection.kept = kept;
    return true;
  }

  /** Has the owner end the item of which `connection.kept` keeps what is to be answered. */
  #end(connection: Connection, request: Request): Verdict {
    const token = this.#waits.waitToken(connection, request.dialect);
    if (token === NO_PENDING) return Verdict.full;
    const touch = this.#ending(request, connection.kept as Reply);
    const reply = this.#waits.scratchReply;
    const outcome = this.#router.mutate(touch, reply, connection.order, token);
    return this.#waits.waitVerdict(connection, outcome, token, Awaited.expiry);
  }

  /**
   * Goes on with a fetch for which `kept` is kept, or begins its ending. When it is done, `ended`
   * says how.
   */
  resume(connection: Connection, request: Request, kept: Reply): Verdict {
    let answer = this.#waits.takeReply(connection, Awaited.expiry);
    if (answer === null) {
      const verdict = this.#end(connection, request);
      if (verdict !== Verdict.done) return verdict;
      answer = this.#waits.scratchReply; // our own shard has done it at once
    }
    connection.kept = null;
    this.ended = answer.status === Status.touched;
    if (this.ended) return Verdict.done;
    const leased = (kept.marks & ItemMark.large) !== 0 && this.#encoder.carriesValue(request, kept);
    if (leased) this.#router.letGo(kept.handle);
    if ((kept.marks & ItemMark.won) !== 0) request.marks |= Mark.tokenHeld;
    return Verdict.done;
  }

  #ending(request: Request, kept: Reply): Request {
    const touch = this.#touch;
    touch.begin(Op.touch, request.dialect, request.bytes);
    touch.marks = Mark.exptime | Mark.compareCas | Mark.noBump;
    touch.keyBytes = request.keyBytes;
    touch.keyStart = request.keyStart;
    touch.keyEnd = request.keyEnd;
    touch.hashLow = request.hashLow;
    touch.hashHigh = request.hashHigh;
    touch.valueStart = 0;
    touch.valueEnd = 0;
    touch.valueBytes = 0;
    touch.clientFlags = 0;
    touch.exptime = request.exptime;
    touch.casLow = kept.casLow;
    touch.casHigh = kept.casHigh;
    return touch;
  }
}
