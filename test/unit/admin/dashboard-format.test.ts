/** The page's numbers: what people read has to be what they would say. */
import { describe, expect, test } from "vitest";

type Words = (value: number) => string;

/** The page's own modules have no types. */
const format = new URL("../../../src/admin/dashboard/format.js", import.meta.url);
const { roughly, seconds } = (await import(format.href)) as { roughly: Words; seconds: Words };

describe("seconds()", () => {
  for (const [value, text] of [
    [0.4, "now"],
    [59, "59 s"],
    [60, "1 min"],
    [90, "90 s"],
    [3600, "1 h"],
    [5400, "90 min"],
    [86_400, "1 day"],
    [259_200, "3 days"],
  ] as const) {
    test(`says "${text}" for ${value}`, () => {
      expect(seconds(value)).toBe(text);
    });
  }
});

describe("roughly()", () => {
  for (const [value, text] of [
    [7.2, "about 8 s"],
    [3444, "about 1 h"],
    [574, "about 10 min"],
    [82_000, "about 1 day"],
  ] as const) {
    test(`says "${text}" for ${value}`, () => {
      expect(roughly(value)).toBe(text);
    });
  }
});
