import { describe, expect, test } from "vitest";
import { confirmRate, keeps, parseObjective, searchRate } from "../../bench/load/find-max.ts";
import {
  addCounts,
  countLatency,
  emptyHistogram,
  LATENCY_COUNTS,
  percentile,
} from "../../bench/load/latency-counts.ts";

function histogramOf(milliseconds: readonly number[]) {
  const counts = new Float64Array(LATENCY_COUNTS);
  for (const value of milliseconds) countLatency(counts, value, 1);
  const histogram = emptyHistogram();
  addCounts(histogram, counts);
  return histogram;
}

describe("countLatency()", () => {
  for (const milliseconds of [0.0005, 0.0123, 0.5, 1, 3.21, 47, 999, 12_345]) {
    test(`keeps ${milliseconds} ms within 0.3 %`, () => {
      const error = percentile(histogramOf([milliseconds]), 50) / (milliseconds * 1000) - 1;
      expect(Math.abs(error)).toBeLessThan(milliseconds < 0.001 ? 0.03 : 0.003);
    });
  }

  test("counts what is longer than it can hold as the longest it can", () => {
    expect(percentile(histogramOf([1e9]), 50)).toBeGreaterThan(30e6);
  });

  test("takes a clock that went backwards for zero", () => {
    expect(percentile(histogramOf([-1]), 50)).toBeLessThan(0.05);
  });

  test("percentiles are those of the values", () => {
    const histogram = histogramOf(Array.from({ length: 1000 }, (_, i) => (i + 1) / 10));
    expect(percentile(histogram, 50) / 50_000).toBeCloseTo(1, 2);
    expect(percentile(histogram, 99.9) / 99_900).toBeCloseTo(1, 2);
  });

  test("an empty histogram has none", () => {
    expect(percentile(emptyHistogram(), 99)).toBeNaN();
  });
});

describe("parseObjective()", () => {
  for (const [text, percent, microseconds] of [
    ["p99=1ms", 99, 1000],
    ["p99.9=250us", 99.9, 250],
    ["max=2s", 100, 2_000_000],
  ] as const) {
    test(`reads "${text}"`, () => {
      expect(parseObjective(text)).toEqual({ percent, microseconds });
    });
  }

  for (const text of ["", "p99", "p99=1", "p101=1ms", "p0=1ms", "q50=1ms"]) {
    test(`refuses "${text}"`, () => {
      expect(() => parseObjective(text)).toThrow(/objective/);
    });
  }
});

test("keeps() compares the percentile with the promise", () => {
  const histogram = histogramOf([...Array<number>(990).fill(0.5), ...Array<number>(10).fill(5)]);
  expect(keeps(histogram, { percent: 99, microseconds: 1000 })).toBe(true);
  expect(keeps(histogram, { percent: 99.5, microseconds: 1000 })).toBe(false);
});

describe("searchRate()", () => {
  for (const truth of [1, 0.9, 0.5, 0.31, 0.02]) {
    test(`finds a limit at ${truth} of the closed loop's`, async () => {
      const { rate } = await searchRate(100_000, 0.02, async (tried) => tried <= truth * 100_000);
      expect(rate).toBeLessThanOrEqual(truth * 100_000);
      expect(rate).toBeGreaterThanOrEqual(truth * 100_000 * 0.96);
    });
  }

  test("gives 0 when nothing holds, after a bounded number of steps", async () => {
    const { rate, steps } = await searchRate(100_000, 0.02, async () => false);
    expect(rate).toBe(0);
    expect(steps.length).toBeLessThan(12);
  });

  test("one disturbance does not end a rate that holds", async () => {
    let calls = 0;
    const { rate } = await searchRate(1000, 0.02, async () => ++calls !== 1);
    expect(rate).toBe(1000);
  });
});

describe("confirmRate()", () => {
  test("goes down until a long run keeps the promise, and reports that run", async () => {
    const tried: number[] = [];
    const confirmed = await confirmRate(1000, 0.1, async (rate) => {
      tried.push(rate);
      return { held: rate < 850, result: `run at ${rate}` };
    });
    expect(tried).toEqual([1000, 900, 810]);
    expect(confirmed).toEqual({ rate: 810, held: true, result: "run at 810" });
  });

  test("says so when no run does", async () => {
    const never = async (rate: number) => ({ held: false, result: rate });
    expect((await confirmRate(1000, 0.1, never)).held).toBe(false);
  });
});
