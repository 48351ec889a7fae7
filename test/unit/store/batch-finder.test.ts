/**
 * What a batch of plain gets is told of each key: the item as it lies in the region, that there is
 * none, or `busy` wherever the plain case ends or another thread was at work.
 */
import { describe, expect, test } from "vitest";
import { MIB } from "../../../src/base/unit.ts";
import { BATCH_KEYS_MAX } from "../../../src/command/get-batch.ts";
import { DeleteMode, Op } from "../../../src/command/op.ts";
import { Mark } from "../../../src/command/request.ts";
import { ACTIVE, CREDIT_HIT, FETCHED } from "../../../src/memory/buckets.ts";
import { DEAD } from "../../../src/memory/items.ts";
import { ShardMemory } from "../../../src/memory/shard-memory.ts";
import { BUCKET_ENTRIES } from "../../../src/memory/shard-plan.ts";
import { BUCKETS_MIN } from "../../../src/store/key-index.ts";
import { ReadOutcome } from "../../../src/store/read-outcome.ts";
import { StoreHarness } from "../../model/store-harness.ts";
import { BATCH_KEYS_BYTES, BatchLookup } from "../../support/batch-lookup.ts";
import { keysOfBucket, twins } from "../../support/key-picker.ts";

const { hit, miss, busy } = ReadOutcome;

/**
 * A shard, and batches looked up in it; the keys lie before the region, in the arena, as a
 * connection's input does.
 */
function rig(own: boolean) {
  const h = new StoreHarness(8 * MIB);
  const memory = new ShardMemory(h.arena, h.base);
  const { buckets, items, header } = memory;
  const finder = h.reader.batches;
  h.reader.setOwner(own);
  const lookup = new BatchLookup([finder], h.hash, h.arena.bytes, h.base - BATCH_KEYS_BYTES);
  const entry = () => lookup.batch.entries[0] as number;
  return {
    h,
    memory,
    finder,
    lookup,
    /** What is said of one key. */
    look(key: string): ReadOutcome {
      lookup.seek([key]);
      return lookup.accept(0);
    },
    /** The credit byte of the key that was looked for last. */
    credit: () => buckets.credit(entry()),
    /** When its item was last accessed, as that says. */
    touched: () => items.touched(buckets.ref(entry())),
    /** Index of its bucket's version. */
    versionWord: () => buckets.versionWord(lookup.batch.buckets[0] as number),
    /** Overwrites the word of lengths and marks of a key's item, inside no lock. */
    repack(key: string, change: (packed: number) => number): void {
      lookup.seek([key]);
      const item = buckets.ref(entry());
      items.setPacked(item, change(items.packed(item)));
    },
    /** Stores other keys until the index has so many buckets. */
    growTo(bucketCount: number): void {
      for (let i = 0; header.bucketCount() < bucketCount; i++) h.set(`grow-${i}`, "");
      expect(header.bucketCount()).toBe(bucketCount);
    },
  };
}

const SIDES = [
  ["the owner", true],
  ["another thread", false],
] as const;

