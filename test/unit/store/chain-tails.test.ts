import { describe, expect, test } from "vitest";
import { KIB, MIB } from "../../../src/base/unit.ts";
import { Op, StoreMode } from "../../../src/command/op.ts";
import { Status } from "../../../src/command/status.ts";
import { ShardMemory } from "../../../src/memory/shard-memory.ts";
import { ITEM_HEADER_BYTES, SLAB_HEAD_BYTES } from "../../../src/memory/shard-plan.ts";
import { Queue } from "../../../src/memory/slab-table.ts";
import { ChainTails } from "../../../src/store/chain-tails.ts";
import { LeasedValue } from "../../../src/store/leased-value.ts";
import { StoreHarness } from "../../model/store-harness.ts";

const SLAB_BYTES = 64 * KIB;
const ROOM_BYTES = SLAB_BYTES - SLAB_HEAD_BYTES;
const PART_BYTES = SLAB_BYTES / 16;

function harness(): { h: StoreHarness; memory: ShardMemory } {
  const h = new StoreHarness(8 * MIB, {}, 2 * MIB);
  expect(h.plan.slabBytes).toBe(SLAB_BYTES);
  return { h, memory: new ShardMemory(h.arena, h.base) };
}

/** A value whose item, with a key of one byte, takes `bytes`. */
function valueTaking(bytes: number, fill: number): Uint8Array {
  const value = new Uint8Array(bytes - ITEM_HEADER_BYTES - 1);
  for (let i = 0; i < value.length; i++) value[i] = (fill + i * 7 + (i >>> 8)) & 255;
  return value;
}

function slabsInUse(memory: ShardMemory): number {
  return memory.plan.slabCount - memory.header.freeSlabs();
}

/** Leases a value, and compares it while `meanwhile` happens. */
function isReadable(
  h: StoreHarness,
  key: string,
  value: Uint8Array,
  meanwhile: () => void,
): boolean {
  expect(h.run(Op.lease, key)).toBe(Status.hit);
  const handle = h.reply.handle;
  const leased = new LeasedValue(new ShardMemory(h.arena, h.base), handle, value.length);
  meanwhile();
  let at = 0;
  let same = true;
  while (leased.left > 0) {
    const chunk = leased.array.subarray(leased.start, leased.start + leased.bytes);
    same &&= Buffer.compare(chunk, value.subarray(at, at + leased.bytes)) === 0;
    at += leased.bytes;
    leased.advance(leased.bytes);
  }
  h.run(Op.release, "", { handle });
  return same && at === value.length;
}

const nothing = (): void => undefined;

