import { expect, test } from "vitest";
import { runWorker } from "../threads/built.ts";
import type { AllocationResult, AllocationTask } from "./router-run.ts";

const REQUESTS = 2_000_000;
const WARM_UP = 500_000;

test("two million requests through router, rings and shard make no garbage", async () => {
  const result = await runWorker<AllocationResult>("test/allocation/router-run.ts", {
    warmUp: WARM_UP,
    requests: REQUESTS,
  } satisfies AllocationTask);
  expect(result.answered).toBe(result.sent);
  expect(result.sent).toBeGreaterThan((WARM_UP + REQUESTS) / 4);
  expect(result.collections).toBe(0);
});
