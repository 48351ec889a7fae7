import { describe, expect, test } from "vitest";
import { LogLimiter } from "../../../src/primary/log.ts";

describe("LogLimiter", () => {
  test("ten of a kind in a period, then none, then the count of what was dropped", () => {
    const limiter = new LogLimiter();
    for (let i = 0; i < 10; i++) expect(limiter.admit("refused", 0)).toBe(0);
    for (let i = 0; i < 7; i++) expect(limiter.admit("refused", 9_999)).toBe(-1);
    expect(limiter.admit("refused", 10_000)).toBe(7);
    expect(limiter.admit("refused", 10_000)).toBe(0);
  });

  test("kinds do not hold each other up", () => {
    const limiter = new LogLimiter();
    for (let i = 0; i < 11; i++) limiter.admit("refused", 0);
    expect(limiter.admit("died", 0)).toBe(0);
  });

  test("endless kinds take bounded memory: beyond 256 they count as one", () => {
    const limiter = new LogLimiter();
    for (let i = 0; i < 256; i++) limiter.admit(`kind ${i}`, 0);
    let admitted = 0;
    for (let i = 0; i < 1000; i++) if (limiter.admit(`other ${i}`, 0) === 0) admitted++;
    expect(admitted).toBe(10);
  });
});
