import { expect, test } from "vitest";
import { runWorker } from "../threads/built.ts";
import type { ObserverResult, ObserverTask } from "./observer-run.ts";

test("watching a million requests collects no garbage", async () => {
  const task: ObserverTask = { warmUp: 1_000_000, requests: 1_000_000 };
  const result = await runWorker<ObserverResult>("test/allocation/observer-run.ts", task);
  expect(result.samples).toBeGreaterThan(2500);
  expect(result.collections).toBe(0);
}, 60_000);
