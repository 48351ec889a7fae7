/**
 * Executor: brings a request to the operation that does it, and goes on with it when what it waited
 * for is there.
 *
 *   get, inspect                       read.ts      ─▶ lease.ts, fetch.ts
 *   store, delete, arithmetic, touch   write.ts
 *   fetch                              fetch.ts     ─▶ lease.ts, fetch-end.ts
 *   a store with a large value         upload-begin.ts ─▶ upload-body.ts ─▶ upload-end.ts
 *   the rest                           node-commands.ts
 *
 * An operation hands over to those to its right and never back: one whose ground has gone (the value
 * has changed) says `again`, and the request is executed from its beginning, here.
 */
import { OP_MUTATION_MAX, Op } from "../command/op.ts";
import type { Request } from "../command/request.ts";
import { WireError } from "../command/status.ts";
import type { Router } from "../router/router.ts";
import type { Connection } from "./connection.ts";
import type { Fetch } from "./operation/fetch.ts";
import type { Read } from "./operation/read.ts";
import type { UploadBegin } from "./operation/upload-begin.ts";
import type { Write } from "./operation/write.ts";
import { Step } from "./step.ts";
import type { Operation, Wait } from "./wait.ts";

export interface ExecutorParts {
  readonly router: Pick<Router, "hash">;
  readonly read: Pick<Read, "run">;
  readonly write: Pick<Write, "run">;
  readonly fetch: Pick<Fetch, "run">;
  readonly upload: Pick<UploadBegin, "run">;
  readonly node: Operation;
}

export class Executor {
  readonly #router: Pick<Router, "hash">;
  readonly #read: Pick<Read, "run">;
  readonly #write: Pick<Write, "run">;
  readonly #fetch: Pick<Fetch, "run">;
  readonly #upload: Pick<UploadBegin, "run">;
  readonly #node: Operation;

  constructor(parts: ExecutorParts) {
    this.#router = parts.router;
    this.#read = parts.read;
    this.#write = parts.write;
    this.#fetch = parts.fetch;
    this.#upload = parts.upload;
    this.#node = parts.node;
  }

  /** Does what `request` asks. Never `again`. */
  execute(connection: Connection, request: Request): Step {
    let step = this.#begin(connection, request);
    while (step === Step.again) {
      if (connection.wait !== null) connection.wait.startAgain();
      step = this.#begin(connection, request);
    }
    return step;
  }

  /** Goes on with what `wait` was taken for. */
  resume(connection: Connection, wait: Wait): Step {
    const { operation, request } = wait;
    if (operation === null) return this.execute(connection, request);
    const answer = wait.isAnswered ? wait.reply : null;
    const step = operation.run(connection, request, answer);
    if (step === Step.again) {
      wait.startAgain();
      return this.execute(connection, request);
    }
    if (step !== Step.noRoom) wait.isAnswered = false;
    return step;
  }

  #begin(connection: Connection, request: Request): Step {
    const op = request.op;
    if (op >= OP_MUTATION_MAX && op !== Op.get && op !== Op.inspect) {
      return this.#node.run(connection, request, null);
    }
    this.#router.hash(request);
    if (op === Op.get || op === Op.inspect) return this.#read.run(connection, request);
    if (op === Op.fetch) return this.#fetch.run(connection, request, null);
    if (request.streamed && request.error === WireError.none) {
      return this.#upload.run(connection, request, null);
    }
    return this.#write.run(connection, request);
  }
}
