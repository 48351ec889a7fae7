import { expect, test } from "vitest";
import { runWorker } from "../threads/built.ts";
import type { ObserverResult, ObserverTask } from "./observer-run.ts";

const run = (plants: boolean) =>
  runWorker<ObserverResult>("test/allocation/observer-run.ts", {
    warmUp: 1_000_000,
    requests: 1_000_000,
    plants,
  } satisfies ObserverTask);

test("watching a million requests collects no garbage", async () => {
  const result = await run(false);
  expect(result.samples).toBeGreaterThan(2500);
  expect(result.collections).toBe(0);
}, 60_000);

test("one small array a request would be seen", async () => {
  expect((await run(true)).collections).toBeGreaterThan(0);
}, 60_000);
