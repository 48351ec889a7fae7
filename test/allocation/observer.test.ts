import { expect, test } from "vitest";
import { runWorker } from "../threads/built.ts";
import type { ObserverResult, ObserverTask } from "./observer-run.ts";

test("watching a million requests makes next to no garbage", async () => {
  const task: ObserverTask = { warmUp: 500_000, requests: 1_000_000 };
  const result = await runWorker<ObserverResult>("test/allocation/observer-run.ts", task);
  expect(result.samples).toBeGreaterThan(1250);
  // Each reading of the clock is a boxed number: some thousand a second. One small young generation may fill on a slow machine.
  expect(result.collections).toBeLessThanOrEqual(1);
}, 60_000);
