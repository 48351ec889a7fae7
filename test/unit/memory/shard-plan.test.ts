import { describe, expect, test } from "vitest";
import { ConfigError } from "../../../src/base/errors.ts";
import { GIB, KIB, MIB } from "../../../src/base/unit.ts";
import { Arena } from "../../../src/memory/arena.ts";
import { planShard, RESERVE_SLABS, readPlan, writePlan } from "../../../src/memory/shard-plan.ts";

describe("planShard()", () => {
  for (const [mib, slabKib] of [
    [2, 64],
    [8, 64],
    [16, 128],
    [64, 512],
    [100, 512],
    [1024, 1024],
  ] as const) {
    test(`${mib} MiB are slabs of ${slabKib} KiB and one for the reserve`, () => {
      const plan = planShard(mib * MIB, MIB);
      expect(plan.slabBytes).toBe(slabKib * KIB);
      expect(plan.slabCount).toBe(Math.floor((mib * 1024) / slabKib) + RESERVE_SLABS);
      expect(plan.itemOffset % 4096).toBe(0);
      expect(plan.regionBytes).toBe(plan.itemOffset + plan.slabCount * plan.slabBytes);
    });
  }

  for (const [name, itemBytes, itemBytesMax, word] of [
    ["a shard too small for any slabs", 100 * KIB, KIB, "-m"],
    ["an item larger than the shard", 4 * MIB, 8 * MIB, "-I"],
    ["an item that leaves nothing to turn over", MIB, MIB, "--threads"],
    ["more than 4 GiB with the index", 4 * GIB, MIB, "--threads"],
  ] as const) {
    test(`refuses ${name}, and names ${word}`, () => {
      expect(() => planShard(itemBytes, itemBytesMax)).toThrow(ConfigError);
      expect(() => planShard(itemBytes, itemBytesMax)).toThrow(word);
    });
  }

  test("a plan is read back from the region's header", () => {
    const plan = planShard(2 * MIB, MIB);
    const arena = new Arena(new SharedArrayBuffer(64 + plan.regionBytes));
    expect(() => readPlan(arena, 64)).toThrow("magic");
    writePlan(arena, 64, plan);
    expect(readPlan(arena, 64)).toEqual(plan);
  });
});
