import { describe, expect, test } from "vitest";
import type { MemoryLayout, Place, TransportKind } from "../../../src/config/worker-data.ts";
import { connectionTableBytes } from "../../../src/memory/connection-table.ts";
import { controlBytes } from "../../../src/memory/control.ts";
import { COUNTERS_BYTES } from "../../../src/memory/counters.ts";
import { ioRegionBytes } from "../../../src/memory/io-region.ts";
import { OBSERVATION_BYTES } from "../../../src/memory/observation.ts";
import { type MemoryPlan, planMemory } from "../../../src/primary/memory-plan.ts";
import { planNative } from "../../../src/transport/native-plan.ts";
import { loadFrom } from "../config/load-from.ts";

const GIB = 2 ** 30;

interface Region {
  readonly place: Place;
  readonly bytes: number;
}

/** Every region of a plan, with the bytes its owner will use. */
function regionsOf(plan: MemoryPlan, threads: number, connections: number): Region[] {
  const { layout, linkPlan, shardPlan } = plan;
  const serving = layout.native.length || 1;
  const serves = (thread: number) =>
    layout.native.length > 0 ? thread < layout.native.length : thread === threads;
  return [
    { place: layout.control, bytes: controlBytes(threads) },
    { place: layout.counters, bytes: COUNTERS_BYTES * (threads + 1) },
    { place: layout.links, bytes: linkPlan.regionBytes },
    { place: layout.observations, bytes: OBSERVATION_BYTES * (threads + 1) },
    ...layout.native.map((place) => ({ place, bytes: planNative(connections).bytes })),
    ...layout.connections.map((place) => ({ place, bytes: connectionTableBytes(connections) })),
    ...layout.io.map((place, thread) => ({
      place,
      bytes: serves(thread) ? ioRegionBytes(serving, 0) : 0,
    })),
    ...layout.shards.map((place) => ({ place, bytes: shardPlan.regionBytes })),
  ];
}

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
    for (const flags of ["-t 1", "-t 2 -m 256", "-t 8 -m 1024 -c 10000", "-t 32 -m 512"]) {
      test(`regions lie in their buffers and apart: ${flags}, ${transport}`, () => {
        const { settings } = loadFrom({ args: flags.split(" ") });
        const plan = planMemory(settings, transport);
        const regions = regionsOf(plan, settings.threads, settings.maxConnections)
          .filter(({ bytes }) => bytes > 0)
          .sort((a, b) => a.place.arena - b.place.arena || a.place.base - b.place.base);
        let end = 0;
        let arena = 0;
        for (const { place, bytes } of regions) {
          if (place.arena !== arena) end = 0;
          arena = place.arena;
          expect(place.base).toBeGreaterThanOrEqual(end);
          expect(place.base % 64).toBe(0);
          end = place.base + bytes;
          expect(end).toBeLessThanOrEqual(plan.bufferBytes[arena] as number);
        }
      });
    }
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
    const arenas = (layout: MemoryLayout) => layout.shards.map(({ arena }) => arena);
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
