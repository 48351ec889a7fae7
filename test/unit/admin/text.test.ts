import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foldRows, LATENCY_ROWS, rowOf } from "../../../src/admin/heat.ts";
import {
  bytesText,
  countText,
  keyText,
  microsecondsText,
  percentText,
  secondsText,
} from "../../../src/admin/text.ts";
import { BUCKET_COUNT, bucketOf } from "../../../src/memory/histogram.ts";

describe("numbers as people say them", () => {
  for (const [said, expected] of [
    [countText(0.0666), "0.1"],
    [countText(0), "0"],
    [countText(999), "999"],
    [countText(212_345), "212 k"],
    [bytesText(512), "512 bytes"],
    [bytesText(3_565_158), "3.4 MiB"],
    [secondsText(95), "95 s"],
    [secondsText(7200), "2 h"],
    [secondsText(600_000), "6.94 days"],
    [microsecondsText(42), "42 µs"],
    [microsecondsText(420), "0.42 ms"],
    [microsecondsText(2e6), "2 s"],
    [percentText(0.984), "98.4 %"],
    [percentText(0.99968), "99.97 %"],
    [percentText(0.00102), "0.1 %"],
    [percentText(1), "100 %"],
  ] as const) {
    test(expected, () => {
      expect(said).toBe(expected);
    });
  }
});

describe("keyText()", () => {
  for (const [key, expected] of [
    ["user:1", "user:1"],
    ["größe", "größe"],
    ["a\u0000b\r\n", "a\\x00b\\x0d\\x0a"],
    ["\u001b[31mred", "\\x1b[31mred"],
    ["a\u202eb", "a\\u202eb"],
    ["<script>", "<script>"],
  ] as const) {
    test(`shows ${JSON.stringify(key)} as ${expected}`, () => {
      expect(keyText(Buffer.from(key))).toBe(expected);
    });
  }

  test("escapes every byte that is not text", () => {
    expect(keyText(Buffer.from([0x61, 0xff, 0xfe, 0x62]))).toBe("a\\xff\\xfeb");
  });

  test("never lets a control character through, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 250 }), (bytes) => {
        for (const char of keyText(bytes)) {
          const code = char.codePointAt(0) as number;
          expect(code >= 0x20 && !(code >= 0x7f && code < 0xa0)).toBe(true);
        }
      }),
    );
  });
});

describe("foldRows()", () => {
  test("loses nothing, and puts each value below its row's end", () => {
    const values = fc.array(fc.integer({ min: 1, max: 2 ** 30 }), { minLength: 1, maxLength: 100 });
    fc.assert(
      fc.property(values, (all) => {
        const buckets = new Float64Array(BUCKET_COUNT);
        for (const value of all) {
          const bucket = bucketOf(value);
          buckets[bucket] = (buckets[bucket] as number) + 1;
        }
        const rows = foldRows(buckets, 1000, LATENCY_ROWS);
        expect(rows.reduce((sum, each) => sum + each, 0)).toBe(all.length);
      }),
    );
    expect(rowOf(1, LATENCY_ROWS)).toBe(0);
    expect(rowOf(2, LATENCY_ROWS)).toBe(2);
    expect(rowOf(1e12, LATENCY_ROWS)).toBe(LATENCY_ROWS - 1);
  });
});
