/**
 * Upload end: a large value is there whole: its owner puts it in place of the key's old one, and
 * the client is told.
 */
import type { Reply } from "../../command/reply.ts";
import type { Request } from "../../command/request.ts";
import type { Connection } from "../connection.ts";
import { NO_PENDING } from "../pending-table.ts";
import { Step } from "../step.ts";
import type { Operation, Wait } from "../wait.ts";
import { Stage } from "./stage.ts";

export class UploadEnd extends Stage implements Operation {
  /** The value of `wait.upload`, and what follows it, has been read. */
  begin(connection: Connection, request: Request, wait: Wait): Step {
    wait.goOnWith(this);
    return this.run(connection, request, null);
  }

  run(connection: Connection, request: Request, answer: Reply | null): Step {
    const { encoder } = this.replies;
    if (!this.output.reserve(connection, encoder.bound(request))) return Step.noRoom;
    const wait = connection.wait as Wait;
    let reply = answer;
    if (reply === null) {
      const token = this.pendings.token(connection);
      if (token === NO_PENDING) return this.pendings.withoutToken(connection);
      reply = this.reply;
      const outcome = this.router.uploadEnd(wait.upload, reply, connection.order, token);
      const step = this.pendings.awaits(connection, request, outcome, this);
      if (step !== Step.done) return step;
    }
    this.replies.writeSaved(request, wait.saved, reply);
    return Step.done;
  }
}
