/**
 * Operations on one key are linearizable: many clients on several workers, whose shards, routers
 * and rings are the server's own, play random scripts on few keys; every history of a key must have
 * an order that explains it.
 */
import { describe, expect, test } from "vitest";
import { MIB } from "../../src/base/unit.ts";
import { runWorker } from "./built.ts";
import { byKey } from "./history.ts";
import { checkKey } from "./linearizability.ts";
import type { WorkerResult, WorkerTask } from "./linearizability-worker.ts";
import { threadMemory } from "./shard-thread.ts";

const CLIENTS = 4;
const OPERATIONS = Number(process.env["SHARDCACHED_LINEARIZABILITY_OPERATIONS"] ?? 4000);
const SEED = Number(process.env["SHARDCACHED_SEED"] ?? 20260);

interface Case {
  readonly workers: number;
  readonly ringBytes: number;
  readonly pressure: boolean;
  readonly textBytesMax: number;
  /**
   * Threads without clients beside the workers: they sleep, and lend their shards. Null: nobody
   * lends.
   */
  readonly sleepers: number | null;
}

async function play(sample: Case): Promise<WorkerResult[]> {
  const { workers, ringBytes, pressure, textBytesMax, sleepers } = sample;
  const threads = workers + (sleepers ?? 0);
  const memory = threadMemory(threads, ringBytes, pressure ? MIB / 2 : 8 * MIB, MIB / 8);
  const done = new SharedArrayBuffer(4);
  const script = { operations: OPERATIONS, seed: SEED, pressure, textBytesMax };
  const run = (self: number) =>
    runWorker<WorkerResult>("test/threads/linearizability-worker.ts", {
      memory,
      self,
      clients: self < workers ? CLIENTS : 0,
      script,
      done,
      threads: workers,
      lending: sleepers !== null,
      takesOver: false,
    } satisfies WorkerTask);
  return Promise.all(Array.from({ length: threads }, (_, self) => run(self)));
}

describe(`histories of ${CLIENTS} clients a worker, seed ${SEED}, are linearizable`, () => {
  for (const sample of [
    { workers: 2, ringBytes: 65_536, pressure: false, textBytesMax: 8000, sleepers: null },
    { workers: 3, ringBytes: 512, pressure: false, textBytesMax: 100, sleepers: null },
    { workers: 2, ringBytes: 8192, pressure: true, textBytesMax: 3000, sleepers: null },
    { workers: 4, ringBytes: 65_536, pressure: true, textBytesMax: 20_000, sleepers: null },
    { workers: 2, ringBytes: 65_536, pressure: false, textBytesMax: 8000, sleepers: 2 },
    { workers: 3, ringBytes: 512, pressure: false, textBytesMax: 100, sleepers: 0 },
    { workers: 2, ringBytes: 8192, pressure: true, textBytesMax: 3000, sleepers: 1 },
    { workers: 1, ringBytes: 65_536, pressure: true, textBytesMax: 20_000, sleepers: 2 },
  ]) {
    const { workers, ringBytes, pressure, textBytesMax, sleepers } = sample;
    const lending = sleepers === null ? "" : `, lending, ${sleepers} beside them`;
    const name = `${workers} workers${lending}, rings of ${ringBytes}, values to ${textBytesMax}`;
    test(`${name}${pressure ? ", while the cache evicts" : ""}`, async () => {
      const results = await play(sample);
      const operations = results.flatMap((result) => result.operations);
      expect(operations.length).toBeGreaterThan((workers * CLIENTS * OPERATIONS) / 3);
      const evictions = results.reduce((sum, result) => sum + result.evictions, 0);
      expect(evictions > 0).toBe(pressure);
      for (const result of results.slice(0, workers)) {
        expect(result.readsDirect).toBeGreaterThan(0);
        if (sleepers === null) {
          expect(result.requestsSent).toBeGreaterThan(0);
          expect(result.requestsOnLoan).toBe(0);
        } else if (sleepers > 0) {
          expect(result.requestsOnLoan).toBeGreaterThan(0);
        }
      }
      for (const [key, history] of byKey(operations)) {
        const verdict = checkKey(history, { mayVanish: pressure });
        expect(verdict.linearizable, `${key} at ${JSON.stringify(verdict.stuckAt)}`).toBe(true);
      }
    });
  }
});
