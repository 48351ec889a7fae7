import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BLOCK_BYTES_MAX,
  BLOCK_BYTES_MIN,
  BlockPool,
  NO_BLOCK,
} from "../../../src/memory/block-pool.ts";

describe("BlockPool", () => {
  test("gives blocks that never overlap, and becomes whole again", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: BLOCK_BYTES_MAX }), { minLength: 1, maxLength: 60 }),
        fc.array(fc.nat(), { maxLength: 60 }),
        (sizes, frees) => {
          const base = 64;
          const bytes = 3 * BLOCK_BYTES_MAX + 5 * BLOCK_BYTES_MIN;
          const pool = new BlockPool(base, bytes);
          const held = new Map<number, number>();
          for (const [i, size] of sizes.entries()) {
            const block = pool.take(size);
            if (block !== NO_BLOCK) {
              const end = block + pool.blockBytes(block);
              expect(pool.blockBytes(block)).toBeGreaterThanOrEqual(size);
              expect(block).toBeGreaterThanOrEqual(base);
              expect(end).toBeLessThanOrEqual(base + bytes);
              for (const [start, stop] of held) expect(end <= start || block >= stop).toBe(true);
              held.set(block, end);
            }
            const victim = [...held.keys()][frees[i] ?? -1];
            if (victim !== undefined) {
              held.delete(victim);
              pool.give(victim);
            }
          }
          for (const block of held.keys()) pool.give(block);
          expect(pool.takenBytes()).toBe(0);
          for (let i = 0; i < 3; i++) expect(pool.take(BLOCK_BYTES_MAX)).not.toBe(NO_BLOCK);
          expect(pool.take(BLOCK_BYTES_MAX)).toBe(NO_BLOCK);
        },
      ),
    );
  });

  test("refuses what is larger than its largest block", () => {
    const pool = new BlockPool(0, 4 * BLOCK_BYTES_MAX);
    expect(pool.take(BLOCK_BYTES_MAX + 1)).toBe(NO_BLOCK);
  });
});
