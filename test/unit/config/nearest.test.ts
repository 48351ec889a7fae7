import { describe, expect, test } from "vitest";
import { nearest } from "../../../src/config/nearest.ts";

const NAMES = ["port", "protocol", "memory-limit", "memory-file", "threads", "top"];

describe("nearest()", () => {
  for (const [word, name] of [
    ["prot", "port"], // swapped
    ["thread", "threads"], // left out
    ["portt", "port"], // put in
    ["pott", "port"], // mistaken
    ["memory-limt", "memory-limit"],
    ["memmory-limit", "memory-limit"],
    ["port", "port"],
    ["xyz", null],
    ["", null],
    ["transport", null],
  ] as const) {
    test(`"${word}" was to be ${name ?? "nothing that is known"}`, () => {
      expect(nearest(word, NAMES)).toBe(name);
    });
  }
});
