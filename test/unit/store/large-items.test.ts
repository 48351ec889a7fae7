import { describe, expect, test } from "vitest";
import { KIB, MIB } from "../../../src/base/unit.ts";
import { Op, StoreMode } from "../../../src/command/op.ts";
import { ItemMark } from "../../../src/command/reply.ts";
import { Mark } from "../../../src/command/request.ts";
import { Status } from "../../../src/command/status.ts";
import {
  ACTIVE,
  bucketOf,
  CREDIT_HIT,
  CREDIT_MASK,
  FETCHED,
  firstLane,
  tagOf,
} from "../../../src/memory/buckets.ts";
import {
  BUCKET_ENTRIES,
  ITEM_HEADER_BYTES,
  SLAB_HEAD_BYTES,
} from "../../../src/memory/shard-plan.ts";
import { Queue } from "../../../src/memory/slab-table.ts";
import { LeasedValue } from "../../../src/store/leased-value.ts";
import { ReadOutcome } from "../../../src/store/read-outcome.ts";
import { type Extra, StoreHarness } from "../../model/store-harness.ts";

/** The longest value that shares a slab of 64 KiB, with a key of at most 6 bytes. */
const SLAB_VALUE_BYTES_MAX = 64 * KIB - SLAB_HEAD_BYTES - ITEM_HEADER_BYTES - 6;