describe.each(SIDES)("BatchFinder, of %s", (_, own) => {
  test.each([
    ["an empty value", "k", "", 0],
    ["a short value", "k", "red", 5],
    ["the longest key and client flags", "k".repeat(250), "v".repeat(100), 0xffff_ffff],
    ["a value of several cache lines", "key", "0123456789".repeat(200), 7],
  ])("accept() finds %s: its place, length, client flags, CAS", (_, key, value, clientFlags) => {
    const { h, lookup, finder, look } = rig(own);
    h.set("other", "something");
    h.set(key, value, { clientFlags });
    const stored = h.cas();
    expect(look(key)).toBe(hit);
    expect(lookup.value(0)).toBe(value);
    expect(finder.valueBytes).toBe(value.length);
    expect(finder.clientFlags).toBe(clientFlags);
    expect(lookup.cas(0)).toBe(stored);
    expect(lookup.confirm(0)).toBe(true);
    expect(h.get(key)).toBe(value);
    expect(finder.valueStart).toBe(h.reply.valueStart);
  });

  test("accept() shows all 64 bits of a CAS", () => {
    const { h, lookup, look } = rig(own);
    h.set("k", "v", { newCas: 2n ** 64n - 3n });
    expect(look("k")).toBe(hit);
    expect(lookup.cas(0)).toBe(2n ** 64n - 3n);
  });

  test("a key that is not there is a miss, before and after it was", () => {
    const { h, look } = rig(own);
    expect(look("k")).toBe(miss);
    h.set("k", "v");
    expect(look("k")).toBe(hit);
    h.run(Op.delete, "k");
    expect(look("k")).toBe(miss);
    expect(look("j")).toBe(miss);
  });

  test("each hit is credited, like any other read", () => {
    const { h, look, credit } = rig(own);
    h.set("k", "v");
    look("k");
    expect(credit()).toBe(FETCHED | CREDIT_HIT);
    look("k");
    expect(credit()).toBe(FETCHED | ACTIVE | (2 * CREDIT_HIT));
    h.get("k");
    look("k");
    look("k");
    expect(credit()).toBe(FETCHED | ACTIVE | (3 * CREDIT_HIT));
  });

  test(`the last access is ${own ? "noted" : "left as it is"}`, () => {
    const { h, look, touched } = rig(own);
    h.set("k", "v");
    const stored = h.clock.now;
    h.pass(30);
    expect(look("k")).toBe(hit);
    expect(touched()).toBe(own ? stored + 30 : stored);
  });

  test("a batch's keys are told apart: hits, misses, twice the same", () => {
    const { h, lookup } = rig(own);
    const keys = Array.from({ length: BATCH_KEYS_MAX }, (_, i) => `key-${i % 50}`);
    for (let i = 0; i < 50; i += 2) h.set(`key-${i}`, `value-${i}`);
    lookup.seek(keys);
    keys.forEach((_, at) => {
      const i = at % 50;
      expect(lookup.accept(at)).toBe(i % 2 === 0 ? hit : miss);
      if (i % 2 === 0) expect(lookup.value(at)).toBe(`value-${i}`);
      expect(lookup.confirm(at)).toBe(true);
    });
  });

  test("a batch of items that have several cache lines is found as well", () => {
    const { h, lookup, finder } = rig(own);
    const slabs = h.plan.slabCount;
    for (let i = 0; i < slabs * 2; i++) h.set(`key-${i}`, `${i}`.padEnd(30_000, "."));
    expect(finder.itemLines()).toBeGreaterThan(400);
    const last = Array.from({ length: BATCH_KEYS_MAX }, (_, i) => slabs * 2 - 1 - i);
    lookup.seek(last.map((i) => `key-${i}`));
    last.forEach((i, at) => {
      expect(lookup.accept(at)).toBe(hit);
      expect(lookup.value(at)).toBe(`${i}`.padEnd(30_000, "."));
    });
  });

  test("itemLines() is how many cache lines a mean item touches", () => {
    const { h, finder } = rig(own);
    expect(finder.itemLines()).toBe(1);
    h.set("k", "");
    expect(finder.itemLines()).toBe(1);
    const { h: larger, finder: largerFinder } = rig(own);
    larger.set("key", "v".repeat(100));
    expect(largerFinder.itemLines()).toBe(3);
  });

  test("keys in the overflow buckets of a chain are found", () => {
    const { h, look, lookup } = rig(own);
    const keys = keysOfBucket(h.hash, 5, BUCKETS_MIN, 3 * BUCKET_ENTRIES);
    const absent = keys.pop() as string;
    for (const key of keys) h.set(key, `value of ${key}`);
    const buckets = keys.map((key) => {
      expect(look(key)).toBe(hit);
      expect(lookup.value(0)).toBe(`value of ${key}`);
      return Math.floor((lookup.batch.entries[0] as number) / BUCKET_ENTRIES);
    });
    expect(new Set(buckets).size).toBe(3);
    expect(buckets.filter((bucket) => bucket >= h.plan.bucketsMax)).toHaveLength(15);
    expect(look(absent)).toBe(miss);
  });
});

const same = (letter: string) => (serial: number) => `${letter}-${String(serial).padStart(6, "0")}`;

