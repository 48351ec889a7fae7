/**
 * One worker of the linearizability test: several logical clients that play their scripts through a
 * Router, in a thread that also serves its shard. It goes on serving until all threads' clients are
 * done.
 */
import { parentPort, workerData } from "node:worker_threads";
import { copyBytes } from "../../src/base/bytes.ts";
import { SERVER_SECONDS_PAST, type ServerSeconds } from "../../src/base/unit.ts";
import { Op, StoreMode } from "../../src/command/op.ts";
import { Reply } from "../../src/command/reply.ts";
import { Mark, Request } from "../../src/command/request.ts";
import { Status } from "../../src/command/status.ts";
import { Counter } from "../../src/memory/counters.ts";
import { Order } from "../../src/router/order.ts";
import { Outcome } from "../../src/router/outcome.ts";
import type { Operation, Told } from "./history.ts";
import { Script, type ScriptOptions, Way } from "./script.ts";
import { ShardThread, type ThreadMemory } from "./shard-thread.ts";

export interface WorkerTask {
  readonly memory: ThreadMemory;
  readonly self: number;
  readonly clients: number;
  readonly script: ScriptOptions;
  /** Word 0: threads whose clients are done; there are `threads` with clients. */
  readonly threads: number;
  readonly done: SharedArrayBuffer;
  /** Threads borrow the shards of those that sleep. */
  readonly lending: boolean;
  /** A predecessor has died over this shard. */
  readonly takesOver: boolean;
}

export interface WorkerResult {
  readonly operations: Operation[];
  readonly evictions: number;
  readonly readsDirect: number;
  readonly requestsSent: number;
  readonly requestsOnLoan: number;
}

const TOLD: Partial<Record<Status, Told>> = {
  [Status.hit]: "hit",
  [Status.miss]: "miss",
  [Status.stored]: "stored",
  [Status.notStored]: "notStored",
  [Status.exists]: "exists",
  [Status.notFound]: "notFound",
  [Status.deleted]: "deleted",
  [Status.touched]: "touched",
  [Status.nonNumeric]: "nonNumeric",
  [Status.ownerLost]: "unknown",
};

const task = workerData as WorkerTask;
const thread = new ShardThread(task.memory, task.self, task.lending);
const { router } = thread;
const done = new Int32Array(task.done);

/** A logical client: one request at a time. */
class Client {
  readonly script: Script;
  readonly #token: number;
  readonly #order = new Order();
  readonly #request = new Request(new Uint8Array(0));
  readonly #reply = new Reply(new Uint8Array(0));
  #copied = new Uint8Array(1 << 16);
  #begun = false;
  #waiting = false;
  isDone = false;

  constructor(token: number, script: Script) {
    this.#token = token;
    this.script = script;
  }

  /** Goes on as far as it can. True when something happened. */
  go(): boolean {
    if (this.#waiting || this.isDone) return false;
    if (!this.#begun) {
      if (!this.script.next()) {
        this.isDone = true;
        return false;
      }
      this.#prepare();
      this.script.asked();
      this.#begun = true;
    }
    return this.#request.op === Op.get ? this.#read() : this.#mutate();
  }

  replied(reply: Reply): void {
    this.#waiting = false;
    const isFence = this.#request.op === Op.get;
    if (!isFence) this.#finish(reply, true);
  }

  #prepare(): void {
    const { operation, payload, way } = this.script;
    const request = this.#request;
    const { action, key, value, cas } = operation;
    const bytes = Buffer.concat([Buffer.from(key), payload]);
    request.bytes = new Uint8Array(bytes);
    request.keyBytes = request.bytes;
    request.keyEnd = key.length;
    request.valueStart = key.length;
    request.valueEnd = bytes.length;
    request.valueBytes = payload.length;
    request.marks = 0;
    request.exptime = 0 as ServerSeconds;
    request.mode = action === "add" ? StoreMode.add : StoreMode.set;
    request.op = Op.store;
    if (action === "get") request.op = way === Way.fetch ? Op.fetch : Op.get;
    if (action === "delete") request.op = way === Way.expire ? Op.touch : Op.delete;
    if (action === "touch") request.op = Op.touch;
    if (request.op === Op.touch || request.op === Op.fetch) request.marks = Mark.exptime;
    if (request.op === Op.fetch) request.marks |= Mark.wantsValue;
    if (way === Way.expire) request.exptime = SERVER_SECONDS_PAST;
    if (action === "cas") request.marks = Mark.compareCas;
    request.casLow = cas >>> 0;
    request.casHigh = Math.floor(cas / 2 ** 32);
    if (action === "incr") {
      request.op = Op.arithmetic;
      request.deltaLow = Number(value);
      request.deltaHigh = 0;
      request.mode = 0;
      request.valueEnd = request.valueStart;
    }
    router.hash(request);
  }

