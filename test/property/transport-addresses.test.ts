/** Addresses: what the kernel is told and what is printed are the same address. */
import { isIPv6, SocketAddress } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { inet6Bytes, inet6Text } from "../../src/libc/socket-address.ts";

const groups = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), {
  minLength: 8,
  maxLength: 8,
});

function bytesOf(words: number[]): Uint8Array {
  return Uint8Array.from(words.flatMap((word) => [word >>> 8, word & 0xff]));
}

describe("inet6Text() and inet6Bytes()", () => {
  test("undo each other for every address", () => {
    fc.assert(
      fc.property(groups, (words) => {
        const bytes = bytesOf(words);
        const text = inet6Text(bytes);
        expect(isIPv6(text)).toBe(true);
        expect(inet6Bytes(text)).toEqual(bytes);
      }),
    );
  });

  test("print what the platform prints", () => {
    fc.assert(
      fc.property(groups, (words) => {
        // libuv dots ::2 as well, glibc and memcached do not.
        fc.pre(words.slice(0, 7).some((word) => word !== 0));
        const full = words.map((word) => word.toString(16)).join(":");
        const { address } = new SocketAddress({ address: full, family: "ipv6" });
        expect(inet6Text(bytesOf(words))).toBe(address);
      }),
    );
  });

  for (const [text, expected] of [
    ["::1", "::1"],
    ["::", "::"],
    ["::ffff:127.0.0.1", "::ffff:127.0.0.1"],
    ["fe80::1%eth0", "fe80::1"],
    ["2001:DB8::", "2001:db8::"],
  ] as const) {
    test(`${text} is ${expected}`, () => {
      expect(inet6Text(inet6Bytes(text))).toBe(expected);
    });
  }
});
