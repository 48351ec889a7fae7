/**
 * Upload end: a large value is there whole: its owner puts it in place of the key's old one, and
 * the client is told.
 */
import { Reply } from "../../command/reply.ts";
import type { Request } from "../../command/request.ts";
import type { Router } from "../../router/router.ts";
import type { Connection } from "../connection.ts";
import type { Output } from "../output.ts";
import type { PendingList } from "../pending-list.ts";
import { NO_PENDING } from "../pending-table.ts";
import type { Replies } from "../replies.ts";
import { Step } from "../step.ts";
import type { Operation, Wait } from "../wait.ts";

export class UploadEnd implements Operation {
  readonly #router: Pick<Router, "uploadEnd">;
  readonly #pendings: PendingList;
  readonly #output: Output;
  readonly #replies: Replies;
  readonly #reply: Reply;

  constructor(
    router: Pick<Router, "uploadEnd">,
    pendings: PendingList,
    output: Output,
    replies: Replies,
  ) {
    this.#router = router;
    this.#pendings = pendings;
    this.#output = output;
    this.#replies = replies;
    this.#reply = new Reply(output.bytes);
  }

  /** The value of `wait.upload`, and what follows it, has been read. */
  begin(connection: Connection, request: Request, wait: Wait): Step {
    wait.goOnWith(this);
    return this.run(connection, request, null);
  }

  run(connection: Connection, request: Request, answer: Reply | null): Step {
    const { encoder } = this.#replies;
    if (!this.#output.reserve(connection, encoder.bound(request))) return Step.noRoom;
    const wait = connection.wait as Wait;
    let reply = answer;
    if (reply === null) {
      const token = this.#pendings.token(connection);
      if (token === NO_PENDING) return this.#pendings.withoutToken(connection);
      reply = this.#reply;
      const outcome = this.#router.uploadEnd(wait.upload, reply, connection.order, token);
      const step = this.#pendings.awaits(connection, request, outcome, this);
      if (step !== Step.done) return step;
    }
    this.#replies.writeSaved(request, wait.saved, reply);
    return Step.done;
  }
}
