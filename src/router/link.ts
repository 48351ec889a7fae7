/**
 * Link: a requester's end of the rings to one owner, with what it must remember of each request
 * until the reply.
 *
 *   in flight   sequence modulo slots:  token | op | ticket | order        replies come in order, so the index finds them
 *
 * A request needs a credit (a reply slot) and room in the request ring; without either it is
 * refused, and the refusal is remembered, so that the thread does not go to sleep while room has
 * come.
 *
 * A new thread that takes over from a dead one finds replies to requests it never made: their
 * entries are blank, so they are counted and dropped. No generation number is needed: the sequence
 * goes on where the predecessor stopped. Before its first request it sends Op.disown, which drops
 * what the dead one held in the shard: first in first out, so behind the last request of the dead
 * and before ours.
 */
import { Op } from "../command/op.ts";
import type { Reply } from "../command/reply.ts";
import { Request } from "../command/request.ts";
import type { Arena } from "../memory/arena.ts";
import { Counter, type Counters } from "../memory/counters.ts";
import type { LinkPlan } from "../ring/link-plan.ts";
import { NO_REPLY, ReplyConsumer } from "../ring/reply-ring.ts";
import { NO_RECORD, RequestProducer } from "../ring/request-ring.ts";
import { readReply } from "../shard/reply-record.ts";
import { requestRecordBytes, writeRequest } from "../shard/request-record.ts";
import type { Order } from "./order.ts";
import { NO_TICKET } from "./ticket-table.ts";

/** The token of what nobody waits for. */
export const NO_TOKEN = -1;

export class Link {
  readonly #arena: Arena;
  readonly #counters: Counters;
  readonly #requests: RequestProducer;
  readonly #replies: ReplyConsumer;
  readonly #slots: number;
  readonly #tokens: Int32Array;
  readonly #ops: Uint8Array;
  readonly #tickets: Int32Array;
  readonly #orders: (Order | null)[];
  /** A request was refused since the last look for room. */
  #refused = false;
  /** What a predecessor left has still to be disowned. */
  #inherited: boolean;

  /** Of the reply last taken. */
  token = NO_TOKEN;
  op: Op = Op.none;
  ticket = NO_TICKET;
  order: Order | null = null;

  constructor(arena: Arena, link: number, plan: LinkPlan, counters: Counters) {
    this.#arena = arena;
    this.#counters = counters;
    this.#requests = new RequestProducer(arena, link, plan.ringBytes);
    this.#replies = new ReplyConsumer(arena, link, plan);
    this.#slots = plan.replySlots;
    this.#tokens = new Int32Array(plan.replySlots).fill(NO_TOKEN);
    this.#ops = new Uint8Array(plan.replySlots);
    this.#tickets = new Int32Array(plan.replySlots).fill(NO_TICKET);
    this.#orders = new Array<Order | null>(plan.replySlots).fill(null);
    this.#inherited = this.#requests.sequence() !== 0;
  }

  /**
   * True when every request sent has been answered: what is done to the shard now overtakes nothing
   * of this thread's.
   */
  isIdle(): boolean {
    return !this.#inherited && this.#requests.sequence() === this.#replies.taken();
  }

  /** True when a request whose record takes `bytes` would be taken now. */
  hasRoom(bytes: number): boolean {
    return this.#tryDisown() && this.#tryReserve(bytes) !== NO_RECORD;
  }

  /** Puts the request into the ring; `publish` shows it. False when there is no room. */
  trySend(request: Request, token: number, ticket: number, order: Order | null): boolean {
    const sent = this.#tryDisown() && this.#tryPut(request, token, ticket, order);
    this.#counters.add(sent ? Counter.requestsSent : Counter.ringFull, 1);
    return sent;
  }

  /** Shows what was sent since the last call. False when nothing was: nobody need be woken. */
  publish(): boolean {
    this.#tryDisown();
    return this.#requests.publish();
  }

  /**
   * Takes the next reply: fills `reply` and this link's token, op, ticket and order. False when
   * there is none.
   */
  tryTake(reply: Reply): boolean {
    const slot = this.#replies.peek();
    if (slot === NO_REPLY) return false;
    readReply(this.#arena, slot, reply);
    const entry = this.#replies.taken() & (this.#slots - 1);
    this.token = this.#tokens[entry] as number;
    this.op = this.#ops[entry] as Op;
    this.ticket = this.#tickets[entry] as number;
    this.order = this.#orders[entry] as Order | null;
    this.#tokens[entry] = NO_TOKEN;
    this.#ops[entry] = Op.none;
    this.#tickets[entry] = NO_TICKET;
    this.#orders[entry] = null;
    this.#replies.advance();
    return true;
  }

  /** True once after a refusal, when room or a credit has come since. */
  takeRoomNews(): boolean {
    if (!this.#refused || !this.#hasNews()) return false;
    this.#refused = false;
    return true;
  }

  /** True when a reply waits, or room that was asked for: the look before going to sleep. */
  isReady(): boolean {
    return this.#replies.isReady() || (this.#refused && this.#hasNews());
  }

  #tryDisown(): boolean {
    if (!this.#inherited) return true;
    const request = new Request(this.#arena.bytes); // alloc: after a crash only
    request.op = Op.disown;
    if (!this.#tryPut(request, NO_TOKEN, NO_TICKET, null)) return false;
    this.#inherited = false;
    return true;
  }

  #tryPut(request: Request, token: number, ticket: number, order: Order | null): boolean {
    const bytes = requestRecordBytes(request);
    const position = this.#tryReserve(bytes);
    if (position === NO_RECORD) return false;
    writeRequest(this.#arena, position, request);
    const entry = this.#requests.sequence() & (this.#slots - 1);
    this.#requests.commit(bytes);
    this.#tokens[entry] = token;
    this.#ops[entry] = request.op;
    this.#tickets[entry] = ticket;
    this.#orders[entry] = order;
    return true;
  }

  #tryReserve(bytes: number): number {
    const position = this.#hasCredit() ? this.#requests.reserve(bytes) : NO_RECORD;
    if (position === NO_RECORD) this.#refused = true;
    return position;
  }

  #hasNews(): boolean {
    return this.#hasCredit() && this.#requests.hasMoved();
  }

  #hasCredit(): boolean {
    return ((this.#requests.sequence() - this.#replies.taken()) | 0) < this.#slots;
  }
}
