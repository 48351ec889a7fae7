import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Dialect, Kind } from "../../bench/load/dialect.ts";
import { Payload } from "../../bench/load/payload.ts";
import { parsePopularity } from "../../bench/load/popularity.ts";
import { Random } from "../../bench/load/random.ts";
import { parseSizes } from "../../bench/load/sizes.ts";
import {
  checkWorkload,
  dialectOf,
  type Protocol,
  payloadOf,
  WORKLOAD_DEFAULTS,
} from "../../bench/load/workload.ts";

describe("parseSizes()", () => {
  for (const [spec, min, max] of [
    ["100", 100, 100],
    ["0", 0, 0],
    ["10-20", 10, 20],
    ["64=0.5,1024=0.5", 64, 1024],
    ["etc-value", 1, 16_384],
    ["etc-key", 1, 250],
  ] as const) {
    test(`"${spec}" stays between ${min} and ${max}, and a key keeps its size`, () => {
      const sizes = parseSizes(spec, 1);
      const drawn = Array.from({ length: 5000 }, (_, index) => sizes.of(index));
      expect(Math.min(...drawn)).toBeGreaterThanOrEqual(min);
      expect(Math.max(...drawn)).toBeLessThanOrEqual(max);
      expect(sizes.max).toBe(max);
      expect(Array.from({ length: 5000 }, (_, index) => sizes.of(index))).toEqual(drawn);
    });
  }

  test("shares are met", () => {
    const sizes = parseSizes("10=3,20=1", 1);
    const drawn = Array.from({ length: 20_000 }, (_, index) => sizes.of(index));
    const share = drawn.filter((size) => size === 10).length / drawn.length;
    expect(share).toBeCloseTo(0.75, 1);
  });

  for (const spec of ["", "x", "20-10", "10=x", "-5"]) {
    test(`refuses "${spec}"`, () => {
      expect(() => parseSizes(spec, 1)).toThrow(/sizes/);
    });
  }
});

describe("parsePopularity()", () => {
  function shareOfFirst(spec: string, count: number, first: number): number {
    const random = new Random(1);
    const popularity = parsePopularity(spec, count);
    let hits = 0;
    for (let i = 0; i < 40_000; i++) {
      const key = popularity.next(random);
      expect(key >= 0 && key < count).toBe(true);
      if (key < first) hits++;
    }
    return hits / 40_000;
  }

  function harmonic(count: number, exponent: number): number {
    let sum = 0;
    for (let rank = 1; rank <= count; rank++) sum += rank ** -exponent;
    return sum;
  }

  for (const [spec, count, first, expected] of [
    ["uniform", 1000, 100, 0.1],
    ["hot:10:0.9", 1000, 10, 0.9],
    ["hot:10:0.9", 10, 10, 1],
    ["zipf:0.99", 10_000, 100, harmonic(100, 0.99) / harmonic(10_000, 0.99)],
    ["zipf:1", 10_000, 100, harmonic(100, 1) / harmonic(10_000, 1)],
    ["zipf:1.4", 10_000, 1, 1 / harmonic(10_000, 1.4)],
    ["zipf:0.99", 1, 1, 1],
  ] as const) {
    test(`${spec} of ${count} keys: the first ${first} get ${expected.toFixed(3)}`, () => {
      expect(shareOfFirst(spec, count, first)).toBeCloseTo(expected, 1.7);
    });
  }

  for (const spec of ["", "zipf", "zipf:0", "hot:0:1", "hot:5:2", "pareto"]) {
    test(`refuses "${spec}"`, () => {
      expect(() => parsePopularity(spec, 10)).toThrow(/popularity/);
    });
  }
});

describe("Payload", () => {
  const plan = { prefix: "key-", keyCount: 1000, valueSizes: parseSizes("1-300", 2) };
  const payload = new Payload({ ...plan, keySizes: parseSizes("5-60", 1) });
  const bytes = new Uint8Array(1024);
  const index = fc.integer({ min: 0, max: 1999 });
  const version = fc.integer({ min: 0, max: 0xffff });

  test("keys are all different and not longer than said", () => {
    const seen = new Set<string>();
    for (let key = 0; key < 2000; key++) {
      const end = payload.writeKey(bytes, 0, key);
      expect(end).toBe(payload.keyBytes(key));
      expect(payload.isKey(bytes, 0, end, key)).toBe(true);
      seen.add(Buffer.from(bytes.subarray(0, end)).toString());
    }
    expect(seen.size).toBe(2000);
    expect([...seen].every((key) => /^key-\d{4}x*$/.test(key))).toBe(true);
  });

  test("a value verifies for its key in every version", () => {
    fc.assert(
      fc.property(index, version, (key, written) => {
        const end = payload.writeValue(bytes, 8, key, written);
        return payload.isValue(bytes, 8, end - 8, key);
      }),
    );
  });

  test("a value with any bit flipped behind its version does not verify", () => {
    fc.assert(
      fc.property(index, version, fc.nat(), (key, written, bit) => {
        const length = payload.valueBytes(key);
        fc.pre(length >= 8);
        payload.writeValue(bytes, 0, key, written);
        const at = 4 + (bit % (length - 4)); // with another version it may be a value of that one
        bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7));
        return !payload.isValue(bytes, 0, length, key);
      }),
    );
  });

  test("a value of another length or key does not verify", () => {
    const end = payload.writeValue(bytes, 0, 5, 1);
    expect(payload.isValue(bytes, 0, end - 1, 5)).toBe(false);
    for (let other = 0; other < 500; other++) {
      if (other !== 5 && payload.valueBytes(other) === end && end >= 8) {
        expect(payload.isValue(bytes, 0, end, other)).toBe(false);
      }
    }
  });
});

