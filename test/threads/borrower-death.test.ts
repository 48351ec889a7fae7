/**
 * Borrowers that die at any moment, most often with another thread's shard in hand: they are
 * terminated again and again while clients on another thread go on. Each successor repairs what its
 * predecessor had on loan. No client ever hangs, no loan stays behind, the histories stay
 * linearizable, and in the end the shards are whole.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { MIB } from "../../src/base/unit.ts";
import { Arena } from "../../src/memory/arena.ts";
import { Control } from "../../src/memory/control.ts";
import { COUNTERS_BYTES, Counter, Counters } from "../../src/memory/counters.ts";
import { Borrower } from "../../src/ring/loan.ts";
import type { BorrowerTask } from "./borrower-worker.ts";
import { built, runWorker } from "./built.ts";
import { byKey } from "./history.ts";
import { checkKey } from "./linearizability.ts";
import type { WorkerResult, WorkerTask } from "./linearizability-worker.ts";
import { threadMemory } from "./shard-thread.ts";

const CLIENTS = 4;
const DEATHS = 12;
const OPERATIONS = Number(process.env["SHARDCACHED_LINEARIZABILITY_OPERATIONS"] ?? 4000);
const SEED = Number(process.env["SHARDCACHED_SEED"] ?? 20262);
const RING_BYTES = 16_384;
const ASKER = 0;
const SLEEPER = 1;
const BORROWER = 2;

test("clients outlive borrowers, and owners get their shards back", async () => {
  const memory = threadMemory(3, RING_BYTES, MIB, MIB / 8);
  const done = new SharedArrayBuffer(4);
  const arena = new Arena(memory.buffer);
  const countersAt = memory.countersAt + BORROWER * COUNTERS_BYTES;
  const counters = new Counters(arena, countersAt);
  const script = { operations: OPERATIONS, seed: SEED, pressure: true, textBytesMax: 3000 };
  // `done` counts the clients' thread, and the last death.
  const task = { memory, script, done, threads: 2, lending: true, takesOver: false };
  const run = (self: number, clients: number) =>
    runWorker<WorkerResult>("test/threads/linearizability-worker.ts", {
      ...task,
      self,
      clients,
    } satisfies WorkerTask);
  const failures: unknown[] = [];
  const asker = run(ASKER, CLIENTS);
  const sleeper = run(SLEEPER, 0);
  const dead = new Borrower(arena.ints, new Control(arena, 0), { ring: () => {} }, BORROWER);
  let inherited = 0;
  for (let death = 0; death < DEATHS; death++) {
    const worker = new Worker(built("test/threads/borrower-worker.ts"), {
      workerData: { memory, self: BORROWER, seed: SEED + death } satisfies BorrowerTask,
    });
    worker.on("error", (error) => failures.push(error));
    const end = counters.value(Counter.requestsOnLoan) + 50 + ((death * 3571) % 900);
    while (counters.value(Counter.requestsOnLoan) < end && failures.length === 0) await sleep(1);
    await worker.terminate();
    for (const owner of [ASKER, SLEEPER]) if (dead.holds(owner)) inherited++;
  }
  // The last of them lives: it repairs, and then serves its shard until all is over.
  const last = runWorker<WorkerResult>("test/threads/linearizability-worker.ts", {
    ...task,
    self: BORROWER,
    clients: 0,
    takesOver: true,
  } satisfies WorkerTask);
  Atomics.add(new Int32Array(done), 0, 1);
  const [{ operations }] = await Promise.all([asker, sleeper, last]);
  expect(failures).toEqual([]);
  expect(inherited).toBeGreaterThan(0);
  for (const [key, history] of byKey(operations)) {
    const verdict = checkKey(history, { mayVanish: true });
    expect(verdict.linearizable, `${key} at ${JSON.stringify(verdict.stuckAt)}`).toBe(true);
  }
});
