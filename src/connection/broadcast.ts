/**
 * Broadcast: one request to every shard, stood still for until the last has answered: flush_all,
 * cache_memlimit.
 */
import type { Op } from "../command/op.ts";
import { Reply } from "../command/reply.ts";
import { Request } from "../command/request.ts";
import type { Router } from "../router/router.ts";
import type { Connection } from "./connection.ts";
import type { Output } from "./output.ts";
import type { PendingList } from "./pending-list.ts";
import { NO_PENDING } from "./pending-table.ts";
import type { Step } from "./step.ts";
import type { Operation } from "./wait.ts";

export class Broadcast {
  /** What is sent; fill it after `begin`. */
  readonly request: Request;
  /** The answer, when `send` says `done`: there is only the own shard. */
  readonly reply: Reply;
  readonly #router: Pick<Router, "broadcast">;
  readonly #pendings: PendingList;

  constructor(router: Pick<Router, "broadcast">, pendings: PendingList, output: Output) {
    this.#router = router;
    this.#pendings = pendings;
    this.request = new Request(output.bytes);
    this.reply = new Reply(output.bytes);
  }

  /** A request of this op, without key and value. */
  begin(op: Op): Request {
    const { request } = this;
    request.op = op;
    request.keyStart = 0;
    request.keyEnd = 0;
    request.valueStart = 0;
    request.valueEnd = 0;
    request.marks = 0;
    return request;
  }

  /** Sends it for `asked`; `operation` gets the answer that speaks for all. */
  send(connection: Connection, asked: Request, operation: Operation): Step {
    const token = this.#pendings.token(connection);
    if (token === NO_PENDING) return this.#pendings.withoutToken(connection);
    const outcome = this.#router.broadcast(this.request, this.reply, connection.order, token);
    return this.#pendings.awaits(connection, asked, outcome, operation);
  }
}
