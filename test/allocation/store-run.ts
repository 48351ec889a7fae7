/**
 * The thread of store.test.ts: mixed operations on a store under eviction pressure, and the
 * collections they caused.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { ServerSeconds } from "../../src/base/unit.ts";
import { KIB, MIB } from "../../src/base/unit.ts";
import { Op, StoreMode } from "../../src/command/op.ts";
import { Mark } from "../../src/command/request.ts";
import { Status } from "../../src/command/status.ts";
import { ReadOutcome } from "../../src/store/read-outcome.ts";
import { StoreHarness } from "../model/store-harness.ts";
import { collectionsDuring, Planter } from "./collections.ts";

export interface StoreTask {
  warmUp: number;
  operations: number;
  /** Each operation leaves garbage, on purpose. */
  plants: boolean;
}
export interface StoreResult {
  hits: number;
  stored: number;
  collections: number;
}

const KEYS = 60_000;
const KEY_BYTES = 16;
const ZERO = 48;

const h = new StoreHarness(8 * MIB, {}, 64 * KIB);
const request = h.fill(Op.get, "0".repeat(KEY_BYTES));
const { bytes } = h.arena;
let random = 99;
let hits = 0;
let stored = 0;

function next(count: number): number {
  random = (Math.imul(random, 1664525) + 1013904223) | 0;
  return (random >>> 8) % count;
}

function step(i: number): void {
  let rest = next(KEYS);
  for (let at = request.keyEnd - 1; at >= request.keyStart; at--) {
    bytes[at] = ZERO + (rest % 10);
    rest = (rest / 10) | 0;
  }
  h.hash.update(bytes, request.keyStart, request.keyEnd);
  request.hashLow = h.hash.low;
  request.hashHigh = h.hash.high;
  request.marks = 0;
  request.mode = StoreMode.set;
  request.exptime = 0 as ServerSeconds;
  const kind = next(16);
  if (kind < 8) {
    request.op = Op.get;
    if (h.reader.find(request, h.reply) === ReadOutcome.hit && h.reader.confirm()) hits++;
    return;
  }
  request.valueEnd = request.valueStart + (kind === 15 ? 1 : next(400));
  request.valueBytes = request.valueEnd - request.valueStart;
  if (kind === 15) bytes[request.valueStart] = ZERO + 7;
  request.op = Op.store;
  if (kind === 8) request.op = Op.delete;
  if (kind === 9) request.op = Op.arithmetic;
  if (kind === 10) request.op = Op.fetch;
  if (kind === 10) request.marks = Mark.exptime;
  if (kind === 11) request.mode = StoreMode.append;
  if (kind === 12) request.mode = StoreMode.add;
  if (kind > 12) request.exptime = (h.clock.now + 50) as ServerSeconds;
  h.store.execute(request, h.reply);
  if (h.reply.status === Status.stored) stored++;
  if (i % 4096 !== 0) return;
  h.clock.now = (h.clock.now + 1) as ServerSeconds;
  h.store.tick();
  h.store.sweep(64 * KIB);
}

const task = workerData as StoreTask;
const planter = new Planter();

function play(operations: number): void {
  for (let i = 0; i < operations; i++) {
    step(i);
    if (task.plants) planter.plant(i);
  }
}

play(task.warmUp);
const collections = await collectionsDuring(() => play(task.operations));
h.store.verify();
parentPort?.postMessage({ hits, stored, collections } satisfies StoreResult);
