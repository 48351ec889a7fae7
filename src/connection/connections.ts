/**
 * Connections: a thread's clients. The transport brings bytes and calls once a loop turn; replies
 * leave through it.
 *
 *   received ─▶ serve: parse ─▶ perform ─▶ output, until the input is dry, a request must wait, or -R is used up
 *   turn     ─▶ replies of other shards fill holes and wake what waited; what was put aside goes on
 *
 * Lists, emptied every turn and never longer than the connections there are:
 *   ready     to go on with in this turn: answered, drained, or put aside after -R requests
 *   refused   a ring was full: they go on as soon as a ring has moved
 *   uploads   a shard had no room for a large value: they go on when it has given some back (upload-queue.ts)
 *
 * Why a connection that waits is not paused at once: most waits end within the turn, and pausing
 * costs a system call. Its input is kept in a block, and only when that has grown to `PAUSE_BYTES`
 * the socket is left alone.
 */
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { Reply } from "../command/reply.ts";
import { Request } from "../command/request.ts";
import { NO_BLOCK } from "../memory/block-pool.ts";
import { connectionTransport } from "../memory/connection-table.ts";
import { Counter, type Counters } from "../memory/counters.ts";
import { CLOSE, type Parser } from "../protocol/protocol.ts";
import { type WireOptions, WireState } from "../protocol/wire-state.ts";
import { Order } from "../router/order.ts";
import type { ReplyHandler } from "../router/router.ts";
import type { Transport, TransportHandler } from "../transport/transport.ts";
import { BatchReader } from "./batch-reader.ts";
import { Connection, Intake, Stage, Verdict } from "./connection.ts";
import { ConnectionList } from "./connection-list.ts";
import type { ConnectionsParts } from "./connections-parts.ts";
import { Input } from "./input.ts";
import type { Intakes } from "./intake.ts";
import type { Output } from "./output.ts";
import { NO_PENDING, PendingKind, type PendingTable } from "./pending-table.ts";
import type { Performer } from "./performer.ts";
import { ROOM_POLL_MS, type UploadQueue } from "./upload-queue.ts";

/** How soon a source that had nothing (a watcher's log) is asked again. */
const SOURCE_POLL_MS = 50;
/** With this much input waiting, a connection that stands still is not read. */
const PAUSE_BYTES = 64 * 1024;

export class Connections implements TransportHandler, ReplyHandler {
  readonly #parts: ConnectionsParts;
  readonly #bytes: Uint8Array;
  readonly #input: Input;
  readonly #pendings: PendingTable;
  readonly #output: Output;
  readonly #performer: Performer;
  readonly #intakes: Intakes;
  readonly #uploads: UploadQueue;
  readonly #batches: BatchReader;
  readonly #parser: Parser;
  readonly #transport: Transport;
  readonly #counters: Counters;
  readonly #clock: Clock;
  readonly #request: Request;
  /** The request of a reply that fills a hole. */
  readonly #restored: Request;
  readonly #slots: (Connection | null)[] = [];
  #ready = new ConnectionList();
  #readyNext = new ConnectionList();
  readonly #refused = new ConnectionList();
  /** Those whose source had nothing to write. */
  #idle = new ConnectionList();
  #idleNext = new ConnectionList();
  #openCount = 0;

  constructor(parts: ConnectionsParts) {
    this.#parts = parts;
    this.#bytes = parts.arena.bytes;
    this.#input = new Input(parts.arena, parts.pool, parts.counters);
    this.#pendings = parts.pendings;
    this.#output = parts.output;
    this.#performer = parts.performer;
    this.#intakes = parts.intakes;
    this.#uploads = parts.uploads;
    this.#batches = new BatchReader(parts, this.#bytes);
    this.#parser = parts.parser;
    this.#transport = parts.transport;
    this.#counters = parts.counters;
    this.#clock = parts.clock;
    this.#request = new Request(this.#bytes);
    this.#restored = new Request(this.#bytes);
  }

  /** Connections open on this thread. */
  openCount(): number {
    return this.#openCount;
  }

