/**
 * Loans between real threads: one holder at a time, however owner, borrowers and wakers meet, and
 * no wake-up is lost. SHARDCACHED_LOAN_COUNTS makes it longer.
 */
import { describe, expect, test } from "vitest";
import { controlBytes } from "../../src/memory/control.ts";
import { runWorker } from "./built.ts";
import type { LoanResult, LoanTask } from "./loan-peer.ts";

/** counted | asked | finished | begun */
const LOAN_WORDS = 4;
const COUNTS = Number(process.env["SHARDCACHED_LOAN_COUNTS"] ?? 50_000);

describe("an owner that sleeps whenever it can", () => {
  for (const borrowers of [1, 2, 4]) {
    test(`lends to ${borrowers}, one at a time`, async () => {
      const threads = borrowers + 1;
      const word = controlBytes(threads) / 4;
      const buffer = new SharedArrayBuffer((word + LOAN_WORDS) * 4);
      const run = (thread: number) =>
        runWorker<LoanResult>("test/threads/loan-peer.ts", {
          buffer,
          word,
          thread,
          borrowers,
          counts: COUNTS,
          seed: 12345 + thread,
        } satisfies LoanTask);
      const results = await Promise.all(Array.from({ length: threads }, (_, at) => run(at)));
      expect(new Int32Array(buffer)[word]).toBe(borrowers * COUNTS);
      expect(results[0]?.lost).toBe(0);
      expect(results[0]?.sleeps).toBeGreaterThan(0);
      const onLoan = results.reduce((sum, result) => sum + result.onLoan, 0);
      expect(onLoan).toBeGreaterThan(0);
      expect(onLoan).toBeLessThan(borrowers * COUNTS);
    });
  }
});
