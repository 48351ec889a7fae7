/**
 * Router: takes a connection's request to its shard. One for each thread that has connections.
 *
 *                      ┌─ own shard, or its owner sleeps ─▶ stores.tryExecute, at once        done, described
 *   request ─ hash ────┼─ plain read ────▶ readers[shard], from shared memory                 hit, miss
 *                      └─ the rest ──────▶ links[shard] ▶ ring ▶ owner ▶ ring ▶ poll          sent, … replied(token)
 *
 * Rules a caller keeps:
 *  - `hash(request)` comes first; `read`, `mutate` and the others rely on it.
 *  - After a hit: copy the value, then `confirm()`. False: the bytes are worthless, read again.
 *  - `Outcome.sent` means the token comes back exactly once, through `poll`, whether or not the
 *    connection still lives.
 *  - Of `Outcome.busy` and `full` nothing has happened: the connection stands still and asks again
 *    (router/outcome.ts).
 *  - `described` is a fetch's reply that is there at once: `readFetched` it, as one that has come.
 *  - A fetch that needs its value stands still too: `readFetched` when its reply has come, and
 *    nothing of that connection in between, or a later mutation of its own could change what the
 *    fetch returns.
 *  - A fetch answered with ItemMark.expiring has not ended its item yet: the value is read, then
 *    the item touched.
 *  - Once a turn: `poll`, then the work, then `publish`. Before sleeping: `isReady`.
 *
 * Why a fetch is described by its owner and read by its requester: replies carry no values
 * (ring/reply-ring.ts). The CAS in the description says whether the value found is the one
 * described.
 *
 * The router knows connections only as an Order and a token.
 */
import { assert } from "../base/assert.ts";
import { type KeyHash, shardOf } from "../base/key-hash.ts";
import type { ShardIndex } from "../base/unit.ts";
import { OP_MUTATION_MAX, Op } from "../command/op.ts";
import { ItemMark, Reply } from "../command/reply.ts";
import { Mark, Request } from "../command/request.ts";
import { Status } from "../command/status.ts";
import type { Arena } from "../memory/arena.ts";
import { Counter, type Counters } from "../memory/counters.ts";
import { type LinkPlan, linkOffset } from "../ring/link-plan.ts";
import type { Waker } from "../ring/wake.ts";
import { recordValueBytesMax, requestRecordBytes } from "../shard/request-record.ts";
import type { ShardStore } from "../shard/shard.ts";
import { Link, NO_TOKEN } from "./link.ts";
import type { Order } from "./order.ts";
import { Outcome } from "./outcome.ts";
import { type Loans, Stores } from "./stores.ts";
import { NO_TICKET } from "./ticket-table.ts";
import { Tickets } from "./tickets.ts";

/**
 * Looks at a bucket its owner is changing, before the owner is asked. A change takes well under a
 * microsecond.
 */
const BUSY_LOOKS_MAX = 64;

/**
 * What a router needs of a shard's reader (store/store-reader.ts). `find` returns Outcome.hit, miss
 * or busy.
 */
export interface ShardReader {
  find(request: Request, reply: Reply): number;
  confirm(): boolean;
}

export interface ReplyHandler {
  replied(token: number, reply: Reply): void;
}

export interface RouterParts {
  /** This thread's index; `shardCount` for the primary, which owns no shard. */
  readonly self: number;
  readonly shardCount: number;
  /** By shard. */
  readonly readers: readonly ShardReader[];
  readonly ownStore: ShardStore | null;
  /** The shards of sleeping owners; null: their owners are woken for every change. */
  readonly loans: Loans | null;
  /** Where the links lie. */
  readonly arena: Arena;
  readonly base: number;
  readonly plan: LinkPlan;
  readonly counters: Counters;
  readonly hash: KeyHash;
  readonly waker: Waker;
}

