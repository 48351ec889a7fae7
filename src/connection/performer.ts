/**
 * Performer: does what one request asks, and writes its reply, or says why the connection must
 * stand still.
 *
 *   get         found and copied at once                              (a large value: bulk.ts)
 *   mutation    own shard: done and answered; another: sent, and a hole left in the output
 *   fetch       own shard: as a get; another: sent, waited for, then the value is read under the CAS the owner told
 *   the rest    session-commands.ts
 *
 * A request that is not done is parsed and performed again later, from the same bytes; so nothing
 * here may have happened by halves when the verdict is not `done`, and what must not happen twice
 * is behind `connection.stage`.
 */
import { assert } from "../base/assert.ts";
import { OP_MUTATION_MAX, Op } from "../command/op.ts";
import { ItemMark, Reply } from "../command/reply.ts";
import type { Dialect, Request } from "../command/request.ts";
import { Status, WireError } from "../command/status.ts";
import { Counter, type Counters } from "../memory/counters.ts";
import type { Encoder } from "../protocol/protocol.ts";
import { Outcome } from "../router/outcome.ts";
import type { Router } from "../router/router.ts";
import { NO_VALUE, type Observer } from "../stats/observer.ts";
import { mayWin } from "../store/store-reader.ts";
import { Awaited, type Connection, Stage, Verdict } from "./connection.ts";
import { countOutcome } from "./count.ts";
import type { EventLog } from "./event-log.ts";
import { FetchEndings } from "./fetch-endings.ts";
import type { Output } from "./output.ts";
import {
  NO_PENDING,
  PENDING_PER_CONNECTION_MAX,
  PendingKind,
  type PendingTable,
} from "./pending-table.ts";
import type { SessionExtension } from "./session-extension.ts";

export interface PerformerParts {
  readonly router: Router;
  readonly output: Output;
  readonly pendings: PendingTable;
  readonly counters: Counters;
  readonly observer: Observer;
  readonly encoder: Encoder;
  readonly events: EventLog;
  /** What watchers are shown as a connection's descriptor. */
  readonly descriptor: (slot: number) => number;
  /** The longest value that is copied into the output: larger ones are leased. */
  readonly copyBytesMax: number;
}

/** Values too large to copy whole (bulk.ts). */
export interface Bulk {
  performGet(connection: Connection, request: Request): Verdict;
  performFetched(connection: Connection, request: Request, described: Reply): Verdict;
  performStore(connection: Connection, request: Request): Verdict;
  sendLeased(connection: Connection, request: Request, leased: Reply): Verdict;
}

export class Performer {
  readonly #router: Router;
  readonly #output: Output;
  readonly #pendings: PendingTable;
  readonly #counters: Counters;
  readonly #observer: Observer;
  readonly #encoder: Encoder;
  readonly #events: EventLog;
  readonly #descriptor: (slot: number) => number;
  #bulk: Bulk | null = null;
  #session: SessionExtension | null = null;
  readonly #copyBytesMax: number;
  /** Fetches that end their item on another shard. */
  readonly endings: FetchEndings;
  /** Filled by whatever was asked last on this thread. */
  readonly scratchReply: Reply;

  constructor(parts: PerformerParts) {
    this.#router = parts.router;
    this.#output = parts.output;
    this.#pendings = parts.pendings;
    this.#counters = parts.counters;
    this.#observer = parts.observer;
    this.#encoder = parts.encoder;
    this.#events = parts.events;
    this.#descriptor = parts.descriptor;
    this.#copyBytesMax = parts.copyBytesMax;
    this.endings = new FetchEndings(this, parts);
    this.scratchReply = new Reply(parts.output.bytes);
  }

  /** Names who does what is not done here. Once, before the first request. */
  attach(bulk: Bulk, session: SessionExtension): void {
    this.#bulk = bulk;
    this.#session = session;
  }

