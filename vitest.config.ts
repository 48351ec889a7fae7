/**
 * Tests start servers with several threads and feed them byte by byte, on machines with two cores:
 * so each file gets a process of its own, as many at a time as cores are left beside the servers
 * they start, and time that a slow machine can keep.
 */
import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

const TEST_MILLISECONDS_MAX = 60_000;
const HOOK_MILLISECONDS_MAX = 60_000;

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/build-first.mjs"],
    pool: "forks",
    maxWorkers: Math.max(1, Math.min(8, Math.floor(availableParallelism() / 2))),
    testTimeout: TEST_MILLISECONDS_MAX,
    hookTimeout: HOOK_MILLISECONDS_MAX,
    teardownTimeout: HOOK_MILLISECONDS_MAX,
    allowOnly: false,
  },
});
