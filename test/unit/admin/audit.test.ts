import { describe, expect, test } from "vitest";
import { isRefusal } from "../../../src/admin/audit.ts";

describe("isRefusal()", () => {
  for (const [event, outcome, expected] of [
    ["login", "failed", true],
    ["login", "ok", false],
    ["refused", "unauthenticated", true],
    ["key.delete", "notFound", false],
  ] as const) {
    test(`is ${expected} for ${event}: ${outcome}`, () => {
      expect(isRefusal({ event, outcome, peer: "127.0.0.1" })).toBe(expected);
    });
  }
});
