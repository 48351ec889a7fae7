/**
 * Replies: writes what a request is answered, and shows it to those who count, sample and watch.
 */
import { Op } from "../command/op.ts";
import type { Reply } from "../command/reply.ts";
import type { Request } from "../command/request.ts";
import { Status, WireError } from "../command/status.ts";
import { Counter, type Counters } from "../memory/counters.ts";
import type { Encoder } from "../protocol/protocol.ts";
import { NO_VALUE, type Observer } from "../stats/observer.ts";
import { countOutcome } from "./count.ts";
import type { EventLog } from "./event-log.ts";
import type { Output } from "./output.ts";
import { PendingKind, type PendingTable } from "./pending-table.ts";
import type { VerboseLog } from "./verbose-log.ts";

/** Who looks at what is answered. */
export interface Lookers {
  readonly counters: Counters;
  readonly observer: Pick<
    Observer,
    "due" | "sampled" | "sent" | "uploading" | "detailEnabled" | "detail"
  >;
  readonly events: Pick<EventLog, "isWatched" | "outcome" | "tooLarge">;
  readonly verbose: Pick<VerboseLog, "answered" | "refused" | "said">;
  /** What watchers are shown as a connection's descriptor. */
  readonly descriptor: (slot: number) => number;
}

export class Replies {
  readonly encoder: Encoder;
  readonly #output: Output;
  readonly #pendings: PendingTable;
  readonly #counters: Counters;
  readonly #observer: Lookers["observer"];
  readonly #events: Lookers["events"];
  readonly #verbose: Lookers["verbose"];
  readonly #descriptor: Lookers["descriptor"];

  constructor(encoder: Encoder, output: Output, pendings: PendingTable, lookers: Lookers) {
    this.encoder = encoder;
    this.#output = output;
    this.#pendings = pendings;
    this.#counters = lookers.counters;
    this.#observer = lookers.observer;
    this.#events = lookers.events;
    this.#verbose = lookers.verbose;
    this.#descriptor = lookers.descriptor;
  }

  /** Writes a reply without a value, of a request no observer sees; room for it was reserved. */
  write(request: Request, reply: Reply): void {
    this.#write(request, reply);
    if (this.#events.isWatched()) this.#verbose.answered(request, reply);
  }

  /** The same, of a request of which the reply needs what was `saved`; the rest is lost. */
  writeSaved(request: Request, saved: Uint8Array, reply: Reply): void {
    const output = this.#output;
    this.count(request, reply); // before what was not saved is gone
    this.encoder.restore(request, saved, 0);
    output.at = this.encoder.encode(request, reply, output.bytes, output.at);
    if (this.#events.isWatched()) this.#verbose.answered(request, reply);
  }

  /** As `write`, of a request for one key: observers see it. */
  answer(slot: number, request: Request, reply: Reply): void {
    this.#write(request, reply);
    const missed = reply.status === Status.notFound || reply.status === Status.miss;
    this.look(slot, request, reply, missed, NO_VALUE);
  }

  writeError(request: Request, error: WireError): void {
    const output = this.#output;
    output.at = this.encoder.encodeError(request, error, output.bytes, output.at);
    if (this.#events.isWatched()) this.#verbose.refused(request, error);
  }

  /** Goes on behind a reply of another's making, which ends at `end`. */
  said(request: Request, end: number): void {
    const output = this.#output;
    if (this.#events.isWatched()) this.#verbose.said(request, output.bytes, output.at, end);
    output.at = end;
  }

  count(request: Request, reply: Reply): void {
    countOutcome(this.#counters, request, reply);
  }

  /** Counts what was refused before it reached a shard, and shows it to watchers. */
  refused(slot: number, request: Request): void {
    const { error } = request;
    if (error === WireError.tooLarge) {
      this.#counters.add(Counter.storeTooLarge, 1);
      if (this.#events.isWatched()) this.#events.tooLarge(request, this.#descriptor(slot));
    } else if (error === WireError.badDataChunk) this.#counters.add(Counter.cmdSet, 1);
    else if (error === WireError.flushNotAllowed || error === WireError.invalidFlushDelay) {
      this.#counters.add(Counter.cmdFlush, 1);
    }
  }

  /**
   * The reply to a request that left a hole, or none: counts it, and fills the hole. `base`: where
   * the connection's output begins.
   */
  fill(pending: number, base: number, request: Request, reply: Reply): void {
    const pendings = this.#pendings;
    if (pendings.kind(pending) === PendingKind.silent) {
      pendings.describe(pending, request);
      this.count(request, reply);
    } else {
      const hole = base + pendings.holeAt(pending);
      const bytes = this.#output.bytes;
      this.encoder.restore(request, bytes, hole);
      this.count(request, reply);
      pendings.fill(pending, this.encoder.encode(request, reply, bytes, hole) - hole);
    }
    if (this.#events.isWatched()) this.#showFilled(pending, request, reply);
  }

  /**
   * Shows a request that was answered here to those who look: samplers, watchers, `stats detail`.
   * `readBytes`: of a read, the value it sends, or NO_VALUE.
   */
  look(slot: number, request: Request, reply: Reply, missed: boolean, readBytes: number): void {
    const observer = this.#observer;
    if (observer.due()) observer.sampled(request, missed, readBytes);
    if (observer.detailEnabled()) observer.detail(request, !missed);
    if (this.#events.isWatched()) this.#show(slot, request, reply);
  }

  /** The same of a request that was sent to another shard under `token`. */
  lookAtSent(request: Request, token: number): void {
    if (this.#observer.due()) this.#observer.sent(request, token);
    if (this.#observer.detailEnabled()) this.#observer.detail(request, false);
  }

  /** The same of a store whose value is on its way. */
  lookAtUpload(request: Request): void {
    if (this.#observer.due()) this.#observer.uploading(request);
    if (this.#observer.detailEnabled()) this.#observer.detail(request, false);
  }

  #write(request: Request, reply: Reply): void {
    this.count(request, reply);
    this.#output.at = this.encoder.encode(request, reply, this.#output.bytes, this.#output.at);
  }

  #show(slot: number, request: Request, reply: Reply): void {
    const descriptor = this.#descriptor(slot);
    this.#events.outcome(request, reply, descriptor);
    this.#verbose.answered(request, reply, descriptor);
  }

  /** Of a silent one, what it would have been answered; nothing of what an error has left behind. */
  #showFilled(pending: number, request: Request, reply: Reply): void {
    const pendings = this.#pendings;
    const descriptor = this.#descriptor(pendings.slot(pending));
    const isSilent = pendings.kind(pending) === PendingKind.silent;
    request.noreply = isSilent;
    if (!isSilent || request.op !== Op.error) this.#verbose.answered(request, reply, descriptor);
    pendings.takeKey(pending, request);
    this.#events.outcome(request, reply, descriptor);
  }
}