  opened(slot: number, listener: number): void {
    while (this.#slots.length <= slot) this.#slots.push(null); // alloc: once per slot ever used
    assert(this.#slots[slot] === null, "a slot is opened once");
    const wire = new WireState(this.#parts.wires[listener] as WireOptions); // alloc: per connection
    this.#slots[slot] = new Connection(slot, wire, new Order(), this.#clock.now);
    this.#openCount++;
    this.#counters.add(Counter.connectionsOpened, 1);
    this.#introduce(slot, listener);
  }

  received(slot: number, bytes: Uint8Array, start: number, end: number): void {
    const connection = this.#slots[slot];
    if (connection == null) return;
    this.#parts.busyPoll.heard(slot);
    this.#counters.add(Counter.bytesRead, end - start);
    connection.activeAt = this.#clock.now;
    this.#parts.table.moved(slot, end - start, 0, 0, this.#clock.now);
    if (connection.inBlock === NO_BLOCK && this.#mayServe(connection)) {
      assert(bytes === this.#bytes, "input lies in the thread's own region");
      this.#serve(connection, start, end);
      return;
    }
    if (!this.#input.append(connection, bytes, start, end)) {
      this.#destroy(connection);
      return;
    }
    if (this.#mayServe(connection)) this.#serve(connection, connection.inStart, connection.inEnd);
    else this.#pauseWhenFull(connection);
  }

  writable(slot: number): void {
    const connection = this.#slots[slot];
    if (connection == null) return;
    if (!this.#output.drain(connection)) return;
    this.#finish(connection);
    if (this.#slots[slot] === connection) this.#list(connection);
  }

  ended(slot: number): void {
    const connection = this.#slots[slot];
    if (connection == null) return;
    connection.halfClosed = true;
    if (connection.stalled !== Verdict.done) return; // what it sent before is served first
    connection.intake = Intake.closing;
    this.#finish(connection);
  }

  /** A request for another shard was answered. */
  replied(pending: number, reply: Reply): void {
    this.#parts.observer.replied(pending);
    const slot = this.#pendings.slot(pending);
    const connection = slot < 0 ? null : this.#slots[slot];
    if (connection == null) {
      this.#pendings.give(pending);
      return;
    }
    this.#pendings.settle(pending);
    connection.unsettled--;
    if (this.#pendings.kind(pending) === PendingKind.wait) {
      connection.reply ??= new Reply(this.#bytes); // alloc: once a connection
      connection.reply.copy(reply);
      connection.waiting--;
      if (connection.waiting === 0) connection.stage = Stage.answered;
    } else {
      this.#performer.settle(pending, connection.outBlock, this.#restored, reply);
    }
    if (connection.unsettled === 0) {
      this.#output.settle(connection);
      this.#output.open(connection);
      this.#output.close(connection);
      this.#finish(connection);
    }
    if (this.#slots[slot] === connection) this.#list(connection);
  }

  /** Takes the replies of other shards: they fill holes, and wake those who wait. */
  takeReplies(): void {
    if (this.#parts.router.poll(this) > 0) this.#retryRefused();
  }

  /** Goes on with every connection that can. */
  goOn(): void {
    if (this.#idle.count > 0) this.#askSources();
    if (this.#uploads.count > 0) this.#uploads.takeReady(this.#ready);
    const ready = this.#ready;
    this.#ready = this.#readyNext;
    this.#readyNext = ready;
    for (let at = 0; at < ready.count; at++) {
      const connection = ready.at(at);
      connection.listed = false;
      if (this.#slots[connection.slot] !== connection || !this.#mayServe(connection)) continue;
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
    if (this.#uploads.count > 0) return ROOM_POLL_MS;
    return this.#idle.count > 0 ? SOURCE_POLL_MS : Number.POSITIVE_INFINITY;
  }

  /** Closes every connection once its replies have left; no more is read from them. */
  drain(): void {
    for (const connection of this.#slots) {
      if (connection === null) continue;
      connection.intake = Intake.closing;
      this.#finish(connection);
    }
  }

  /** Serves what lies in [start, end): of the receive buffer, or of the connection's own block. */
  #serve(connection: Connection, start: number, end: number): void {
    const request = this.#request;
    const output = this.#output;
    let at = start;
    let budget = this.#parts.requestsPerEvent;
    connection.stalled = Verdict.done;
    output.open(connection);
    while (true) {
      if (connection.source !== null) {
        if (this.#intakes.pump(connection)) continue;
        if (connection.stalled === Verdict.done) this.#idle.add(connection);
        break;
      }
      if (connection.intake !== Intake.requests) {
        const taken = this.#intakes.takeIn(connection, request, at, end);
        at += taken;
        if (
          connection.stalled !== Verdict.done ||
          (connection.intake as Intake) !== Intake.requests
        )
          break;
        continue;
      }
      if (at === end) break;
      if (budget === 0) {
        this.#counters.add(Counter.connYields, 1);
        connection.stalled = Verdict.yielded;
        break;
      }
      const batched = this.#batches.serve(connection, at, end, budget);
      if (batched > 0) {
        at += batched;
        budget -= this.#batches.served;
        continue;
      }
      const keysOp = connection.wire.keysOp;
      const consumed = this.#parser.parse(connection.wire, request, this.#bytes, at, end);
      if (consumed === 0) break;
      if (consumed === CLOSE) {
        connection.intake = Intake.closing;
        break;
      }
      const verdict = this.#performer.perform(connection, request);
      if (verdict !== Verdict.done) {
        connection.wire.keysOp = keysOp;
        connection.stalled = verdict;
        break;
      }
      at += consumed;
      if (request.lastKey) budget--; // a line of many keys is one request
      if (request.closeAfter && connection.intake === Intake.requests) {
        connection.intake = Intake.closing;
        break;
      }
    }
    if (connection.halfClosed && connection.stalled === Verdict.done) {
      connection.intake = Intake.closing;
    }
    if (connection.intake === Intake.closing) at = end;
    const served = this.#parts.requestsPerEvent - budget;
    this.#parts.table.moved(connection.slot, 0, output.position(), served, this.#clock.now);
    const kept = this.#input.keep(connection, at, end);
    output.close(connection);
    if (!kept) connection.dead = true;
    this.#finish(connection);
    if (connection.stalled !== Verdict.done) this.#standStill(connection);
    else if (connection.paused && this.#slots[connection.slot] === connection)
      this.#resume(connection);
  }

  /** Notes who has come, for `stats conns` and for watchers. */
  #introduce(slot: number, listener: number): void {
    const { table, descriptor, events } = this.#parts;
    const peer = this.#transport.peerAddress(slot);
    const address = peer.slice(peer.indexOf(":") + 1);
    const kind = connectionTransport(peer);
    table.open(slot, descriptor(slot), kind, listener, address, this.#clock.now);
    if (events.isWatched()) events.opened(peer, descriptor(slot));
  }

  #askSources(): void {
    const idle = this.#idle;
    this.#idle = this.#idleNext;
    this.#idleNext = idle;
    for (let at = 0; at < idle.count; at++) {
      const connection = idle.at(at);
      if (this.#slots[connection.slot] === connection) this.#list(connection);
    }
    idle.clear();
  }

  /** True when requests of the connection may be parsed now. */
  #mayServe(connection: Connection): boolean {
    return !connection.listed && !connection.blocked && connection.stage !== Stage.waiting;
  }

  #standStill(connection: Connection): void {
    if (this.#slots[connection.slot] !== connection) return;
    if (connection.stalled === Verdict.yielded) this.#list(connection);
    else if (connection.stalled === Verdict.full || connection.stalled === Verdict.crowded) {
      if (!connection.listed) {
        connection.listed = true;
        if (connection.stalled === Verdict.full) this.#refused.add(connection);
        else this.#uploads.wait(connection);
      }
    }
    this.#pauseWhenFull(connection);
  }

  /** Puts it on the list of those to go on with. */
  #list(connection: Connection): void {
    if (connection.listed || !this.#mayServe(connection)) return;
    connection.listed = true;
    this.#ready.add(connection);
  }

  #retryRefused(): void {
    const refused = this.#refused;
    for (let at = 0; at < refused.count; at++) this.#ready.add(refused.at(at));
    refused.clear();
  }

  #pauseWhenFull(connection: Connection): void {
    if (connection.paused) return;
    const crowded = connection.stalled === Verdict.crowded;
    if (!crowded && connection.inEnd - connection.inStart < PAUSE_BYTES) return;
    connection.paused = true;
    this.#transport.pause(connection.slot);
  }

  #resume(connection: Connection): void {
    connection.paused = false;
    this.#transport.resume(connection.slot);
  }

  /** Closes what has nothing left to do. */
  #finish(connection: Connection): void {
    if (connection.dead) {
      this.#destroy(connection);
      return;
    }
    if (connection.intake !== Intake.closing) return;
    if (connection.blocked || connection.unsettled > 0) return;
    if (connection.source !== null && !connection.source.endless) return;
    this.#destroy(connection);
  }

  #destroy(connection: Connection): void {
    if (this.#slots[connection.slot] !== connection) return;
    const { table, events, descriptor } = this.#parts;
    if (events.isWatched()) {
      const peer = this.#transport.peerAddress(connection.slot);
      const reason = connection.dead ? "error" : "normal";
      events.closed(peer, reason, descriptor(connection.slot));
    }
    table.close(connection.slot);
    this.#slots[connection.slot] = null;
    this.#openCount--;
    this.#counters.add(Counter.connectionsClosed, 1);
    let pending = connection.pendingFirst;
    while (pending !== NO_PENDING) {
      const next = this.#pendings.next(pending);
      if (this.#pendings.isSettled(pending)) this.#pendings.give(pending);
      else this.#pendings.orphan(pending);
      pending = next;
    }
    this.#intakes.abandon(connection);
    this.#parts.router.close(connection.order);
    this.#output.release(connection);
    this.#input.release(connection);
    this.#transport.close(connection.slot);
  }

  /** Once a second: closes who has been idle for too long. */
  second(): void {
    const { idleSeconds } = this.#parts;
    if (idleSeconds === 0) return;
    for (const connection of this.#slots) {
      if (connection === null || this.#clock.now - connection.activeAt <= idleSeconds) continue;
      this.#counters.add(Counter.idleKicks, 1);
      this.#destroy(connection);
    }
  }
}
