/**
 * Desk: what a connection's operations work with, real but for the router and the socket, which are
 * played: the router answers what a test has written down for it, in that order.
 *
 *   const desk = new Desk();
 *   desk.router.says(Outcome.full).says(Outcome.sent);
 *   desk.run(operation, desk.parse("get a\r\n"))        and then: the Step, what was written, what was asked
 */

import { MIB, type ShardIndex } from "../../../src/base/unit.ts";
import { Reply } from "../../../src/command/reply.ts";
import { Request } from "../../../src/command/request.ts";
import { Status } from "../../../src/command/status.ts";
import { BatchReader } from "../../../src/connection/batch-reader.ts";
import { BlockBudget } from "../../../src/connection/block-budget.ts";
import { Connection } from "../../../src/connection/connection.ts";
import { Input } from "../../../src/connection/input.ts";
import { SendSource } from "../../../src/connection/operation/send-source.ts";
import type { StageTools } from "../../../src/connection/operation/stage.ts";
import { Swallow } from "../../../src/connection/operation/swallow.ts";
import { Output } from "../../../src/connection/output.ts";
import { PendingList } from "../../../src/connection/pending-list.ts";
import { PendingTable } from "../../../src/connection/pending-table.ts";
import { type Lookers, Replies } from "../../../src/connection/replies.ts";
import type { Step } from "../../../src/connection/step.ts";
import { type Operation, WaitPool } from "../../../src/connection/wait.ts";
import { Arena } from "../../../src/memory/arena.ts";
import { BlockPool } from "../../../src/memory/block-pool.ts";
import { Counters } from "../../../src/memory/counters.ts";
import { RECEIVE_BYTES, SCRATCH_BYTES } from "../../../src/memory/io-region.ts";
import { ReplyEncoder } from "../../../src/protocol/reply-encoder.ts";
import { WireParser } from "../../../src/protocol/wire-parser.ts";
import { WireState } from "../../../src/protocol/wire-state.ts";
import { Order } from "../../../src/router/order.ts";
import type { Outcome } from "../../../src/router/outcome.ts";
import type { Transport } from "../../../src/transport/transport.ts";
import { OPTIONS, testClock } from "../../support/spoken.ts";

const POOL_BYTES = 2 * MIB;
const ARENA_BYTES = 8 * MIB;
const COUNTERS_AT = ARENA_BYTES - MIB;

type Fill = (reply: Reply) => void;

/** Fills a reply as a hit with that value. */
export function hit(value: string, more: Partial<Reply> = {}): Fill {
  return (reply) => {
    const bytes = Buffer.from(value, "latin1");
    reply.value = bytes;
    reply.valueStart = 0;
    reply.valueBytes = bytes.length;
    reply.status = Status.hit;
    Object.assign(reply, { marks: 0, casLow: 7, casHigh: 0, clientFlags: 0 }, more);
  };
}

export function status(of: Status, more: Partial<Reply> = {}): Fill {
  return (reply) => Object.assign(reply, { marks: 0, valueBytes: 0, status: of }, more);
}

/** Answers as it was told, and writes down what it was asked. */
class PlayedRouter {
  readonly asked: string[] = [];
  readonly letGone: number[] = [];
  readonly #script: (readonly [Outcome | number, Fill | undefined])[] = [];
  /** What `confirm` says, once each; then true. */
  readonly confirms: boolean[] = [];

  says(outcome: Outcome | number, fill?: Fill): this {
    this.#script.push([outcome, fill]);
    return this;
  }

  get left(): number {
    return this.#script.length;
  }

  #play(asked: string, reply: Reply | null): number {
    this.asked.push(asked);
    const next = this.#script.shift();
    if (next === undefined) throw new Error(`nothing was written down for ${asked}`);
    if (reply !== null) next[1]?.(reply);
    return next[0];
  }

  hash(): void {}

  shardOf(): ShardIndex {
    return 0 as ShardIndex;
  }

  ticketShard(): ShardIndex {
    return 0 as ShardIndex;
  }

  ticketHandle(): number {
    return 0;
  }

  mustWait(): boolean {
    return false;
  }

  confirm(): boolean {
    return this.confirms.shift() ?? true;
  }

  letGo(ticket: number): void {
    this.letGone.push(ticket);
  }

  close(order: Order): void {
    order.closed = true;
  }

  read(_request: Request, reply: Reply): Outcome {
    return this.#play("read", reply) as Outcome;
  }

  mutate(request: Request, reply: Reply): Outcome {
    return this.#play(`mutate ${request.op}`, reply) as Outcome;
  }

  readFetched(_request: Request, reply: Reply): Outcome {
    return this.#play("readFetched", reply) as Outcome;
  }

  lease(_request: Request, reply: Reply): Outcome {
    return this.#play("lease", reply) as Outcome;
  }

  uploadBegin(request: Request, reply: Reply): Outcome {
    return this.#play(`uploadBegin ${request.marks}`, reply) as Outcome;
  }

  uploadData(_ticket: number, _bytes: Uint8Array, start: number, end: number): number {
    return Math.min(end - start, this.#play(`uploadData ${end - start}`, null));
  }

  uploadEnd(ticket: number, reply: Reply): Outcome {
    return this.#play(`uploadEnd ${ticket}`, reply) as Outcome;
  }

  broadcast(request: Request, reply: Reply): Outcome {
    return this.#play(`broadcast ${request.op}`, reply) as Outcome;
  }
}