describe.each(SIDES)("BatchFinder, of %s, says busy of", (_, own) => {
  test("an item that has expired, from that second on", () => {
    const { h, look } = rig(own);
    h.set("k", "v", { exptime: h.clock.now + 10 });
    h.pass(9);
    expect(look("k")).toBe(hit);
    h.pass(1);
    expect(look("k")).toBe(busy);
    expect(h.get("k")).toBe(null);
  });

  test("an item that was flushed, and not of one stored since", () => {
    const { h, look } = rig(own);
    h.set("k", "v");
    h.run(Op.flush, "");
    expect(look("k")).toBe(busy);
    h.set("k", "w");
    expect(look("k")).toBe(hit);
  });

  const { invalidate } = DeleteMode;
  test.each<[string, (h: StoreHarness) => number]>([
    ["stale", (h) => h.set("k", "v") && h.run(Op.delete, "k", { mode: invalidate })],
    ["token sent", (h) => h.run(Op.fetch, "k", { vivifyExptime: 100 })],
    ["binary key", (h) => h.set("k", "v", { marks: Mark.binaryKey })],
  ])("an item marked: %s", (_, mark) => {
    const { h, look } = rig(own);
    mark(h);
    expect(look("k")).toBe(busy);
    expect(h.get("k")).not.toBe(null);
    h.set("k", "plain");
    expect(look("k")).toBe(hit);
  });

  test("an item that is being overwritten where it lies", () => {
    const { h, look, repack } = rig(own);
    h.set("k", "v");
    repack("k", (packed) => packed | DEAD);
    expect(look("k")).toBe(busy);
  });

  test("a large value", () => {
    const { h, look } = rig(own);
    h.set("k", "v".repeat(h.plan.slabItemBytesMax + 1));
    expect(look("k")).toBe(busy);
    h.set("k", "v".repeat(h.plan.slabItemBytesMax - 100));
    expect(look("k")).toBe(hit);
  });

  test("a value that would end behind the region", () => {
    const { h, look, lookup, repack, finder } = rig(own);
    const slabs = h.plan.slabCount - 1;
    for (let i = 0; i < slabs * 2; i++) h.set(`key-${i}`, ".".repeat(30_000));
    const last = `key-${slabs * 2 - 1}`;
    expect(look(last)).toBe(hit);
    const left = h.base + h.plan.regionBytes - finder.valueStart;
    expect(left).toBeLessThan(MIB - 2);
    repack(last, (packed) => (packed & 0xff) | ((left + 1) << 8));
    lookup.seek([last]);
    expect(lookup.accept(0)).toBe(busy);
  });

  test.each([
    ["of the same length", same("a"), same("b")],
    ["of another length", same("a"), same("longer")],
  ])("a key whose tag is met first with another key, %s", (_, firstOf, secondOf) => {
    const { h, look, lookup } = rig(own);
    const [first, second] = twins(h.hash, BUCKETS_MIN, firstOf, secondOf);
    h.set(first, "one");
    expect(look(second)).toBe(busy);
    h.set(second, "two");
    expect(look(second)).toBe(busy);
    expect(look(first)).toBe(hit);
    expect(lookup.value(0)).toBe("one");
    h.run(Op.delete, first);
    expect(look(second)).toBe(hit);
    expect(lookup.value(0)).toBe("two");
    expect(look(first)).toBe(busy);
  });
});