describe("ChainTails", () => {
  for (const [bytes, slabs, parts] of [
    [ROOM_BYTES, 1, 0],
    [ROOM_BYTES + 1, 1, 1],
    [ROOM_BYTES + PART_BYTES, 1, 1],
    [ROOM_BYTES + PART_BYTES + 1, 1, 2],
    [ROOM_BYTES + 15 * PART_BYTES, 1, 15],
    [ROOM_BYTES + 15 * PART_BYTES + 1, 2, 0],
    [2 * ROOM_BYTES, 2, 0],
    [2 * ROOM_BYTES + 1, 2, 1],
  ] as const) {
    test(`an item of ${bytes} bytes has ${slabs} slabs and ${parts} parts`, () => {
      const { h, memory } = harness();
      const tails = new ChainTails(memory);
      expect([tails.slabsFor(bytes), tails.partsFor(bytes)]).toEqual([slabs, parts]);
      if (bytes === ROOM_BYTES) return; // fits a slab with others
      const value = valueTaking(bytes, 3);
      expect(h.set("k", value)).toBe(Status.stored);
      expect(slabsInUse(memory)).toBe(slabs + (parts > 0 ? 1 : 0));
      h.store.verify();
      expect(isReadable(h, "k", value, nothing)).toBe(true);
      expect(h.run(Op.delete, "k")).toBe(Status.deleted);
      expect(slabsInUse(memory)).toBe(0);
      h.store.verify();
    });
  }

  test("ends of several items share a slab, and the room of one that left is used again", () => {
    const { h, memory } = harness();
    const values = [4, 6, 6].map((parts, i) => valueTaking(ROOM_BYTES + parts * PART_BYTES, i));
    const keys = ["a", "b", "c"];
    keys.forEach((key, i) => {
      expect(h.set(key, values[i] as Uint8Array)).toBe(Status.stored);
    });
    expect(slabsInUse(memory)).toBe(4);
    h.run(Op.delete, "b");
    expect(slabsInUse(memory)).toBe(3);
    expect(h.set("d", values[1] as Uint8Array)).toBe(Status.stored);
    expect(slabsInUse(memory)).toBe(4);
    expect(h.set("e", values[1] as Uint8Array)).toBe(Status.stored);
    expect(slabsInUse(memory)).toBe(6);
    h.store.verify();
    expect(isReadable(h, "a", values[0] as Uint8Array, nothing)).toBe(true);
    expect(isReadable(h, "d", values[1] as Uint8Array, nothing)).toBe(true);
    for (const key of ["a", "c", "d", "e"]) h.run(Op.delete, key);
    expect(slabsInUse(memory)).toBe(0);
    h.store.verify();
  });

  test("a tail stays where it is while its value is leased, and is freed with it", () => {
    const { h, memory } = harness();
    const value = valueTaking(ROOM_BYTES + 3 * PART_BYTES, 9);
    h.set("k", value);
    const readable = isReadable(h, "k", value, () => {
      h.run(Op.delete, "k");
      for (let i = 0; i < 300; i++) h.set(`x${i}`, valueTaking(ROOM_BYTES + 100, i));
      h.store.verify();
    });
    expect(readable).toBe(true);
    expect(memory.header.orphanSlabs()).toBe(0);
    h.store.verify();
  });

  test("a successor knows whose the parts are, and frees those of nobody", () => {
    const { h, memory } = harness();
    const value = valueTaking(ROOM_BYTES + 2 * PART_BYTES, 1);
    h.set("a", value);
    h.set("b", value);
    h.run(Op.uploadBegin, "u", { valueBytes: value.length });
    const handle = h.reply.handle;
    h.run(Op.uploadData, "", { handle, value: value.subarray(0, value.length - 10) });
    h.store.verify();
    const tails = [...Array(memory.slabs.count).keys()].filter(
      (slab) => memory.slabs.queue(slab) === Queue.tails,
    );
    expect(tails.map((slab) => memory.slabs.partsTaken(slab))).toEqual([0b11_11_11]);
    expect(h.store.recover()).toBe(0);
    h.store.verify();
    expect(memory.slabs.partsTaken(tails[0] as number)).toBe(0b11_11);
    expect(isReadable(h, "b", value, nothing)).toBe(true);
    h.run(Op.delete, "a");
    h.run(Op.delete, "b");
    expect(slabsInUse(memory)).toBe(0);
  });

  test("appends and prepends move through tails", () => {
    const { h } = harness();
    let expected = Buffer.alloc(0);
    h.set("k", expected);
    for (let round = 0; round < 60; round++) {
      const part = Buffer.from(valueTaking(5000 + round, round));
      const prepends = round % 3 === 0;
      expect(h.set("k", part, { mode: prepends ? StoreMode.prepend : StoreMode.append })).toBe(
        Status.stored,
      );
      expected = Buffer.concat(prepends ? [part, expected] : [expected, part]);
      h.store.verify();
      if (expected.length > SLAB_BYTES) {
        expect(isReadable(h, "k", expected, nothing)).toBe(true);
      }
    }
  });

  test("large items alone keep nine tenths of the memory for the main queue", () => {
    const { h, memory } = harness();
    const value = valueTaking(ROOM_BYTES + 3 * PART_BYTES, 5);
    for (let round = 0; round < 40; round++) {
      for (let i = 0; i < 30; i++) {
        const key = `hot-${i}`;
        const found = h.get(key);
        if (found === null) h.set(key, value);
      }
      for (let i = 0; i < 5; i++) h.set(`cold-${round}-${i}`, value);
    }
    h.store.verify();
    const { header } = memory;
    expect(header.items(Queue.largeMain)).toBeGreaterThan(25);
    expect(header.items(Queue.largeSmall)).toBeGreaterThan(0);
  });
});