  #read(): boolean {
    const outcome = router.read(this.#request, this.#reply, this.#order, this.#token);
    if (outcome === Outcome.sent) this.#waiting = true;
    if (outcome === Outcome.full || outcome === Outcome.sent) return false;
    this.#reply.status = outcome === Outcome.hit ? Status.hit : Status.miss;
    if (outcome === Outcome.hit && !this.#copy(this.#reply)) return true;
    this.#tell(this.#reply);
    return true;
  }

  #mutate(): boolean {
    const outcome = router.mutate(this.#request, this.#reply, this.#order, this.#token);
    if (outcome === Outcome.full) return false;
    if (outcome === Outcome.sent) this.#waiting = true;
    else this.#finish(this.#reply, outcome === Outcome.described);
    return true;
  }

  /** The answer is there; `apart`: a fetch's value is still to be read. */
  #finish(reply: Reply, apart: boolean): void {
    if (this.#request.op !== Op.fetch || reply.status !== Status.hit) {
      this.#tell(reply);
      return;
    }
    if (!apart) {
      this.#copyBytes(reply);
      this.#tell(reply);
      return;
    }
    while (router.readFetched(this.#request, reply) === Outcome.hit) {
      if (!this.#copy(reply)) continue;
      this.#tell(reply);
      return;
    }
    // Changed: it is sent again by the next `go`.
  }

  #copy(reply: Reply): boolean {
    this.#copyBytes(reply);
    return router.confirm();
  }

  #copyBytes(reply: Reply): void {
    if (reply.valueBytes > this.#copied.length) this.#copied = new Uint8Array(reply.valueBytes);
    copyBytes(this.#copied, 0, reply.value, reply.valueStart, reply.valueBytes);
  }

  #tell(reply: Reply): void {
    this.#begun = false;
    const { action, cas } = this.script.operation;
    let told = TOLD[reply.status];
    if (told === "stored" && action === "incr") told = "number";
    if (told === "touched" && action === "delete") told = "deleted";
    if (told === undefined) throw new Error(`status ${reply.status} for ${action} ${cas}`);
    let value: Uint8Array | null = null;
    if (told === "hit") value = this.#copied.subarray(0, reply.valueBytes);
    if (told === "number") {
      value = Buffer.from(String(reply.numberHigh * 2 ** 32 + reply.numberLow));
    }
    const gotCas = told === "hit" ? reply.casHigh * 2 ** 32 + reply.casLow : 0;
    this.script.answered(told, value, gotCas);
  }
}

if (task.takesOver) {
  thread.store.recover();
  thread.shard.recoverLinks();
}
const clients: Client[] = [];
for (let at = 0; at < task.clients; at++) {
  const number = task.self * task.clients + at;
  clients.push(new Client(at, new Script(number, task.script)));
}

let announced = task.clients === 0;
while (Atomics.load(done, 0) < task.threads) {
  thread.turn({ replied: (token, reply) => (clients[token] as Client).replied(reply) }, () => {
    let worked = false;
    for (const client of clients) worked = client.go() || worked;
    return worked;
  });
  if (announced || !clients.every((client) => client.isDone)) continue;
  announced = true;
  Atomics.add(done, 0, 1);
}
thread.store.verify();
parentPort?.postMessage({
  operations: clients.flatMap((client) => client.script.recorded),
  evictions: thread.counters.value(Counter.evictions),
  readsDirect: thread.counters.value(Counter.readsDirect),
  requestsSent: thread.counters.value(Counter.requestsSent),
  requestsOnLoan: thread.counters.value(Counter.requestsOnLoan),
} satisfies WorkerResult);
