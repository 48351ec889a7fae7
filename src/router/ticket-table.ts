/**
 * Ticket table: what this thread's connections hold open in shards: leases, uploads; and flushes
 * that are under way.
 *
 *   ticket   kind | state | shard | handle (the store's) or replies still to come | order
 *
 * Why: letting go must never be refused. A ring may be full when a release is due, so each ticket
 * is its own reminder: it stays, in state `owed`, until its release or abort is in the ring. A
 * thread holds at most TICKETS_MAX, so this is bounded; the refusal comes when a ticket is asked
 * for, where the socket can wait.
 *
 *   asked ──reply ok──▶ held ──let go, or connection closed──▶ owed ──in the ring──▶ ending ──reply──▶ free
 *     └────reply not ok───▶ free     └─────upload ended─────────────────────────────────┘
 *
 * A ticket is free only once the last reply about it has come, so no reply is taken for one about
 * its next use.
 */
import { assert } from "../base/assert.ts";
import { FreeList, NONE_FREE } from "../base/free-list.ts";
import { Status } from "../command/status.ts";
import type { Order } from "./order.ts";

/** Leases, uploads and broadcasts of one thread at a time. */
export const TICKETS_MAX = 1024;
export const NO_TICKET = NONE_FREE;

export const TicketKind = { free: 0, lease: 1, upload: 2, broadcast: 3 } as const;
export type TicketKind = (typeof TicketKind)[keyof typeof TicketKind];

export const TicketState = { asked: 0, held: 1, owed: 2, ending: 3 } as const;
export type TicketState = (typeof TicketState)[keyof typeof TicketState];

export class TicketTable {
  readonly #kind = new Uint8Array(TICKETS_MAX);
  readonly #state = new Uint8Array(TICKETS_MAX);
  readonly #shard = new Int32Array(TICKETS_MAX);
  readonly #handle = new Uint32Array(TICKETS_MAX);
  readonly #hashLow = new Int32Array(TICKETS_MAX);
  readonly #hashHigh = new Int32Array(TICKETS_MAX);
  readonly #status = new Uint8Array(TICKETS_MAX);
  readonly #orders = new Array<Order | null>(TICKETS_MAX).fill(null);
  readonly #free = new FreeList(TICKETS_MAX);
  /** How many are owed. */
  owed = 0;

  /** A ticket in state `asked`; NO_TICKET when all are out. */
  take(kind: TicketKind, shard: number, order: Order | null): number {
    const ticket = this.#free.take();
    if (ticket === NO_TICKET) return NO_TICKET;
    this.#kind[ticket] = kind;
    this.#state[ticket] = TicketState.asked;
    this.#shard[ticket] = shard;
    this.#handle[ticket] = 0;
    this.#status[ticket] = Status.none;
    this.#orders[ticket] = order;
    if (order !== null) order.tickets++;
    return ticket;
  }

  hasFree(): boolean {
    return this.#free.peek() !== NO_TICKET;
  }

  give(ticket: number): void {
    assert(this.#kind[ticket] !== TicketKind.free, "a ticket is given back once");
    const order = this.#orders[ticket] as Order | null;
    if (order !== null) order.tickets--;
    this.#kind[ticket] = TicketKind.free;
    this.#orders[ticket] = null;
    this.#free.give(ticket);
  }

  kind(ticket: number): TicketKind {
    return this.#kind[ticket] as TicketKind;
  }

  state(ticket: number): TicketState {
    return this.#state[ticket] as TicketState;
  }

  shard(ticket: number): number {
    return this.#shard[ticket] as number;
  }

  /** The store's handle of a lease or an upload; of a broadcast, the replies still to come. */
  handle(ticket: number): number {
    return this.#handle[ticket] as number;
  }

  setHandle(ticket: number, handle: number): void {
    this.#handle[ticket] = handle;
  }

  /** What went wrong first with a broadcast or an upload; none when all is well. */
  status(ticket: number): Status {
    return this.#status[ticket] as Status;
  }

  setStatus(ticket: number, status: Status): void {
    this.#status[ticket] = status;
  }

  order(ticket: number): Order | null {
    return this.#orders[ticket] as Order | null;
  }

  hashLow(ticket: number): number {
    return this.#hashLow[ticket] as number;
  }

  hashHigh(ticket: number): number {
    return this.#hashHigh[ticket] as number;
  }

  /** The key the ticket is about. */
  setHash(ticket: number, hashLow: number, hashHigh: number): void {
    this.#hashLow[ticket] = hashLow;
    this.#hashHigh[ticket] = hashHigh;
  }

  /** The shard has granted it. */
  hold(ticket: number, handle: number): void {
    assert(this.#state[ticket] === TicketState.asked, "a ticket is granted once");
    this.#state[ticket] = TicketState.held;
    this.#handle[ticket] = handle;
  }

  /** It is to be let go as soon as the ring takes that. */
  owe(ticket: number): void {
    assert(this.#state[ticket] === TicketState.held, "only what is held is let go");
    this.#state[ticket] = TicketState.owed;
    this.owed++;
  }

  /** Its end is on the way: only the reply is waited for. */
  end(ticket: number): void {
    const state = this.#state[ticket];
    assert(state === TicketState.held || state === TicketState.owed, "what is held ends once");
    if (state === TicketState.owed) this.owed--;
    this.#state[ticket] = TicketState.ending;
  }
}
