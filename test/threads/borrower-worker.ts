/**
 * A thread that does nothing but change other threads' shards, most of them on loan, until it is
 * terminated: new keys, longer and shorter values, deletions. Its keys are its own, so that nobody
 * misses what goes with it.
 */
import { workerData } from "node:worker_threads";
import type { ServerSeconds } from "../../src/base/unit.ts";
import { Op } from "../../src/command/op.ts";
import { Reply } from "../../src/command/reply.ts";
import { Request } from "../../src/command/request.ts";
import { Order } from "../../src/router/order.ts";
import { ShardThread, type ThreadMemory } from "./shard-thread.ts";

export interface BorrowerTask {
  readonly memory: ThreadMemory;
  readonly self: number;
  readonly seed: number;
}

const KEYS = 300;
const VALUE_BYTES_MAX = 9000;
const REQUESTS_PER_TURN = 8;

const task = workerData as BorrowerTask;
const thread = new ShardThread(task.memory, task.self, true);
thread.store.recover();
thread.shard.recoverLinks();
const order = new Order();
const reply = new Reply(new Uint8Array(0));
const payload = Buffer.alloc(VALUE_BYTES_MAX + 8, "b");
const request = new Request(payload);
let random = task.seed;

function below(limit: number): number {
  random = (Math.imul(random, 1664525) + 1013904223) | 0;
  return (random >>> 8) % limit;
}

function change(): void {
  const key = `b${below(KEYS)}`;
  payload.write(key, 0, "latin1");
  request.op = below(5) === 0 ? Op.delete : Op.store;
  request.keyBytes = payload;
  request.keyEnd = key.length;
  request.valueStart = key.length;
  request.valueBytes = request.op === Op.delete ? 0 : below(VALUE_BYTES_MAX);
  request.valueEnd = request.valueStart + request.valueBytes;
  request.exptime = 0 as ServerSeconds;
  thread.router.hash(request);
  thread.router.mutate(request, reply, order, 0);
}

while (true) {
  thread.turn({ replied: () => {} }, () => {
    for (let left = REQUESTS_PER_TURN; left > 0; left--) change();
    return true;
  });
}
