/**
 * Bulk: values too large to be copied whole, or to fit one record of a ring.
 *
 *   store   uploadBegin ─▶ the bytes as they come (intake.ts) ─▶ uploadEnd, and only then the key changes
 *             └─▶ no room yet: the connection waits for it (upload-queue.ts)
 *   get     lease ─▶ head, then the value piece by piece (LargeValueSource), tail ─▶ let go
 *   fetch   as a get; when the leased value is not the one the owner described, the fetch is done again
 *
 * Why a lease: a gigabyte takes seconds to send, and the item may be replaced or evicted meanwhile.
 * Its owner keeps the memory until the lease is let go, and the key is free to change.
 */
import { ItemMark, Reply } from "../command/reply.ts";
import { Mark, type Request } from "../command/request.ts";
import { Status, WireError } from "../command/status.ts";
import type { Counters } from "../memory/counters.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import type { Encoder } from "../protocol/protocol.ts";
import type { Router } from "../router/router.ts";
import { LeasedValue } from "../store/leased-value.ts";
import { Awaited, type Connection, Stage, Verdict } from "./connection.ts";
import { countOutcome } from "./count.ts";
import { type Intakes, uploadError } from "./intake.ts";
import { LargeValueSource } from "./large-value-source.ts";
import type { Output } from "./output.ts";
import { NO_PENDING } from "./pending-table.ts";
import type { Bulk, Performer } from "./performer.ts";
import type { UploadQueue } from "./upload-queue.ts";

export interface BulkParts {
  readonly router: Router;
  readonly output: Output;
  readonly performer: Performer;
  readonly intakes: Intakes;
  readonly uploads: UploadQueue;
  readonly encoder: Encoder;
  readonly counters: Counters;
  /** By shard. */
  readonly shards: readonly ShardMemory[];
}

export class BulkCommands implements Bulk {
  readonly #parts: BulkParts;
  readonly #router: Router;
  readonly #output: Output;
  readonly #performer: Performer;
  readonly #reply: Reply;

  constructor(parts: BulkParts) {
    this.#parts = parts;
    this.#router = parts.router;
    this.#output = parts.output;
    this.#performer = parts.performer;
    this.#reply = new Reply(parts.output.bytes);
  }

