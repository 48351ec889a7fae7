/**
 * Tickets: leases and uploads, in the own shard and in others alike. The router's methods of the
 * same names lead here.
 *
 *   lease      ──▶ reply hit, ticket    value is read from shared memory        ──▶ letGo ▶ Op.release
 *   uploadBegin──▶ reply ok, ticket ──▶ uploadData … ──▶ uploadEnd, or            letGo ▶ Op.uploadAbort
 *
 * A store's handle means something in its shard only; a ticket is this thread's name for (shard,
 * handle), and the reminder that lets it go (ticket-table.ts).
 */
import { assert } from "../base/assert.ts";
import { shardOf } from "../base/key-hash.ts";
import { Op } from "../command/op.ts";
import { Reply } from "../command/reply.ts";
import { Request } from "../command/request.ts";
import { Status } from "../command/status.ts";
import { type Link, NO_TOKEN } from "./link.ts";
import type { Order } from "./order.ts";
import { Outcome } from "./outcome.ts";
import type { Stores } from "./stores.ts";
import { NO_TICKET, TICKETS_MAX, TicketKind, TicketState, TicketTable } from "./ticket-table.ts";

/**
 * A fragment takes this share of a ring, so that the owner can work on one while the next is
 * written.
 */
const FRAGMENTS_PER_RING = 4;

export interface TicketParts {
  readonly self: number;
  readonly shardCount: number;
  readonly plan: { readonly ringBytes: number };
}

export class Tickets {
  readonly #self: number;
  readonly #shardCount: number;
  readonly #links: readonly Link[];
  readonly #stores: Stores;
  readonly #fragmentBytesMax: number;
  readonly #table = new TicketTable();
  /** Requests without a key, of our own making. */
  readonly #control = new Request(new Uint8Array(0));
  readonly #own = new Reply(new Uint8Array(0));
  #refused = false;

  constructor(parts: TicketParts, links: readonly Link[], stores: Stores) {
    this.#self = parts.self;
    this.#shardCount = parts.shardCount;
    this.#links = links;
    this.#stores = stores;
    this.#fragmentBytesMax = parts.plan.ringBytes / FRAGMENTS_PER_RING;
  }

  shard(ticket: number): number {
    return this.#table.shard(ticket);
  }

  handle(ticket: number): number {
    return this.#table.handle(ticket);
  }

  /** A ticket for `replies` replies; NO_TICKET when all are out. */
  takeBroadcast(replies: number): number {
    const ticket = this.#take(TicketKind.broadcast, this.#self, null);
    if (ticket !== NO_TICKET) this.#table.setHandle(ticket, replies);
    return ticket;
  }

  lease(request: Request, reply: Reply, order: Order, token: number): Outcome {
    return this.#ask(TicketKind.lease, Op.lease, request, reply, order, token);
  }

  uploadBegin(request: Request, reply: Reply, order: Order, token: number): Outcome {
    return this.#ask(TicketKind.upload, Op.uploadBegin, request, reply, order, token);
  }

