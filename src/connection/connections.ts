/**
 * Connections: a thread's clients, each in its state (connection.ts draws them). The transport
 * brings bytes, the router replies, and once a turn those who can go on do.
 *
 *   received ─▶ serve: a batch of gets, or parse ─▶ execute ─▶ output; until the input is dry, the request must wait, or
 *               -R requests are done
 *   replied  ─▶ holes are filled; who stood still for the reply is ready
 *   goOn     ─▶ those who are ready are served: their request goes on where it stood
 *
 * Lists, emptied every turn and never longer than the connections there are:
 *   ready     go on in this turn
 *   refused   a ring was full: they go on as soon as a ring has moved
 *   crowded   a shard had no room for a large value: when it has given some back (upload-queue.ts)
 *   quiet     their source had nothing to send: they are asked again
 *
 * Why a connection that waits is not paused at once: most waits end within the turn, and pausing
 * costs a system call. Its input is kept in a block, and only when that has grown to `PAUSE_BYTES`
 * the socket is left alone. In the middle of a long get line it is read on for longer: its client
 * may read nothing before all of the line has left it.
 */
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { Op } from "../command/op.ts";
import type { Reply } from "../command/reply.ts";
import { Request } from "../command/request.ts";
import { NO_BLOCK } from "../memory/block-pool.ts";
import {
  ConnectionState,
  type ConnectionTable,
  connectionTransport,
} from "../memory/connection-table.ts";
import { Counter, type Counters } from "../memory/counters.ts";
import { CLOSE, type Parser } from "../protocol/protocol.ts";
import { type WireOptions, WireState } from "../protocol/wire-state.ts";
import { Order } from "../router/order.ts";
import type { ReplyHandler, Router } from "../router/router.ts";
import type { Observer } from "../stats/observer.ts";
import type { Transport, TransportHandler } from "../transport/transport.ts";
import type { BatchReader } from "./batch-reader.ts";
import type { BlockBudget } from "./block-budget.ts";
import type { BusyPoll } from "./busy-poll.ts";
import { Connection, Event, readsInput, takes, waitsForClient } from "./connection.ts";
import { ConnectionList } from "./connection-list.ts";
import type { CloseReason, EventLog } from "./event-log.ts";
import type { Executor } from "./executor.ts";
import type { Input } from "./input.ts";
import type { Output } from "./output.ts";
import type { PendingList } from "./pending-list.ts";
import { PendingKind, type PendingTable } from "./pending-table.ts";
import type { Replies } from "./replies.ts";
import { goesOnByItself, Step } from "./step.ts";
import { ROOM_POLL_MS, type UploadQueue } from "./upload-queue.ts";
import type { VerboseLog } from "./verbose-log.ts";
import type { Wait, WaitPool } from "./wait.ts";

/** How soon a source that had nothing (a watcher's log) is asked again. */
const SOURCE_POLL_MS = 50;
/** With this much input waiting, a connection that stands still is not read. */
const PAUSE_BYTES = 64 * 1024;
/** The same in the middle of a line of keys. What comes until the pause works fits its block too. */
const LINE_PAUSE_BYTES = 1024 * 1024;

export interface ConnectionsParts {
  readonly transport: Transport;
  readonly router: Router;
  /** By listener. */
  readonly wires: readonly WireOptions[];
  readonly parser: Parser;
  readonly batches: BatchReader;
  readonly executor: Executor;
  readonly waits: WaitPool;
  readonly uploads: UploadQueue;
  readonly pendings: PendingTable;
  readonly pendingList: PendingList;
  readonly input: Input;
  readonly budget: BlockBudget<Connection>;
  readonly output: Output;
  readonly replies: Replies;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly observer: Observer;
  readonly busyPoll: BusyPoll;
  /** Where watchers see who comes and goes. */
  readonly events: EventLog;
  /** Where -vv shows what is said to whom. */
  readonly verbose: VerboseLog;
  /** Where `stats conns` and the dashboard see the connections. */
  readonly table: ConnectionTable;
  readonly descriptor: (slot: number) => number;
  /** -R. */
  readonly requestsPerEvent: number;
  /** -o idle_timeout; 0 is off. */
  readonly idleSeconds: number;
}

