import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Arena } from "../../../src/memory/arena.ts";
import { NodeHeader } from "../../../src/memory/node-header.ts";
import {
  layOut,
  type NodeFacts,
  REGIONS,
  regionsOf,
  viewNode,
} from "../../../src/memory/node-layout.ts";
import { planShard, writePlan } from "../../../src/memory/shard-plan.ts";

const SOURCE = new URL("../../../src/memory/node-layout.ts", import.meta.url);
const KIB = 1024;
const MIB = 1024 * KIB;
const plan = planShard(4 * MIB, 128 * KIB);

const FACTS: NodeFacts = {
  threads: 3,
  shardCount: 3,
  socketThreads: 2,
  primaryServes: false,
  listsNodes: true,
  connectionSlots: 100,
  linkBytes: 5000,
  nativeBytes: 6000,
  ioBytes: 7000,
  shardBytes: plan.regionBytes,
};

/** How often each region is there. */
function counts(facts: NodeFacts): Record<string, number> {
  const counted: Record<string, number> = {};
  for (const { name } of regionsOf(layOut(facts, 1024 * MIB).layout)) {
    counted[name] = (counted[name] ?? 0) + 1;
  }
  return counted;
}

describe("the drawing of memory/node-layout.ts", () => {
  const line = /^ \*\s+buffer 0 +\|(.*)\|$/m.exec(readFileSync(SOURCE, "utf8"))?.[1] ?? "";
  const drawn = line.split("|").map((word) => word.trim());

  test("names every region, in its order", () => {
    expect(drawn.map((word) => word.replace("…", ""))).toEqual(Object.keys(REGIONS));
  });

  test("marks those of which there are several", () => {
    const several = drawn.filter((word) => word.endsWith("…")).map((word) => word.slice(0, -1));
    const present = Object.entries(counts(FACTS)).filter(([, count]) => count > 1);
    expect(several).toEqual(present.map(([name]) => name));
  });
});

describe("layOut()", () => {
  test("one for the node, one for each thread, socket thread, shard", () => {
    expect(counts(FACTS)).toEqual({
      control: 1,
      cluster: 1,
      links: 1,
      native: 2,
      counters: 4,
      logs: 4,
      observations: 4,
      connections: 4,
      io: 4,
      node: 1,
      shards: 3,
    });
  });

  for (const [primaryServes, served] of [
    [false, [7000, 7000, 0, 0]],
    [true, [7000, 7000, 0, 7000]],
  ] as const) {
    test(`only threads that serve sockets have memory for that; the primary ${primaryServes ? "does" : "does not"}`, () => {
      const { layout } = layOut({ ...FACTS, primaryServes }, 1024 * MIB);
      const io = [...regionsOf(layout)].filter(({ name }) => name === "io");
      expect(io.map(({ bytes }) => bytes)).toEqual(served);
    });
  }
});

describe("viewNode()", () => {
  test("each thread's views are apart from the others', and another thread sees the same", () => {
    const { layout, bufferBytes } = layOut(FACTS, 1024 * MIB);
    const buffers = bufferBytes.map((bytes) => new SharedArrayBuffer(bytes));
    const arenas = buffers.map((buffer) => new Arena(buffer));
    const arena = arenas[0] as Arena;
    const birth = { shardCount: 3, hashSeedLow: 0xffff_fff1, hashSeedHigh: 7 };
    NodeHeader.format(arena, layout.node.base, birth);
    for (const { base } of layout.shards) writePlan(arena, base, plan);
    const mine = viewNode(layout, arenas);
    const other = viewNode(
      structuredClone(layout),
      buffers.map((buffer) => new Arena(buffer)),
    );
    for (const [thread, counters] of mine.counters.entries()) counters.add(5, thread + 1);
    expect(other.counters.map((counters) => counters.value(5))).toEqual([1, 2, 3, 4]);
    mine.control.setVerbosity(2);
    expect(other.control.verbosity()).toBe(2);
    expect(other.shards.map((shard) => shard.plan)).toEqual([plan, plan, plan]);
    expect(other.io.map(({ base }) => base)).toEqual(layout.io.map(({ base }) => base));
    expect(other.node.shardCount()).toBe(3);
    expect(other.node.hashSeedLow()).toBe(0xffff_fff1);
    expect(other.node.hashSeedHigh()).toBe(7);
    expect(other.node.incarnation()).toBe(1);
    expect(other.node.lastSecond()).toBe(2);
    expect(other.node.epochUnix()).toBe(0);
  });

  test("memory without a node is refused", () => {
    const { layout, bufferBytes } = layOut(FACTS, 1024 * MIB);
    const arenas = bufferBytes.map((bytes) => new Arena(new SharedArrayBuffer(bytes)));
    expect(() => viewNode(layout, arenas)).toThrow("a node begins with its magic");
  });
});
