/**
 * The load generator against a real memcached: in every protocol it stores, reads back and verifies
 * every byte.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { findPeers } from "../../bench/compare/peers.ts";
import { ServerProcess } from "../../bench/compare/server-process.ts";
import { Board, Meter } from "../../bench/load/board.ts";
import { Generator } from "../../bench/load/generator.ts";
import { WORKLOAD_DEFAULTS, type Workload } from "../../bench/load/workload.ts";

let server: ServerProcess | null = null;

beforeAll(async () => {
  const peer = findPeers().find(({ name }) => name === "memcached");
  if (peer === undefined) throw new Error("memcached is not installed");
  server = await ServerProcess.start(peer, { threads: 2, memoryMib: 128, valueBytes: 100 }, []);
});

afterAll(async () => {
  await server?.stop();
});

for (const protocol of ["text", "meta", "binary"] as const) {
  for (const [name, change] of [
    ["one request at a time", {}],
    ["pipelined 32", { depth: 32 }],
    ["gets of 20 keys, a fifth of them never set", { keysPerGet: 20, hitRatio: 0.8 }],
    ["values of 1 to 50 000 bytes", { valueSizes: "1-50000" }],
    ["keys of 10 to 250 bytes", { keySizes: "10-250" }],
  ] as const) {
    test(`${protocol}: ${name}`, () => {
      const board = new Board();
      const workload: Workload = {
        ...WORKLOAD_DEFAULTS,
        protocol,
        verify: true,
        keyCount: 500,
        connections: 5,
        reads: 0.7,
        keyPrefix: `${protocol}${Object.keys(change)}`,
        ...change,
      };
      const target = (server as ServerProcess).target;
      const generator = new Generator(target, workload, { thread: 0, threads: 1 }, board);
      generator.preload();
      generator.window({ seconds: 60, rate: 0, arrivals: "uniform", requests: 3000 });
      generator.close();
      expect(board.meters[Meter.requests]).toBe(3000);
      expect(board.meters[Meter.lies]).toBe(0);
      expect(board.meters[Meter.refusals]).toBe(0);
      expect(board.meters[Meter.failures]).toBe(0);
      const hits = board.meters[Meter.hits] as number;
      const misses = board.meters[Meter.misses] as number;
      const ratio = hits / (hits + misses);
      if ("hitRatio" in change) expect(Math.abs(ratio - 0.8)).toBeLessThan(0.02);
      else expect(ratio).toBe(1);
    });
  }
}