/** Takes up to `room` bytes, and then no more. */
class PlayedTransport implements Transport {
  readonly slotCount = 64;
  sent = "";
  room = Number.POSITIVE_INFINITY;
  isGone = false;
  readonly calls: string[] = [];

  send(_slot: number, arena: Arena, start: number, end: number): number {
    if (this.isGone) return -1;
    const taken = Math.min(end - start, this.room);
    this.room -= taken;
    this.sent += Buffer.from(arena.bytes.subarray(start, start + taken)).toString("latin1");
    return taken;
  }

  pause(slot: number): void {
    this.calls.push(`pause ${slot}`);
  }

  resume(slot: number): void {
    this.calls.push(`resume ${slot}`);
  }

  close(slot: number): void {
    this.calls.push(`close ${slot}`);
  }

  connect(): number {
    return -1;
  }

  peerAddress(): string {
    return "tcp:127.0.0.1:40000";
  }

  localAddress(): string {
    return "tcp:127.0.0.1:11211";
  }
}

export class Desk {
  readonly arena = new Arena(new SharedArrayBuffer(ARENA_BYTES));
  readonly clock = testClock();
  readonly counters = new Counters(this.arena, COUNTERS_AT);
  readonly pool = new BlockPool(RECEIVE_BYTES + SCRATCH_BYTES, POOL_BYTES);
  readonly budget = new BlockBudget<Connection>(this.pool, this.counters, () => {});
  readonly transport = new PlayedTransport();
  readonly router = new PlayedRouter();
  readonly table = new PendingTable();
  readonly output = new Output({
    arena: this.arena,
    ioBase: 0,
    budget: this.budget,
    pendings: this.table,
    transport: this.transport,
    counters: this.counters,
  });
  readonly input = new Input(this.arena, this.budget);
  readonly encoder = new ReplyEncoder(this.clock);
  readonly waits = new WaitPool(this.arena.bytes);
  /** The ops that somebody looked at. */
  readonly looked: number[] = [];
  readonly lookers: Lookers = {
    counters: this.counters,
    observer: {
      due: () => true,
      sampled: (request) => this.looked.push(request.op),
      sent: (request) => this.looked.push(request.op),
      uploading: (request) => this.looked.push(request.op),
      detailEnabled: () => false,
      detail: () => {},
    },
    events: { isWatched: () => false, outcome: () => {}, tooLarge: () => {} },
    verbose: { answered: () => {}, refused: () => {}, said: () => {} },
    descriptor: (slot) => slot,
  };
  readonly pendings = new PendingList(
    this.table,
    this.waits,
    this.output,
    this.encoder,
    this.lookers.events,
  );
  readonly replies = new Replies(this.encoder, this.output, this.table, this.lookers);
  readonly tools: StageTools = {
    router: this.router,
    waits: this.waits,
    pendings: this.pendings,
    input: this.input,
    output: this.output,
    replies: this.replies,
  };
  readonly send = new SendSource(this.tools);
  readonly swallow = new Swallow(this.tools);
  readonly parser = new WireParser(OPTIONS, this.clock);
  readonly batches = new BatchReader(
    {
      router: this.router as never,
      finders: [],
      output: this.output,
      counters: this.counters,
      observer: this.lookers.observer as never,
      events: this.lookers.events as never,
      hash: { update: () => {}, low: 0, high: 0 } as never,
      listsNodes: false,
    },
    this.arena.bytes,
  );
  #slots = 0;

  connection(): Connection {
    const wire = new WireState(OPTIONS);
    return new Connection(this.#slots++, wire, new Order(), this.clock.now);
  }

  /** Puts text where received bytes lie; returns where it ends. */
  receive(text: string): number {
    const bytes = Buffer.from(text, "latin1");
    this.arena.bytes.set(bytes, 0);
    return bytes.length;
  }

  /** The request at the beginning of the text, which is aimed at. */
  parse(text: string, connection: Connection = this.connection()): Request {
    const end = this.receive(text);
    const request = new Request(this.arena.bytes);
    const consumed = this.parser.parse(connection.wire, request, this.arena.bytes, 0, end);
    if (consumed <= 0) throw new Error(`no request: ${text}`);
    this.input.open(consumed, end);
    return request;
  }

  /** Runs an operation on a connection whose output is open. */
  run(operation: Operation, connection: Connection, request: Request, answer?: Fill): Step {
    this.output.open(connection);
    if (answer === undefined) return operation.run(connection, request, null);
    const reply = new Reply(this.arena.bytes);
    answer(reply);
    return operation.run(connection, request, reply);
  }

  /** What was written since the output was opened; it is taken back. */
  written(): string {
    const start = this.output.at - this.output.position();
    const text = Buffer.from(this.arena.bytes.subarray(start, this.output.at)).toString("latin1");
    this.output.at = start;
    return text;
  }

  /** Leaves no room in the connection's output: its socket takes nothing, and a block is full. */
  fill(connection: Connection): void {
    this.transport.room = 0;
    connection.isBlocked = true;
    connection.outBlock = this.pool.take(1);
    connection.outStart = connection.outBlock;
    connection.outEnd = connection.outBlock + this.pool.blockBytes(connection.outBlock);
  }
}
