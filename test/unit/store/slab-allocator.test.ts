import { describe, expect, test } from "vitest";
import { KIB, MIB } from "../../../src/base/unit.ts";
import { Op } from "../../../src/command/op.ts";
import { Status } from "../../../src/command/status.ts";
import { Counter } from "../../../src/memory/counters.ts";
import { ShardMemory } from "../../../src/memory/shard-memory.ts";
import { RESERVE_SLABS } from "../../../src/memory/shard-plan.ts";
import { NO_SLAB, Queue } from "../../../src/memory/slab-table.ts";
import { StoreHarness } from "../../model/store-harness.ts";

const SLAB_BYTES = 64 * KIB;
/** Longer than half a slab of 64 KiB: two do not fit one. */
const LONG = "v".repeat(40_000);
const SHORT = "v".repeat(1000);

function harness(): { h: StoreHarness; memory: ShardMemory } {
  const h = new StoreHarness(8 * MIB);
  expect(h.plan.slabBytes).toBe(SLAB_BYTES);
  return { h, memory: new ShardMemory(h.arena, h.base) };
}

/** Stores `count` short values. */
function setShort(h: StoreHarness, count: number): void {
  for (let i = 0; i < count; i++) expect(h.set(`short-${i}`, SHORT)).toBe(Status.stored);
}

describe("SlabAllocator.place()", () => {
  test("an item that does not fit the open slab leaves it ajar, and shorter ones fill its end first", () => {
    const { h, memory } = harness();
    const { header, slabs } = memory;
    h.set("long-1", LONG);
    const first = header.open(Queue.small);
    expect(header.ajar(Queue.small)).toBe(NO_SLAB);
    h.set("long-2", LONG);
    expect(header.ajar(Queue.small)).toBe(first);
    const written = slabs.writtenBytes(header.open(Queue.small));
    setShort(h, 20);
    expect(slabs.writtenBytes(first)).toBeGreaterThan(60_000);
    expect(slabs.writtenBytes(header.open(Queue.small))).toBe(written);
    setShort(h, 25);
    expect(SLAB_BYTES - slabs.writtenBytes(first)).toBeLessThan(SHORT.length + 40);
    expect(header.slabs(Queue.small)).toBe(2);
    h.store.verify();
  });

  test("of the open slab and the one that is ajar, the roomier stays ajar", () => {
    const { h, memory } = harness();
    const { header } = memory;
    h.set("long-1", LONG);
    const first = header.open(Queue.small);
    h.set("long-2", LONG);
    const second = header.open(Queue.small);
    setShort(h, 5);
    h.set("long-3", LONG);
    expect(header.ajar(Queue.small)).toBe(second);
    expect(header.open(Queue.small)).not.toBe(first);
    h.store.verify();
  });

  test("a slab that is ajar is freed when its last item goes", () => {
    const { h, memory } = harness();
    const { header } = memory;
    h.set("long-1", LONG);
    h.set("long-2", LONG);
    expect(h.run(Op.delete, "long-1")).toBe(Status.deleted);
    expect(header.ajar(Queue.small)).toBe(NO_SLAB);
    expect(header.slabs(Queue.small)).toBe(1);
    h.store.verify();
  });

  test("a flush closes both", () => {
    const { h, memory } = harness();
    const { header } = memory;
    h.set("long-1", LONG);
    h.set("long-2", LONG);
    h.run(Op.flush, "");
    expect(header.ajar(Queue.small)).toBe(NO_SLAB);
    expect(header.open(Queue.small)).toBe(NO_SLAB);
    while (h.store.sweep(1 << 20));
    h.store.verify();
  });

  test("-M does not compact what has no dead bytes, however unfilled its slabs are", () => {
    const h = new StoreHarness(8 * MIB, { evictions: false });
    let stored = 0;
    while (h.set(`long-${stored}`, LONG) === Status.stored) stored++;
    expect(stored).toBe(h.plan.slabCount - RESERVE_SLABS);
    expect(h.counters.value(Counter.compactions)).toBe(0);
    h.run(Op.delete, "long-5");
    expect(h.set("again", LONG)).toBe(Status.stored);
    h.store.verify();
  });

  test("a successor goes on where both were", () => {
    const { h, memory } = harness();
    const { header } = memory;
    h.set("long-1", LONG);
    h.set("long-2", LONG);
    const [ajar, open] = [header.ajar(Queue.small), header.open(Queue.small)];
    expect(h.store.recover()).toBe(0);
    h.store.verify();
    expect([header.ajar(Queue.small), header.open(Queue.small)]).toEqual([ajar, open]);
    setShort(h, 20);
    h.store.verify();
  });
});
