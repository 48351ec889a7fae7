import { afterEach, describe, expect, test } from "vitest";
import { Board, Meter } from "../../bench/load/board.ts";
import { Generator } from "../../bench/load/generator.ts";
import { addCounts, emptyHistogram, percentile } from "../../bench/load/latency-counts.ts";
import { WORKLOAD_DEFAULTS, type Workload } from "../../bench/load/workload.ts";
import { type FakeServer, type FakeServerOptions, startFakeServer } from "./fake-server.ts";

const ALONE = { thread: 0, threads: 1 };
const SMALL: Workload = { ...WORKLOAD_DEFAULTS, keyCount: 200, connections: 3, verify: true };

let server: FakeServer | null = null;
let generator: Generator | null = null;

afterEach(async () => {
  generator?.close();
  generator = null;
  await server?.stop();
  server = null;
});

/** A preloaded generator on a fake server. */
async function prepared(options: FakeServerOptions, workload: Workload): Promise<Board> {
  server = await startFakeServer(options);
  const board = new Board();
  generator = new Generator({ host: "127.0.0.1", port: server.port }, workload, ALONE, board);
  generator.preload();
  return board;
}

/** A closed loop of so many requests, however long it takes. */
function send(requests: number): void {
  generator?.window({ seconds: 60, rate: 0, arrivals: "uniform", requests });
}

function meter(board: Board, index: number): number {
  return board.meters[index] as number;
}

describe("preload()", () => {
  for (const [name, workload] of [
    ["one request at a time", SMALL],
    ["pipelined", { ...SMALL, depth: 16 }],
    ["values of 20 KB", { ...SMALL, valueSizes: "20000" }],
  ] as const) {
    test(`sets every key once, ${name}`, async () => {
      const board = await prepared({}, workload);
      expect(meter(board, Meter.requests)).toBe(200);
      expect(meter(board, Meter.refusals)).toBe(0);
      expect(meter(board, Meter.unanswered)).toBe(0);
    });
  }
});

describe("window(), closed loop", () => {
  for (const [name, change] of [
    ["single gets", {}],
    ["pipelined 32", { depth: 32 }],
    ["gets of 20 keys", { keysPerGet: 20, reads: 1 }],
    ["gets of 8 large values", { keysPerGet: 8, valueSizes: "20000", keyCount: 40 }],
    ["drawn sizes", { valueSizes: "1-3000", keySizes: "10-200", popularity: "zipf:0.99" }],
  ] as const) {
    test(`an honest server passes the verification, ${name}`, async () => {
      const board = await prepared({}, { ...SMALL, ...change });
      send(1000);
      expect(meter(board, Meter.hits)).toBeGreaterThan(0);
      expect(meter(board, Meter.misses)).toBe(0);
      expect(meter(board, Meter.lies)).toBe(0);
      expect(meter(board, Meter.unanswered)).toBe(0);
      const counted = board.counts.reduce((sum, count) => sum + count, 0);
      expect(counted).toBe(1000);
      expect(meter(board, Meter.requests)).toBe(1000);
    });
  }

  for (const lie of ["flip", "swap"] as const) {
    for (const [name, change] of [
      ["a single get", {}],
      ["a pipelined one", { depth: 8 }],
      ["one of many keys", { keysPerGet: 10, reads: 1 }],
    ] as const) {
      test(`finds the one wrong value (${lie}) of ${name}`, async () => {
        const board = await prepared({ lieAt: 50, lie }, { ...SMALL, ...change });
        send(1000);
        expect(meter(board, Meter.hits)).toBeGreaterThan(50);
        expect(meter(board, Meter.lies)).toBe(1);
      });
    }
  }

  test("finds a value torn between two versions", async () => {
    const workload = { ...SMALL, reads: 0.5, keyCount: 4, valueSizes: "400" };
    const board = await prepared({ lieAt: 300, lie: "tear" }, workload);
    send(1000);
    expect(meter(board, Meter.hits)).toBeGreaterThan(300);
    expect(meter(board, Meter.lies)).toBe(1);
  });

  test("says nothing about values when it does not verify", async () => {
    const board = await prepared({ lieAt: 50 }, { ...SMALL, verify: false });
    send(1000);
    expect(meter(board, Meter.lies)).toBe(0);
  });

  test("reaches the wanted hit ratio with keys that were never set", async () => {
    const board = await prepared({}, { ...SMALL, hitRatio: 0.5, reads: 1 });
    send(1000);
    const hits = meter(board, Meter.hits);
    const reads = hits + meter(board, Meter.misses);
    expect(reads).toBeGreaterThan(200);
    expect(hits / reads).toBeGreaterThan(0.35);
    expect(hits / reads).toBeLessThan(0.65);
  });

  test("sets what a get missed", async () => {
    server = await startFakeServer();
    const board = new Board();
    const workload = { ...SMALL, setOnMiss: true, reads: 1, keyCount: 20 };
    generator = new Generator({ host: "127.0.0.1", port: server.port }, workload, ALONE, board);
    generator.window({ seconds: 0.2, rate: 0, arrivals: "uniform" });
    generator.window({ seconds: 0.1, rate: 0, arrivals: "uniform" });
    expect(meter(board, Meter.hits)).toBeGreaterThan(0);
    expect(meter(board, Meter.misses)).toBe(0);
  });

  test("goes on with a new connection when one breaks", async () => {
    const board = await prepared({ closeAt: 300 }, SMALL);
    send(1000);
    expect(meter(board, Meter.failures)).toBe(1);
    expect(meter(board, Meter.unanswered)).toBeGreaterThan(0);
    expect(meter(board, Meter.requests)).toBeGreaterThan(300);
  });

  test("ends early when the board says stop", async () => {
    const board = await prepared({}, SMALL);
    board.stop();
    generator?.window({ seconds: 1000, rate: 0, arrivals: "uniform" });
    expect(meter(board, Meter.seconds)).toBeLessThan(50);
  });
});

describe("window(), open loop", () => {
  test("sends exactly the requests that are due", async () => {
    const board = await prepared({}, SMALL);
    generator?.window({ seconds: 0.5, rate: 1000, arrivals: "uniform" });
    expect(Math.abs(meter(board, Meter.requests) - 500)).toBeLessThanOrEqual(1);
  });

  test("counts a stall in all the requests it delayed, from when they were due", async () => {
    const stallMilliseconds = 400;
    const rate = 1000;
    const workload = { ...SMALL, connections: 2 };
    // The stall comes 100 requests into the window; 200 sets come before it.
    const board = await prepared({ stallAt: 300, stallMilliseconds }, workload);
    generator?.window({ seconds: 0.7, rate, arrivals: "uniform" });
    expect(Math.abs(meter(board, Meter.requests) - 700)).toBeLessThanOrEqual(1);
    const latency = emptyHistogram();
    addCounts(latency, board.counts);
    // Of the requests due in the first half of the stall, about 200 of 700, each is at least half a
    // stall late. A generator that waits for answers before it sends the next request would show
    // two.
    const late = 0.9 * (stallMilliseconds / 2000) * rate;
    const least = percentile(latency, 100 * (1 - late / latency.totalCount));
    expect(least).toBeGreaterThanOrEqual((stallMilliseconds * 1000) / 2);
    expect(latency.maxValue / 1e6).toBeGreaterThanOrEqual(stallMilliseconds * 0.95);
  });
});
