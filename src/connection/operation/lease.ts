/**
 * Lease: a read that found a large value takes a lease on it, then sends it piece by piece.
 *
 *   asked ─▶ awaits ─▶ granted ─▶ send-large.ts
 *                        ├─▶ not the value a fetch described: let go, and the request is executed again
 *                        └─▶ a fetch that ends its item: fetch-end.ts
 *
 * Why a lease: a gigabyte takes seconds to send, and the item may be replaced or evicted meanwhile.
 * Its owner keeps the memory until the lease is let go, and the key is free to change.
 */
import { ItemMark, type Reply } from "../../command/reply.ts";
import type { Request } from "../../command/request.ts";
import { Status, WireError } from "../../command/status.ts";
import type { Connection } from "../connection.ts";
import { NO_PENDING } from "../pending-table.ts";
import { Step } from "../step.ts";
import type { Operation, Wait } from "../wait.ts";
import type { FetchEnd } from "./fetch-end.ts";
import type { SendLarge } from "./send-large.ts";
import { Stage, type StageTools } from "./stage.ts";

export class Lease extends Stage implements Operation {
  readonly #large: Pick<SendLarge, "begin">;
  readonly #end: Pick<FetchEnd, "begin">;

  constructor(tools: StageTools, large: Pick<SendLarge, "begin">, end: Pick<FetchEnd, "begin">) {
    super(tools);
    this.#large = large;
    this.#end = end;
  }

  /**
   * `described`: by a fetch, whose value it must be; null for a plain read. `fetchedBefore`: of a
   * plain read, whether the item had been read before.
   */
  begin(
    connection: Connection,
    request: Request,
    described: Reply | null,
    fetchedBefore: boolean,
  ): Step {
    const wait = this.waits.of(connection);
    wait.goOnWith(this);
    wait.fetchedBefore = fetchedBefore;
    if (described !== null) wait.keepFound(described);
    return this.run(connection, request, null);
  }

  run(connection: Connection, request: Request, answer: Reply | null): Step {
    const { encoder } = this.replies;
    if (!this.output.reserve(connection, encoder.bound(request))) return Step.noRoom;
    const wait = connection.wait as Wait;
    let leased = answer;
    if (leased === null) {
      const token = this.pendings.token(connection);
      if (token === NO_PENDING) return this.pendings.withoutToken(connection);
      leased = this.reply;
      const outcome = this.router.lease(request, leased, connection.order, token);
      const step = this.pendings.awaits(connection, request, outcome, this);
      if (step !== Step.done) return step;
    }
    if (leased.status !== Status.hit || (leased.marks & ItemMark.large) === 0) {
      return this.#withoutLease(request, leased);
    }
    // The lease was described after this very read: whether it was the first (h) is known from
    // before.
    leased.marks &= ~ItemMark.fetched;
    if (!wait.hasFound) {
      if (wait.fetchedBefore) leased.marks |= ItemMark.fetched;
      return this.#large.begin(connection, request, leased);
    }
    const { found } = wait;
    if (found.casLow !== leased.casLow || found.casHigh !== leased.casHigh) {
      this.router.letGo(leased.handle);
      return Step.again;
    }
    leased.marks |= found.marks;
    leased.accessed = found.accessed;
    leased.exptime = found.exptime;
    if ((found.marks & ItemMark.expiring) === 0) {
      return this.#large.begin(connection, request, leased);
    }
    wait.keepFound(leased);
    return this.#end.begin(connection, request, wait);
  }

  /**
   * The item is gone, has a small value now, or no lease can be had. Only in the second case is
   * reading again worth while.
   */
  #withoutLease(request: Request, reply: Reply): Step {
    switch (reply.status) {
      case Status.miss:
      case Status.notFound:
        reply.status = Status.miss;
        this.replies.write(request, reply);
        return Step.done;
      case Status.outOfMemory:
        this.replies.writeError(request, WireError.outOfMemoryWriting);
        return Step.done;
      case Status.ownerLost:
        this.replies.writeError(request, WireError.ownerLost);
        return Step.done;
      default:
        return Step.again;
    }
  }
}