  uploadData(ticket: number, bytes: Uint8Array, start: number, end: number): number {
    assert(this.#table.kind(ticket) === TicketKind.upload, "only an upload takes data");
    assert(this.#table.state(ticket) === TicketState.held, "an upload begins before its data");
    const shard = this.#table.shard(ticket);
    const control = this.#fill(Op.uploadData, ticket);
    control.bytes = bytes;
    let at = start;
    while (at < end) {
      control.valueStart = at;
      control.valueEnd = Math.min(end, at + this.#fragmentBytesMax);
      if (this.#stores.tryExecute(shard, control, this.#own)) this.#noteFailure(ticket, this.#own);
      else if (!this.#tryTell(shard, control, ticket)) break;
      at = control.valueEnd;
    }
    return at - start;
  }

  uploadEnd(ticket: number, reply: Reply, order: Order, token: number): Outcome {
    const table = this.#table;
    assert(table.kind(ticket) === TicketKind.upload, "only an upload is ended");
    assert(table.state(ticket) === TicketState.held, "an upload is ended once");
    const shard = table.shard(ticket);
    const control = this.#fill(Op.uploadEnd, ticket);
    control.hashLow = table.hashLow(ticket);
    control.hashHigh = table.hashHigh(ticket);
    if (this.#stores.tryExecute(shard, control, reply)) {
      this.#settleEnd(ticket, reply);
      return Outcome.done;
    }
    const link = this.#links[shard] as Link;
    if (!link.trySend(control, token, ticket, order)) return Outcome.full;
    order.sent(control.hashLow, control.hashHigh);
    table.end(ticket);
    return Outcome.sent;
  }

  /** Releases what the ticket holds, now or as soon as the ring takes it. */
  letGo(ticket: number): void {
    assert(this.#table.kind(ticket) !== TicketKind.broadcast, "a broadcast is not held");
    if (!this.#tryLetGo(ticket)) this.#table.owe(ticket);
  }

  /** Lets go what the connection holds. What it has asked for is let go when it is granted. */
  letGoAllOf(order: Order): void {
    for (let ticket = 0; ticket < TICKETS_MAX; ticket++) {
      if (this.#table.kind(ticket) === TicketKind.free) continue;
      if (this.#table.order(ticket) !== order) continue;
      if (this.#table.state(ticket) === TicketState.held) this.letGo(ticket);
    }
  }

  /** Sends what had been refused. */
  payOwed(): void {
    for (let ticket = 0; this.#table.owed > 0 && ticket < TICKETS_MAX; ticket++) {
      if (this.#table.kind(ticket) === TicketKind.free) continue;
      if (this.#table.state(ticket) !== TicketState.owed) continue;
      this.#tryLetGo(ticket);
    }
  }

  /** A reply about a ticket has come. False when the connection is not to hear of it yet. */
  settle(ticket: number, op: Op, reply: Reply): boolean {
    switch (op) {
      case Op.lease:
      case Op.uploadBegin:
        this.#settleGrant(ticket, reply);
        return true;
      case Op.uploadData:
        this.#noteFailure(ticket, reply);
        return false;
      case Op.uploadEnd:
        this.#settleEnd(ticket, reply);
        return true;
      case Op.release:
      case Op.uploadAbort:
        this.#table.give(ticket);
        return false;
      default:
        return this.#settleBroadcast(ticket, reply);
    }
  }

  /** True once after a ticket was refused, when there are tickets again. */
  takeRoomNews(): boolean {
    if (!this.hasRoomNews()) return false;
    this.#refused = false;
    return true;
  }

  hasRoomNews(): boolean {
    return this.#refused && this.#table.hasFree();
  }

  #ask(
    kind: TicketKind,
    op: Op,
    request: Request,
    reply: Reply,
    order: Order,
    token: number,
  ): Outcome {
    assert(!order.closed, "a closed connection asks for nothing");
    const shard = shardOf(request.hashHigh, this.#shardCount);
    const ticket = this.#take(kind, shard, order);
    if (ticket === NO_TICKET) return Outcome.full;
    this.#table.setHash(ticket, request.hashLow, request.hashHigh);
    const asked = request.op;
    request.op = op;
    let outcome: Outcome = Outcome.sent;
    if (this.#stores.tryExecute(shard, request, reply)) {
      this.#settleGrant(ticket, reply);
      outcome = Outcome.done;
    } else if ((this.#links[shard] as Link).trySend(request, token, ticket, order)) {
      order.sentForNone();
    } else {
      this.#table.give(ticket);
      outcome = Outcome.full;
    }
    request.op = asked;
    return outcome;
  }

  #settleGrant(ticket: number, reply: Reply): void {
    const table = this.#table;
    const order = table.order(ticket) as Order;
    const isLease = table.kind(ticket) === TicketKind.lease;
    if (reply.status !== (isLease ? Status.hit : Status.ok)) {
      table.give(ticket);
      return;
    }
    table.hold(ticket, reply.handle);
    reply.handle = ticket;
    if (order.closed) this.letGo(ticket);
  }

  /**
   * An upload that lost a piece says so at its end, whatever the shard says of a handle it has
   * dropped.
   */
  #settleEnd(ticket: number, reply: Reply): void {
    const failure = this.#table.status(ticket);
    if (failure !== Status.none) reply.status = failure;
    this.#table.give(ticket);
  }

  /** The last reply speaks for all; a lost owner is not hidden by the others. */
  #settleBroadcast(ticket: number, reply: Reply): boolean {
    const table = this.#table;
    const waiting = table.handle(ticket) - 1;
    table.setHandle(ticket, waiting);
    this.#noteFailure(ticket, reply);
    if (waiting > 0) return false;
    this.#settleEnd(ticket, reply);
    return true;
  }

  #noteFailure(ticket: number, reply: Reply): void {
    if (reply.status === Status.ok || this.#table.status(ticket) !== Status.none) return;
    this.#table.setStatus(ticket, reply.status);
  }

  #tryLetGo(ticket: number): boolean {
    const isLease = this.#table.kind(ticket) === TicketKind.lease;
    const control = this.#fill(isLease ? Op.release : Op.uploadAbort, ticket);
    const shard = this.#table.shard(ticket);
    if (this.#stores.tryExecute(shard, control, this.#own)) this.#table.give(ticket);
    else if (this.#tryTell(shard, control, ticket)) this.#table.end(ticket);
    else return false;
    return true;
  }

  /** Sends a request of ours about a ticket. */
  #tryTell(shard: number, request: Request, ticket: number): boolean {
    return (this.#links[shard] as Link).trySend(request, NO_TOKEN, ticket, null);
  }

  #fill(op: Op, ticket: number): Request {
    const control = this.#control;
    control.op = op;
    control.handle = this.#table.handle(ticket);
    control.valueStart = 0;
    control.valueEnd = 0;
    return control;
  }

  #take(kind: TicketKind, shard: number, order: Order | null): number {
    const ticket = this.#table.take(kind, shard, order);
    if (ticket === NO_TICKET) this.#refused = true;
    return ticket;
  }
}
