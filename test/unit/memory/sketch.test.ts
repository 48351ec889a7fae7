import { describe, expect, test } from "vitest";
import { KeyHash } from "../../../src/base/key-hash.ts";
import { Arena } from "../../../src/memory/arena.ts";
import {
  Sample,
  SKETCH_BYTES,
  SKETCH_ENTRIES,
  SKETCH_HALF_LIFE_SECONDS,
  SKETCH_RATE,
  Sketch,
  VALUE_UNKNOWN,
} from "../../../src/memory/sketch.ts";

const hash = new KeyHash(1, 2);

function sketch(): Sketch {
  return new Sketch(new Arena(new SharedArrayBuffer(SKETCH_BYTES)), 0);
}

function add(into: Sketch, key: string, rank: number, sample = new Sample()): void {
  const bytes = Buffer.from(key);
  hash.update(bytes, 0, bytes.length);
  into.add(bytes, 0, bytes.length, hash.low, hash.high, rank, sample);
}

function top(of: Sketch, count: number): string[] {
  const entries = of.read().sort((a, b) => b.rank - a.rank);
  return entries.slice(0, count).map((entry) => entry.key.toString());
}

/** Numbers in [0, 1) from a fixed seed. */
function randoms(): () => number {
  let state = 12345;
  return () => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state / 2 ** 32;
  };
}

describe("Sketch", () => {
  test("holds the hottest keys of a skewed stream of far more keys than it has room for", () => {
    const seen = sketch();
    const random = randoms();
    const keys = 20_000;
    const counts = new Map<string, number>();
    for (let i = 0; i < 100_000; i++) {
      const key = `key:${Math.floor(keys ** random())}`; // log-uniform: about Zipf with exponent 1
      counts.set(key, (counts.get(key) ?? 0) + 1);
      add(seen, key, 1);
    }
    const exact = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 10);
    expect(top(seen, 20)).toEqual(expect.arrayContaining(exact.map(([key]) => key)));
  });

  test("estimates the ten hottest keys within a fifth", () => {
    const seen = sketch();
    const random = randoms();
    const counts = new Map<string, number>();
    for (let i = 0; i < 200_000; i++) {
      const key = `key:${Math.floor(20_000 ** random())}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      add(seen, key, 1);
    }
    const exact = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 10);
    const ranks = new Map(seen.read().map((entry) => [entry.key.toString(), entry.rank]));
    for (const [key, count] of exact) {
      expect(Math.abs((ranks.get(key) ?? 0) - count)).toBeLessThan(count / 5);
    }
  });

  test("keeps a key of a thousandth of a stream whose other keys are all different", () => {
    const seen = sketch();
    for (let i = 0; i < 200_000; i++) add(seen, i % 1000 === 0 ? "steady" : `once:${i}`, 1);
    expect(top(seen, 3)).toContain("steady");
  });

  test("adds what a sample stands for", () => {
    const seen = sketch();
    const sample = new Sample();
    Object.assign(sample, { weight: 64, bytes: 100, valueBytes: 100, writes: 1, second: 7 });
    add(seen, "a", 64, sample);
    Object.assign(sample, { bytes: 0, valueBytes: VALUE_UNKNOWN, misses: 1, writes: 0, second: 8 });
    add(seen, "a", 64, sample);
    const [entry] = seen.read();
    expect(entry).toMatchObject({
      rank: 128,
      requests: 128,
      bytes: 6400,
      misses: 64,
      writes: 64,
      valueBytes: 100,
      second: 8,
    });
  });

  test("turns a steady stream into its rate, and halves it in a half-life", () => {
    const seen = sketch();
    for (let second = 0; second < 20 * SKETCH_HALF_LIFE_SECONDS; second++) {
      add(seen, "steady", 500);
      seen.decay();
    }
    const rate = (seen.read()[0]?.rank ?? 0) * SKETCH_RATE;
    expect(rate).toBeGreaterThan(480);
    expect(rate).toBeLessThan(500);
    for (let second = 0; second < SKETCH_HALF_LIFE_SECONDS; second++) seen.decay();
    expect((seen.read()[0]?.rank ?? 0) * SKETCH_RATE).toBeCloseTo(rate / 2, 5);
  });

  test("forgets what has faded away", () => {
    const seen = sketch();
    add(seen, "once", 1);
    for (let second = 0; second < 10 * SKETCH_HALF_LIFE_SECONDS; second++) seen.decay();
    expect(seen.read()).toEqual([]);
  });

  test("keeps the length of a value through requests that tell none", () => {
    const seen = sketch();
    const sample = new Sample();
    add(seen, "counter", 1, sample);
    expect(seen.read()[0]?.valueBytes).toBe(VALUE_UNKNOWN);
    sample.valueBytes = 12;
    add(seen, "counter", 1, sample);
    sample.valueBytes = VALUE_UNKNOWN;
    add(seen, "counter", 1, sample);
    expect(seen.read()[0]?.valueBytes).toBe(12);
  });

  describe("keepLargest()", () => {
    const sized = (into: Sketch, key: string, size: number, second = 0): void => {
      const bytes = Buffer.from(key);
      hash.update(bytes, 0, bytes.length);
      const sample = Object.assign(new Sample(), { bytes: size, valueBytes: size, second });
      into.keepLargest(bytes, 0, bytes.length, hash.low, hash.high, size, sample);
    };

    test("has each key once, with the size seen last", () => {
      const seen = sketch();
      for (const size of [5000, 90_000, 70_000]) sized(seen, "big", size);
      expect(seen.read()).toHaveLength(1);
      expect(seen.read()[0]).toMatchObject({ rank: 70_000, valueBytes: 70_000, error: 0 });
      sized(seen, "big", 0); // too small by now
      expect(seen.read()).toEqual([]);
    });

    test("does not fade a size, only what is counted beside it", () => {
      const seen = sketch();
      sized(seen, "early", 60_000, 1);
      for (let second = 0; second < 2 * SKETCH_HALF_LIFE_SECONDS; second++) seen.decaySizes(0);
      sized(seen, "late", 40_000, 60);
      expect(top(seen, 2)).toEqual(["early", "late"]);
      expect(seen.read()[0]).toMatchObject({ rank: 60_000, valueBytes: 60_000 });
      expect(seen.read()[0]?.requests).toBeCloseTo(0.25, 5);
    });

    test("forgets what was not seen for long", () => {
      const seen = sketch();
      sized(seen, "early", 60_000, 1);
      sized(seen, "late", 40_000, 60);
      seen.decaySizes(2);
      expect(top(seen, 2)).toEqual(["late"]);
    });
  });

  test("holds a key of 250 bytes whole, and no more entries than it has", () => {
    const seen = sketch();
    const long = "k".repeat(250);
    add(seen, long, 1e9);
    for (let i = 0; i < 10 * SKETCH_ENTRIES; i++) add(seen, `other-${i}`, 1);
    expect(top(seen, 1)).toEqual([long]);
    expect(seen.read().length).toBeLessThanOrEqual(SKETCH_ENTRIES);
    seen.clear();
    expect(seen.read()).toEqual([]);
  });
});
