/**
 * Upload begin: a store whose value is too large for one record of a ring, or for a slab, makes
 * room for it at its owner before the value is taken from the wire.
 *
 *   asked ─▶ awaits ─▶ granted ─▶ upload-body.ts ─▶ upload-end.ts, and only then the key changes
 *              │         └─▶ refused: the value is thrown away (swallow.ts)
 *              └─▶ no room yet: waits until its shard gives some back (upload-queue.ts), and asks again
 */
import type { Reply } from "../../command/reply.ts";
import { Mark, type Request } from "../../command/request.ts";
import { Status, WireError } from "../../command/status.ts";
import type { Connection } from "../connection.ts";
import { NO_PENDING } from "../pending-table.ts";
import { Step } from "../step.ts";
import type { UploadQueue } from "../upload-queue.ts";
import type { Operation } from "../wait.ts";
import { Stage, type StageTools } from "./stage.ts";
import type { Swallow } from "./swallow.ts";
import type { UploadBody } from "./upload-body.ts";

export class UploadBegin extends Stage implements Operation {
  readonly #queue: UploadQueue;
  readonly #body: Pick<UploadBody, "begin">;
  readonly #swallow: Pick<Swallow, "begin">;

  constructor(
    tools: StageTools,
    queue: UploadQueue,
    body: Pick<UploadBody, "begin">,
    swallow: Pick<Swallow, "begin">,
  ) {
    super(tools);
    this.#queue = queue;
    this.#body = body;
    this.#swallow = swallow;
  }

  run(connection: Connection, request: Request, answer: Reply | null): Step {
    if (answer === null) return this.#ask(connection, request);
    if (answer.status !== Status.noRoomYet) return this.#finish(connection, request, answer);
    return this.#queue.hasPlace() ? Step.crowded : this.#ask(connection, request);
  }

  #ask(connection: Connection, request: Request): Step {
    const token = this.pendings.token(connection);
    if (token === NO_PENDING) return this.pendings.withoutToken(connection);
    const wait = this.waits.of(connection);
    wait.goOnWith(this);
    request.marks &= ~Mark.mayWait;
    if (this.#queue.mayWait(wait, this.router.shardOf(request))) request.marks |= Mark.mayWait;
    const reply = this.reply;
    const outcome = this.router.uploadBegin(request, reply, connection.order, token);
    const step = this.pendings.awaits(connection, request, outcome, this);
    if (step !== Step.done) return step;
    if (reply.status === Status.noRoomYet) return Step.crowded;
    return this.#finish(connection, request, reply);
  }

  #finish(connection: Connection, request: Request, reply: Reply): Step {
    if (reply.status === Status.ok) {
      this.replies.lookAtUpload(request);
      return this.#body.begin(connection, request, reply.handle);
    }
    this.replies.count(request, reply);
    const bytes = request.valueBytes + request.bodyTailBytes;
    return this.#swallow.begin(connection, bytes, refusal(reply.status));
  }
}

/** What an upload that could not begin is told. */
function refusal(status: Status): WireError {
  if (status === Status.tooLarge) return WireError.tooLarge;
  if (status === Status.ownerLost) return WireError.ownerLost;
  return WireError.outOfMemoryStoring;
}
