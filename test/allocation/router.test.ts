import { expect, test } from "vitest";
import { runWorker } from "../threads/built.ts";
import type { AllocationResult, AllocationTask } from "./router-run.ts";

const REQUESTS = 2_000_000;
const WARM_UP = 500_000;

const run = (lending: boolean, plants: boolean) =>
  runWorker<AllocationResult>("test/allocation/router-run.ts", {
    warmUp: WARM_UP,
    requests: REQUESTS,
    lending,
    plants,
  } satisfies AllocationTask);

for (const lending of [false, true]) {
  const way = lending ? "a sleeping owner's shard" : "rings and shard";
  test(`two million requests through router, ${way} make no garbage`, async () => {
    const result = await run(lending, false);
    expect(result.answered).toBe(result.sent);
    const [taken, other] = lending ? [result.onLoan, result.sent] : [result.sent, result.onLoan];
    expect(taken).toBeGreaterThan((WARM_UP + REQUESTS) / 4);
    expect(other).toBe(0);
    expect(result.collections).toBe(0);
  });

  test(`one small array a request would be seen (${way})`, async () => {
    expect((await run(lending, true)).collections).toBeGreaterThan(0);
  });
}
