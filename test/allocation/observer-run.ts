/** Requests under an observer, in one thread: what its garbage collector had to do. */
import { parentPort, workerData } from "node:worker_threads";
import { Clock } from "../../src/base/clock.ts";
import { Op } from "../../src/command/op.ts";
import { Request } from "../../src/command/request.ts";
import { monotonicNanoseconds } from "../../src/libc/clocks.ts";
import { Libc, libcAvailable } from "../../src/libc/libc.ts";
import { Arena } from "../../src/memory/arena.ts";
import { Control, controlBytes } from "../../src/memory/control.ts";
import { COUNTERS_BYTES, Counters } from "../../src/memory/counters.ts";
import { OBSERVATION_BYTES, Observation } from "../../src/memory/observation.ts";
import { Observer } from "../../src/stats/observer.ts";
import { collectionsDuring, Planter } from "./collections.ts";

export interface ObserverTask {
  readonly warmUp: number;
  readonly requests: number;
  /** Each request leaves garbage, on purpose. */
  readonly plants: boolean;
}

export interface ObserverResult {
  readonly collections: number;
  readonly samples: number;
}

const KEY_BYTES = 16;
const KEYS = 4096;
const REQUESTS_PER_TURN = 24;
const REQUESTS_PER_SECOND = 200_000;

const counters = controlBytes(1);
const base = counters + COUNTERS_BYTES;
const keysAt = base + OBSERVATION_BYTES;
const arena = new Arena(new SharedArrayBuffer(keysAt + KEYS * KEY_BYTES));
const observation = new Observation(arena, base);
const libc = libcAvailable() ? Libc.load() : null;
const observer = new Observer({
  observation,
  counters: new Counters(arena, counters),
  control: new Control(arena, 0),
  clock: new Clock(1_700_000_000),
  prefixDelimiter: ":",
  seed: 7,
  ...(libc !== null && { nanoseconds: () => monotonicNanoseconds(libc) }),
});
for (let key = 0; key < KEYS; key++) {
  const name = Buffer.from(`user:${key}`.padEnd(KEY_BYTES, "x"));
  arena.bytes.set(name, keysAt + key * KEY_BYTES);
}
const request = new Request(arena.bytes);
const task = workerData as ObserverTask;
const planter = new Planter();

function play(requests: number): void {
  for (let i = 0; i < requests; i++) {
    if (i % REQUESTS_PER_TURN === 0) observer.turnBegan();
    const hash = Math.imul(i, 0x9e3779b1);
    request.op = (i & 3) === 0 ? Op.store : Op.get;
    request.keyStart = keysAt + (hash >>> 20) * KEY_BYTES;
    request.keyEnd = request.keyStart + KEY_BYTES;
    request.hashLow = Math.imul(hash >>> 20, 0x85ebca6b);
    request.hashHigh = Math.imul(hash >>> 20, 0xc2b2ae35);
    if (observer.due()) observer.sampled(request, (i & 7) === 0, 100);
    if (i % REQUESTS_PER_TURN === REQUESTS_PER_TURN - 1) observer.turnEnded();
    if (i % REQUESTS_PER_SECOND === 0) observer.tick();
    if (task.plants) planter.plant(i);
  }
}

play(task.warmUp);
const before = observation.samples();
const collections = await collectionsDuring(() => play(task.requests));
const samples = observation.samples() - before;
parentPort?.postMessage({ collections, samples } satisfies ObserverResult);
