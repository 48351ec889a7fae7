/**
 * Connection: what a thread remembers of one client, and the one state it is in.
 *
 *              bytes                      the input is dry
 *   reading ──────────▶ executing ─────────────────────────▶ reading
 *   receiving               ▲ │ put aside                    receiving   in the middle of a value
 *   swallowing              │ │                              swallowing  in the middle of a refused one
 *                      turn │ ▼
 *                    ready ◀── awaiting    a reply              replied
 *                          ◀── behind      all its replies      settled
 *                          ◀── refused     room in a ring       ringRoom
 *                          ◀── crowded     room in a shard      shardRoom
 *                          ◀── draining    room in its output   drained, settled
 *                          ◀── quiet       a watcher's lines    polled
 *                          ◀── executing   -R requests are done (yields)
 *
 *   executing ── quits ──▶ closing ── its output has left ──▶ closed ◀── gone, whatever it was doing
 *
 * `TRANSITIONS` is the whole machine: an event a state has no row for is our own bug, and stops the
 * process. What a connection waits with is its `wait` (wait.ts): the request, and what goes on with
 * it. A new kind of wait (a peer, a disk, a handshake) is an operation more, and a row here if what
 * wakes it is new.
 *
 *   input    bytes of a request that is not whole yet, or that must wait, in a block [inStart, inEnd)
 *   output   replies that could not leave yet, in a block [outStart, outEnd)      (output.ts)
 *   pending  requests other shards have not answered, a list in the PendingTable   (pending-list.ts)
 *
 * Invariants:
 *  - a connection is on the list of ready, refused, crowded or quiet ones while it is in that state,
 *    and is served only in `executing`;
 *  - an idle connection holds no block and no wait: some hundred bytes of heap, whatever it did
 *    before.
 */
import { assert } from "../base/assert.ts";
import type { ServerSeconds } from "../base/unit.ts";
import { NO_BLOCK } from "../memory/block-pool.ts";
import { ConnectionState } from "../memory/connection-table.ts";
import type { WireState } from "../protocol/wire-state.ts";
import type { Order } from "../router/order.ts";
import type { CloseReason } from "./event-log.ts";
import { NO_PENDING } from "./pending-table.ts";
import { Step } from "./step.ts";
import type { Wait } from "./wait.ts";

/** What happens to a connection that is not being served. */
export const Event = {
  bytes: 14,
  turn: 15,
  /** The reply it stands still for has come. */
  replied: 16,
  /** All that it has sent to other shards is answered. */
  settled: 17,
  ringRoom: 18,
  shardRoom: 19,
  /** The socket has taken all of its output. */
  drained: 20,
  polled: 21,
  /** Its client sends no more. */
  ended: 22,
  /** The node stops. */
  stops: 23,
  gone: 24,
} as const;
export type Event = (typeof Event)[keyof typeof Event];

const EVENTS = 25;
const STATES = 14;

const { closed, reading, receiving, swallowing, executing, ready, awaiting } = ConnectionState;
const { behind, refused, crowded, draining, quiet, closing } = ConnectionState;

/** In any of these, on that event, it goes into that state. */
export const TRANSITIONS: readonly (readonly [ConnectionState[], Step | Event, ConnectionState])[] =
  [
    [[reading, receiving, swallowing], Event.bytes, executing],
    [[ready], Event.turn, executing],
    [[executing], Step.dry, reading],
    [[executing], Step.value, receiving],
    [[executing], Step.swallows, swallowing],
    [[executing], Step.awaits, awaiting],
    [[executing], Step.behind, behind],
    [[executing], Step.refused, refused],
    [[executing], Step.crowded, crowded],
    [[executing, ready, reading, receiving, swallowing, quiet], Step.noRoom, draining],
    [[executing], Step.quiet, quiet],
    [[executing], Step.yields, ready],
    [[executing], Step.quits, closing],
    [[awaiting], Event.replied, ready],
    [[behind, draining], Event.settled, ready],
    [[refused], Event.ringRoom, ready],
    [[crowded], Event.shardRoom, ready],
    [[draining], Event.drained, ready],
    [[quiet], Event.polled, ready],
    [[reading, receiving, swallowing, quiet], Event.ended, closing],
    [[reading, receiving, swallowing, quiet, crowded], Event.stops, closing],
    [[reading, receiving, swallowing, executing, ready, awaiting], Event.gone, closed],
    [[behind, refused, crowded, draining, quiet, closing], Event.gone, closed],
  ];

/** By state and event: the state that follows, plus one; 0: none does. */
const NEXT = new Uint8Array(STATES * EVENTS);
for (const [froms, event, to] of TRANSITIONS) {
  for (const from of froms) NEXT[from * EVENTS + event] = to + 1;
}

/** True when bytes that come are served at once. */
export function readsInput(state: ConnectionState): boolean {
  return state >= ConnectionState.reading && state <= ConnectionState.swallowing;
}

/** True when that event can happen in that state. */
export function takes(state: ConnectionState, event: Step | Event): boolean {
  return NEXT[state * EVENTS + event] !== 0;
}

export class Connection {
  readonly slot: number;
  /** Its address without a port: whose share of the blocks it takes. */
  readonly peer: string;
  readonly wire: WireState;
  readonly order: Order;
  /** Changed by `become` alone. */
  state: ConnectionState = reading;
  /** What it waits with, or sends by and by; null on the plain paths. */
  wait: Wait | null = null;

  inBlock = NO_BLOCK;
  inStart = 0;
  inEnd = 0;
  outBlock = NO_BLOCK;
  outStart = 0;
  outEnd = 0;

  pendingFirst = NO_PENDING;
  pendingLast = NO_PENDING;
  /** Entries of the list, and those not answered yet. */
  pendingCount = 0;
  unsettled = 0;
  /** Holes in the output. */
  holes = 0;

  // Facts of its socket, whatever it is doing.
  /** It took only part of the output: `writable` will say when it takes more. */
  isBlocked = false;
  /** It is not read: too much input waits. */
  isPaused = false;
  /** Nothing more is taken from it: what came before is served, then the connection closes. */
  isHalfClosed = false;
  /** It is gone, or there was no memory for what it must send. */
  isBroken = false;

  /** -vv has shown the head of the request its input begins with. */
  isShown = false;

  /** Why it closes, for watchers; what nobody decided is an error. */
  closeReason: CloseReason = "error";
  /** Logins that failed. */
  authFailures = 0;
  /** Since when it waits for a command, if it does. */
  idleSince: ServerSeconds;

  constructor(slot: number, wire: WireState, order: Order, now: ServerSeconds, peer = "") {
    this.slot = slot;
    this.peer = peer;
    this.wire = wire;
    this.order = order;
    this.idleSince = now;
  }

  become(event: Step | Event): void {
    const next = NEXT[this.state * EVENTS + event] as number;
    assert(next !== 0, "a connection's state knows what can happen to it");
    this.state = (next - 1) as ConnectionState;
  }
}

/** True when only the client could go on: with bytes, or by leaving. */
export function waitsForClient(connection: Connection, step: Step): boolean {
  if (step === Step.quiet) return connection.wait?.source?.endless === true;
  return step <= Step.swallows;
}
