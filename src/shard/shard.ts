/**
 * Shard: a store served from its rings. The owner's thread calls `serve` and `publish` once a loop
 * turn.
 *
 *   requester 0 ── request ring ──┐                              ┌── reply ring ──▶ requester 0
 *   requester 1 ── request ring ──┼─▶ decode ▶ store ▶ encode ───┼── reply ring ──▶ requester 1
 *   primary     ── request ring ──┘                              └── reply ring ──▶ primary
 *
 * Every record is answered, in its own slot, in order: a requester knows by counting which reply is
 * whose. A few records of one ring, then the next ring: a flood from one thread delays the others
 * by a quantum, not by a ringful.
 *
 * A mutation is visible before its reply is: the store's writes come before `publish`, and who
 * reads the reply has passed an `Atomics.load` of what `publish` stored.
 *
 * When this thread dies, its successor's `recoverLinks` finds for each link one of three states:
 *   nothing begun                          the record at `at` is executed as usual
 *   begun, its reply complete              it took effect: the reply is kept, the record is not executed again
 *   begun, its reply not complete          nobody knows: the answer is Status.ownerLost, and it is not executed again
 */
import { assert } from "../base/assert.ts";
import { OP_MUTATION_MAX, Op } from "../command/op.ts";
import { Reply } from "../command/reply.ts";
import { Request } from "../command/request.ts";
import { Status } from "../command/status.ts";
import type { Arena } from "../memory/arena.ts";
import { Counter, type Counters } from "../memory/counters.ts";
import { type LinkPlan, linkOffset } from "../ring/link-plan.ts";
import { ReplyProducer } from "../ring/reply-ring.ts";
import { NO_RECORD, RequestConsumer } from "../ring/request-ring.ts";
import type { Waker } from "../ring/wake.ts";
import { writeReply, writeStatus } from "./reply-record.ts";
import { readRequest } from "./request-record.ts";

/** Records served from one ring before the next has its turn. */
const QUANTUM_RECORDS = 32;

/** What a shard needs of its store (store/store.ts). */
export interface ShardStore {
  execute(request: Request, reply: Reply): void;
  abortUploadsOf(requester: number): void;
  releaseLeasesOf(requester: number): void;
}

export interface ShardParts {
  /** The shard's index, which is its owner's thread. */
  readonly self: number;
  readonly store: ShardStore;
  /** Where the links lie. */
  readonly arena: Arena;
  readonly base: number;
  readonly plan: LinkPlan;
  readonly counters: Counters;
  readonly waker: Waker;
}

export class Shard {
  readonly #self: number;
  readonly #store: ShardStore;
  readonly #arena: Arena;
  readonly #counters: Counters;
  readonly #waker: Waker;
  /** By requester; the own link stays empty. */
  readonly #requests: RequestConsumer[] = [];
  readonly #replies: ReplyProducer[] = [];
  readonly #request: Request;
  readonly #reply: Reply;
  #turn = 0;

  constructor(parts: ShardParts) {
    this.#self = parts.self;
    this.#store = parts.store;
    this.#arena = parts.arena;
    this.#counters = parts.counters;
    this.#waker = parts.waker;
    this.#request = new Request(parts.arena.bytes);
    this.#reply = new Reply(parts.arena.bytes);
    for (let requester = 0; requester < parts.plan.requesters; requester++) {
      const link = parts.base + linkOffset(parts.plan, requester, parts.self);
      this.#requests.push(new RequestConsumer(parts.arena, link, parts.plan.ringBytes));
      this.#replies.push(new ReplyProducer(parts.arena, link, parts.plan));
    }
  }

  /**
   * Executes up to `recordsMax` records, fairly over all requesters. Returns how many; 0 when there
   * are none.
   */
  serve(recordsMax: number): number {
    const requesters = this.#requests.length;
    let served = 0;
    let emptyLinks = 0;
    while (served < recordsMax && emptyLinks < requesters) {
      const requester = this.#turn;
      this.#turn = requester + 1 === requesters ? 0 : requester + 1;
      const records = this.#serveLink(requester, Math.min(QUANTUM_RECORDS, recordsMax - served));
      served += records;
      emptyLinks = records === 0 ? emptyLinks + 1 : 0;
    }
    if (served > 0) this.#counters.add(Counter.requestsServed, served);
    return served;
  }