export class Router {
  /**
   * A value up to this length can be sent with `mutate`; for another shard than the own, a longer
   * one is uploaded.
   */
  readonly inlineValueBytesMax: number;
  readonly #self: number;
  readonly #shardCount: number;
  readonly #readers: readonly ShardReader[];
  readonly #ownStore: ShardStore | null;
  readonly #counters: Counters;
  readonly #hash: KeyHash;
  readonly #waker: Waker;
  /** By shard; the own one is never used. */
  readonly #links: Link[] = [];
  readonly #stores: Stores;
  readonly #tickets: Tickets;
  readonly #reply: Reply;
  readonly #found: Reply;
  readonly #control: Request;
  #reader: ShardReader;

  constructor(parts: RouterParts) {
    assert(parts.readers.length === parts.shardCount, "there is a reader for each shard");
    this.inlineValueBytesMax = recordValueBytesMax(parts.plan.ringBytes);
    this.#self = parts.self;
    this.#shardCount = parts.shardCount;
    this.#readers = parts.readers;
    this.#reader = parts.readers[0] as ShardReader;
    this.#ownStore = parts.ownStore;
    this.#counters = parts.counters;
    this.#hash = parts.hash;
    this.#waker = parts.waker;
    for (let shard = 0; shard < parts.shardCount; shard++) {
      const link = parts.base + linkOffset(parts.plan, parts.self, shard);
      this.#links.push(new Link(parts.arena, link, parts.plan, parts.counters));
    }
    this.#stores = new Stores(parts, this.#links);
    this.#tickets = new Tickets(parts, this.#links, this.#stores);
    this.#reply = new Reply(parts.arena.bytes);
    this.#found = new Reply(parts.arena.bytes);
    this.#control = new Request(parts.arena.bytes);
  }

  /** Fills the request's hash from its key. */
  hash(request: Request): void {
    this.#hash.update(request.keyBytes, request.keyStart, request.keyEnd);
    request.hashLow = this.#hash.low;
    request.hashHigh = this.#hash.high;
  }

