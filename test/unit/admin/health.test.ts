import { describe, expect, test } from "vitest";
import type { Rates } from "../../../src/admin/frame.ts";
import { healthOf, type Minute } from "../../../src/admin/health.ts";
import { type MinuteSecond, MinuteWindow } from "../../../src/admin/minute-window.ts";
import { ServerState } from "../../../src/memory/control.ts";

const NO_MISSES = { expired: 0, flushed: 0, evicted: 0, neverStored: 0, other: 0 };
const GIB = 2 ** 30;

const WELL: Minute = {
  state: ServerState.serving,
  absentShards: [],
  seconds: 60,
  requests: 212_000,
  reads: 190_000,
  sets: 20_000,
  hitRatio: 0.984,
  hitRatioBefore: 0.98,
  evictions: 0,
  evictedAge: 0,
  misses: { ...NO_MISSES, other: 3000 },
  rejected: 0,
  outOfMemory: 0,
  tooLarge: 0,
  p99: 400,
  memoryShare: 0.61,
  memoryLimit: 64 * 2 ** 20,
  residentBytes: 200 * 2 ** 20,
  cgroupLimit: 0,
  connections: 100,
  connectionsMax: 1024,
  busiest: { id: 1, busy: 0.5, others: 0.4 },
  hottestKey: null,
  missedKey: null,
  neverStored: [],
  flushedAgo: Number.POSITIVE_INFINITY,
};

