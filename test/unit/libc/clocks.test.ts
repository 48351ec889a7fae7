/** The clocks: one moves with time, the other with this thread's work, and only with it. */
import { describe, expect, test } from "vitest";
import { monotonicNanoseconds, threadNanoseconds } from "../../../src/libc/clocks.ts";
import { Libc } from "../../../src/libc/libc.ts";

const SLEEP_MILLISECONDS = 100;

/** Nanoseconds the whole process has used. */
function processNanoseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

const libc = Libc.load();

describe("monotonicNanoseconds()", () => {
  test("moves with the time that process.hrtime tells", () => {
    const before = process.hrtime.bigint();
    const begun = monotonicNanoseconds(libc);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SLEEP_MILLISECONDS);
    const passed = (monotonicNanoseconds(libc) - begun) >>> 0;
    expect(passed).toBeGreaterThan((SLEEP_MILLISECONDS / 2) * 1e6);
    expect(passed).toBeLessThanOrEqual(Number(process.hrtime.bigint() - before));
  });
});

describe("threadNanoseconds()", () => {
  test("moves while the thread works, and is part of what the process uses", () => {
    const processBefore = processNanoseconds();
    const before = threadNanoseconds(libc);
    let sum = 0;
    for (let step = 0; step < 5_000_000; step++) sum += Math.sqrt(step);
    const used = (threadNanoseconds(libc) - before) >>> 0;
    expect(sum).toBeGreaterThan(0);
    expect(used).toBeGreaterThan(1_000_000);
    // The process is counted in microseconds.
    expect(used).toBeLessThanOrEqual(processNanoseconds() - processBefore + 2000);
  });

  test("stands still while the thread sleeps", () => {
    const before = threadNanoseconds(libc);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SLEEP_MILLISECONDS);
    const used = (threadNanoseconds(libc) - before) >>> 0;
    expect(used).toBeLessThan((SLEEP_MILLISECONDS / 2) * 1e6);
  });
});