export class Connections implements TransportHandler, ReplyHandler {
  readonly #parts: ConnectionsParts;
  readonly #bytes: Uint8Array;
  readonly #input: Input;
  readonly #output: Output;
  readonly #parser: Parser;
  readonly #batches: BatchReader;
  readonly #executor: Executor;
  readonly #table: ConnectionTable;
  readonly #counters: Counters;
  readonly #clock: Clock;
  /** What is parsed into; it changes hands when a request is put aside. */
  #request: Request;
  /** The request of a reply that fills a hole. */
  readonly #restored: Request;
  /** Requests that the connection being served may still have done in this turn. */
  #budget = 0;
  readonly #slots: (Connection | null)[] = [];
  #ready = new ConnectionList();
  #readyNext = new ConnectionList();
  readonly #refused = new ConnectionList();
  readonly #quiet = new ConnectionList();
  #openCount = 0;

  constructor(parts: ConnectionsParts) {
    this.#parts = parts;
    this.#bytes = parts.output.bytes;
    this.#input = parts.input;
    this.#output = parts.output;
    this.#parser = parts.parser;
    this.#batches = parts.batches;
    this.#executor = parts.executor;
    this.#table = parts.table;
    this.#counters = parts.counters;
    this.#clock = parts.clock;
    this.#request = new Request(this.#bytes);
    this.#restored = new Request(this.#bytes);
    const drop = (connection: Connection) => this.#close(connection); // never who is served
    parts.budget.holders = { all: () => this.#slots, drop };
  }

  /** Connections open on this thread. */
  openCount(): number {
    return this.#openCount;
  }

  opened(slot: number, listener: number): void {
    while (this.#slots.length <= slot) this.#slots.push(null); // alloc: once per slot ever used
    assert(this.#slots[slot] === null, "a slot is opened once");
    const wire = new WireState(this.#parts.wires[listener] as WireOptions); // alloc: per connection
    this.#openCount++;
    this.#counters.add(Counter.connectionsOpened, 1);
    const { descriptor, events, transport, verbose } = this.#parts;
    const peer = transport.peerAddress(slot);
    const address = peer.slice(peer.indexOf(":") + 1);
    const host = address.slice(0, Math.max(0, address.lastIndexOf(":")));
    this.#slots[slot] = new Connection(slot, wire, new Order(), this.#clock.now, host);
    const kind = connectionTransport(peer);
    this.#table.open(slot, descriptor(slot), kind, listener, address, this.#clock.now);
    if (!events.isWatched()) return;
    events.opened(peer, descriptor(slot));
    verbose.opened(peer, wire, descriptor(slot));
  }

  received(slot: number, bytes: Uint8Array, start: number, end: number): void {
    const connection = this.#slots[slot];
    if (connection == null) return;
    this.#parts.busyPoll.heard(slot);
    this.#counters.add(Counter.bytesRead, end - start);
    this.#table.moved(slot, end - start, 0, 0, this.#clock.now);
    const isRead = readsInput(connection.state);
    if (isRead && connection.inBlock === NO_BLOCK) {
      assert(bytes === this.#bytes, "input lies in the arena of the thread's I/O region");
      this.#become(connection, Event.bytes);
      this.#serve(connection, start, end);
      return;
    }
    if (connection.isHalfClosed || connection.state === ConnectionState.closing) return;
    if (!this.#input.append(connection, bytes, start, end)) {
      this.#close(connection);
    } else if (isRead) {
      this.#become(connection, Event.bytes);
      this.#serve(connection, connection.inStart, connection.inEnd);
    } else {
      this.#pauseWhenFull(connection);
    }
  }

  writable(slot: number): void {
    const connection = this.#slots[slot];
    if (connection == null) return;
    if (!this.#output.drain(connection)) return;
    if (connection.isBroken) this.#close(connection);
    else if (connection.state === ConnectionState.draining) this.#wake(connection, Event.drained);
    else this.#closeWhenDone(connection);
  }

  ended(slot: number): void {
    const connection = this.#slots[slot];
    if (connection != null) this.#end(connection, Event.ended, "normal");
  }

  /** A request for another shard was answered. */
  replied(pending: number, reply: Reply): void {
    const { observer, pendings, replies } = this.#parts;
    observer.replied(pending);
    const slot = pendings.slot(pending);
    const connection = slot < 0 ? null : this.#slots[slot];
    if (connection == null) {
      pendings.give(pending);
      return;
    }
    pendings.settle(pending);
    connection.unsettled--;
    if (pendings.kind(pending) === PendingKind.wait) {
      const wait = connection.wait as Wait;
      wait.reply.copy(reply);
      wait.isAnswered = true;
      this.#wake(connection, Event.replied);
    } else {
      replies.fill(pending, connection.outBlock, this.#restored, reply);
    }
    if (connection.unsettled === 0) this.#settled(connection);
  }

  /** Takes the replies of other shards. */
  takeReplies(): void {
    if (this.#parts.router.poll(this) === 0) return;
    this.#wakeAll(this.#refused, ConnectionState.refused, Event.ringRoom);
  }

  /** Goes on with every connection that can. */
  goOn(): void {
    const { uploads } = this.#parts;
    this.#wakeAll(this.#quiet, ConnectionState.quiet, Event.polled);
    const ready = this.#ready;
    this.#ready = this.#readyNext;
    this.#readyNext = ready;
    if (uploads.count > 0) this.#askAgain(uploads, ready);
    for (let at = 0; at < ready.count; at++) {
      const connection = ready.at(at);
      if (connection.state !== ConnectionState.ready) continue;
      if (connection.isBlocked) {
        this.#settle(connection, Step.noRoom);
        continue;
      }
      this.#become(connection, Event.turn);
      this.#serve(connection, connection.inStart, connection.inEnd);
    }
    ready.clear();
  }

  /** True when some are to be gone on with at once. */
  hasReady(): boolean {
    return this.#ready.count > 0;
  }

  /** How long the thread may sleep at most for what nobody will ring for. */
  sleepMsMax(): number {
    if (this.#parts.uploads.count > 0) return ROOM_POLL_MS;
    return this.#quiet.count > 0 ? SOURCE_POLL_MS : Number.POSITIVE_INFINITY;
  }

  /** The node stops: what was begun is done and answered, then every connection closes. */
  drain(): void {
    for (const connection of this.#slots) {
      if (connection !== null) this.#end(connection, Event.stops, "shutdown");
    }
  }

  /** Once a second: gives idle blocks back, and closes who has waited too long for a command. */
  second(): void {
    const { idleSeconds, budget } = this.#parts;
    budget.giveIdle();
    if (idleSeconds === 0) return;
    for (const connection of this.#slots) {
      if (connection?.state !== ConnectionState.reading || connection.unsettled > 0) continue;
      if (this.#clock.now - connection.idleSince <= idleSeconds) continue;
      this.#counters.add(Counter.idleKicks, 1);
      connection.closeReason = "idle_timeout";
      this.#close(connection);
    }
  }

  /** Serves what lies in [start, end): of the receive buffer, or of the connection's own block. */
  #serve(connection: Connection, start: number, end: number): void {
    this.#budget = this.#parts.requestsPerEvent;
    this.#input.open(start, end);
    this.#output.open(connection);
    if (this.#parts.events.isWatched()) {
      this.#leave(connection, this.#serveShown(connection));
      return;
    }
    let step: Step = Step.done;
    while (step === Step.done) {
      const { wait } = connection;
      step = wait === null ? this.#next(connection) : this.#resume(connection, wait);
    }
    this.#leave(connection, step);
  }

  /** The same while somebody watches: each request is shown before it is done. */
  #serveShown(connection: Connection): Step {
    const input = this.#input;
    const { descriptor, verbose } = this.#parts;
    verbose.serves(descriptor(connection.slot));
    let step: Step = Step.done;
    while (step === Step.done) {
      const { at, end } = input;
      const { wait } = connection;
      if (wait === null && !connection.isShown) {
        connection.isShown = verbose.reads(connection.wire, this.#bytes, at, end);
      }
      step = wait === null ? this.#next(connection) : this.#resume(connection, wait);
      if (input.at !== at) connection.isShown = false; // it has been read
    }
    return step;
  }

  /** Does the next request of the input, or the next gets. */
  #next(connection: Connection): Step {
    const input = this.#input;
    const { at, end } = input;
    if (at === end) return Step.dry;
    if (this.#budget === 0) {
      this.#counters.add(Counter.connYields, 1);
      return Step.yields;
    }
    const batched = this.#batches.serve(connection, at, end, this.#budget);
    if (batched > 0) {
      input.at = at + batched;
      this.#budget -= this.#batches.served;
      return Step.done;
    }
    const request = this.#request;
    const consumed = this.#parser.parse(connection.wire, request, this.#bytes, at, end);
    if (consumed === CLOSE) return Step.quits;
    if (consumed === 0) return this.#parser.needed > 0 ? Step.value : Step.dry;
    const step = this.#executor.execute(connection, request);
    if (step !== Step.done) this.#putAside(connection, step === Step.follows ? 0 : consumed);
    return step > Step.follows ? step : this.#consume(connection, consumed, request, step);
  }

  /** The request's turn is over; `consumed` bytes of input are its, and stay there. */
  #putAside(connection: Connection, consumed: number): void {
    const wait = this.#parts.waits.of(connection);
    this.#request = wait.putAside(this.#request, this.#input.at, consumed);
  }

  /** Goes on with what was put aside. */
  #resume(connection: Connection, wait: Wait): Step {
    wait.moveTo(this.#input.at);
    const step = this.#executor.resume(connection, wait);
    if (step > Step.follows) return step;
    const { consumed } = wait;
    wait.consumed = 0;
    return this.#consume(connection, consumed, wait.request, step);
  }

  /** A request has been read to its end, or its head has; `done` when it was answered. */
  #consume(connection: Connection, consumed: number, request: Request, step: Step): Step {
    this.#input.at += consumed;
    if (consumed > 0 && request.lastKey) this.#budget--; // a line of many keys is one request
    if (step === Step.follows) return Step.done;
    if (connection.wait !== null) this.#parts.waits.give(connection);
    if (!request.closeAfter) return Step.done;
    if (request.op === Op.quit) connection.closeReason = "normal";
    return Step.quits;
  }

  /** Ends what `#serve` began: keeps what is left, sends what may leave. */
  #leave(connection: Connection, served: Step): void {
    const input = this.#input;
    const output = this.#output;
    let step = served;
    if (connection.isHalfClosed && waitsForClient(connection, step)) step = Step.quits;
    if (step === Step.quits) input.at = input.end;
    const requests = this.#parts.requestsPerEvent - this.#budget;
    this.#table.moved(connection.slot, 0, output.position(), requests, this.#clock.now);
    const isKept = input.close(connection);
    output.close(connection);
    if (!isKept || connection.isBroken) {
      this.#close(connection);
      return;
    }
    // A connection whose socket is full is not served, whatever else it could go on with.
    if (connection.isBlocked && goesOnByItself(step)) step = Step.noRoom;
    this.#settle(connection, step);
  }

  /** Gives it the state it stays in, and does what follows from that. */
  #settle(connection: Connection, step: Step): void {
    this.#become(connection, step);
    const { state, slot } = connection;
    if (this.#table.state(slot) !== state) this.#table.setState(slot, state);
    if (readsInput(state)) {
      connection.idleSince = this.#clock.now;
      if (!connection.isPaused) return;
      connection.isPaused = false;
      this.#parts.transport.resume(slot);
      return;
    }
    if (state === ConnectionState.closing) {
      this.#closeWhenDone(connection);
      return;
    }
    if (state === ConnectionState.ready) this.#ready.add(connection);
    else if (state === ConnectionState.refused) this.#refused.add(connection);
    else if (state === ConnectionState.crowded) this.#parts.uploads.wait(connection);
    else if (state === ConnectionState.quiet) this.#quiet.add(connection);
    this.#pauseWhenFull(connection);
  }

  /** Its one way into another state: where -vvv looks. */
  #become(connection: Connection, event: Step | Event): void {
    const { state } = connection;
    connection.become(event);
    const { descriptor, events, verbose } = this.#parts;
    if (events.isWatched()) verbose.became(descriptor(connection.slot), state, connection.state);
  }

  /** What it waited for is there. */
  #wake(connection: Connection, event: Event): void {
    this.#become(connection, event);
    this.#ready.add(connection);
  }

  /** Wakes those on the list that still are in that state. */
  #wakeAll(list: ConnectionList, state: ConnectionState, event: Event): void {
    for (let at = 0; at < list.count; at++) {
      const connection = list.at(at);
      if (connection.state === state) this.#wake(connection, event);
    }
    list.clear();
  }

  /** Has those ask for room again whose shard has given some back. */
  #askAgain(uploads: UploadQueue, ready: ConnectionList): void {
    const first = ready.count;
    uploads.takeReady(ready);
    for (let at = first; at < ready.count; at++) this.#become(ready.at(at), Event.shardRoom);
  }

  /** All that the connection has sent to other shards is answered: its holes close. */
  #settled(connection: Connection): void {
    const output = this.#output;
    output.settle(connection);
    output.open(connection);
    output.close(connection);
    const { isBlocked, isBroken, state } = connection;
    if (isBroken) this.#close(connection);
    else if (isBlocked && takes(state, Step.noRoom)) this.#settle(connection, Step.noRoom);
    else if (takes(state, Event.settled)) this.#wake(connection, Event.settled);
    else this.#closeWhenDone(connection);
  }

