import { expect, test } from "vitest";
import { runWorker } from "../threads/built.ts";
import type { StoreResult, StoreTask } from "./store-run.ts";

test("two million store operations, evicting and expiring, make no garbage", async () => {
  const task: StoreTask = { warmUp: 500_000, operations: 2_000_000 };
  const result = await runWorker<StoreResult>("test/allocation/store-run.ts", task);
  expect(result.hits).toBeGreaterThan(100_000);
  expect(result.stored).toBeGreaterThan(500_000);
  expect(result.collections).toBe(0);
}, 60_000);