/** What a server would answer, in each protocol. */
const ANSWERS: Record<Protocol, (key: string, value: Buffer) => { hit: Buffer; miss: Buffer }> = {
  text: (key, value) => ({
    hit: Buffer.concat([
      Buffer.from(`VALUE ${key} 0 ${value.length}\r\n`),
      value,
      Buffer.from("\r\nEND\r\n"),
    ]),
    miss: Buffer.from("END\r\n"),
  }),
  meta: (_key, value) => ({
    hit: Buffer.concat([Buffer.from(`VA ${value.length}\r\n`), value, Buffer.from("\r\n")]),
    miss: Buffer.from("EN\r\n"),
  }),
  binary: (_key, value) => {
    const hit = Buffer.alloc(28);
    hit[0] = 0x81;
    hit[4] = 4;
    hit.writeUint32BE(4 + value.length, 8);
    const miss = Buffer.alloc(24);
    miss[0] = 0x81;
    miss[7] = 1;
    return { hit: Buffer.concat([hit, value]), miss };
  },
  resp: (_key, value) => ({
    hit: Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from("\r\n")]),
    miss: Buffer.from("$-1\r\n"),
  }),
};

describe.each(Object.keys(ANSWERS) as Protocol[])("dialect %s", (protocol) => {
  const workload = { ...WORKLOAD_DEFAULTS, protocol, verify: true, keyCount: 100 };
  const payload = payloadOf(workload);
  const dialect: Dialect = dialectOf(workload, payload);
  const keys = Uint32Array.of(7);
  const scratch = new Uint8Array(4096);
  const key = Buffer.from(scratch.subarray(0, payload.writeKey(scratch, 0, 7))).toString();
  const value = Buffer.from(scratch.subarray(0, payload.writeValue(scratch, 0, 7, 3)));
  const { hit, miss } = ANSWERS[protocol](key, value);

  test("reads a hit only when all of it is there", () => {
    for (let end = 0; end < hit.length; end++) {
      expect(dialect.parse(hit, 0, end, Kind.get, keys, 0, 1)).toBe(0);
    }
    expect(dialect.parse(hit, 0, hit.length, Kind.get, keys, 0, 1)).toBe(hit.length);
    expect([dialect.hits, dialect.misses, dialect.lies]).toEqual([1, 0, 0]);
  });

  test("reads a miss, with the next reply behind it", () => {
    const both = Buffer.concat([miss, hit]);
    expect(dialect.parse(both, 0, both.length, Kind.get, keys, 0, 1)).toBe(miss.length);
    expect([dialect.hits, dialect.misses]).toEqual([0, 1]);
  });

  test("finds a wrong byte in the value", () => {
    const wrong = Buffer.from(hit);
    const at = wrong.indexOf(value) + 40;
    wrong[at] = (wrong[at] as number) ^ 0x80;
    dialect.parse(wrong, 0, wrong.length, Kind.get, keys, 0, 1);
    expect([dialect.hits, dialect.lies]).toEqual([1, 1]);
  });

  test("writes no more than it says", () => {
    const many = Uint32Array.from({ length: 20 }, (_, i) => i);
    const out = new Uint8Array(8192);
    expect(dialect.get(out, 0, 7)).toBeLessThanOrEqual(dialect.requestBytesMax(1));
    expect(dialect.set(out, 0, 7, 1)).toBeLessThanOrEqual(dialect.requestBytesMax(1));
    expect(dialect.multiGet(out, 0, many, 0, 20)).toBeLessThanOrEqual(dialect.requestBytesMax(20));
    expect(hit.length).toBeLessThanOrEqual(dialect.replyBytesMax(1));
  });
});

describe("checkWorkload()", () => {
  for (const change of [{ connections: 0 }, { depth: 0 }, { reads: 1.5 }, { hitRatio: -1 }]) {
    test(`refuses ${JSON.stringify(change)}`, () => {
      expect(() => checkWorkload({ ...WORKLOAD_DEFAULTS, ...change })).toThrow(
        Object.keys(change)[0] as string,
      );
    });
  }
});