/** Bytes that differ everywhere, the same for the same seed. */
function pattern(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = seed | 1;
  for (let i = 0; i < length; i++) {
    state = Math.imul(state, 1664525) + 1013904223;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** Sends a value as an upload in pieces of `piece` bytes; the status of its end. */
function upload(
  h: StoreHarness,
  key: string,
  value: Uint8Array,
  piece: number,
  extra: Extra = {},
): number {
  if (h.run(Op.uploadBegin, key, { ...extra, valueBytes: value.length }) !== Status.ok) {
    return h.reply.status;
  }
  const handle = h.reply.handle;
  for (let at = 0; at < value.length; at += piece) {
    const part = value.subarray(at, Math.min(value.length, at + piece));
    if (h.run(Op.uploadData, "", { handle, value: part }) !== Status.ok) return h.reply.status;
  }
  return h.run(Op.uploadEnd, "", { handle });
}

/** Reads a leased value. */
function readLeased(h: StoreHarness, handle: number, length: number): Uint8Array {
  const leased = new LeasedValue(h.memory, handle, length);
  const value = new Uint8Array(length);
  while (leased.left > 0) {
    const at = length - leased.left;
    value.set(leased.array.subarray(leased.start, leased.start + leased.bytes), at);
    leased.advance(leased.bytes);
  }
  return value;
}

/** True when both are the same; a difference is not printed byte for byte. */
function same(a: Uint8Array | null, b: Uint8Array): boolean {
  return a !== null && Buffer.compare(a, b) === 0;
}

/** Leases, reads, releases. */
function fetchLarge(h: StoreHarness, key: string): Uint8Array | null {
  if (h.run(Op.lease, key) !== Status.hit) return null;
  expect(h.reply.marks & ItemMark.large).toBe(ItemMark.large);
  const handle = h.reply.handle;
  const value = readLeased(h, handle, h.reply.valueBytes);
  h.run(Op.release, "", { handle });
  return value;
}

/** The credit byte of a key that is present. */
function creditOf(h: StoreHarness, key: string): number {
  const { buckets, header } = h.memory;
  const { hashLow, hashHigh } = h.fill(Op.get, key);
  const bucket = bucketOf(hashLow, header.bucketCount());
  const lane = firstLane(buckets.lanes(bucket, tagOf(hashHigh)));
  return buckets.credit(bucket * BUCKET_ENTRIES + lane);
}

describe("large items", () => {
  for (const length of [SLAB_VALUE_BYTES_MAX + 8, 66_000, 131_000, 200_001, MIB]) {
    test(`a value of ${length} bytes comes back whole, stored inline and uploaded`, () => {
      const h = new StoreHarness(8 * MIB, {}, 2 * MIB);
      const value = pattern(length, length);
      expect(h.set("inline", value, { clientFlags: 3 })).toBe(Status.stored);
      expect(upload(h, "sent", value, 10_007, { clientFlags: 4, exptime: 50 })).toBe(Status.stored);
      h.store.verify();
      expect(same(fetchLarge(h, "inline"), value)).toBe(true);
      expect(same(fetchLarge(h, "sent"), value)).toBe(true);
      h.get("sent");
      expect(h.reply.clientFlags).toBe(4);
      expect(h.reply.marks & ItemMark.large).toBe(ItemMark.large);
      expect(h.reply.valueBytes).toBe(length);
      expect(h.reply.exptime).toBe(50);
      expect(h.reply.queue).toBe(3);
      h.store.verify();
      expect(h.run(Op.delete, "sent")).toBe(Status.deleted);
      expect(h.set("inline", "small")).toBe(Status.stored);
      expect(h.get("inline")).toBe("small");
      expect(h.memory.header.slabs(Queue.largeSmall)).toBe(0);
      expect(h.memory.header.slabs(Queue.largeMain)).toBe(0);
      h.store.verify();
    });
  }

  test("append and prepend onto large items, inline and uploaded, over the edges of slabs", () => {
    const h = new StoreHarness(16 * MIB, {}, 2 * MIB);
    let expected = Buffer.from(pattern(1000, 1));
    h.set("k", expected);
    for (let round = 0; round < 14; round++) {
      const part = pattern(9000 + round * 6000, round);
      const mode = round % 2 === 0 ? StoreMode.append : StoreMode.prepend;
      const status =
        round % 3 === 0 ? upload(h, "k", part, 5000, { mode }) : h.set("k", part, { mode });
      expect(status).toBe(Status.stored);
      const joined = mode === StoreMode.append ? [expected, part] : [part, expected];
      expected = Buffer.concat(joined);
      expect(h.reply.valueBytes).toBe(expected.length);
      if (round > 4) expect(same(fetchLarge(h, "k"), expected)).toBe(true);
      h.store.verify();
    }
  });

  test("uploads decide at their end: add, replace, cas against what is there then", () => {
    const h = new StoreHarness(8 * MIB, {}, MIB);
    const value = pattern(100_000, 7);
    expect(upload(h, "k", value, 50_000, { mode: StoreMode.replace })).toBe(Status.notStored);
    h.store.verify();
    expect(upload(h, "k", value, 50_000, { mode: StoreMode.add })).toBe(Status.stored);
    expect(upload(h, "k", value, 50_000, { mode: StoreMode.add })).toBe(Status.notStored);
    h.get("k");
    const cas = h.cas();
    expect(upload(h, "k", value, 50_000, { cas: cas + 1n })).toBe(Status.exists);
    expect(upload(h, "k", value, 50_000, { cas })).toBe(Status.stored);
    expect(same(fetchLarge(h, "k"), value)).toBe(true);
    h.store.verify();
  });

  test("an upload that would fit a slab becomes an ordinary item", () => {
    const h = new StoreHarness(8 * MIB);
    expect(upload(h, "k", Buffer.from("hello"), 2)).toBe(Status.stored);
    expect(h.get("k")).toBe("hello");
    expect(upload(h, "k", Buffer.from(" world"), 3, { mode: StoreMode.append })).toBe(
      Status.stored,
    );
    expect(h.get("k")).toBe("hello world");
    expect(upload(h, "empty", Buffer.from(""), 3)).toBe(Status.stored);
    expect(h.get("empty")).toBe("");
    const longest = "z".repeat(SLAB_VALUE_BYTES_MAX);
    expect(upload(h, "longer", Buffer.from(longest), 10_007)).toBe(Status.stored);
    expect(h.get("longer")).toBe(longest);
    expect(h.reply.marks & ItemMark.large).toBe(0);
    h.store.verify();
  });

  test("half-received items are bounded, and go with their thread", () => {
    const h = new StoreHarness(8 * MIB, {}, MIB);
    const handles: number[] = [];
    for (;;) {
      const extra = { valueBytes: MIB / 2, requester: 3 };
      if (h.run(Op.uploadBegin, `k${handles.length}`, extra) !== Status.ok) break;
      handles.push(h.reply.handle);
      h.run(Op.uploadData, "", { handle: h.reply.handle, value: pattern(100_000, 1) });
    }
    expect(h.reply.status).toBe(Status.outOfMemory);
    expect(handles.length).toBeGreaterThan(1);
    h.store.verify();
    h.store.abortUploadsOf(3);
    h.store.verify();
    expect(h.memory.header.uploadSlabs()).toBe(0);
    expect(h.memory.header.freeSlabs()).toBe(h.plan.slabCount);
    expect(h.run(Op.uploadEnd, "", { handle: handles[0] as number })).toBe(Status.notFound);
  });

  test("an upload that finds no room may be asked for again: the old item stays, and the room sequence tells when", () => {
    const h = new StoreHarness(8 * MIB, {}, MIB);
    const { header } = h.memory;
    const extra = { valueBytes: MIB / 2, marks: Mark.mayWait };
    h.set("late", "old");
    const handles: number[] = [];
    while (h.run(Op.uploadBegin, `k${handles.length}`, extra) === Status.ok) {
      handles.push(h.reply.handle);
    }
    const seen = header.roomSequence();
    expect(h.run(Op.uploadBegin, "late", extra)).toBe(Status.noRoomYet);
    expect(h.get("late")).toBe("old");
    expect(header.roomSequence()).toBe(seen);
    h.run(Op.uploadAbort, "", { handle: handles[0] as number });
    expect(header.roomSequence()).not.toBe(seen);
    expect(h.run(Op.uploadBegin, "late", extra)).toBe(Status.ok);
    expect(h.run(Op.uploadBegin, "late", { valueBytes: MIB / 2 })).toBe(Status.outOfMemory);
    expect(h.get("late")).toBeNull();
    h.store.verify();
  });

  for (const [way, marks] of [
    ["that may wait evict nothing while there is room for what is stored", Mark.mayWait],
    ["that cannot wait evict what is stored", 0],
  ] as const) {
    test(`uploads under way ${way}`, () => {
      const h = new StoreHarness(8 * MIB, {}, 300 * KIB);
      const keys = Array.from({ length: 25 }, (_, i) => `k${i}`);
      for (const key of keys) expect(h.set(key, pattern(200_000, 1))).toBe(Status.stored);
      const handles: number[] = [];
      const extra = { valueBytes: 200_000, marks };
      while (h.run(Op.uploadBegin, keys[handles.length] as string, extra) === Status.ok) {
        handles.push(h.reply.handle);
        if (handles.length === keys.length) break;
      }
      expect(handles.length).toBeGreaterThan(3);
      for (const handle of handles) {
        for (let sent = 0; sent < 200_000; sent += 50_000) {
          const value = pattern(50_000, 2);
          expect(h.run(Op.uploadData, "", { handle, value })).toBe(Status.ok);
        }
      }
      for (const handle of handles) {
        expect(h.run(Op.uploadEnd, "", { handle })).toBe(Status.stored);
      }
      const kept = keys.filter((key) => h.run(Op.inspect, key) === Status.hit);
      if (marks === Mark.mayWait) expect(kept).toEqual(keys);
      else expect(kept.length).toBeLessThan(keys.length);
      h.store.verify();
    });
  }

  test("the last release of a value that has gone moves the room sequence", () => {
    const h = new StoreHarness(8 * MIB, {}, MIB);
    const { header } = h.memory;
    h.set("read", pattern(300_000, 5));
    h.run(Op.lease, "read", { requester: 2 });
    const { handle } = h.reply;
    h.run(Op.delete, "read");
    const seen = header.roomSequence();
    h.run(Op.release, "", { handle });
    expect(header.roomSequence()).not.toBe(seen);
  });

  test("a leased value stays readable after its key is deleted, replaced, evicted", () => {
    const h = new StoreHarness(8 * MIB, {}, MIB);
    const value = pattern(300_000, 5);
    for (const end of ["delete", "replace", "evict", "flush"]) {
      expect(h.set(end, value)).toBe(Status.stored);
      h.run(Op.lease, end, { requester: 2 });
      const handle = h.reply.handle;
      if (end === "delete") h.run(Op.delete, end);
      if (end === "replace") h.set(end, "small");
      if (end === "flush") h.run(Op.flush, "");
      for (let i = 0; i < 60_000; i++) h.set(`fill-${end}-${i}`, "x".repeat(300));
      if (end !== "replace") expect(h.run(Op.lease, end)).toBe(Status.miss);
      h.store.verify();
      expect(same(readLeased(h, handle, value.length), value)).toBe(true);
      expect(h.memory.header.orphanSlabs()).toBeGreaterThan(0);
      h.store.releaseLeasesOf(2);
      expect(h.memory.header.orphanSlabs()).toBe(0);
      h.run(Op.release, "", { handle });
      h.store.verify();
    }
  });

  test("a read and the lease it takes are one access", () => {
    const h = new StoreHarness(8 * MIB);
    h.set("read", pattern(100_000, 5));
    h.pass(10);
    for (const marks of [FETCHED, FETCHED | ACTIVE]) {
      expect(h.reader.find(h.fill(Op.get, "read"), h.reply)).toBe(ReadOutcome.hit);
      fetchLarge(h, "read");
      expect(creditOf(h, "read") & (FETCHED | ACTIVE)).toBe(marks);
    }
    expect(creditOf(h, "read") & CREDIT_MASK).toBe(2 * CREDIT_HIT);
    h.run(Op.lease, "read", { marks: Mark.noBump });
    expect(h.reply.accessed).toBe(h.clock.now);
  });

  test("many large items evict one another, with small ones between", () => {
    const h = new StoreHarness(8 * MIB, {}, 2 * MIB);
    for (let i = 0; i < 600; i++) {
      const length = (i * 7919) % (2 * MIB - 2000);
      expect(h.set(`key-${i}`, new Uint8Array(length).fill(i & 255))).toBe(Status.stored);
      for (let j = 0; j < 20; j++)
        expect(h.set(`s-${i}-${j}`, "y".repeat(200))).toBe(Status.stored);
      if (i % 20 === 0) h.store.verify();
      const found = length > SLAB_VALUE_BYTES_MAX ? fetchLarge(h, `key-${i}`) : null;
      if (found !== null) expect(found.length).toBe(length);
    }
    h.store.verify();
  });

  test("a value of 32 MiB lives in a shard of 64 MiB", () => {
    const h = new StoreHarness(64 * MIB, {}, 32 * MIB + 1024);
    const value = pattern(32 * MIB, 3);
    for (let i = 0; i < 30_000; i++) h.set(`s${i}`, "z".repeat(1500));
    expect(upload(h, "huge", value, MIB)).toBe(Status.stored);
    expect(same(fetchLarge(h, "huge"), value)).toBe(true);
    for (let i = 0; i < 30_000; i++) h.set(`t${i}`, "z".repeat(1500));
    expect(upload(h, "huge", value, MIB)).toBe(Status.stored);
    h.store.verify();
  });

  test("incr refuses a large item", () => {
    const h = new StoreHarness(8 * MIB);
    h.set("k", new Uint8Array(100_000).fill(0x31));
    expect(h.run(Op.arithmetic, "k")).toBe(Status.nonNumeric);
  });
});
