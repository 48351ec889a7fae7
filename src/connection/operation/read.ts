/**
 * Read: get and inspect, found and copied at once.
 *
 *   found, or not        answered
 *   the owner is in the middle of a change    a fence is sent behind it: when that is answered, read again
 *   the connection's own change of that key is under way    when all of those are answered, read again
 *   a large value        lease.ts
 *   a read that may win the right to recache  fetch.ts
 */
import { Op } from "../../command/op.ts";
import { ItemMark } from "../../command/reply.ts";
import type { Request } from "../../command/request.ts";
import { Status } from "../../command/status.ts";
import { Outcome } from "../../router/outcome.ts";
import { NO_VALUE } from "../../stats/observer.ts";
import { mayWin } from "../../store/store-reader.ts";
import type { Connection } from "../connection.ts";
import { NO_PENDING } from "../pending-table.ts";
import { Step } from "../step.ts";
import type { Lease } from "./lease.ts";
import { Stage, type StageTools } from "./stage.ts";

export class Read extends Stage {
  readonly #lease: Pick<Lease, "begin">;

  constructor(tools: StageTools, lease: Pick<Lease, "begin">) {
    super(tools);
    this.#lease = lease;
  }

  run(connection: Connection, request: Request): Step {
    const output = this.output;
    const { encoder } = this.replies;
    const reply = this.reply;
    const token = this.pendings.token(connection);
    while (true) {
      const outcome = this.router.read(request, reply, connection.order, token);
      if (outcome !== Outcome.hit && outcome !== Outcome.miss) {
        // Without a token nobody hears that the fence is answered.
        if (token === NO_PENDING) return this.pendings.withoutToken(connection);
        return this.pendings.awaits(connection, request, outcome, null);
      }
      reply.status = outcome === Outcome.hit ? Status.hit : Status.miss;
      if (outcome === Outcome.hit && request.op === Op.get && mayWin(request, reply)) {
        request.op = Op.fetch;
        return Step.again;
      }
      const carries = encoder.carriesValue(request, reply);
      if (carries && (reply.marks & ItemMark.large) !== 0) {
        const fetchedBefore = (reply.marks & ItemMark.fetched) !== 0;
        return this.#lease.begin(connection, request, null, fetchedBefore);
      }
      const room = encoder.bound(request) + (carries ? reply.valueBytes : 0);
      if (!output.reserve(connection, room)) return Step.noRoom;
      const end = carries
        ? output.writeHit(request, reply, encoder)
        : encoder.encode(request, reply, output.bytes, output.at);
      if (!this.router.confirm()) continue;
      output.at = end;
      this.replies.count(request, reply);
      const readBytes = carries ? reply.valueBytes : NO_VALUE;
      this.replies.look(connection.slot, request, reply, outcome === Outcome.miss, readBytes);
      return Step.done;
    }
  }
}