  /** Nothing more is taken from it: it closes, now or when what it sent before is served. */
  #end(connection: Connection, event: Event, reason: CloseReason): void {
    if (connection.state === ConnectionState.closing) return;
    connection.isHalfClosed = true;
    connection.closeReason = reason;
    if (!takes(connection.state, event)) return;
    if (connection.wait?.source?.endless === false) return; // it ends by itself
    this.#become(connection, event);
    this.#table.setState(connection.slot, connection.state);
    this.#closeWhenDone(connection);
  }

  #pauseWhenFull(connection: Connection): void {
    if (connection.isPaused) return;
    const isCrowded = connection.state === ConnectionState.crowded;
    const bytesMax = connection.wire.keysOp === Op.none ? PAUSE_BYTES : LINE_PAUSE_BYTES;
    if (!isCrowded && connection.inEnd - connection.inStart < bytesMax) return;
    connection.isPaused = true;
    this.#parts.transport.pause(connection.slot);
  }

  /** Closes what takes no more and has nothing left to say. */
  #closeWhenDone(connection: Connection): void {
    if (connection.state !== ConnectionState.closing) return;
    if (!connection.isBlocked && connection.unsettled === 0) this.#close(connection);
  }

  #close(connection: Connection): void {
    const { descriptor, events, pendingList, router, transport, verbose, waits } = this.#parts;
    const { slot } = connection;
    this.#become(connection, Event.gone);
    if (events.isWatched()) {
      const peer = transport.peerAddress(slot);
      events.closed(peer, connection.closeReason, descriptor(slot));
      verbose.closed(peer, descriptor(slot));
    }
    this.#table.close(slot);
    this.#slots[slot] = null;
    this.#openCount--;
    this.#counters.add(Counter.connectionsClosed, 1);
    pendingList.abandon(connection);
    if (connection.wait !== null) waits.give(connection);
    router.close(connection.order);
    this.#output.release(connection);
    this.#input.release(connection);
    transport.close(slot);
  }
}
