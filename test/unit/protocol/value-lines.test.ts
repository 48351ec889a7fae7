/**
 * Each writer makes the plain text of its line at any alignment, returns where that ends, and
 * leaves every byte before and behind it as it was.
 */
import { describe, expect, test } from "vitest";
import { writeUint64 } from "../../../src/base/decimal.ts";
import { UINT32_MAX } from "../../../src/base/unit.ts";
import { KEY_BYTES_MAX } from "../../../src/command/limits.ts";
import { writeLineEnd } from "../../../src/protocol/ascii.ts";
import {
  CLASSIC_HIT_BYTES_MAX,
  writeEnd,
  writeMetaMiss,
  writeMetaValueLine,
  writeValueEnd,
  writeValueLine,
} from "../../../src/protocol/value-lines.ts";

const UNTOUCHED = 0xaa;
/** Where a line begins: at each byte of a word. */
const PLACES = [8, 9, 10, 11] as const;
const KEYS_AT = 512;
const LENGTHS = [
  0, 1, 9, 10, 99, 100, 999, 1000, 9999, 10_000, 99_999, 100_000, 999_999, 1_000_000, 1_048_574,
  9_999_999,
];
const FLAGS = [0, 1, 9, 10, 255, 65_536, 0x7fff_ffff, 0x8000_0000, UINT32_MAX];

/** Lets `write` write at each place, and expects `text` there and nothing else anywhere. */
function expectWritten(
  text: string,
  write: (out: Uint8Array, at: number) => number,
  out = new Uint8Array(KEYS_AT),
): void {
  for (const at of PLACES) {
    out.fill(UNTOUCHED, 0, KEYS_AT);
    const end = write(out, at);
    expect(Buffer.from(out.subarray(at, end)).toString("latin1")).toBe(text);
    const around = [...out.subarray(0, at), ...out.subarray(end, KEYS_AT)];
    expect(around.every((byte) => byte === UNTOUCHED)).toBe(true);
  }
}

/** A key of all bytes a key may have, in turn. */
function keyOf(bytes: number): string {
  const letters = Array.from({ length: bytes }, (_, i) => 0x21 + ((i * 7 + bytes) % 0xde));
  return Buffer.from(letters).toString("latin1");
}

describe("writeValueLine()", () => {
  /**
   * Once with the key in an array of its own, once in the one that is written to, as a connection's
   * input is.
   */
  function expectLine(key: string, clientFlags: number, valueBytes: number): void {
    const text = `VALUE ${key} ${clientFlags} ${valueBytes}`;
    const apart = Buffer.from(`get ${key}\r\n`, "latin1");
    const shared = new Uint8Array(KEYS_AT + apart.length);
    shared.set(apart, KEYS_AT);
    expectWritten(text, (out, at) =>
      writeValueLine(out, at, apart, 4, key.length, clientFlags, valueBytes),
    );
    const keyAt = KEYS_AT + 4;
    expectWritten(
      text,
      (out, at) => writeValueLine(out, at, out, keyAt, key.length, clientFlags, valueBytes),
      shared,
    );
    expect(Buffer.from(shared.subarray(KEYS_AT))).toEqual(apart);
  }

  test("writes keys of 1 to 250 bytes, with client flags and without", () => {
    for (let bytes = 1; bytes <= KEY_BYTES_MAX; bytes++) {
      expectLine(keyOf(bytes), 0, bytes);
      expectLine(keyOf(bytes), UINT32_MAX, 0);
    }
  });

  for (const clientFlags of FLAGS) {
    test(`writes client flags ${clientFlags} and lengths of 1 to 7 digits`, () => {
      for (const valueBytes of LENGTHS) expectLine("apple", clientFlags, valueBytes);
    });
  }
});

describe("writeMetaValueLine()", () => {
  for (const valueBytes of LENGTHS) {
    test(`writes "VA ${valueBytes}"`, () => {
      expectWritten(`VA ${valueBytes}`, (out, at) => writeMetaValueLine(out, at, valueBytes));
    });
  }
});

describe("what stands alone", () => {
  test('writeMetaMiss() writes "EN" and a line end', () => {
    expectWritten("EN\r\n", writeMetaMiss);
  });

  test('writeEnd() writes "END" and a line end', () => {
    expectWritten("END\r\n", writeEnd);
  });

  test("writeValueEnd() ends a value's line, and the list behind the last", () => {
    expectWritten("\r\n", (out, at) => writeValueEnd(out, at, false));
    expectWritten("\r\nEND\r\n", (out, at) => writeValueEnd(out, at, true));
  });
});

describe("at the end of an array", () => {
  test.each<[string, (out: Uint8Array, at: number) => number]>([
    ["VALUE k 0 0", (out, at) => writeValueLine(out, at, Buffer.from("k"), 0, 1, 0, 0)],
    ["VALUE k 10 12345", (out, at) => writeValueLine(out, at, Buffer.from("k"), 0, 1, 10, 12_345)],
    ["VA 0", (out, at) => writeMetaValueLine(out, at, 0)],
    ["EN\r\n", writeMetaMiss],
    ["END\r\n", writeEnd],
    ["\r\nEND\r\n", (out, at) => writeValueEnd(out, at, true)],
  ])("%j needs no byte behind its own", (text, write) => {
    const out = new Uint8Array(text.length);
    expect(write(out, 0)).toBe(text.length);
    expect(Buffer.from(out).toString("latin1")).toBe(text);
  });
});

describe("CLASSIC_HIT_BYTES_MAX", () => {
  test("is what the longest hit has around key and value", () => {
    const key = keyOf(KEY_BYTES_MAX);
    const out = new Uint8Array(KEY_BYTES_MAX + CLASSIC_HIT_BYTES_MAX);
    const keys = Buffer.from(key, "latin1");
    let to = writeValueLine(out, 0, keys, 0, keys.length, UINT32_MAX, UINT32_MAX);
    out[to] = 0x20;
    to = writeUint64(out, to + 1, UINT32_MAX, UINT32_MAX);
    to = writeValueEnd(out, writeLineEnd(out, to), true);
    expect(to).toBe(out.length);
    const line = `VALUE ${key} 4294967295 4294967295 18446744073709551615`;
    expect(Buffer.from(out).toString("latin1")).toBe(`${line}\r\n\r\nEND\r\n`);
  });
});
