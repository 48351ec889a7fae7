/**
 * A reading thread of store-reader.test.ts: looks up keys whose values must be of one piece, one at
 * a time by StoreReader or all of them as a batch.
 */
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
import { BatchLookup } from "../support/batch-lookup.ts";

export interface ReaderTask {
  buffer: SharedArrayBuffer;
  base: number;
  way: "find" | "batch";
  /**
   * Index of the word (int32) that is 1 while the writer writes; the next one counts the readers
   * that have begun.
   */
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

/** Each key is read at least so often, be it when the writer has ended. */
const ROUNDS_MIN = 100;

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
const lookup = new BatchLookup([reader.batches], hash);
const keys = Array.from({ length: task.keys }, (_, key) => `key-${key}`);
const result: ReaderResult = { hits: 0, misses: 0, busy: 0, retried: 0, torn: 0 };

/**
 * A value is its length's low byte, the key's number, and one byte repeated, which the client flags
 * tell too: any mixture of two shows.
 */
function isWhole(length: number, key: number, clientFlags: number): boolean {
  if (length < 3 || copy[0] !== (length & 255) || copy[1] !== key) return false;
  if (copy[2] !== clientFlags) return false;
  for (let at = 3; at < length; at++) if (copy[at] !== copy[2]) return false;
  return true;
}

/** Copies what was found, and looks whether it was of one piece when it is said to be. */
function take(
  key: number,
  found: { valueStart: number; valueBytes: number; clientFlags: number },
  confirm: () => boolean,
): void {
  const { valueStart, clientFlags } = found;
  const bytes = Math.min(found.valueBytes, copy.length);
  for (let at = 0; at < bytes; at++) copy[at] = arena.bytes[valueStart + at] as number;
  if (!confirm()) result.retried++;
  else if (isWhole(bytes, key, clientFlags)) result.hits++;
  else result.torn++;
}

function findAll(): void {
  keys.forEach((name, key) => {
    const length = Buffer.from(keyBytes.buffer).write(name, "latin1");
    request.begin(Op.get, Dialect.text, keyBytes);
    request.keyStart = 0;
    request.keyEnd = length;
    hash.update(keyBytes, 0, length);
    request.hashLow = hash.low;
    request.hashHigh = hash.high;
    const outcome = reader.find(request, reply);
    if (outcome === ReadOutcome.busy) result.busy++;
    else if (outcome === ReadOutcome.miss) result.misses++;
    else take(key, reply, () => reader.confirm());
  });
}

function findBatch(): void {
  lookup.seek(keys);
  for (let key = 0; key < task.keys; key++) {
    const outcome = lookup.accept(key);
    if (outcome === ReadOutcome.busy) result.busy++;
    else if (outcome === ReadOutcome.miss) result.misses++;
    else take(key, lookup.finder(key), () => lookup.confirm(key));
  }
}

Atomics.add(arena.ints, task.runningWord + 1, 1);
for (let round = 0; ; round++) {
  if (round >= ROUNDS_MIN && Atomics.load(arena.ints, task.runningWord) === 0) break;
  if (task.way === "find") findAll();
  else findBatch();
}
parentPort?.postMessage(result);
