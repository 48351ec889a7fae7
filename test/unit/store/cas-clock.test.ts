import { describe, expect, test } from "vitest";
import { Arena } from "../../../src/memory/arena.ts";
import { ShardHeader } from "../../../src/memory/shard-header.ts";
import { CasClock } from "../../../src/store/cas-clock.ts";

function clockAt(low: number, high: number, shard: number, shardCount: number): CasClock {
  const header = new ShardHeader(new Arena(new SharedArrayBuffer(1024)), 0);
  header.setCas(low, high);
  return new CasClock(header, shard, shardCount, true);
}

describe("CasClock.next()", () => {
  test("carries from the low word into the high one", () => {
    const cas = clockAt(0xffff_fffe, 6, 0, 1);
    cas.next();
    expect([cas.high, cas.low]).toEqual([6, 0xffff_ffff]);
    cas.next();
    expect([cas.high, cas.low]).toEqual([7, 0]);
  });

  for (const shardCount of [1, 2, 3, 5, 64]) {
    test(`the numbers of ${shardCount} shards never meet, and begin at 2 or just above`, () => {
      const seen = new Set<number>();
      for (let shard = 0; shard < shardCount; shard++) {
        const cas = clockAt(0, 0, shard, shardCount);
        for (let i = 0; i < 20; i++) {
          cas.next();
          expect(cas.high).toBe(0);
          expect(cas.low % shardCount).toBe(shard);
          seen.add(cas.low);
        }
      }
      expect(seen.size).toBe(20 * shardCount);
      expect(Math.min(...seen)).toBe(2);
      expect(Math.max(...seen)).toBe(20 * shardCount + 1);
    });
  }
});