describe("healthOf()", () => {
  test("says in one sentence that all is well", () => {
    expect(healthOf(WELL)).toEqual({
      level: "ok",
      sentence:
        "Healthy: 98.4 % hits, 212 k requests a second, p99 0.4 ms, 61 % of memory, no evictions (last minute).",
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
    [
      "stores without room",
      { outOfMemory: 900 },
      "bad",
      "Out of memory",
      "54 k in the last minute",
    ],
    ["a store without room", { outOfMemory: 1 / 60 }, "notice", "Out of memory", "1 in the last"],
    [
      "reads that more memory would serve",
      { evictions: 500, evictedAge: 40, misses: { ...NO_MISSES, evicted: 19_000 } },
      "bad",
      "Short of memory",
      "10 % of the reads, 19 k a second, miss keys that were evicted 40 s after their last use: 64 MiB (-m)",
    ],
    [
      "some such reads",
      { evictions: 500, evictedAge: 40, misses: { ...NO_MISSES, evicted: 3800 } },
      "notice",
      "Short of memory",
      "2 % of the reads",
    ],
    [
      "a flush",
      { hitRatio: 0.4, flushedAgo: 90 },
      "notice",
      "Filling again",
      "Everything was flushed 90 s ago: 60 % of the reads miss, where 2 % did",
    ],
    [
      "a flush of a node that has no past",
      { hitRatio: 0.4, hitRatioBefore: Number.NaN, flushedAgo: 9 },
      "notice",
      "Filling again",
      "Everything was flushed 9 s ago: 60 % of the reads miss, until",
    ],
    [
      "keys that nobody stores",
      { misses: { ...NO_MISSES, neverStored: 38_000 }, neverStored: ["a:1", "a:2", "a:3", "a:4"] },
      "notice",
      "Asked for in vain",
      "20 % of the reads, 38 k a second, ask for keys that nobody stores: a:1, a:2, a:3, ….",
    ],
    [
      "misses of one key",
      { hitRatio: 0.4, missedKey: { text: "flag:x", share: 0.7 } },
      "notice",
      "Missing more than usual",
      "70 % of the misses ask for one key: flag:x",
    ],
    [
      "misses of what had expired",
      { hitRatio: 0.5, misses: { ...NO_MISSES, expired: 80_000 } },
      "notice",
      "Missing more than usual",
      "84.2 % of the misses ask for keys whose time was over",
    ],
    [
      "a full container",
      { residentBytes: 0.95 * GIB, cgroupLimit: GIB },
      "bad",
      "Near the container's limit",
      "973 MiB of the 1 GiB",
    ],
    [
      "a process far larger than its items",
      { residentBytes: GIB },
      "notice",
      "Larger than planned",
      "1 GiB, where 280 MiB are usual with -m 64 MiB",
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

  describe("is quiet about what costs nobody anything:", () => {
    const full = { evictions: 500, memoryShare: 0.98 };
    for (const [name, changes] of [
      ["evicting what was used a second ago, and is not asked for again", { evictedAge: 1 }],
      ["evicting what was not used for long", { evictedAge: 3600 }],
      [
        "one read in a thousand that more memory would serve",
        {
          evictedAge: 0,
          misses: { ...NO_MISSES, evicted: 190 },
        },
      ],
      [
        "a read a minute of a key that is never stored",
        {
          ...{ requests: 0.02, reads: 0.02, hitRatio: 0 },
          misses: { ...NO_MISSES, neverStored: 0.02 },
          neverStored: ["a"],
        },
      ],
      ["slow, but one request in a while", { p99: 50_000, requests: 0.5 }],
      ["a flush that nobody notices", { flushedAgo: 5, hitRatio: 0.98 }],
    ] as const) {
      test(name, () => {
        expect(healthOf({ ...WELL, ...full, ...changes })).toMatchObject({
          level: "ok",
          cause: "",
        });
      });
    }
  });

  test("a node nobody uses is healthy, and says how long it has looked", () => {
    const idle = {
      ...WELL,
      ...{ seconds: 7, requests: 0, reads: 0, sets: 0, hitRatio: 0, p99: 0 },
      hitRatioBefore: Number.NaN,
      misses: NO_MISSES,
    };
    expect(healthOf(idle).sentence).toBe(
      "Healthy: no requests, 61 % of memory, no evictions (last 7 s).",
    );
  });
});

describe("MinuteWindow", () => {
  const rates = Object.fromEntries(
    [
      ...["hits", "misses", "sets", "deletes", "arithmetic", "touches", "bytesIn", "bytesOut"],
      ...["evictions", "expired", "connections", "rejected", "flushes", "hops", "staleServed"],
      ...["herdsPrevented", "outOfMemory", "tooLarge"],
    ].map((name) => [name, 0]),
  ) as unknown as Rates;
  const second = (time: number, changes: Partial<Rates>, more: Partial<MinuteSecond> = {}) => ({
    ...{ time, rates: { ...rates, ...changes }, p99: 1, evictedAge: 0, ghostHits: 0 },
    ...{ expiredMisses: 0, flushedMisses: 0, workers: [], ...more },
  });
  const now = {
    ...{ state: ServerState.serving, absentShards: [], memoryShare: 0, memoryLimit: 1 },
    ...{ residentBytes: 1, cgroupLimit: 0, connections: 0, connectionsMax: 1 },
  };

  test("smooths the age at eviction over all that was evicted in the minute", () => {
    const window = new MinuteWindow();
    for (const [time, evictions, evictedAge] of [
      [1, 100, 2],
      [2, 0, 999], // nothing was evicted, so the age tells nothing
      [3, 300, 10],
    ] as const) {
      window.add(second(time, { evictions }, { evictedAge }));
    }
    expect(window.evictedAge()).toBe(8);
    expect(window.summary(now).evictedAge).toBe(8);
  });

  test("tells the causes of misses apart, and never more of them than there are", () => {
    const window = new MinuteWindow();
    const causes = { expiredMisses: 20, flushedMisses: 5, ghostHits: 30 };
    window.add(second(1, { misses: 100 }, causes));
    window.setKeys(null, null, [{ text: "a", rate: 25 }]);
    expect(window.misses()).toEqual({
      ...{ expired: 20, flushed: 5, neverStored: 25, evicted: 30, other: 20 },
    });
    window.setKeys(null, null, [{ text: "a", rate: 500 }]);
    expect(window.misses()).toEqual({
      ...{ expired: 20, flushed: 5, neverStored: 75, evicted: 0, other: 0 },
    });
  });

  test("a flush begins a new window, and what was before is the past", () => {
    const window = new MinuteWindow();
    for (let time = 0; time < 400; time++) {
      window.add(second(time, { hits: 95, misses: 5, evictions: 50 }, { ghostHits: 5 }));
    }
    window.add(second(400, { misses: 100, flushes: 1 }));
    window.add(second(401, { hits: 50, misses: 50 }));
    const minute = window.summary(now);
    expect(minute).toMatchObject({ seconds: 2, evictions: 0, flushedAgo: 1, hitRatio: 0.25 });
    expect(minute.hitRatioBefore).toBeCloseTo(0.95, 3);
    expect(healthOf(minute).sentence).toMatch(/^Filling again: /);
  });
});
