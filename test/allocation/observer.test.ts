import { expect, test } from "vitest";
import { runWorker } from "../threads/built.ts";
import type { ObserverResult, ObserverTask } from "./observer-run.ts";

test("watching four million requests makes no garbage worth a collection", async () => {
  const task: ObserverTask = { warmUp: 500_000, requests: 4_000_000 };
  const result = await runWorker<ObserverResult>("test/allocation/observer-run.ts", task);
  expect(result.samples).toBeGreaterThan(5000);
  expect(result.collections).toBe(0);
}, 60_000);