  /**
   * Shows every reply, gives the records back, and wakes who waits for either. Replies first: a
   * record given back has been answered, which its requester's successor relies on.
   */
  publish(): void {
    for (let requester = 0; requester < this.#requests.length; requester++) {
      const answered = (this.#replies[requester] as ReplyProducer).publish();
      const released = (this.#requests[requester] as RequestConsumer).release();
      if (!answered && !released) continue;
      if (this.#waker.wake(requester)) this.#counters.add(Counter.wakesSent, 1);
    }
  }

  /** True when a record waits: the look before going to sleep. */
  isReady(): boolean {
    for (let requester = 0; requester < this.#requests.length; requester++) {
      if ((this.#requests[requester] as RequestConsumer).isReady()) return true;
    }
    return false;
  }

  /**
   * Takes over from an owner that died, once its store has recovered: answers the record it had in
   * hand, and drops what its own connections had left open. Returns the records answered with
   * Status.ownerLost.
   */
  recoverLinks(): number {
    let lost = 0;
    for (let requester = 0; requester < this.#requests.length; requester++) {
      const requests = this.#requests[requester] as RequestConsumer;
      const replies = this.#replies[requester] as ReplyProducer;
      const position = requests.peek();
      if (position === NO_RECORD || !requests.isInFlight()) continue;
      const sequence = requests.sequence(position);
      if (((sequence + 1) | 0) !== replies.answered()) {
        this.#dropHalves(requester, position);
        writeStatus(this.#arena, replies.slot(sequence), Status.ownerLost);
        replies.commit(sequence);
        lost++;
      }
      requests.advance();
    }
    this.#store.abortUploadsOf(this.#self);
    this.#store.releaseLeasesOf(this.#self);
    this.publish();
    // The dead owner may have shown replies and not come to wake who sleeps for them.
    for (let requester = 0; requester < this.#requests.length; requester++) {
      this.#waker.wake(requester);
    }
    return lost;
  }

  /**
   * The record in hand may be a piece of an upload that was written only partially: then all
   * uploads of its requester are aborted, which hears of it when it ends them.
   */
  #dropHalves(requester: number, position: number): void {
    readRequest(this.#arena, position, this.#request);
    const op = this.#request.op;
    if (op !== Op.uploadBegin && op !== Op.uploadData && op !== Op.uploadEnd) return;
    this.#store.abortUploadsOf(requester);
  }

  #serveLink(requester: number, recordsMax: number): number {
    const requests = this.#requests[requester] as RequestConsumer;
    const replies = this.#replies[requester] as ReplyProducer;
    let records = 0;
    while (records < recordsMax) {
      const position = requests.peek();
      if (position === NO_RECORD) break;
      const sequence = requests.sequence(position);
      assert(sequence === replies.answered(), "every record before this one has been answered");
      requests.begin();
      this.#execute(requester, position);
      writeReply(this.#arena, replies.slot(sequence), this.#reply);
      replies.commit(sequence);
      requests.advance();
      records++;
    }
    return records;
  }

  #execute(requester: number, position: number): void {
    const request = this.#request;
    const reply = this.#reply;
    readRequest(this.#arena, position, request);
    assert(request.op < OP_MUTATION_MAX, "rings carry only what the owner must do");
    request.requester = requester;
    if (request.op === Op.fence) {
      reply.begin();
      reply.status = Status.ok;
    } else if (request.op === Op.disown) {
      this.#store.abortUploadsOf(requester);
      this.#store.releaseLeasesOf(requester);
      reply.begin();
      reply.status = Status.ok;
    } else {
      this.#store.execute(request, reply);
    }
  }
}
