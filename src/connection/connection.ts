/**
 * Connection: what a thread remembers of one client between two turns. A plain record; the files
 * beside it act on it.
 *
 *   input    bytes of a request that is not whole yet, or that must wait, in a block [inStart, inEnd)
 *   output   replies that could not leave yet, in a block [outStart, outEnd)      (output.ts)
 *   pending  requests other shards have not answered, a list in the PendingTable   (pending-table.ts)
 *   stage    where the request at the head of the input stands
 *
 * An idle connection holds no block at all: some hundred bytes of heap, whatever it did before.
 */
import type { ServerSeconds } from "../base/unit.ts";
import type { Reply } from "../command/reply.ts";
import { WireError } from "../command/status.ts";
import { NO_BLOCK } from "../memory/block-pool.ts";
import type { WireState } from "../protocol/wire-state.ts";
import type { Order } from "../router/order.ts";
import { NO_PENDING } from "./pending-table.ts";
import type { Source } from "./source.ts";

/** `roomSince` of a connection that waits for no room. */
export const NOT_WAITING = -1;

/** Where the request at the head of the input stands. */
export const Stage = {
  /** Not begun: it is parsed and performed. */
  fresh: 0,
  /** Sent to other shards; the connection stands still until `waiting` replies have come. */
  waiting: 1,
  /** They have come; `reply` is the last of them. */
  answered: 2,
} as const;
export type Stage = (typeof Stage)[keyof typeof Stage];

/** What is done with the bytes that arrive. */
export const Intake = {
  /** They are requests. */
  requests: 0,
  /** They are thrown away: the value of a refused request. */
  swallow: 1,
  /** They are a value on its way into a slab chain. */
  upload: 2,
  /** Nothing any more: the connection closes once its output has left. */
  closing: 3,
} as const;
export type Intake = (typeof Intake)[keyof typeof Intake];

/** What the reply that is waited for answers. */
export const Awaited = {
  nothing: 0,
  /** The owner of a busy bucket is done with it: read again. */
  fence: 1,
  fetch: 2,
  lease: 3,
  uploadBegin: 4,
  uploadEnd: 5,
  broadcast: 6,
  /** The touch that ends a fetch whose value has been read (ItemMark.expiring). */
  expiry: 7,
} as const;
export type Awaited = (typeof Awaited)[keyof typeof Awaited];

/** How far a request got, and if not to its end, what the connection stands still for. */
export const Verdict = {
  done: 0,
  /** Replies it sent for; `stage` is waiting. */
  wait: 1,
  /** Any reply of its own: a key may still be pending, or too many requests are. */
  busy: 2,
  /** A ring or a table has room again. */
  full: 3,
  /** Its output has drained, or its holes have closed. */
  blocked: 4,
  /** Nothing: -R requests were served, others have their turn. */
  yielded: 5,
  /** Its shard has given room back, or its patience is over (upload-queue.ts). */
  crowded: 6,
} as const;
export type Verdict = (typeof Verdict)[keyof typeof Verdict];

export class Connection {
  readonly slot: number;
  readonly wire: WireState;
  readonly order: Order;

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

  stage: Stage = Stage.fresh;
  /** What a fetch described whose large value is being leased. */
  fetched: Reply | null = null;
  /** Whether the large value that is being leased for a plain read had been read before. */
  fetchedBefore = false;
  /**
   * What was read for a fetch that is about to end its item (ItemMark.expiring): what it described,
   * and the value.
   */
  kept: Reply | null = null;
  /** What for. */
  awaited: Awaited = Awaited.nothing;
  /** Replies the stage still waits for. */
  waiting = 0;
  /** Why it stands still, when it does. */
  stalled: Verdict = Verdict.done;
  /** The reply waited for; made when first needed. */
  reply: Reply | null = null;

  intake: Intake = Intake.requests;
  /** Bytes of the stream still to be swallowed, or to be uploaded. */
  intakeBytes = 0;
  /**
   * What the reply after the intake must repeat, as the encoder saved it, in a block; what follows
   * its value, and its error.
   */
  savedBlock = NO_BLOCK;
  savedTailBytes = 0;
  savedError: WireError = WireError.none;
  /** Ticket of the upload the bytes belong to. */
  upload = 0;
  /**
   * Of an upload that waits for room: since when, until when if nothing changes, in which shard,
   * and what it saw there.
   */
  roomSince = NOT_WAITING;
  roomUntil = 0;
  roomShard = 0;
  roomSeen = 0;

  /** Produces output by and by: a large value, a dump, a watcher's log. */
  source: Source | null = null;

  /** The socket took only part of the output; nothing is parsed until it has drained. */
  blocked = false;
  /** Reading is paused: too much input waits. */
  paused = false;
  /** It is on the list of those to go on with this turn. */
  listed = false;
  /** Logins that failed. */
  authFailures = 0;
  /** The client will send no more: once what it sent is served, the connection closes. */
  halfClosed = false;
  /** The socket is gone: close at the first occasion. */
  dead = false;

  /** The last command, for idle timeouts and `stats conns`. */
  activeAt: ServerSeconds;

  constructor(slot: number, wire: WireState, order: Order, now: ServerSeconds) {
    this.slot = slot;
    this.wire = wire;
    this.order = order;
    this.activeAt = now;
  }
}
