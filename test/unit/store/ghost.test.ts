import { describe, expect, test } from "vitest";
import { MIB } from "../../../src/base/unit.ts";
import { Op } from "../../../src/command/op.ts";
import { ShardMemory } from "../../../src/memory/shard-memory.ts";
import { Ghost } from "../../../src/store/ghost.ts";
import { StoreHarness } from "../../model/store-harness.ts";

function ghostOf(h: StoreHarness): Ghost {
  return new Ghost(new ShardMemory(h.arena, h.base));
}

describe("Ghost", () => {
  test("remembers nine tenths of the item memory, then forgets", () => {
    const h = new StoreHarness(2 * MIB);
    const ghost = ghostOf(h);
    ghost.remember(1, 0x1111, 100);
    for (let i = 0; i < 16; i++) ghost.remember(1000 + i, i + 1, 0.05 * 2 * MIB);
    expect(ghost.has(1, 0x1111)).toBe(true);
    for (let i = 0; i < 4; i++) ghost.remember(2000 + i, i + 1, 0.05 * 2 * MIB);
    expect(ghost.has(1, 0x1111)).toBe(false);
  });

  test("forgets a key that is back", () => {
    const ghost = ghostOf(new StoreHarness(2 * MIB));
    ghost.remember(5, 77, 100);
    expect(ghost.has(5, 77)).toBe(true);
    expect(ghost.has(5, 78)).toBe(false);
    ghost.forget(5, 77);
    expect(ghost.has(5, 77)).toBe(false);
  });

  test("a key that expired, was deleted or overwritten while it was worth something returns to main", () => {
    const h = new StoreHarness(8 * MIB);
    for (const key of ["hot", "cold"]) h.set(key, "v", { exptime: h.clock.now + 5 });
    h.get("hot");
    h.pass(6);
    for (const [key, queue] of [
      ["hot", 2],
      ["cold", 1],
    ] as const) {
      h.set(key, "again");
      h.get(key);
      expect(h.reply.queue).toBe(queue);
    }
    h.run(Op.delete, "hot");
    h.set("hot", "third");
    h.get("hot");
    expect(h.reply.queue).toBe(2);
    h.set("hot", "a longer value than before");
    h.get("hot");
    expect(h.reply.queue).toBe(2);
  });
});
