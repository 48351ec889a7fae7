/**
 * Fetch: a read with effects (gat, mg that touches, vivifies or recaches). Its owner does the
 * effects and describes the item; the value is copied here, under the CAS it was described with.
 *
 *   own shard, or its owner sleeps    as a get
 *   another     sent ─▶ awaits the description ─▶ the value is read; changed since: fetched again
 *   a large value                     lease.ts, with the description
 *   one that ends its item            fetch-end.ts, with description and value
 */
import { ItemMark, type Reply } from "../../command/reply.ts";
import type { Request } from "../../command/request.ts";
import { Outcome } from "../../router/outcome.ts";
import type { Connection } from "../connection.ts";
import { NO_PENDING } from "../pending-table.ts";
import { Step } from "../step.ts";
import type { Operation } from "../wait.ts";
import type { FetchEnd } from "./fetch-end.ts";
import type { Lease } from "./lease.ts";
import { Stage, type StageTools } from "./stage.ts";

export class Fetch extends Stage implements Operation {
  readonly #lease: Pick<Lease, "begin">;
  readonly #end: Pick<FetchEnd, "begin">;
  /** The longest value that is copied into the output: larger ones are leased. */
  readonly #copyBytesMax: number;

  constructor(
    tools: StageTools,
    lease: Pick<Lease, "begin">,
    end: Pick<FetchEnd, "begin">,
    copyBytesMax: number,
  ) {
    super(tools);
    this.#lease = lease;
    this.#end = end;
    this.#copyBytesMax = copyBytesMax;
  }

  run(connection: Connection, request: Request, answer: Reply | null): Step {
    // Room first: a fetch must not happen twice because its value found none.
    const room = this.replies.encoder.bound(request) + this.#copyBytesMax;
    if (!this.output.reserve(connection, room)) return Step.noRoom;
    let described = answer;
    while (true) {
      if (described !== null) {
        const step = this.#finish(connection, request, described, true);
        if (step !== Step.again) return step;
      }
      const token = this.pendings.token(connection);
      if (token === NO_PENDING) return this.pendings.withoutToken(connection);
      const reply = this.reply;
      const outcome = this.router.mutate(request, reply, connection.order, token);
      const step = this.pendings.awaits(connection, request, outcome, this);
      if (step !== Step.done) return step;
      if (outcome !== Outcome.described) return this.#finish(connection, request, reply, false);
      described = reply;
    }
  }

  /**
   * Writes the reply the owner described. `apart`: its value is still to be read. `again`: it is no
   * longer the one described.
   */
  #finish(connection: Connection, request: Request, described: Reply, apart: boolean): Step {
    const { encoder } = this.replies;
    const carries = encoder.carriesValue(request, described);
    const isLarge = (described.marks & ItemMark.large) !== 0;
    if (carries && isLarge) return this.#lease.begin(connection, request, described, false);
    if (apart && (described.marks & ItemMark.expiring) !== 0) {
      return this.#keep(connection, request, described, carries);
    }
    if (!carries) {
      this.replies.answer(connection.slot, request, described);
      return Step.done;
    }
    const reads = apart && described.valueBytes > 0;
    while (true) {
      if (reads && this.router.readFetched(request, described) !== Outcome.hit) return Step.again;
      const end = this.output.writeHit(request, described, encoder);
      if (reads && !this.router.confirm()) continue;
      this.output.at = end;
      this.replies.count(request, described);
      this.replies.look(connection.slot, request, described, false, described.valueBytes);
      return Step.done;
    }
  }

  /** Keeps what was described, and its value, before the item is ended. */
  #keep(connection: Connection, request: Request, described: Reply, carries: boolean): Step {
    const wait = this.waits.of(connection);
    wait.keepFound(described);
    while (carries) {
      if (this.router.readFetched(request, described) !== Outcome.hit) return Step.again;
      const start = described.valueStart;
      const value = described.value.slice(start, start + described.valueBytes); // alloc: it outlives its item
      wait.found.value = value;
      if (this.router.confirm()) break;
    }
    wait.found.valueStart = 0;
    return this.#end.begin(connection, request, wait);
  }
}
