/**
 * Pending list: what a connection has sent to other shards and not heard of yet, in request order,
 * as entries of the thread's PendingTable. Each leaves a hole in the output, or is silent, or is
 * stood still for.
 */
import type { Request } from "../command/request.ts";
import type { Encoder } from "../protocol/protocol.ts";
import { Outcome } from "../router/outcome.ts";
import type { Connection } from "./connection.ts";
import type { EventLog } from "./event-log.ts";
import type { Output } from "./output.ts";
import {
  NO_PENDING,
  PENDING_PER_CONNECTION_MAX,
  PendingKind,
  type PendingTable,
} from "./pending-table.ts";
import { Step } from "./step.ts";
import type { Operation, WaitPool } from "./wait.ts";

export class PendingList {
  readonly #table: PendingTable;
  readonly #waits: WaitPool;
  readonly #output: Output;
  readonly #encoder: Encoder;
  readonly #events: Pick<EventLog, "isWatched">;

  constructor(
    table: PendingTable,
    waits: WaitPool,
    output: Output,
    encoder: Encoder,
    events: Pick<EventLog, "isWatched">,
  ) {
    this.#table = table;
    this.#waits = waits;
    this.#output = output;
    this.#encoder = encoder;
    this.#events = events;
  }

  /** The token that a request sent next has; NO_PENDING when none may be sent now. */
  token(connection: Connection): number {
    if (connection.pendingCount >= PENDING_PER_CONNECTION_MAX) return NO_PENDING;
    return this.#table.peek();
  }

  /** What a connection waits for that has no token. */
  withoutToken(connection: Connection): Step {
    return connection.pendingCount > 0 ? Step.behind : Step.refused;
  }

  /**
   * What the router's `outcome` of a request means that was to be stood still for: `done` when it
   * is answered. `operation` gets the reply; null: it only ends the wait.
   */
  awaits(
    connection: Connection,
    request: Request,
    outcome: Outcome,
    operation: Operation | null,
  ): Step {
    if (outcome === Outcome.busy) return Step.behind;
    if (outcome === Outcome.full) return Step.refused;
    if (outcome !== Outcome.sent) return Step.done;
    this.#append(connection, request, PendingKind.wait);
    this.#waits.of(connection).goOnWith(operation);
    return Step.awaits;
  }

  /** `request` was sent: its reply is written later, in a hole of `room` bytes, or never. */
  leaveHole(connection: Connection, request: Request, room: number): void {
    if (request.noreply) {
      this.leaveSilence(connection, request);
      return;
    }
    const output = this.#output;
    const pending = this.#append(connection, request, PendingKind.hole);
    this.#encoder.save(request, output.bytes, output.at);
    this.#table.setHole(pending, output.position(), room);
    output.at += room;
    connection.holes++;
    if (this.#events.isWatched()) this.#table.keepKey(pending, request);
  }

  /** `request` was sent, and nobody is told what became of it. */
  leaveSilence(connection: Connection, request: Request): void {
    const pending = this.#append(connection, request, PendingKind.silent);
    this.#table.note(pending, request);
    if (this.#events.isWatched()) this.#table.keepKey(pending, request);
  }

  /** The connection is gone: replies to what it sent only free their entries. */
  abandon(connection: Connection): void {
    const table = this.#table;
    let pending = connection.pendingFirst;
    while (pending !== NO_PENDING) {
      const next = table.next(pending);
      if (table.isSettled(pending)) table.give(pending);
      else table.orphan(pending);
      pending = next;
    }
  }

  /** Takes the entry whose token was used, to the end of the list. */
  #append(connection: Connection, request: Request, kind: PendingKind): number {
    const table = this.#table;
    const pending = table.take(connection.slot, kind, request.dialect);
    if (connection.pendingFirst === NO_PENDING) connection.pendingFirst = pending;
    else table.setNext(connection.pendingLast, pending);
    connection.pendingLast = pending;
    connection.pendingCount++;
    connection.unsettled++;
    return pending;
  }
}
