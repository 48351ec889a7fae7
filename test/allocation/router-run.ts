/**
 * Two million requests through a router, the rings and a shard, in one thread: what its garbage
 * collector had to do. Keys and values lie in the shared arena, as a connection's input does.
 */
import { parentPort, workerData } from "node:worker_threads";
import { GIB, MIB, type ServerSeconds } from "../../src/base/unit.ts";
import { ArithmeticMode, Op, StoreMode } from "../../src/command/op.ts";
import { Reply } from "../../src/command/reply.ts";
import { Mark, Request } from "../../src/command/request.ts";
import { Counter } from "../../src/memory/counters.ts";
import { Order } from "../../src/router/order.ts";
import { Outcome } from "../../src/router/outcome.ts";
import { ShardThread, threadMemory } from "../threads/shard-thread.ts";
import { collectionsDuring, Planter } from "./collections.ts";

export interface AllocationTask {
  readonly warmUp: number;
  readonly requests: number;
  /** The owner sleeps, and its shard is lent. */
  readonly lending: boolean;
  /** Each request leaves garbage, on purpose. */
  readonly plants: boolean;
}

export interface AllocationResult {
  readonly collections: number;
  readonly answered: number;
  readonly sent: number;
  readonly onLoan: number;
}

const KEYS = 4096;
const KEY_BYTES = 16;
const VALUE_BYTES = 100;
const BATCH = 32;
const OPS = [Op.get, Op.get, Op.store, Op.fetch, Op.delete, Op.store, Op.touch, Op.arithmetic];

const memory = threadMemory(2, 64 * 1024, 32 * MIB, MIB);
const task = workerData as AllocationTask;
const asker = new ShardThread(memory, 0, task.lending);
const owner = new ShardThread(memory, 1);
if (task.lending) owner.sleeper.prepare();
const { router } = asker;
const planter = new Planter();
const order = new Order();
const request = new Request(new Uint8Array(0));
const reply = new Reply(new Uint8Array(0));
let answered = 0;
let sent = 0;
const handler = {
  replied(): void {
    answered++;
  },
};

/**
 * The arena's own byte view, which a read hands out: only inside one view are copies free of
 * garbage.
 */
function arenaBytes(): Uint8Array {
  for (let key = 0; ; key++) {
    const bytes = Buffer.from(`k${key}`);
    Object.assign(request, { op: Op.store, bytes, keyBytes: bytes, keyEnd: bytes.length });
    router.hash(request);
    if (router.shardOf(request) !== 0) continue;
    router.mutate(request, reply, order, 0);
    router.read(request, reply, order, 0);
    return reply.value;
  }
}

/** A place for keys and a value: the request ring of the primary, who has no requests here. */
const bytes = arenaBytes();
const keysAt = memory.linksAt + 2 * memory.links.owners * memory.links.linkBytes;
const valueAt = keysAt + KEYS * KEY_BYTES;
for (let key = 0; key < KEYS; key++) {
  bytes.set(
    Buffer.from(`key:${String(key).padStart(KEY_BYTES - 4, "0")}`),
    keysAt + key * KEY_BYTES,
  );
}
bytes.set(Buffer.from("7".repeat(VALUE_BYTES)), valueAt);
request.bytes = bytes;
request.keyBytes = bytes;

function exchange(): void {
  router.publish();
  while (owner.shard.serve(GIB) > 0) {}
  owner.shard.publish();
  router.poll(handler);
}

function play(requests: number): void {
  for (let i = 0; i < requests; i++) {
    const op = OPS[i & 7] as Op;
    const key = Math.imul(i, 0x9e3779b1) >>> 20;
    request.op = op;
    request.mode = op === Op.arithmetic ? ArithmeticMode.increment : StoreMode.set;
    request.keyStart = keysAt + key * KEY_BYTES;
    request.keyEnd = request.keyStart + KEY_BYTES;
    request.valueStart = valueAt;
    request.valueEnd = op === Op.store ? valueAt + VALUE_BYTES : valueAt;
    request.valueBytes = VALUE_BYTES;
    request.deltaLow = 1;
    request.exptime = 0 as ServerSeconds;
    request.marks = op === Op.fetch || op === Op.touch ? Mark.exptime : 0;
    router.hash(request);
    let outcome = ask(op);
    if (outcome === Outcome.full || outcome === Outcome.busy) {
      exchange();
      outcome = ask(op);
    }
    if (outcome === Outcome.sent) sent++;
    if (i % BATCH === 0) exchange();
    if (task.plants) planter.plant(i);
  }
  exchange();
}

function ask(op: Op): Outcome {
  if (op !== Op.get) return router.mutate(request, reply, order, 1);
  const outcome = router.read(request, reply, order, 1);
  if (outcome === Outcome.hit) router.confirm();
  return outcome;
}

play(task.warmUp);
const collections = await collectionsDuring(() => play(task.requests));
const onLoan = asker.counters.value(Counter.requestsOnLoan);
parentPort?.postMessage({ collections, answered, sent, onLoan } satisfies AllocationResult);
