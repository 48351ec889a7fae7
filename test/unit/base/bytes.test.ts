/**
 * Every length and every alignment: a copy copies just its range, and a comparison sees each byte.
 */
import { describe, expect, it } from "vitest";
import { copyBytes, equalBytes, viewOf } from "../../../src/base/bytes.ts";

const LENGTHS = Array.from({ length: 70 }, (_, length) => length);

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 37 + 11) & 0xff);
}

describe.each([
  ["inside one array", true],
  ["between two", false],
])("copyBytes %s", (_, inside) => {
  it.each(LENGTHS)("moves %i bytes, and no other", (length) => {
    for (let shift = 0; shift < 4; shift++) {
      const from = pattern(256);
      const to = inside ? from : new Uint8Array(256);
      const wanted = Uint8Array.from(to);
      wanted.set(from.subarray(3, 3 + length), 128 + shift);
      copyBytes(to, 128 + shift, from, 3, length);
      expect(to).toEqual(wanted);
    }
  });
});

describe("equalBytes", () => {
  it.each(LENGTHS)("sees a difference in any of %i bytes", (length) => {
    const bytes = new Uint8Array(256);
    bytes.set(pattern(length), 5);
    bytes.set(pattern(length), 130);
    expect(equalBytes(bytes, 5, bytes, 130, length)).toBe(true);
    expect(equalBytes(bytes, 5, Uint8Array.from(bytes), 130, length)).toBe(true);
    for (let at = 0; at < length; at++) {
      bytes[130 + at] = (bytes[130 + at] as number) ^ 1;
      expect(equalBytes(bytes, 5, bytes, 130, length)).toBe(false);
      bytes[130 + at] = (bytes[130 + at] as number) ^ 1;
    }
  });
});

describe("viewOf", () => {
  it("shows the array's own range of its buffer, one view for each array", () => {
    const bytes = pattern(64).subarray(8, 24);
    const view = viewOf(bytes);
    expect(view.byteLength).toBe(16);
    expect(view.getUint8(0)).toBe(bytes[0]);
    viewOf(new Uint8Array(4));
    expect(viewOf(bytes)).toBe(view);
  });
});
