import { describe, expect, test } from "vitest";
import { healthOf, type Minute } from "../../../src/admin/health.ts";
import { ServerState } from "../../../src/memory/control.ts";

const WELL: Minute = {
  state: ServerState.serving,
  absentShards: [],
  requests: 212_000,
  reads: 190_000,
  hitRatio: 0.984,
  hitRatioBefore: 0.98,
  evictions: 0,
  evictedAge: 0,
  ghostHits: 0,
  misses: 3000,
  rejected: 0,
  outOfMemory: 0,
  tooLarge: 0,
  p99: 400,
  memoryShare: 0.61,
  memoryLimit: 64 * 2 ** 20,
  connections: 100,
  connectionsMax: 1024,
  busiest: { id: 1, busy: 0.5, others: 0.4 },
  hottestKey: null,
  missedKey: null,
  flushedAgo: Number.POSITIVE_INFINITY,
};

describe("healthOf()", () => {
  test("says in one sentence that all is well", () => {
    expect(healthOf(WELL)).toEqual({
      level: "ok",
      sentence:
        "Healthy: 98.4 % hits, 212 k requests a second, p99 0.4 ms, 61 % of memory, no evictions.",
      cause: "",
    });
  });

  for (const [name, changes, level, word, cause] of [
    [
      "refused clients",
      { rejected: 3, connections: 1024 },
      "bad",
      "Refusing connections",
      "Raise -c",
    ],
    [
      "a shard without a thread",
      { absentShards: [1] },
      "bad",
      "Not all served",
      "Shard 1: the thread",
    ],
    ["stores without room", { outOfMemory: 1 }, "bad", "Out of memory", "Raise -m"],
    [
      "evicting what would be read again",
      { evictions: 500, evictedAge: 40, ghostHits: 900 },
      "bad",
      "Short of memory",
      "used only 40 s ago, because 64 MiB (-m) is full. 30 % of the misses",
    ],
    [
      "evicting what nobody wants",
      { evictions: 500, evictedAge: 40, ghostHits: 10 },
      "notice",
      "Short of memory",
      "more memory would help little",
    ],
    [
      "misses after a flush",
      { hitRatio: 0.4, flushedAgo: 90 },
      "notice",
      "Missing more than usual",
      "flushed 90 s ago",
    ],
    [
      "misses of one key",
      { hitRatio: 0.4, missedKey: { text: "flag:x", share: 0.7 } },
      "notice",
      "Missing more than usual",
      "70 % of the misses ask for one key: flag:x",
    ],
    [
      "one full worker and its hot key",
      {
        busiest: { id: 3, busy: 0.91, others: 0.2 },
        hottestKey: { text: "user:1", share: 0.4 },
      },
      "notice",
      "One worker is full",
      "Worker 3 is busy 91 % of the time, the others 20 %: its connections ask for more than the others'. 40 % of all requests ask for one key: user:1",
    ],
    [
      "all workers full",
      { busiest: { id: 0, busy: 0.99, others: 0.97 } },
      "notice",
      "Full load",
      "more nodes",
    ],
    ["slowness", { p99: 25_000 }, "notice", "Slow", "longer than 25 ms"],
    [
      "nearly no connections left",
      { connections: 1000 },
      "notice",
      "Nearly out of connections",
      "-c",
    ],
    ["values too large", { tooLarge: 2 }, "notice", "Values too large", "-I"],
    ["starting", { state: ServerState.starting }, "notice", "Starting", "not all serving"],
    ["stopping", { state: ServerState.draining }, "notice", "Stopping", "not accepted"],
  ] as const) {
    test(`tells of ${name}, why, and what to do`, () => {
      const health = healthOf({ ...WELL, ...changes });
      expect(health.level).toBe(level);
      expect(health.sentence.startsWith(`${word}: `)).toBe(true);
      expect(health.cause).toContain(cause);
    });
  }

  test("tells the worst first", () => {
    const health = healthOf({ ...WELL, p99: 25_000, tooLarge: 2, rejected: 1 });
    expect(health.sentence).toContain("Refusing connections");
  });

  test("evicting what was not used for long is normal", () => {
    expect(healthOf({ ...WELL, evictions: 500, evictedAge: 3600 }).level).toBe("ok");
  });

  test("a node nobody uses is healthy", () => {
    const idle = {
      ...WELL,
      requests: 0,
      reads: 0,
      hitRatio: 0,
      hitRatioBefore: Number.NaN,
      p99: 0,
    };
    expect(healthOf(idle).sentence).toBe("Healthy: no requests, 61 % of memory, no evictions.");
  });
});
