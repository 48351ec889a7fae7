import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UINT32_MAX } from "../../../src/base/unit.ts";
import { Arena } from "../../../src/memory/arena.ts";
import {
  BUCKET_COUNT,
  bucketFloor,
  bucketOf,
  HISTOGRAM_BYTES,
  Histogram,
  percentileOf,
  totalOf,
} from "../../../src/memory/histogram.ts";

function histogram(): Histogram {
  return new Histogram(new Arena(new SharedArrayBuffer(HISTOGRAM_BYTES)), 0);
}

describe("bucketOf()", () => {
  test("names a bucket whose bounds hold the value, for every u32", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: UINT32_MAX }), (value) => {
        const bucket = bucketOf(value);
        expect(bucketFloor(bucket)).toBeLessThanOrEqual(value);
        expect(bucketFloor(bucket + 1)).toBeGreaterThan(value);
      }),
    );
  });

  for (const [value, bucket] of [
    [0, 0],
    [15, 15],
    [16, 16],
    [31, 31],
    [32, 32],
    [33, 32],
    [UINT32_MAX, BUCKET_COUNT - 1],
  ] as const) {
    test(`puts ${value} into bucket ${bucket}`, () => {
      expect(bucketOf(value)).toBe(bucket);
    });
  }

  test("never widens a bucket beyond a sixteenth of its values", () => {
    for (let bucket = 16; bucket < BUCKET_COUNT; bucket++) {
      const width = bucketFloor(bucket + 1) - bucketFloor(bucket);
      expect(width / bucketFloor(bucket)).toBeLessThanOrEqual(1 / 16);
    }
  });
});

describe("Histogram", () => {
  test("finds percentiles within a sixteenth of the exact ones", () => {
    const values = fc.array(fc.integer({ min: 1, max: 100_000_000 }), {
      minLength: 1,
      maxLength: 300,
    });
    fc.assert(
      fc.property(values, fc.constantFrom(0.5, 0.9, 0.99, 1), (all, share) => {
        const seen = histogram();
        for (const value of all) seen.record(value, 1);
        const merged = new Float64Array(BUCKET_COUNT);
        seen.addTo(merged);
        const sorted = [...all].sort((a, b) => a - b);
        const exact = sorted[Math.ceil(share * sorted.length) - 1] as number;
        const found = percentileOf(merged, share);
        expect(Math.abs(found - exact)).toBeLessThanOrEqual(exact / 16 + 1);
      }),
    );
  });

  test("weights what it records, and keeps sum and maximum", () => {
    const seen = histogram();
    seen.record(10, 64);
    seen.record(1000, 1);
    const merged = new Float64Array(BUCKET_COUNT);
    seen.addTo(merged);
    expect(totalOf(merged)).toBe(65);
    expect(seen.sum()).toBe(1640);
    expect(seen.max()).toBe(1000);
    seen.clear();
    expect([seen.sum(), seen.max(), seen.count(bucketOf(10))]).toEqual([0, 0, 0]);
  });

  test("clamps what is below 0 or above u32", () => {
    const seen = histogram();
    seen.record(-5, 1);
    seen.record(1e12, 1);
    expect(seen.count(0)).toBe(1);
    expect(seen.count(BUCKET_COUNT - 1)).toBe(1);
  });

  test("says 0 for the percentile of nothing", () => {
    expect(percentileOf(new Float64Array(BUCKET_COUNT), 0.99)).toBe(0);
  });
});