  /**
   * Does what `request` asks. Anything but `done`: nothing has happened, call again when the
   * verdict says.
   */
  perform(connection: Connection, request: Request): Verdict {
    const op = request.op;
    if (op === Op.get || op === Op.inspect) return this.#read(connection, request);
    if (op >= OP_MUTATION_MAX) {
      return (this.#session as SessionExtension).perform(connection, request);
    }
    this.#router.hash(request);
    if (request.error !== WireError.none) return this.#mutateSilently(connection, request);
    if (request.streamed) return (this.#bulk as Bulk).performStore(connection, request);
    if (op === Op.fetch) return this.#fetch(connection, request);
    return this.#mutate(connection, request);
  }

  /** A reply to a request that left a hole, or none: counts it, and fills the hole. */
  settle(pending: number, base: number, request: Request, reply: Reply): void {
    const encoder = this.#encoder;
    const slot = this.#pendings.slot(pending);
    if (this.#pendings.kind(pending) === PendingKind.silent) {
      this.#pendings.describe(pending, request);
      countOutcome(this.#counters, request, reply);
      this.#show(pending, slot, request, reply);
      return;
    }
    const hole = base + this.#pendings.holeAt(pending);
    const bytes = this.#output.bytes;
    encoder.restore(request, bytes, hole);
    countOutcome(this.#counters, request, reply);
    this.#pendings.fill(pending, encoder.encode(request, reply, bytes, hole) - hole);
    this.#show(pending, slot, request, reply);
  }

  /** Writes the reply of a request that is done; room for it was reserved. */
  answer(request: Request, reply: Reply): void {
    countOutcome(this.#counters, request, reply);
    this.#output.at = this.#encoder.encode(request, reply, this.#output.bytes, this.#output.at);
  }

  /** Shows a request that was answered elsewhere to watchers. */
  #show(pending: number, slot: number, request: Request, reply: Reply): void {
    if (!this.#events.isWatched()) return;
    this.#pendings.takeKey(pending, request);
    this.#events.outcome(request, reply, this.#descriptor(slot));
  }

  /**
   * Shows a request that was answered here to those who look: samplers, watchers, `stats detail`.
   * `readBytes`: of a read, the value it sends, or NO_VALUE.
   */
  look(slot: number, request: Request, reply: Reply, missed: boolean, readBytes: number): void {
    const observer = this.#observer;
    if (observer.due()) observer.sampled(request, missed, readBytes);
    if (observer.detailEnabled()) observer.detail(request, !missed);
    if (this.#events.isWatched()) this.#events.outcome(request, reply, this.#descriptor(slot));
  }

  /** The same of a store whose value is on its way, to samplers and `stats detail`. */
  lookAtUpload(request: Request): void {
    if (this.#observer.due()) this.#observer.uploading(request);
    if (this.#observer.detailEnabled()) this.#observer.detail(request, false);
  }

  /** Counts what was refused before it reached a shard, and shows it to watchers. */
  refused(slot: number, request: Request): void {
    const error = request.error;
    if (error === WireError.tooLarge) {
      this.#counters.add(Counter.storeTooLarge, 1);
      if (this.#events.isWatched()) this.#events.tooLarge(request, this.#descriptor(slot));
    } else if (error === WireError.badDataChunk) this.#counters.add(Counter.cmdSet, 1);
    else if (error === WireError.flushNotAllowed || error === WireError.invalidFlushDelay) {
      this.#counters.add(Counter.cmdFlush, 1);
    }
  }

  /** Puts a request that was sent on the connection's list. */
  append(connection: Connection, pending: number): void {
    if (connection.pendingFirst === NO_PENDING) connection.pendingFirst = pending;
    else this.#pendings.setNext(connection.pendingLast, pending);
    connection.pendingLast = pending;
    connection.pendingCount++;
    connection.unsettled++;
  }

  /** A token for a request that the connection would stand still for. NO_PENDING: not now. */
  waitToken(connection: Connection, dialect: Dialect): number {
    if (connection.pendingCount >= PENDING_PER_CONNECTION_MAX) return NO_PENDING;
    return this.#pendings.take(connection.slot, PendingKind.wait, dialect);
  }

  /**
   * Turns what the router said of a request sent with a token of `waitToken` into a verdict. On
   * `done`, hit and miss the token was not needed.
   */
  waitVerdict(connection: Connection, outcome: Outcome, token: number, awaited: Awaited): Verdict {
    if (outcome === Outcome.sent) {
      this.append(connection, token);
      connection.stage = Stage.waiting;
      connection.awaited = awaited;
      connection.waiting = 1;
      return Verdict.wait;
    }
    this.#pendings.give(token);
    if (outcome === Outcome.full) return Verdict.full;
    if (outcome === Outcome.busy) return Verdict.busy;
    return Verdict.done;
  }

  /**
   * The reply waited for, once: the stage is fresh again. Null when none has come, or one for
   * something else.
   */
  takeReply(connection: Connection, awaited: Awaited): Reply | null {
    if (connection.stage !== Stage.answered || connection.awaited !== awaited) return null;
    connection.stage = Stage.fresh;
    return connection.reply;
  }

  #read(connection: Connection, request: Request): Verdict {
    const router = this.#router;
    const reply = this.scratchReply;
    const output = this.#output;
    const encoder = this.#encoder;
    if (connection.stage === Stage.answered && connection.awaited === Awaited.lease) {
      return (this.#bulk as Bulk).performGet(connection, request);
    }
    router.hash(request);
    if (connection.stage === Stage.answered && connection.awaited === Awaited.fetch) {
      // The read turned out to be a fetch, which has been done: this is its answer.
      request.op = Op.fetch;
      return this.#fetch(connection, request);
    }
    connection.stage = Stage.fresh;
    const token = this.#pendings.peek();
    while (true) {
      const outcome = router.read(request, reply, connection.order, token);
      if (outcome !== Outcome.hit && outcome !== Outcome.miss) {
        if (token === NO_PENDING) return Verdict.full;
        const taken = this.waitToken(connection, request.dialect);
        return this.waitVerdict(connection, outcome, taken, Awaited.fence);
      }
      reply.status = outcome === Outcome.hit ? Status.hit : Status.miss;
      if (outcome === Outcome.hit && request.op === Op.get && mayWin(request, reply)) {
        request.op = Op.fetch;
        return this.#fetch(connection, request);
      }
      const carries = encoder.carriesValue(request, reply);
      if (carries && (reply.marks & ItemMark.large) !== 0) {
        connection.fetchedBefore = (reply.marks & ItemMark.fetched) !== 0;
        return (this.#bulk as Bulk).performGet(connection, request);
      }
      const room = encoder.bound(request) + (carries ? reply.valueBytes : 0);
      if (!output.reserve(connection, room)) return Verdict.blocked;
      const end = carries
        ? output.writeHit(request, reply, encoder)
        : encoder.encode(request, reply, output.bytes, output.at);
      if (!router.confirm()) continue;
      output.at = end;
      countOutcome(this.#counters, request, reply);
      const readBytes = carries ? reply.valueBytes : NO_VALUE;
      this.look(connection.slot, request, reply, outcome === Outcome.miss, readBytes);
      return Verdict.done;
    }
  }

  #mutate(connection: Connection, request: Request): Verdict {
    const output = this.#output;
    const reply = this.scratchReply;
    if (connection.pendingCount >= PENDING_PER_CONNECTION_MAX) return Verdict.busy;
    const room = this.#encoder.bound(request);
    if (!output.reserve(connection, room)) return Verdict.blocked;
    const token = this.#pendings.peek();
    if (token === NO_PENDING) return Verdict.full;
    const outcome = this.#router.mutate(request, reply, connection.order, token);
    if (outcome === Outcome.full) return Verdict.full;
    if (outcome === Outcome.done) {
      this.answer(request, reply);
      this.look(connection.slot, request, reply, isMiss(reply.status), NO_VALUE);
      return Verdict.done;
    }
    assert(outcome === Outcome.sent, "a mutation is done, sent or refused");
    if (this.#observer.due()) this.#observer.sent(request, token);
    if (this.#observer.detailEnabled()) this.#observer.detail(request, false);
    this.#leaveHole(connection, request, room);
    return Verdict.done;
  }

  /**
   * The wire was wrong, but something must be done all the same: a set that is too large removes
   * the old item.
   */
  #mutateSilently(connection: Connection, request: Request): Verdict {
    if (connection.pendingCount >= PENDING_PER_CONNECTION_MAX) return Verdict.busy;
    if (!this.#output.reserve(connection, this.#encoder.bound(request))) return Verdict.blocked;
    const token = this.#pendings.peek();
    if (token === NO_PENDING) return Verdict.full;
    const outcome = this.#router.mutate(request, this.scratchReply, connection.order, token);
    if (outcome === Outcome.full) return Verdict.full;
    request.op = Op.error;
    if (outcome === Outcome.sent) this.#leaveSilence(connection, request);
    return (this.#session as SessionExtension).perform(connection, request);
  }

  #leaveHole(connection: Connection, request: Request, room: number): void {
    if (request.noreply) {
      this.#leaveSilence(connection, request);
      return;
    }
    const output = this.#output;
    const pending = this.#pendings.take(connection.slot, PendingKind.hole, request.dialect);
    this.#encoder.save(request, output.bytes, output.at);
    this.#pendings.setHole(pending, output.position(), room);
    output.at += room;
    connection.holes++;
    if (this.#events.isWatched()) this.#pendings.keepKey(pending, request);
    this.append(connection, pending);
  }

  #leaveSilence(connection: Connection, request: Request): void {
    const pending = this.#pendings.take(connection.slot, PendingKind.silent, request.dialect);
    this.#pendings.note(pending, request);
    if (this.#events.isWatched()) this.#pendings.keepKey(pending, request);
    this.append(connection, pending);
  }

  /**
   * A read with effects. Its owner does the effects and describes the item; the value is copied
   * here, under the CAS it was described with. When the value has changed in between, the whole is
   * done again.
   */
  #fetch(connection: Connection, request: Request): Verdict {
    const reply = this.scratchReply;
    if (connection.stage === Stage.answered && connection.awaited === Awaited.lease) {
      return (this.#bulk as Bulk).performGet(connection, request);
    }
    // Room first: a fetch must not happen twice because its value found none.
    const room = this.#encoder.bound(request) + this.#copyBytesMax;
    if (!this.#output.reserve(connection, room)) return Verdict.blocked;
    let described: Reply | null = null;
    if (connection.stage === Stage.answered && connection.awaited === Awaited.fetch) {
      connection.stage = Stage.fresh;
      described = connection.reply;
    }
    while (true) {
      if (described !== null && !this.endings.tryKeep(connection, request, described)) {
        if (this.#writeFetched(connection.slot, request, described, true)) return Verdict.done;
        if ((described.marks & ItemMark.large) !== 0) {
          return (this.#bulk as Bulk).performFetched(connection, request, described);
        }
      }
      const kept = connection.kept;
      if (kept !== null) {
        const verdict = this.endings.resume(connection, request, kept);
        if (verdict !== Verdict.done) return verdict;
        if (this.endings.ended) return this.#writeKept(connection, request, kept);
      }
      const token = this.waitToken(connection, request.dialect);
      if (token === NO_PENDING) return Verdict.full;
      const outcome = this.#router.mutate(request, reply, connection.order, token);
      const verdict = this.waitVerdict(connection, outcome, token, Awaited.fetch);
      if (verdict !== Verdict.done) return verdict;
      if (outcome === Outcome.described) {
        described = reply;
        continue;
      }
      if (this.#writeFetched(connection.slot, request, reply, false)) return Verdict.done;
      return (this.#bulk as Bulk).performFetched(connection, request, reply);
    }
  }

  /** Writes the reply of a fetch that has ended its item. */
  #writeKept(connection: Connection, request: Request, kept: Reply): Verdict {
    if ((kept.marks & ItemMark.large) !== 0 && this.#encoder.carriesValue(request, kept)) {
      return (this.#bulk as Bulk).sendLeased(connection, request, kept);
    }
    this.#writeFetched(connection.slot, request, kept, false);
    return Verdict.done;
  }

  /** Writes the reply of a fetch. False: the value is large, or no longer the one described. */
  #writeFetched(slot: number, request: Request, reply: Reply, remote: boolean): boolean {
    const encoder = this.#encoder;
    if (!encoder.carriesValue(request, reply)) {
      this.answer(request, reply);
      this.look(slot, request, reply, isMiss(reply.status), NO_VALUE);
      return true;
    }
    if ((reply.marks & ItemMark.large) !== 0) return false;
    while (true) {
      const apart = remote && reply.valueBytes > 0;
      if (apart && this.#router.readFetched(request, reply) !== Outcome.hit) return false;
      const end = this.#output.writeHit(request, reply, encoder);
      if (apart && !this.#router.confirm()) continue;
      this.#output.at = end;
      countOutcome(this.#counters, request, reply);
      this.look(slot, request, reply, false, reply.valueBytes);
      return true;
    }
  }
}

function isMiss(status: Status): boolean {
  return status === Status.notFound || status === Status.miss;
}