  /** The shard of a hashed request. */
  shardOf(request: Request): ShardIndex {
    return shardOf(request.hashHigh, this.#shardCount) as ShardIndex;
  }

  /**
   * Answers a plain read. hit, miss: now. busy: the order's own mutation of that key comes first.
   * sent: the owner is in the middle of a change, and was asked to say when it is done. full: the
   * same, but the ring is full.
   */
  read(request: Request, reply: Reply, order: Order, token: number): Outcome {
    let outcome = this.#tryRead(request, reply, order);
    for (let looks = 1; outcome === Outcome.changed && looks < BUSY_LOOKS_MAX; looks++) {
      this.#counters.add(Counter.readsRetried, 1);
      outcome = this.#tryRead(request, reply, order);
    }
    if (outcome !== Outcome.changed) return outcome;
    return this.#fence(shardOf(request.hashHigh, this.#shardCount), order, token);
  }

  /** The same, once: changed means that the owner is in the middle of a change. Nothing is sent. */
  #tryRead(request: Request, reply: Reply, order: Order): Outcome {
    const shard = shardOf(request.hashHigh, this.#shardCount);
    if (this.mustWait(shard, request.hashLow, request.hashHigh, order)) return Outcome.busy;
    this.#reader = this.#readers[shard] as ShardReader;
    const outcome = this.#reader.find(request, reply);
    if (outcome === Outcome.busy) return Outcome.changed;
    this.#counters.add(Counter.readsDirect, 1);
    return outcome as Outcome;
  }

  /**
   * True when a read would overtake a mutation of that key which the order itself has sent to
   * another shard.
   */
  mustWait(shard: number, hashLow: number, hashHigh: number, order: Order): boolean {
    if (order.pending === 0 || shard === this.#self) return false;
    if (!order.mayHold(hashLow, hashHigh)) return false;
    this.#counters.add(Counter.readsBehind, 1);
    return true;
  }

  /** After the value of the last hit was copied: true when the copy is good. */
  confirm(): boolean {
    return this.#reader.confirm();
  }

  /**
   * Has the owner do what changes one key, or needs its owner: any op below OP_MUTATION_MAX that
   * has no method of its own. done: `reply` is filled. described: it is, and says of a fetch which
   * value to read. sent: `token` comes back. full: nothing happened.
   */
  mutate(request: Request, reply: Reply, order: Order, token: number): Outcome {
    assert(request.op < OP_MUTATION_MAX, "a plain read is not sent");
    assert(!order.closed, "a closed connection asks for nothing");
    const shard = shardOf(request.hashHigh, this.#shardCount);
    const isOwn = shard === this.#self;
    const reads = !isOwn && request.op === Op.fetch && (request.marks & Mark.wantsValue) !== 0;
    if (reads) request.marks |= Mark.valueApart;
    if (this.#stores.tryExecute(shard, request, reply)) {
      return reads ? Outcome.described : Outcome.done;
    }
    const link = this.#links[shard] as Link;
    if (!link.trySend(request, token, NO_TICKET, order)) return Outcome.full;
    order.sent(request.hashLow, request.hashHigh);
    return Outcome.sent;
  }

  /**
   * Finds the value of a remote fetch that `reply`, its owner's answer, describes. hit: `reply` has
   * the value's place: copy it, then `confirm()`, and when that is false call this again. changed:
   * somebody has replaced it since; `mutate` the same request again. Not for large values
   * (ItemMark.large): take a lease and compare its CAS.
   */
  readFetched(request: Request, reply: Reply): Outcome {
    assert(reply.status === Status.hit, "only what was found has a value");
    const found = this.#found;
    const marks = request.marks;
    this.#reader = this.#readers[shardOf(request.hashHigh, this.#shardCount)] as ShardReader;
    request.marks = marks | Mark.noBump;
    let outcome = this.#reader.find(request, found);
    for (let looks = 1; outcome === Outcome.busy && looks < BUSY_LOOKS_MAX; looks++) {
      outcome = this.#reader.find(request, found);
    }
    request.marks = marks;
    const same =
      outcome === Outcome.hit && found.casLow === reply.casLow && found.casHigh === reply.casHigh;
    if (!same || (found.marks & ItemMark.large) !== 0) {
      if ((reply.marks & ItemMark.won) !== 0) request.marks |= Mark.tokenHeld;
      return Outcome.changed;
    }
    reply.value = found.value;
    reply.valueStart = found.valueStart;
    reply.valueBytes = found.valueBytes;
    reply.keyStart = found.keyStart;
    reply.keyBytes = found.keyBytes;
    return Outcome.hit;
  }

  /**
   * Has every shard do a flush or a resize. done: there is only the own shard. sent: the token
   * comes back once, when all have done it. full: no shard was asked.
   */
  broadcast(request: Request, reply: Reply, order: Order, token: number): Outcome {
    const bytes = requestRecordBytes(request);
    const others = this.#ownStore === null ? this.#shardCount : this.#shardCount - 1;
    for (let shard = 0; shard < this.#shardCount; shard++) {
      if (shard !== this.#self && !(this.#links[shard] as Link).hasRoom(bytes)) {
        this.#counters.add(Counter.ringFull, 1);
        return Outcome.full;
      }
    }
    const ticket = others === 0 ? NO_TICKET : this.#tickets.takeBroadcast(others);
    if (others > 0 && ticket === NO_TICKET) return Outcome.full;
    for (let shard = 0; shard < this.#shardCount; shard++) {
      if (shard === this.#self) continue;
      const sent = (this.#links[shard] as Link).trySend(request, token, ticket, order);
      assert(sent, "every ring had room");
      order.sentForAll();
    }
    if (this.#ownStore !== null) this.#stores.tryExecute(this.#self, request, reply);
    return others === 0 ? Outcome.done : Outcome.sent;
  }

  /**
   * Takes a lease on a large value. The reply, now or later, has its ticket in `reply.handle` when
   * its status is hit; its memory stays until `letGo(ticket)`, whatever happens to the key.
   * `request` is the read; its op is kept.
   */
  lease(request: Request, reply: Reply, order: Order, token: number): Outcome {
    return this.#tickets.lease(request, reply, order, token);
  }

  /**
   * Starts a value that comes in pieces. The reply has the upload's ticket in `reply.handle` when
   * its status is ok. `request` is the store, with its declared `valueBytes`; its op is kept.
   */
  uploadBegin(request: Request, reply: Reply, order: Order, token: number): Outcome {
    return this.#tickets.uploadBegin(request, reply, order, token);
  }

  /**
   * Hands on the next bytes of an upload. Returns how many were taken; less than all when the ring
   * is full.
   */
  uploadData(ticket: number, bytes: Uint8Array, start: number, end: number): number {
    return this.#tickets.uploadData(ticket, bytes, start, end);
  }

  /** Ends an upload: the reply is the store's. The ticket is used up unless the outcome is full. */
  uploadEnd(ticket: number, reply: Reply, order: Order, token: number): Outcome {
    return this.#tickets.uploadEnd(ticket, reply, order, token);
  }

  /** Releases a lease or abandons an upload. Never refused. */
  letGo(ticket: number): void {
    this.#tickets.letGo(ticket);
  }

  /** The shard a ticket's memory lies in. */
  ticketShard(ticket: number): ShardIndex {
    return this.#tickets.shard(ticket) as ShardIndex;
  }

  /** The store's own handle of a ticket. */
  ticketHandle(ticket: number): number {
    return this.#tickets.handle(ticket);
  }

  /**
   * The connection is gone: its leases and uploads are let go, those still asked for too. Tokens
   * still come back.
   */
  close(order: Order): void {
    order.closed = true;
    if (order.tickets > 0) this.#tickets.letGoAllOf(order);
  }

  /**
   * Takes every reply that has come. Returns how many, and one more for each refusal that has
   * become needless.
   */
  poll(handler: ReplyHandler): number {
    let news = 0;
    for (let shard = 0; shard < this.#shardCount; shard++) {
      if (shard === this.#self) continue;
      const link = this.#links[shard] as Link;
      while (link.tryTake(this.#reply)) {
        news++;
        this.#settle(link, handler);
      }
      if (link.takeRoomNews()) news++;
    }
    if (this.#tickets.takeRoomNews()) news++;
    return news;
  }

  /**
   * Shows the owners what was sent, and wakes those that sleep. Once a turn, before sleeping too.
   */
  publish(): void {
    this.#tickets.payOwed();
    for (let shard = 0; shard < this.#shardCount; shard++) {
      if (!(this.#links[shard] as Link).publish()) continue;
      if (this.#waker.wake(shard)) this.#counters.add(Counter.wakesSent, 1);
    }
  }

  /** True when `poll` would find something: the look before going to sleep. */
  isReady(): boolean {
    for (let shard = 0; shard < this.#shardCount; shard++) {
      if (shard !== this.#self && (this.#links[shard] as Link).isReady()) return true;
    }
    return this.#tickets.hasRoomNews();
  }

  #settle(link: Link, handler: ReplyHandler): void {
    const token = link.token;
    const order = link.order;
    const ticket = link.ticket;
    if (order !== null) order.settled();
    if (ticket !== NO_TICKET && !this.#tickets.settle(ticket, link.op, this.#reply)) return;
    if (token !== NO_TOKEN) handler.replied(token, this.#reply);
  }

  #fence(shard: number, order: Order, token: number): Outcome {
    assert(shard !== this.#self, "an owner is not in the middle of a change when it reads");
    this.#control.op = Op.fence;
    const link = this.#links[shard] as Link;
    if (!link.trySend(this.#control, token, NO_TICKET, order)) return Outcome.full;
    order.sentForNone();
    return Outcome.sent;
  }
}
