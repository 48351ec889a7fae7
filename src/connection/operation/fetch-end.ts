/**
 * Fetch end: the second half of a read that ends its item (`gat -1 a`, `mg a v T-1`), on another
 * shard or large.
 *
 *   fetch ─▶ owner describes the item, and leaves its exptime        (ItemMark.expiring)
 *         ◀─ the value is read from shared memory and kept; a large one is kept by its lease
 *   touch ─▶ owner sets the exptime, if the item still has that CAS  ◀── the fetch happens here
 *         ◀─ touched: what was kept is the answer; anything else: the request is executed again
 *
 * Why two steps: an item whose time is over may be reclaimed at any moment, so its value must be
 * read before. For a large value that goes for our own shard too, since its lease comes after the
 * fetch.
 */
import { Op } from "../../command/op.ts";
import { ItemMark, type Reply } from "../../command/reply.ts";
import { Mark, Request } from "../../command/request.ts";
import { Status } from "../../command/status.ts";
import type { Connection } from "../connection.ts";
import { NO_PENDING } from "../pending-table.ts";
import { Step } from "../step.ts";
import type { Operation, Wait } from "../wait.ts";
import type { SendLarge } from "./send-large.ts";
import { Stage, type StageTools } from "./stage.ts";

export class FetchEnd extends Stage implements Operation {
  readonly #large: Pick<SendLarge, "begin">;
  /** The longest value that is copied into the output: larger ones are leased. */
  readonly #copyBytesMax: number;
  readonly #touch: Request;

  constructor(tools: StageTools, large: Pick<SendLarge, "begin">, copyBytesMax: number) {
    super(tools);
    this.#large = large;
    this.#copyBytesMax = copyBytesMax;
    this.#touch = new Request(tools.output.bytes);
  }

  /** What was read is in `wait.found`. */
  begin(connection: Connection, request: Request, wait: Wait): Step {
    wait.goOnWith(this);
    return this.run(connection, request, null);
  }

  run(connection: Connection, request: Request, answer: Reply | null): Step {
    const { encoder } = this.replies;
    const room = encoder.bound(request) + this.#copyBytesMax;
    if (!this.output.reserve(connection, room)) return Step.noRoom;
    const { found } = connection.wait as Wait;
    let ended = answer;
    if (ended === null) {
      const token = this.pendings.token(connection);
      if (token === NO_PENDING) return this.pendings.withoutToken(connection);
      ended = this.reply;
      const touch = this.#touchOf(request, found);
      const outcome = this.router.mutate(touch, ended, connection.order, token);
      const step = this.pendings.awaits(connection, request, outcome, this);
      if (step !== Step.done) return step;
    }
    const carries = encoder.carriesValue(request, found);
    const isLeased = carries && (found.marks & ItemMark.large) !== 0;
    if (ended.status !== Status.touched) {
      if (isLeased) this.router.letGo(found.handle);
      if ((found.marks & ItemMark.won) !== 0) request.marks |= Mark.tokenHeld;
      return Step.again;
    }
    if (isLeased) return this.#large.begin(connection, request, found);
    if (!carries) {
      this.replies.answer(connection.slot, request, found);
      return Step.done;
    }
    this.output.at = this.output.writeHit(request, found, encoder);
    this.replies.count(request, found);
    this.replies.look(connection.slot, request, found, false, found.valueBytes);
    return Step.done;
  }

  /** The touch that ends the item, if it still is the one that was found. */
  #touchOf(request: Request, found: Reply): Request {
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
    touch.casLow = found.casLow;
    touch.casHigh = found.casHigh;
    return touch;
  }
}
