/**
 * One thread writes a few keys as fast as it can: in place, by appending, deleting, evicting, splitting buckets. Two others
 * read them all the while. What a reader confirms is of one piece, always.
 */
import { expect, test } from "vitest";
import { MIB } from "../../src/base/unit.ts";
import { Op } from "../../src/command/op.ts";
import { SEED_HIGH, SEED_LOW, StoreHarness } from "../model/store-harness.ts";
import { runWorker } from "./built.ts";
import type { ReaderResult, ReaderTask } from "./store-reader-run.ts";

const KEYS = 24;
const ROUNDS = 8;
const WRITES_A_ROUND = 8000;

function valueFor(key: number, serial: number): Uint8Array {
  const length = 3 + ((serial * 131) % 1500);
  const value = new Uint8Array(length).fill(serial & 255);
  value[0] = length & 255;
  value[1] = key;
  return value;
}

test("what a reader confirms was never torn", async () => {
  const h = new StoreHarness(2 * MIB);
  const runningWord = h.plan.regionBytes / 4 + h.base / 4;
  expect(h.arena.ints.length).toBeGreaterThan(runningWord);
  for (let key = 0; key < KEYS; key++) h.set(`key-${key}`, valueFor(key, key));
  Atomics.store(h.arena.ints, runningWord, 1);
  const task: ReaderTask = {
    buffer: h.arena.buffer as SharedArrayBuffer,
    base: h.base,
    runningWord,
    keys: KEYS,
    now: h.clock.now,
    seedLow: SEED_LOW,
    seedHigh: SEED_HIGH,
  };
  const readers = [1, 2].map(() =>
    runWorker<ReaderResult>("test/threads/store-reader-run.ts", task),
  );
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < WRITES_A_ROUND; i++) {
      const key = i % KEYS;
      if (i % 97 === 0) h.run(Op.delete, `key-${key}`);
      else if (i % 3 === 0) h.set(`fill-${round}-${i}`, "f".repeat(i % 300));
      else h.set(`key-${key}`, valueFor(key, i));
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  Atomics.store(h.arena.ints, runningWord, 0);
  h.store.verify();
  for (const result of await Promise.all(readers)) {
    expect(result.torn).toBe(0);
    expect(result.hits).toBeGreaterThan(1000);
  }
}, 60_000);
