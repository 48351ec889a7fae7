import { expect, test } from "vitest";
import { runWorker } from "../threads/built.ts";
import type { StoreResult, StoreTask } from "./store-run.ts";

const run = (plants: boolean) =>
  runWorker<StoreResult>("test/allocation/store-run.ts", {
    warmUp: 500_000,
    operations: 2_000_000,
    plants,
  } satisfies StoreTask);

test("two million store operations, evicting and expiring, make no garbage", async () => {
  const result = await run(false);
  expect(result.hits).toBeGreaterThan(100_000);
  expect(result.stored).toBeGreaterThan(500_000);
  expect(result.collections).toBe(0);
}, 60_000);

test("one small array an operation would be seen", async () => {
  expect((await run(true)).collections).toBeGreaterThan(0);
}, 60_000);