  /** A store whose value follows on the wire: makes room for it at its owner. */
  performStore(connection: Connection, request: Request): Verdict {
    const { intakes, uploads } = this.#parts;
    const awaited = Awaited.uploadBegin;
    let reply = this.#performer.takeReply(connection, awaited);
    if (reply?.status === Status.noRoomYet && uploads.hasPlace()) return Verdict.crowded;
    if (reply === null || reply.status === Status.noRoomYet) {
      const token = this.#performer.waitToken(connection, request.dialect);
      if (token === NO_PENDING) return Verdict.full;
      reply = this.#reply;
      if (uploads.mayWait(connection, this.#router.shardOf(request))) request.marks |= Mark.mayWait;
      const outcome = this.#router.uploadBegin(request, reply, connection.order, token);
      const verdict = this.#performer.waitVerdict(connection, outcome, token, awaited);
      if (verdict !== Verdict.done) return verdict;
      if (reply.status === Status.noRoomYet) return Verdict.crowded;
    }
    uploads.settled(connection);
    if (reply.status === Status.ok) {
      this.#performer.lookAtUpload(request);
      if (!intakes.upload(connection, request, reply.handle)) connection.dead = true;
      return Verdict.done;
    }
    countOutcome(this.#parts.counters, request, reply);
    const bytes = request.valueBytes + request.bodyTailBytes;
    if (!intakes.swallow(connection, request, bytes, uploadError(reply.status))) {
      connection.dead = true;
    }
    return Verdict.done;
  }

  /** A read that found a large value: takes a lease, then lets a source send it. */
  performGet(connection: Connection, request: Request): Verdict {
    const { encoder } = this.#parts;
    if (!this.#output.reserve(connection, encoder.bound(request))) return Verdict.blocked;
    let reply = this.#performer.takeReply(connection, Awaited.lease);
    if (reply === null) {
      const token = this.#performer.waitToken(connection, request.dialect);
      if (token === NO_PENDING) return Verdict.full;
      reply = this.#reply;
      const outcome = this.#router.lease(request, reply, connection.order, token);
      const verdict = this.#performer.waitVerdict(connection, outcome, token, Awaited.lease);
      if (verdict !== Verdict.done) return verdict;
    }
    if (reply.status !== Status.hit || (reply.marks & ItemMark.large) === 0) {
      // Gone, replaced by a small one, or no lease to be had: the read begins anew, unless it never
      // ends.
      return this.#withoutLease(connection, request, reply);
    }
    const fetched = connection.fetched;
    // The lease was described after this very read: whether it was the first (h) is known from
    // before.
    reply.marks &= ~ItemMark.fetched;
    if (fetched === null) {
      if (connection.fetchedBefore) reply.marks |= ItemMark.fetched;
    } else {
      connection.fetched = null;
      if (fetched.casLow !== reply.casLow || fetched.casHigh !== reply.casHigh) {
        this.#router.letGo(reply.handle);
        connection.stage = Stage.fresh;
        return this.#performer.perform(connection, request);
      }
      reply.marks |= fetched.marks;
      reply.accessed = fetched.accessed;
      reply.exptime = fetched.exptime;
      if ((fetched.marks & ItemMark.expiring) !== 0) {
        return this.#endFetch(connection, request, reply);
      }
    }
    return this.sendLeased(connection, request, reply);
  }

  /** The fetch ends its item, whose value is leased now. */
  #endFetch(connection: Connection, request: Request, leased: Reply): Verdict {
    const { endings } = this.#performer;
    const kept = new Reply(this.#output.bytes);
    kept.copy(leased);
    connection.kept = kept;
    const verdict = endings.resume(connection, request, kept);
    if (verdict !== Verdict.done) return verdict;
    if (endings.ended) return this.sendLeased(connection, request, kept);
    return this.#performer.perform(connection, request);
  }

  /** Answers with the large value `reply` has a lease on; room for its head was reserved. */
  sendLeased(connection: Connection, request: Request, reply: Reply): Verdict {
    const { encoder, shards } = this.#parts;
    countOutcome(this.#parts.counters, request, reply);
    this.#performer.look(connection.slot, request, reply, false, reply.valueBytes);
    const output = this.#output;
    output.at = encoder.encodeHead(request, reply, output.bytes, output.at);
    const shard = shards[this.#router.ticketShard(reply.handle)] as ShardMemory;
    const handle = this.#router.ticketHandle(reply.handle);
    const tail = new Uint8Array(encoder.bound(request));
    connection.source = new LargeValueSource(
      this.#router,
      reply.handle,
      new LeasedValue(shard, handle, reply.valueBytes),
      tail.subarray(0, encoder.encodeTail(request, tail, 0)),
    );
    return Verdict.done;
  }

  /**
   * A fetch whose value is large: as `performGet`, but it must be the value `described` speaks of.
   */
  performFetched(connection: Connection, request: Request, described: Reply): Verdict {
    connection.fetched = new Reply(this.#output.bytes);
    connection.fetched.copy(described);
    connection.stage = Stage.fresh;
    return this.performGet(connection, request);
  }

  #withoutLease(connection: Connection, request: Request, reply: Reply): Verdict {
    const { encoder } = this.#parts;
    connection.fetched = null;
    if (reply.status === Status.miss || reply.status === Status.notFound) {
      reply.status = Status.miss;
      this.#performer.answer(request, reply);
      return Verdict.done;
    }
    if (reply.status === Status.outOfMemory || reply.status === Status.ownerLost) {
      const lost = reply.status === Status.ownerLost;
      const error = lost ? WireError.ownerLost : WireError.outOfMemoryWriting;
      const output = this.#output;
      output.at = encoder.encodeError(request, error, output.bytes, output.at);
      return Verdict.done;
    }
    return this.#performer.perform(connection, request);
  }
}
