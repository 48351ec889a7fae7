import { describe, expect, test } from "vitest";
import { type NodeLayout, regionsOf } from "../../../src/memory/node-layout.ts";
import { planMemory } from "../../../src/primary/memory-plan.ts";
import type { TransportKind } from "../../../src/worker/messages.ts";
import { loadFrom } from "../config/load-from.ts";

const GIB = 2 ** 30;

describe("planMemory()", () => {
  for (const args of [
    "-m 1 -I 512k",
    "-m 2",
    "-m 3",
    "-m 15",
    "-I 7m",
    "-I 32m",
    "-m 1000 -I 70m",
  ]) {
    test(`threads by default leave each shard room for an item: ${args}, 64 cores`, () => {
      const { settings } = loadFrom({ cores: 64, args: args.split(" ") });
      expect(planMemory(settings, "native").shardPlan.itemBytesMax).toBe(settings.itemBytesMax);
    });
  }

  for (const memory of ["4096", "16384", "65536"]) {
    test(`threads by default leave each shard in one buffer: -m ${memory}, 2 cores`, () => {
      const { settings } = loadFrom({ cores: 2, args: ["-m", memory] });
      const { shardPlan } = planMemory(settings, "native");
      expect(shardPlan.regionBytes).toBeLessThanOrEqual(4 * GIB);
    });
  }

  for (const transport of ["native", "node"] as TransportKind[]) {
    for (const flags of ["-t 1", "-t 2 -m 256", "-t 8 -m 1024 -c 10000", "-t 4 -m 8g"]) {
      test(`regions lie in their buffers and apart, each on a page: ${flags}, ${transport}`, () => {
        const { settings } = loadFrom({ args: flags.split(" ") });
        const { layout, bufferBytes } = planMemory(settings, transport);
        const regions = [...regionsOf(layout)]
          .filter(({ bytes }) => bytes > 0)
          .sort((a, b) => a.place.arena - b.place.arena || a.place.base - b.place.base);
        let end = 0;
        let arena = 0;
        for (const { place, bytes } of regions) {
          if (place.arena !== arena) end = 0;
          arena = place.arena;
          expect(place.base).toBeGreaterThanOrEqual(end);
          expect(place.base % 4096).toBe(0);
          end = place.base + bytes;
          expect(end).toBeLessThanOrEqual(bufferBytes[arena] as number);
        }
      });
    }
  }

  for (const flags of ["-t 1", "-t 3 -m 100"]) {
    test(`what outlives a process is one run of pages to the buffer's end: ${flags}`, () => {
      const { settings } = loadFrom({ args: flags.split(" ") });
      const { layout, bufferBytes } = planMemory(settings, "native");
      const names = [...regionsOf(layout)].map(({ name }) => name);
      const first = names.indexOf("node");
      expect(names.slice(first + 1)).toEqual(Array(settings.threads).fill("shards"));
      const stride = Math.ceil(layout.shardBytes / 4096) * 4096;
      layout.shards.forEach(({ base }, shard) => {
        expect(base).toBe(layout.node.base + 4096 + shard * stride);
      });
      expect(bufferBytes[0]).toBe(layout.node.base + 4096 + settings.threads * stride);
    });
  }

  for (const [flags, count] of [
    ["-t 1", 1],
    ["-t 3", 3],
    ["-t 8", 4],
    ["-t 8 -o socket_threads=2", 2],
    ["-t 2 -o socket_threads=6", 2],
  ] as const) {
    test(`${flags} with 4 processors: ${count} of the threads serve sockets, and only they have memory for that`, () => {
      const { settings } = loadFrom({ args: flags.split(" ") });
      const { layout } = planMemory(settings, "native", 4 * GIB, 4);
      expect(layout.socketThreads).toBe(count);
      expect(layout.native).toHaveLength(count);
      expect(planMemory(settings, "node", 4 * GIB, 4).layout.socketThreads).toBe(0);
    });
  }

  test("one buffer while all fits, then one for each shard", () => {
    const arenas = (layout: NodeLayout) => layout.shards.map(({ arena }) => arena);
    const small = planMemory(loadFrom({ args: ["-t", "2", "-m", "1024"] }).settings, "native");
    expect(small.bufferBytes).toHaveLength(1);
    expect(arenas(small.layout)).toEqual([0, 0]);
    const large = planMemory(loadFrom({ args: ["-t", "2", "-m", "5g"] }).settings, "native");
    expect(large.bufferBytes).toHaveLength(3);
    expect(arenas(large.layout)).toEqual([1, 2]);
    for (const bytes of large.bufferBytes) expect(bytes).toBeLessThanOrEqual(4 * GIB);
  });

  for (const [flags, complaint] of [
    ["-t 4 -m 1 -I 64k", /item memory of 256 KiB for each shard cannot hold an item/],
    ["-t 4 -m 64 -I 20m", /item memory of 16384 KiB for each shard cannot hold an item/],
    ["-t 1 -m 8g", /is too much/],
    ["-t 255 -m 4g -c 1000000", /lower --threads or -c/],
  ] as const) {
    test(`refuses ${flags} and says what to change`, () => {
      const { settings } = loadFrom({ args: flags.split(" ") });
      expect(() => planMemory(settings, "native")).toThrow(complaint);
    });
  }
});
