import { describe, expect, test } from "vitest";
import { interleave, ratioSummary, shuffled } from "../../bench/compare/interleave.ts";
import { Random } from "../../bench/load/random.ts";
import {
  median,
  medianDeviation,
  pairedRatios,
  quantile,
  summarize,
} from "../../bench/report/statistics.ts";

describe("median()", () => {
  for (const [values, expected] of [
    [[3], 3],
    [[9, 1, 5], 5],
    [[4, 1, 3, 2], 2.5],
    [[1, 1, 1, 1_000_000], 1],
  ] as const) {
    test(`of ${values.join(", ")} is ${expected}`, () => {
      expect(median(values)).toBe(expected);
    });
  }

  test("of nothing is NaN", () => {
    expect(median([])).toBeNaN();
  });

  test("leaves its argument as it was", () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe("quantile()", () => {
  for (const [q, expected] of [
    [0, 10],
    [0.25, 20],
    [0.9, 46],
    [1, 50],
  ] as const) {
    test(`${q} of 10, 20 … 50 is ${expected}`, () => {
      expect(quantile([50, 40, 30, 20, 10], q)).toBeCloseTo(expected, 9);
    });
  }
});

test("medianDeviation() does not move with one outlier", () => {
  expect(medianDeviation([10, 11, 12, 13, 14])).toBe(1);
  expect(medianDeviation([10, 11, 12, 13, 14_000])).toBe(1);
});

test("summarize() gives median, spread and extremes", () => {
  expect(summarize([5, 1, 3])).toEqual({ median: 3, mad: 2, min: 1, max: 5, count: 3 });
});

describe("pairedRatios()", () => {
  test("divides round by round", () => {
    expect(pairedRatios([2, 9, 4], [1, 3, 8])).toEqual([2, 3, 0.5]);
  });

  test("leaves out rounds in which one is missing", () => {
    expect(pairedRatios([2, null, 4], [1, 3, null])).toEqual([2]);
    expect(pairedRatios([2, 4], [0, 2])).toEqual([2]);
  });

  test("cancels a drift that hits both", () => {
    const drift = [1, 1.5, 2, 3, 10];
    const mine = drift.map((slow) => 9 * slow);
    const other = drift.map((slow) => 10 * slow);
    const { median: middle, mad } = ratioSummary(mine, other);
    expect(middle).toBeCloseTo(0.9, 12);
    expect(mad).toBeCloseTo(0, 12);
  });
});

describe("interleave()", () => {
  test("measures every candidate once a round, in an order of its own", async () => {
    const orders: string[] = [];
    let order = "";
    const results = await interleave(["a", "b", "c"], 30, new Random(7), async (name, round) => {
      order += name;
      if (order.length === 3) {
        orders.push(order);
        order = "";
      }
      return round;
    });
    const rounds = Array.from({ length: 30 }, (_, round) => round);
    for (const name of ["a", "b", "c"]) expect(results.get(name)).toEqual(rounds);
    for (const one of orders) expect([...one].sort().join("")).toBe("abc");
    expect(new Set(orders).size).toBe(6);
  });
});

test("shuffled() is the same for the same seed", () => {
  const items = [1, 2, 3, 4, 5, 6, 7, 8];
  expect(shuffled(items, new Random(3))).toEqual(shuffled(items, new Random(3)));
  expect(items).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});
