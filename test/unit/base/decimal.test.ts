import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  DecimalReader,
  decimalToInt32,
  decimalToUint32,
  digitsOfUint64,
  NOT_A_NUMBER,
  writeInt32,
  writeUint32,
  writeUint64,
} from "../../../src/base/decimal.ts";

const reader = new DecimalReader();
const out = new Uint8Array(64);
const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));
const textOf = (end: number) => Buffer.from(out.subarray(7, end)).toString("latin1");

describe("decimalToUint32()", () => {
  for (const [digits, expected] of [
    ["0", 0],
    ["007", 7],
    ["4294967295", 4_294_967_295],
    ["4294967296", NOT_A_NUMBER],
    ["9999999999", NOT_A_NUMBER],
    ["00000000001", NOT_A_NUMBER],
    ["", NOT_A_NUMBER],
    ["+1", NOT_A_NUMBER],
    ["-1", NOT_A_NUMBER],
    ["1.5", NOT_A_NUMBER],
    ["1a", NOT_A_NUMBER],
    ["/", NOT_A_NUMBER],
    [":", NOT_A_NUMBER],
  ] as const) {
    test(`reads "${digits}" as ${expected}`, () => {
      expect(decimalToUint32(bytesOf(digits), 0, digits.length)).toBe(expected);
    });
  }
});

describe("decimalToInt32()", () => {
  for (const [digits, expected] of [
    ["0", 0],
    ["-0", 0],
    ["2147483647", 2_147_483_647],
    ["2147483648", NOT_A_NUMBER],
    ["-2147483648", -2_147_483_648],
    ["-2147483649", NOT_A_NUMBER],
    ["-", NOT_A_NUMBER],
    ["+5", NOT_A_NUMBER],
    ["", NOT_A_NUMBER],
    ["00000000003", 3],
    ["000000000003", NOT_A_NUMBER],
    ["1 ", NOT_A_NUMBER],
  ] as const) {
    test(`reads "${digits}" as ${expected}`, () => {
      expect(decimalToInt32(bytesOf(digits), 0, digits.length)).toBe(expected);
    });
  }
});

describe("DecimalReader.lenientUint32()", () => {
  for (const [digits, expected] of [
    ["+5", 5],
    ["0005", 5],
    ["4294967295", 4_294_967_295],
    ["4294967296", 0],
    ["4294967297", 1],
    ["18446744073709551615", 4_294_967_295],
    ["18446744073709551616", NOT_A_NUMBER],
    ["-1", NOT_A_NUMBER],
    ["+", NOT_A_NUMBER],
    ["", NOT_A_NUMBER],
    ["5a", NOT_A_NUMBER],
  ] as const) {
    test(`reads "${digits}" as ${expected}`, () => {
      expect(reader.lenientUint32(bytesOf(digits), 0, digits.length)).toBe(expected);
    });
  }
});

describe("DecimalReader.lenientInt32()", () => {
  for (const [digits, expected] of [
    ["-1", -1],
    ["+60", 60],
    ["2147483648", -2_147_483_648],
    ["4294967296", 0],
    ["9223372036854775807", -1],
    ["9223372036854775808", NOT_A_NUMBER],
    ["-9223372036854775808", 0],
    ["-9223372036854775809", NOT_A_NUMBER],
    ["1.5", NOT_A_NUMBER],
    ["never", NOT_A_NUMBER],
    ["", NOT_A_NUMBER],
    ["-", NOT_A_NUMBER],
  ] as const) {
    test(`reads "${digits}" as ${expected}`, () => {
      expect(reader.lenientInt32(bytesOf(digits), 0, digits.length)).toBe(expected);
    });
  }
});

describe("DecimalReader.tryUint64()", () => {
  for (const [digits, expected] of [
    ["0", 0n],
    ["18446744073709551615", 0xffff_ffff_ffff_ffffn],
    ["0018446744073709551615", 0xffff_ffff_ffff_ffffn],
    ["18446744073709551616", null],
    ["9999999999999999999999", null],
    ["00000000000000000000001", null],
    ["-1", null],
    ["+1", null],
    ["", null],
    ["1x", null],
    ["123456789012345x", null],
    ["12345678901234567x", null],
  ] as const) {
    test(`reads "${digits}" as ${expected}`, () => {
      const read = reader.tryUint64(bytesOf(digits), 0, digits.length);
      expect(read ? (BigInt(reader.high) << 32n) | BigInt(reader.low) : null).toBe(expected);
    });
  }
});

describe("DecimalReader.tryValue()", () => {
  for (const [value, expected] of [
    ["10", 10n],
    ["10   ", 10n],
    ["5 6", 5n],
    ["5\tx", 5n],
    ["  5", 5n],
    [`${"0".repeat(29)}5`, 5n],
    ["18446744073709551615", 0xffff_ffff_ffff_ffffn],
    ["18446744073709551616", null],
    ["5x", null],
    ["-5", null],
    ["", null],
    ["  ", null],
    ["x", null],
  ] as const) {
    test(`reads "${value}" as ${expected}`, () => {
      const read = reader.tryValue(bytesOf(value), 0, value.length);
      expect(read ? (BigInt(reader.high) << 32n) | BigInt(reader.low) : null).toBe(expected);
    });
  }
});

describe("writing", () => {
  const edges = [0n, 9n, 10n, 0xffff_ffffn, 0x1_0000_0000n, 0xffff_ffff_ffff_ffffn];
  for (let digits = 1; digits <= 20; digits++) {
    const power = 10n ** BigInt(digits);
    if (power <= 0xffff_ffff_ffff_ffffn) edges.push(power - 1n, power, power + 1n);
  }
  const check = (value: bigint) => {
    const high = Number(value >> 32n);
    const low = Number(value & 0xffff_ffffn);
    expect(textOf(writeUint64(out, 7, high | 0, low | 0))).toBe(value.toString());
    expect(digitsOfUint64(high, low)).toBe(value.toString().length);
    if (high === 0) expect(textOf(writeUint32(out, 7, low))).toBe(value.toString());
    const text = bytesOf(value.toString());
    expect(reader.tryUint64(text, 0, text.length)).toBe(true);
    expect((BigInt(reader.high) << 32n) | BigInt(reader.low)).toBe(value);
  };
  for (const value of edges)
    test(`writeUint64() and tryUint64() agree on ${value}`, () => check(value));

  test("writeUint64() and tryUint64() agree with BigInt on any number", () => {
    fc.assert(fc.property(fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }), check));
    fc.assert(fc.property(fc.nat({ max: 0xffff_ffff }), (value) => check(BigInt(value))));
  });

  test("writeInt32() writes the sign", () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        expect(textOf(writeInt32(out, 7, value))).toBe(String(value));
      }),
    );
  });
});
