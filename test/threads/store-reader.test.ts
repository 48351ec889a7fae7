/**
 * One thread writes a few keys as fast as it can: in place, by appending, deleting, evicting,
 * splitting buckets. Two others read them all the while, key by key or as a batch. What a reader
 * confirms is of one piece, always; what is never gone is never missed.
 */
import { describe, expect, test } from "vitest";
import { MIB } from "../../src/base/unit.ts";
import { Op } from "../../src/command/op.ts";
import { Counter } from "../../src/memory/counters.ts";
import { SEED_HIGH, SEED_LOW, StoreHarness } from "../model/store-harness.ts";
import { until } from "../support/until.ts";
import { runWorker } from "./built.ts";
import type { ReaderResult, ReaderTask } from "./store-reader-run.ts";

const KEYS = 24;
const ROUNDS = 8;
const WRITES_A_ROUND = 8000;
const READERS = 2;

function store(h: StoreHarness, key: number, serial: number): void {
  const length = 3 + ((serial * 131) % 1500);
  const value = new Uint8Array(length).fill(serial & 255);
  value[0] = length & 255;
  value[1] = key;
  h.set(`key-${key}`, value, { clientFlags: serial & 255 });
}

/** Plays rounds of `write` while two threads read; what they found. */
async function readWhile(
  h: StoreHarness,
  way: ReaderTask["way"],
  write: (round: number, i: number) => void,
): Promise<ReaderResult[]> {
  const runningWord = (h.base + h.plan.regionBytes) / 4;
  expect(h.arena.ints.length).toBeGreaterThan(runningWord + 1);
  for (let key = 0; key < KEYS; key++) store(h, key, key);
  Atomics.store(h.arena.ints, runningWord, 1);
  const task: ReaderTask = {
    buffer: h.arena.buffer as SharedArrayBuffer,
    base: h.base,
    way,
    runningWord,
    keys: KEYS,
    now: h.clock.now,
    seedLow: SEED_LOW,
    seedHigh: SEED_HIGH,
  };
  const readers = Array.from({ length: READERS }, () =>
    runWorker<ReaderResult>("test/threads/store-reader-run.ts", task),
  );
  await until(() => Atomics.load(h.arena.ints, runningWord + 1) === READERS);
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < WRITES_A_ROUND; i++) write(round, i);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  Atomics.store(h.arena.ints, runningWord, 0);
  h.store.verify();
  return Promise.all(readers);
}

describe.each(["find", "batch"] as const)("by %s", (way) => {
  test("what a reader confirms was never torn", async () => {
    const h = new StoreHarness(2 * MIB);
    const results = await readWhile(h, way, (round, i) => {
      const key = i % KEYS;
      if (i % 97 === 0) h.run(Op.delete, `key-${key}`);
      else if (i % 3 === 0) h.set(`fill-${round}-${i}`, "f".repeat(i % 300));
      else store(h, key, i);
    });
    expect(h.counters.value(Counter.evictions)).toBeGreaterThan(1000);
    for (const result of results) {
      expect(result.torn).toBe(0);
      expect(result.hits).toBeGreaterThan(1000);
    }
  }, 60_000);

  test("what is never gone is never missed, whatever is split meanwhile", async () => {
    const h = new StoreHarness(16 * MIB);
    const { header } = h.memory;
    const results = await readWhile(h, way, (round, i) => {
      if (i % 4 === 0) store(h, i % KEYS, i);
      else h.set(`fill-${round}-${i}`, "");
    });
    expect(header.bucketCount()).toBeGreaterThan(5000);
    expect(h.counters.value(Counter.evictions)).toBe(0);
    for (const result of results) {
      expect(result.misses).toBe(0);
      expect(result.torn).toBe(0);
      expect(result.hits).toBeGreaterThan(1000);
    }
  }, 60_000);
});
