/**
 * Owners that die at any moment, in the middle of whatever they do: their threads are terminated
 * again and again while clients on another thread go on. Each successor takes over from shared
 * memory alone. No client ever hangs, and the histories stay linearizable, where what was answered
 * ownerLost may have taken effect or not, and an item that was being written may be gone.
 */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { MIB } from "../../src/base/unit.ts";
import { Arena } from "../../src/memory/arena.ts";
import { COUNTERS_BYTES, Counter, Counters } from "../../src/memory/counters.ts";
import { built, runWorker } from "./built.ts";
import { byKey } from "./history.ts";
import { checkKey } from "./linearizability.ts";
import type { WorkerResult, WorkerTask } from "./linearizability-worker.ts";
import { threadMemory } from "./shard-thread.ts";

const FILE = "test/threads/linearizability-worker.ts";
const CLIENTS = 6;
const DEATHS = 12;
const OPERATIONS = Number(process.env["SHARDCACHED_LINEARIZABILITY_OPERATIONS"] ?? 4000);
const SEED = Number(process.env["SHARDCACHED_SEED"] ?? 20261);

for (const [ringBytes, pressure, lending] of [
  [512, false, false],
  [16_384, true, false],
  [16_384, true, true],
] as const) {
  const how = `${pressure ? ", evicting" : ""}${lending ? ", lending" : ""}`;
  test(`clients outlive owners, rings of ${ringBytes}${how}`, async () => {
    const memory = threadMemory(2, ringBytes, MIB, MIB / 8);
    const done = new SharedArrayBuffer(4);
    const countersAt = memory.countersAt + COUNTERS_BYTES;
    const counters = new Counters(new Arena(memory.buffer), countersAt);
    const onLoan = new Counters(new Arena(memory.buffer), memory.countersAt);
    const script = { operations: OPERATIONS, seed: SEED, pressure, textBytesMax: 100 };
    const task = { memory, script, done, threads: 1, lending };
    const owner: WorkerTask = { ...task, self: 1, clients: 0, takesOver: true };
    const asker: WorkerTask = { ...task, self: 0, clients: CLIENTS, takesOver: false };
    const failures: unknown[] = [];
    const start = () => {
      const worker = new Worker(built(FILE), { workerData: owner });
      worker.on("error", (error) => failures.push(error));
      return worker;
    };
    const asked = runWorker<WorkerResult>(FILE, asker);
    let isOver = false;
    asked.then(
      () => (isOver = true),
      () => (isOver = true),
    );
    // Deaths come after so many records, wherever the thread then is; the last owner lives.
    const served = () =>
      counters.value(Counter.requestsServed) + onLoan.value(Counter.requestsOnLoan);
    for (let death = 0; death < DEATHS; death++) {
      const worker = start();
      const end = served() + 20 + ((death * 3571) % 400);
      while (served() < end && !isOver) await sleep(1);
      await worker.terminate();
    }
    const exited = once(start(), "exit");
    await asked;
    await exited;
    const { operations } = await asked;
    expect(failures).toEqual([]);
    const lost = operations.filter(({ told }) => told === "unknown").length;
    expect(lost).toBeLessThanOrEqual(DEATHS);
    for (const [key, history] of byKey(operations)) {
      const verdict = checkKey(history, { mayVanish: true });
      expect(verdict.linearizable, `${key} at ${JSON.stringify(verdict.stuckAt)}`).toBe(true);
    }
  });
}
