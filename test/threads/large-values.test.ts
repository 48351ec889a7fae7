/** Values far larger than any ring, between threads: whole, bounded, and nothing left over. */
import { describe, expect, test } from "vitest";
import { GIB, KIB, MIB } from "../../src/base/unit.ts";
import { Status } from "../../src/command/status.ts";
import { Arena } from "../../src/memory/arena.ts";
import { ShardMemory } from "../../src/memory/shard-memory.ts";
import { runWorker } from "./built.ts";
import type { LargeResult, LargeTask } from "./large-value-worker.ts";
import { shardOffset, threadMemory } from "./shard-thread.ts";

async function play(ringBytes: number, valueBytes: number, sentBytes: number) {
  const memory = threadMemory(2, ringBytes, valueBytes * 1.25 + 16 * MIB, valueBytes + 4 * KIB);
  const done = new SharedArrayBuffer(4);
  const task = { memory, done, valueBytes, sentBytes };
  const run = (self: number) =>
    runWorker<LargeResult>("test/threads/large-value-worker.ts", {
      ...task,
      self,
    } satisfies LargeTask);
  const [result] = await Promise.all([run(0), run(1)]);
  const shard = new ShardMemory(new Arena(memory.buffer), shardOffset(memory, 1));
  return { result, shard, slabCount: memory.shard.slabCount };
}

describe("a value larger than the ring", () => {
  for (const [ringBytes, valueBytes] of [
    [512, 1 * MIB],
    [512, 7 * MIB + 3],
    [4 * KIB, 64 * MIB],
    [64 * KIB, 64 * MIB],
  ] as const) {
    test(`of ${valueBytes} bytes passes a ring of ${ringBytes}`, async () => {
      const { result, shard } = await play(ringBytes, valueBytes, valueBytes);
      expect(result).toMatchObject({ stored: Status.stored, readBytes: valueBytes });
      if (ringBytes === 512) expect(result.fullOutcomes).toBeGreaterThan(0);
      expect(shard.header.orphanSlabs()).toBe(0);
      expect(shard.header.uploadSlabs()).toBe(0);
    });
  }
});

test("a value declared as 1 GiB and given up after 8 MiB leaves nothing behind", async () => {
  const { shard, slabCount } = await play(512, GIB - 64 * KIB, 8 * MIB);
  expect(shard.header.uploadSlabs()).toBe(0);
  expect(shard.header.freeSlabs()).toBe(slabCount);
});
