import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decodeHead,
  encodeHead,
  HEAD_BYTES,
  type Head,
} from "../../../src/primary/memory-file-head.ts";

const HEAD: Head = {
  sequence: 1,
  state: "serving",
  plan: "a plan",
  hashSeedLow: 0xffff_ffff,
  hashSeedHigh: 0,
  epochUnix: 1_700_000_000,
  boot: "b5ec7f62",
  pid: 42,
  digest: "",
};

function pageOf(...heads: Head[]): Buffer {
  const page = Buffer.alloc(HEAD_BYTES);
  for (const head of heads) {
    const { bytes, offset } = encodeHead(head);
    bytes.copy(page, offset);
  }
  return page;
}

describe("the head of a memory file", () => {
  test("the newer of two copies is read", () => {
    const newer: Head = { ...HEAD, sequence: 2, state: "clean", digest: "d" };
    expect(decodeHead(pageOf(HEAD))).toEqual(HEAD);
    expect(decodeHead(pageOf(HEAD, newer))).toEqual(newer);
    expect(decodeHead(pageOf({ ...newer, sequence: 4 }, { ...HEAD, sequence: 3 }))?.sequence).toBe(
      4,
    );
  });

  test("a copy torn anywhere leaves the other", () => {
    const next: Head = { ...HEAD, sequence: 2, pid: 4711 };
    const { bytes, offset } = encodeHead(next);
    for (let written = 0; written < 400; written += 7) {
      const page = pageOf(HEAD, { ...HEAD, sequence: 0, plan: "an older plan, much longer" });
      bytes.copy(page, offset, 0, written);
      expect([1, 2]).toContain(decodeHead(page)?.sequence);
    }
  });

  test("bits flipped are noticed, whatever else there is is no head", () => {
    const flips = fc.array(fc.nat(HEAD_BYTES * 8 - 1), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(flips, (bits) => {
        const page = pageOf(HEAD);
        for (const bit of bits) page[bit >>> 3] = (page[bit >>> 3] as number) ^ (1 << (bit & 7));
        const read = decodeHead(page);
        if (read !== null) expect(read).toEqual(HEAD);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: HEAD_BYTES }), (bytes) => {
        expect(decodeHead(Buffer.from(bytes))).toBe(null);
      }),
    );
  });
});
