import { describe, expect, test } from "vitest";
import { MIB } from "../../../src/base/unit.ts";
import { Op } from "../../../src/command/op.ts";
import { Status } from "../../../src/command/status.ts";
import { bucketOf } from "../../../src/memory/buckets.ts";
import { Counter } from "../../../src/memory/counters.ts";
import { StoreHarness } from "../../model/store-harness.ts";

describe("bucketOf()", () => {
  test("takes as many bits as there are buckets, one less above the split", () => {
    expect(bucketOf(0xff, 64)).toBe(63);
    expect(bucketOf(64, 65)).toBe(64);
    expect(bucketOf(65, 65)).toBe(1);
    expect(bucketOf(-1, 128)).toBe(127);
  });

  test("adding a bucket moves keys only from the bucket that is split", () => {
    for (let count = 64; count < 300; count++) {
      const parent = count - 2 ** (31 - Math.clz32(count));
      for (let hash = 0; hash < 5000; hash += 7) {
        const before = bucketOf(hash, count);
        const after = bucketOf(hash, count + 1);
        if (after !== before) expect([before, after]).toEqual([parent, count]);
      }
    }
  });
});

describe("KeyIndex", () => {
  test("grows with what it holds, and finds everything after each split", () => {
    const h = new StoreHarness(16 * MIB);
    const { header } = h.memory;
    expect(header.bucketCount()).toBe(64);
    for (let i = 0; i < 30_000; i++) h.set(`k${i}`, "v");
    expect(header.bucketCount()).toBeGreaterThan(30_000 / 7);
    expect(header.bucketCount()).toBeLessThan(30_000 / 6);
    for (let i = 0; i < 30_000; i++) expect(h.get(`k${i}`)).toBe("v");
    h.store.verify();
    for (let i = 0; i < 30_000; i += 2) expect(h.run(Op.delete, `k${i}`)).toBe(Status.deleted);
    for (let i = 0; i < 30_000; i++) expect(h.get(`k${i}`)).toBe(i % 2 === 0 ? null : "v");
    h.store.verify();
  });

  test("a full index drops its least credited item and never fails a set", () => {
    const h = new StoreHarness(MIB);
    const { header } = h.memory;
    let hot = 0;
    for (let i = 0; i < 60_000; i++) {
      expect(h.set(`${i}`, "")).toBe(Status.stored);
      if (i % 5000 === 0) h.store.verify();
      if (h.get("7") !== null) hot++;
    }
    expect(header.bucketCount()).toBe(h.plan.bucketsMax);
    expect(header.entries()).toBeGreaterThan(h.plan.bucketsMax * 7);
    expect(h.counters.value(Counter.evictions)).toBeGreaterThan(20_000);
    expect(hot).toBeGreaterThan(55_000);
    h.store.verify();
  });
});