describe("BatchFinder, of another thread, while the owner writes", () => {
  test.each([
    ["is there", "k"],
    ["is not there", "j"],
  ])("an odd version makes a key that %s busy; the owner itself is not held up", (_, key) => {
    for (const [, own] of SIDES) {
      const { h, look, memory, versionWord } = rig(own);
      h.set("k", "v");
      const atRest = look(key);
      memory.buckets.locks.beginWrite(versionWord());
      expect(look(key)).toBe(own ? atRest : busy);
      memory.buckets.locks.endWrite(versionWord());
      expect(look(key)).toBe(atRest);
    }
  });

  test("a version that was odd when the entry was picked is busy, even if it no longer is", () => {
    const { h, lookup, memory, versionWord } = rig(false);
    h.set("k", "v");
    lookup.seek(["k"]);
    memory.buckets.locks.beginWrite(versionWord());
    lookup.seek(["k"]);
    memory.buckets.locks.endWrite(versionWord());
    expect(lookup.accept(0)).toBe(busy);
  });

  // What was picked may by now be bytes of a client's value, and these may look like an item.
  test("a length beyond what a slab may hold is busy, as for StoreReader", () => {
    const { h, look, repack } = rig(false);
    h.set("k", "v");
    repack("k", (packed) => (packed & 0xff) | ((h.plan.slabBytes + 1) << 8));
    expect(h.get("k")).toBe(null);
    expect(look("k")).toBe(busy);
  });

  test.each([
    ["overwritten in its place", (h: StoreHarness) => h.set("k", "w")],
    ["replaced by a longer one", (h: StoreHarness) => h.set("k", "w".repeat(100))],
    ["deleted", (h: StoreHarness) => h.run(Op.delete, "k")],
    ["touched", (h: StoreHarness) => h.run(Op.touch, "k", { exptime: 100 })],
  ])("confirm() is false of a value that was %s before it was copied, or after", (_, change) => {
    for (const changed of ["before", "after"]) {
      const { h, lookup } = rig(false);
      h.set("k", "v");
      lookup.seek(["k"]);
      if (changed === "before") change(h);
      lookup.accept(0);
      if (changed === "after") change(h);
      expect(lookup.confirm(0)).toBe(false);
    }
  });

  test("confirm() stays true when others of the bucket are only read", () => {
    const { h, lookup } = rig(false);
    h.set("k", "v");
    lookup.seek(["k"]);
    expect(lookup.accept(0)).toBe(hit);
    for (let i = 0; i < 5; i++) h.get("k");
    h.run(Op.fetch, "k");
    expect(lookup.confirm(0)).toBe(true);
  });

  test("a key that was stored after its tag was looked for is busy, and no miss", () => {
    const { h, lookup } = rig(false);
    lookup.seek(["k"]);
    h.set("k", "v");
    expect(lookup.accept(0)).toBe(busy);
    expect(lookup.confirm(0)).toBe(false);
  });
});

/** Bucket 0 is the first to be split: what moves goes to the new bucket. */
describe("BatchFinder, of another thread, when the bucket of an absent entry is split", () => {
  const grown = BUCKETS_MIN + 1;
  const hash = new StoreHarness(8 * MIB).hash;
  const [moves, alsoMoves] = keysOfBucket(hash, BUCKETS_MIN, 2 * BUCKETS_MIN, 2) as [
    string,
    string,
  ];
  const [stays] = keysOfBucket(hash, 0, 2 * BUCKETS_MIN, 1) as [string];

  test.each([
    ["a key that has moved is busy", moves, true, busy],
    ["a key that would have moved is busy", alsoMoves, false, busy],
    ["a key that would not have moved is a miss", stays, false, miss],
  ])("between bucketPlace() and pick(): %s", (_, key, stored, outcome) => {
    const { h, lookup, finder, growTo, look } = rig(false);
    if (stored) h.set(key, "v");
    lookup.fill([key]);
    finder.bucketPlace(lookup.batch, 0);
    expect(lookup.batch.buckets[0]).toBe(0);
    growTo(grown);
    finder.pick(lookup.batch, 0);
    expect(lookup.accept(0)).toBe(outcome);
    expect(look(key)).toBe(stored ? hit : miss);
    expect(lookup.batch.buckets[0]).toBe(key === stays ? 0 : BUCKETS_MIN);
  });

  test.each([
    ["a key that is not there", alsoMoves, false],
    ["a key that was", moves, true],
  ])("between pick() and accept(): %s is not confirmed", (_, key, stored) => {
    const { h, lookup, growTo } = rig(false);
    if (stored) h.set(key, "v");
    lookup.seek([key]);
    growTo(grown);
    expect(lookup.accept(0)).toBe(stored ? hit : busy);
    expect(lookup.confirm(0)).toBe(false);
  });
});
