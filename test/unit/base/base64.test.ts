import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { base64Bytes, decodeBase64, encodeBase64 } from "../../../src/base/base64.ts";

const out = new Uint8Array(400);

function decoded(text: string): string | null {
  const bytes = Buffer.from(text, "latin1");
  const end = decodeBase64(bytes, 0, bytes.length, out, 3);
  return end < 0 ? null : Buffer.from(out.subarray(3, end)).toString("latin1");
}

describe("decodeBase64()", () => {
  for (const [text, expected] of [
    ["Zm9v", "foo"],
    ["Zm8=", "fo"],
    ["Zg==", "f"],
    ["Zm-9v", "foo"],
    ["Zm9vZg==Zm9v", "foof"],
    ["", null],
    ["Zm9", null],
    ["Zm9vZ", null],
    ["Z===", null],
    ["====", null],
    ["!!!!", null],
  ] as const) {
    test(`reads "${text}" as ${expected}`, () => expect(decoded(text)).toBe(expected));
  }
});

test("encodeBase64() writes what Buffer writes, and decodeBase64() reads it back", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 250 }), (bytes) => {
      const end = encodeBase64(bytes, 0, bytes.length, out, 5);
      const text = Buffer.from(out.subarray(5, end)).toString("latin1");
      expect(text).toBe(Buffer.from(bytes).toString("base64"));
      expect(end - 5).toBe(base64Bytes(bytes.length));
      expect(decoded(text)).toBe(Buffer.from(bytes).toString("latin1"));
    }),
  );
});
