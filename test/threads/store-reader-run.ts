/** A reading thread of store-reader.test.ts: looks up keys whose values must be of one piece. */
import { parentPort, workerData } from "node:worker_threads";
import { Clock } from "../../src/base/clock.ts";
import { KeyHash } from "../../src/base/key-hash.ts";
import type { ServerSeconds } from "../../src/base/unit.ts";
import { Op } from "../../src/command/op.ts";
import { Reply } from "../../src/command/reply.ts";
import { Dialect, Request } from "../../src/command/request.ts";
import { Arena } from "../../src/memory/arena.ts";
import { ReadOutcome } from "../../src/store/read-outcome.ts";
import { StoreReader } from "../../src/store/store-reader.ts";

export interface ReaderTask {
  buffer: SharedArrayBuffer;
  base: number;
  /** Index of the word (int32) that is 1 while the writer writes. */
  runningWord: number;
  keys: number;
  now: number;
  seedLow: number;
  seedHigh: number;
}
export interface ReaderResult {
  hits: number;
  misses: number;
  busy: number;
  retried: number;
  torn: number;
}

const task = workerData as ReaderTask;
const arena = new Arena(task.buffer);
const clock = new Clock(1_700_000_000);
clock.now = task.now as ServerSeconds;
const reader = new StoreReader(arena, task.base, clock);
const hash = new KeyHash(task.seedLow, task.seedHigh);
const keyBytes = new Uint8Array(16);
const copy = new Uint8Array(4096);
const request = new Request(keyBytes);
const reply = new Reply(arena.bytes);
const result: ReaderResult = { hits: 0, misses: 0, busy: 0, retried: 0, torn: 0 };

/** A value is its length's low byte, the key's number, and one byte repeated: any mixture of two shows. */
function isWhole(length: number, key: number): boolean {
  if (length < 3 || copy[0] !== (length & 255) || copy[1] !== key) return false;
  for (let at = 3; at < length; at++) if (copy[at] !== copy[2]) return false;
  return true;
}

let turn = 0;
while (Atomics.load(arena.ints, task.runningWord) === 1) {
  const key = turn++ % task.keys;
  const length = Buffer.from(keyBytes.buffer).write(`key-${key}`, "latin1");
  request.begin(Op.get, Dialect.text, keyBytes);
  request.keyStart = 0;
  request.keyEnd = length;
  hash.update(keyBytes, 0, length);
  request.hashLow = hash.low;
  request.hashHigh = hash.high;
  const outcome = reader.find(request, reply);
  if (outcome === ReadOutcome.busy) result.busy++;
  else if (outcome === ReadOutcome.miss) result.misses++;
  else {
    const bytes = Math.min(reply.valueBytes, copy.length);
    for (let at = 0; at < bytes; at++) copy[at] = arena.bytes[reply.valueStart + at] as number;
    if (!reader.confirm()) result.retried++;
    else if (isWhole(bytes, key)) result.hits++;
    else result.torn++;
  }
}
parentPort?.postMessage(result);
