import { describe, expect, test } from "vitest";
import { Op } from "../../../src/command/op.ts";
import { Status } from "../../../src/command/status.ts";
import { bytesOf, emptyGauges, itemsOf, ShardGauges } from "../../../src/stats/shard-gauges.ts";
import { StoreHarness } from "../../model/store-harness.ts";

const MIB = 2 ** 20;
const HEADER_BYTES = 24;

/** What the keys say that are still there: items, and the memory they take. */
function asked(h: StoreHarness, keys: readonly string[]): { items: number; bytes: number } {
  let items = 0;
  let bytes = 0;
  for (const key of keys) {
    if (h.run(Op.inspect, key) !== Status.hit) continue;
    const length = HEADER_BYTES + key.length + h.reply.valueBytes;
    items++;
    bytes += h.reply.queue === 3 ? length : Math.ceil(length / 8) * 8;
  }
  return { items, bytes };
}

function gauged(h: StoreHarness): { items: number; bytes: number } {
  const gauges = new ShardGauges(h.memory);
  const sums = emptyGauges();
  gauges.addTo(sums, h.clock.now);
  expect(gauges.items()).toEqual({ items: itemsOf(sums), bytes: bytesOf(sums) });
  return gauges.items();
}

describe("ShardGauges", () => {
  for (const [name, count, bytesMax] of [
    ["few, small", 200, 100],
    ["more small ones than there is room for", 60_000, 100],
    ["of all sizes, more than there is room for", 400, 200_000],
  ] as const) {
    test(`items and bytes are what its keys say, and never more than there is room for: ${name}`, () => {
      const h = new StoreHarness(4 * MIB);
      const keys = Array.from({ length: count }, (_, i) => `key-${i}`);
      const room = h.plan.itemBytes;
      keys.forEach((key, i) => {
        h.set(key, "v".repeat((i * 7919) % bytesMax));
        if (i % 10 === 0) h.set(keys[i >> 1] as string, "w".repeat((i * 31) % bytesMax));
        if (i % 7 === 0) h.run(Op.delete, keys[i >> 2] as string);
        if (i % 1000 === 0) expect(gauged(h).bytes).toBeLessThanOrEqual(room);
      });
      expect(gauged(h).items).toBeGreaterThan(0);
      expect(gauged(h)).toEqual(asked(h, keys));
      expect(gauged(h).bytes).toBeLessThanOrEqual(room);
      h.store.verify();
      h.run(Op.flush, "");
      expect(gauged(h)).toEqual({ items: 0, bytes: 0 });
      h.set("after", "x");
      expect(gauged(h)).toEqual({ items: 1, bytes: 32 });
      expect(h.attach().recover()).toBe(0);
      expect(gauged(h)).toEqual({ items: 1, bytes: 32 });
    });
  }

  test("what is gone but still being read, or not yet there, is no item", () => {
    const h = new StoreHarness(8 * MIB, {}, MIB);
    h.set("read", "x".repeat(300_000));
    h.run(Op.lease, "read", { requester: 2 });
    h.run(Op.delete, "read");
    h.run(Op.uploadBegin, "coming", { valueBytes: 300_000 });
    expect(h.memory.header.orphanSlabs()).toBeGreaterThan(0);
    expect(gauged(h)).toEqual({ items: 0, bytes: 0 });
  });
});
