/**
 * Two workers and a large value: thread 0 uploads it to the shard of thread 1, reads it back under
 * a lease while it is replaced, and gives up an upload half-way. Thread 1 only serves.
 */
import { parentPort, workerData } from "node:worker_threads";
import { Op, StoreMode } from "../../src/command/op.ts";
import { ItemMark, Reply } from "../../src/command/reply.ts";
import { Request } from "../../src/command/request.ts";
import { Status } from "../../src/command/status.ts";
import { Arena } from "../../src/memory/arena.ts";
import { ShardMemory } from "../../src/memory/shard-memory.ts";
import { Order } from "../../src/router/order.ts";
import { Outcome } from "../../src/router/outcome.ts";
import { LeasedValue } from "../../src/store/leased-value.ts";
import { ShardThread, shardOffset, type ThreadMemory } from "./shard-thread.ts";

export interface LargeTask {
  readonly memory: ThreadMemory;
  readonly self: number;
  /** Word 0: thread 0 is done. */
  readonly done: SharedArrayBuffer;
  readonly valueBytes: number;
  /** Bytes sent before the upload is given up; the whole value when it is as much. */
  readonly sentBytes: number;
}

export interface LargeResult {
  readonly stored: number;
  readonly readBytes: number;
  readonly isWhole: boolean;
  readonly fullOutcomes: number;
}

/** Not a power of two, so that no two pieces of the value, and no two slabs, are alike. */
const PATTERN_BYTES = 65_521;
const PIECE_BYTES = 48_000;
const OWNER = 1;

const task = workerData as LargeTask;
const thread = new ShardThread(task.memory, task.self);
const done = new Int32Array(task.done);
const pattern = new Uint8Array(2 * PATTERN_BYTES).map((_, at) => ((at % PATTERN_BYTES) * 7) >>> 2);

function serve(): void {
  while (Atomics.load(done, 0) === 0) thread.turn({ replied: () => {} }, () => false);
  thread.store.verify();
}

class Uploader {
  readonly #order = new Order();
  readonly #request = new Request(new Uint8Array(0));
  readonly #answer = new Reply(new Uint8Array(0));
  #hasAnswer = false;
  fullOutcomes = 0;

  constructor() {
    const { router } = thread;
    const request = this.#request;
    for (let at = 0; ; at++) {
      request.bytes = new Uint8Array(Buffer.from(`large${at}`));
      request.keyBytes = request.bytes;
      request.keyEnd = request.bytes.length;
      router.hash(request);
      if (router.shardOf(request) === OWNER) return;
    }
  }

  /** Asks until it is taken, then turns until it is answered. */
  #call(ask: (reply: Reply) => Outcome): Reply {
    this.#hasAnswer = false;
    let asked = false;
    while (!this.#hasAnswer) {
      thread.turn(this, () => {
        if (asked) return false;
        asked = ask(this.#answer) === Outcome.sent;
        if (!asked) this.fullOutcomes++;
        return asked;
      });
    }
    return this.#answer;
  }

  replied(_token: number, reply: Reply): void {
    this.#answer.copy(reply);
    this.#hasAnswer = true;
  }

  /**
   * Uploads `sentBytes` of a value of `valueBytes`, and ends it if that is all. The last status.
   */
  upload(valueBytes: number, sentBytes: number): number {
    const { router } = thread;
    const request = this.#request;
    request.op = Op.store;
    request.mode = StoreMode.set;
    request.valueStart = 0;
    request.valueEnd = 0;
    request.valueBytes = valueBytes;
    const begun = this.#call((reply) => router.uploadBegin(request, reply, this.#order, 1));
    if (begun.status !== Status.ok) return begun.status;
    const ticket = begun.handle;
    for (let sent = 0; sent < sentBytes; ) {
      const start = sent % PATTERN_BYTES;
      const end = start + Math.min(PIECE_BYTES, sentBytes - sent);
      thread.turn(this, () => {
        const taken = router.uploadData(ticket, pattern, start, end);
        sent += taken;
        if (taken < end - start) this.fullOutcomes++;
        return taken > 0;
      });
    }
    if (sentBytes < valueBytes) {
      router.close(this.#order);
      return Status.none;
    }
    return this.#call((reply) => router.uploadEnd(ticket, reply, this.#order, 2)).status;
  }

  /**
   * Reads the value under a lease, and replaces it as soon as the lease is there. Its bytes, or -1
   * when they are wrong.
   */
  read(): number {
    const { router } = thread;
    const request = this.#request;
    request.op = Op.get;
    const leased = this.#call((reply) => router.lease(request, reply, this.#order, 3));
    if (leased.status !== Status.hit || (leased.marks & ItemMark.large) === 0) return 0;
    const ticket = leased.handle;
    const memory = new ShardMemory(new Arena(task.memory.buffer), shardOffset(task.memory, OWNER));
    const value = new LeasedValue(memory, router.ticketHandle(ticket), leased.valueBytes);
    request.op = Op.store;
    request.valueBytes = 0;
    this.#call((reply) => router.mutate(request, reply, this.#order, 4));
    let at = 0;
    while (value.left > 0) {
      const start = at % PATTERN_BYTES;
      const bytes = Math.min(value.bytes, PATTERN_BYTES);
      const expected = pattern.subarray(start, start + bytes);
      const got = value.array.subarray(value.start, value.start + bytes);
      if (Buffer.compare(expected, got) !== 0) return -1;
      at += bytes;
      value.advance(bytes);
    }
    router.letGo(ticket);
    return at;
  }
}

function ask(): void {
  const uploader = new Uploader();
  const stored = uploader.upload(task.valueBytes, task.sentBytes);
  const isWhole = task.sentBytes === task.valueBytes;
  const readBytes = isWhole ? uploader.read() : 0;
  // What was let go is on its way: a few more turns, and the owner has it.
  for (let turn = 0; turn < 20; turn++) thread.turn(uploader, () => false);
  const { fullOutcomes } = uploader;
  parentPort?.postMessage({ stored, readBytes, isWhole, fullOutcomes } satisfies LargeResult);
  Atomics.store(done, 0, 1);
}

if (task.self === OWNER) serve();
else ask();
