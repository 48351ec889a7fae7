/**
 * Write: what changes one key and needs no value back: store, delete, arithmetic, touch.
 *
 *   own shard, or its owner sleeps    done and answered
 *   another                           sent, and a hole left in the output; the connection goes on
 *   no room for reply or request      nothing has happened: again, when there is
 */
import { assert } from "../../base/assert.ts";
import { Op } from "../../command/op.ts";
import type { Request } from "../../command/request.ts";
import { WireError } from "../../command/status.ts";
import { Outcome } from "../../router/outcome.ts";
import type { Connection } from "../connection.ts";
import { NO_PENDING } from "../pending-table.ts";
import { Step } from "../step.ts";
import { Stage } from "./stage.ts";

export class Write extends Stage {
  run(connection: Connection, request: Request): Step {
    const reply = this.reply;
    const token = this.pendings.token(connection);
    if (token === NO_PENDING) return this.pendings.withoutToken(connection);
    const room = this.replies.encoder.bound(request);
    if (!this.output.reserve(connection, room)) return Step.noRoom;
    const outcome = this.router.mutate(request, reply, connection.order, token);
    if (outcome === Outcome.full) return Step.refused;
    if (request.error !== WireError.none) return this.#afterError(connection, request, outcome);
    if (outcome === Outcome.done) {
      this.replies.answer(connection.slot, request, reply);
      return Step.done;
    }
    assert(outcome === Outcome.sent, "a write is done, sent or refused");
    this.replies.lookAtSent(request, token);
    this.pendings.leaveHole(connection, request, room);
    return Step.done;
  }

  /**
   * The wire was wrong, but something had to be done all the same: a set that is too large removes
   * the old item. What is answered is the error.
   */
  #afterError(connection: Connection, request: Request, outcome: Outcome): Step {
    request.op = Op.error;
    if (outcome === Outcome.sent) this.pendings.leaveSilence(connection, request);
    return Step.again;
  }
}
