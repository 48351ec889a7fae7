import { describe, expect, test } from "vitest";
import { AssertionError } from "../../../src/base/assert.ts";
import { CACHE_LINE_BYTES, KIB, MIB } from "../../../src/base/unit.ts";
import { linkOffset, planLinks, usualRingBytes } from "../../../src/ring/link-plan.ts";

describe("planLinks()", () => {
  test("lays links out without overlap, each on a line of its own", () => {
    const plan = planLinks(3, 2, 1024);
    const offsets = new Set<number>();
    for (let requester = 0; requester < 3; requester++) {
      for (let owner = 0; owner < 2; owner++) offsets.add(linkOffset(plan, requester, owner));
    }
    const sorted = [...offsets].sort((a, b) => a - b);
    expect(sorted).toEqual([0, 1, 2, 3, 4, 5].map((i) => i * plan.linkBytes));
    expect(plan.regionBytes).toBe(6 * plan.linkBytes);
    expect(plan.linkBytes % CACHE_LINE_BYTES).toBe(0);
  });

  for (const ringBytes of [0, 256, 513, 768, 2 * MIB]) {
    test(`stops the process for a ring of ${ringBytes} bytes`, () => {
      expect(() => planLinks(2, 2, ringBytes)).toThrow(AssertionError);
    });
  }
});

describe("usualRingBytes()", () => {
  for (const [workers, expected] of [
    [1, 64 * KIB],
    [2, 64 * KIB],
    [8, 64 * KIB],
    [32, 8 * KIB],
    [64, 4 * KIB],
    [128, 4 * KIB],
  ] as const) {
    test(`is ${expected} for ${workers} workers`, () => {
      expect(usualRingBytes(workers + 1, workers)).toBe(expected);
    });
  }
});
