import { describe, expect, test } from "vitest";
import { MIB } from "../../../src/base/unit.ts";
import { ArithmeticMode, Op, StoreMode } from "../../../src/command/op.ts";
import { ItemMark } from "../../../src/command/reply.ts";
import { Mark } from "../../../src/command/request.ts";
import { Status } from "../../../src/command/status.ts";
import { Counter, EVICTED_TIMES, SPLITS } from "../../../src/memory/counters.ts";
import { StoreHarness } from "../../model/store-harness.ts";

const U64_MAX = 2n ** 64n - 1n;

describe("Store.execute() storing", () => {
  test("set stores, get finds value, flags and CAS; the first CAS is 2", () => {
    const h = new StoreHarness(8 * MIB);
    expect(h.set("apple", "red", { clientFlags: 5 })).toBe(Status.stored);
    expect(h.cas()).toBe(2n);
    expect(h.get("apple")).toBe("red");
    expect(h.reply.clientFlags).toBe(5);
    expect(h.cas()).toBe(2n);
    expect(h.reply.totalBytes).toBe(48 + 6 + 4 + 8 + 3 + 2);
    expect(h.get("pear")).toBe(null);
    h.store.verify();
  });

  test("a value of the same slot length is written in place, another is appended", () => {
    const h = new StoreHarness(8 * MIB);
    h.set("k", "aaaa");
    expect(h.get("k")).toBe("aaaa");
    const start = h.reply.valueStart;
    h.set("k", "bbb");
    expect(h.get("k")).toBe("bbb");
    expect(h.reply.valueStart).toBe(start);
    h.set("k", "c".repeat(40));
    expect(h.get("k")).toBe("c".repeat(40));
    expect(h.reply.valueStart).not.toBe(start);
    h.store.verify();
  });

  type Answer = keyof typeof Status;
  const modes: [string, Partial<Record<string, unknown>>, Answer, Answer][] = [
    ["set", { mode: StoreMode.set }, "stored", "stored"],
    ["add", { mode: StoreMode.add }, "stored", "notStored"],
    ["replace", { mode: StoreMode.replace }, "notStored", "stored"],
    ["append", { mode: StoreMode.append }, "notStored", "stored"],
    ["prepend", { mode: StoreMode.prepend }, "notStored", "stored"],
    ["cas 99", { cas: 99n }, "notFound", "exists"],
    ["cas 0", { cas: 0n }, "notFound", "exists"],
    ["cas 2", { cas: 2n }, "notFound", "stored"],
    ["append cas 99", { mode: StoreMode.append, cas: 99n }, "notStored", "exists"],
    ["add cas 99", { mode: StoreMode.add, cas: 99n }, "stored", "notStored"],
    [
      "binary add cas 2",
      { mode: StoreMode.add, cas: 2n, marks: Mark.binarySemantics },
      "notFound",
      "stored",
    ],
    ["append vivify", { mode: StoreMode.append, vivifyExptime: 0 }, "stored", "stored"],
  ];
  for (const [name, extra, absent, present] of modes) {
    test(`${name} answers ${absent} when absent, ${present} when present`, () => {
      const h = new StoreHarness(8 * MIB);
      expect(h.set("k", "new", extra)).toBe(Status[absent]);
      const p = new StoreHarness(8 * MIB);
      p.set("k", "old");
      expect(p.set("k", "new", extra)).toBe(Status[present]);
      p.store.verify();
    });
  }

  test("append and prepend join, keep flags and exptime, and give a new CAS", () => {
    const h = new StoreHarness(8 * MIB);
    h.set("k", "mid", { clientFlags: 7, exptime: 100 });
    h.set("k", "-end", { mode: StoreMode.append, clientFlags: 1, exptime: 5 });
    h.set("k", "start-", { mode: StoreMode.prepend });
    expect(h.reply.valueBytes).toBe(13);
    expect(h.get("k")).toBe("start-mid-end");
    expect(h.reply.clientFlags).toBe(7);
    expect(h.reply.exptime).toBe(100);
    expect(h.cas()).toBe(4n);
    h.store.verify();
  });

  test("append within the slot's padding leaves the value where it is", () => {
    const h = new StoreHarness(8 * MIB);
    h.set("key", "ab");
    h.set("key", "cd", { mode: StoreMode.append });
    expect(h.get("key")).toBe("abcd");
    h.set("key", "x", { mode: StoreMode.prepend });
    expect(h.get("key")).toBe("xabcd");
    h.store.verify();
  });

  test("a set that is too large deletes the old item, an add does not", () => {
    const h = new StoreHarness(8 * MIB);
    const big = new Uint8Array(MIB / 4);
    h.set("k", "old");
    expect(h.set("k", big, { mode: StoreMode.replace })).toBe(Status.tooLarge);
    expect(h.get("k")).toBe("old");
    expect(h.set("k", big)).toBe(Status.tooLarge);
    expect(h.get("k")).toBe(null);
    h.set("k", "old");
    const meta = { mode: StoreMode.replace, marks: Mark.dropsOldWhenRefused };
    expect(h.set("k", big, meta)).toBe(Status.tooLarge);
    expect(h.get("k")).toBe(null);
  });

  test("append whose result is too large is not stored", () => {
    const h = new StoreHarness(8 * MIB);
    h.set("k", new Uint8Array(MIB / 4 - 100));
    expect(h.set("k", "x".repeat(200), { mode: StoreMode.append })).toBe(Status.notStored);
    h.store.verify();
  });

  test("meta I with a lower CAS stores stale, keeps the old exptime, and EX with a higher", () => {
    const h = new StoreHarness(8 * MIB);
    h.set("k", "old", { exptime: 50 });
    h.set("k", "old2", { exptime: 60 });
    const stale = { cas: 2n, marks: Mark.invalidate, exptime: 99 };
    expect(h.set("k", "new", stale)).toBe(Status.stored);
    expect(h.get("k")).toBe("new");
    expect(h.reply.marks & ItemMark.stale).toBe(ItemMark.stale);
    expect(h.reply.exptime).toBe(60);
    expect(h.set("k", "newer", { cas: 999n, marks: Mark.invalidate })).toBe(Status.exists);
    expect(h.set("k", "plain")).toBe(Status.stored);
    h.get("k");
    expect(h.reply.marks & ItemMark.stale).toBe(0);
  });

  test("explicit CAS is given, and the counter does not learn of it", () => {
    const h = new StoreHarness(8 * MIB);
    h.set("k", "v", { newCas: 2n ** 40n });
    h.get("k");
    expect(h.cas()).toBe(2n ** 40n);
    h.set("l", "v");
    expect(h.cas()).toBe(2n);
  });

  test("shards hand out CAS numbers that never meet", () => {
    for (let shard = 0; shard < 4; shard++) {
      const h = new StoreHarness(8 * MIB, { shard, shardCount: 4 });
      for (let i = 0; i < 5; i++) {
        h.set("k", "v");
        expect(h.cas() % 4n).toBe(BigInt(shard));
        expect(h.cas() >= 2n && h.cas() < 24n).toBe(true);
      }
    }
  });

  test("an item without CAS (-C) is 8 bytes smaller and never equal", () => {
    const h = new StoreHarness(8 * MIB, { casEnabled: false });
    h.set("k", "v");
    h.get("k");
    expect(h.cas()).toBe(0n);
    expect(h.reply.totalBytes).toBe(48 + 2 + 1 + 2);
    expect(h.set("k", "v", { cas: 0n })).toBe(Status.exists);
  });
});

describe("Store.execute() arithmetic", () => {
  const rows: [string, number, bigint, string | null, string][] = [
    ["5", ArithmeticMode.increment, 1n, "6", "6"],
    ["10", ArithmeticMode.decrement, 5n, "5", "5 "],
    ["99", ArithmeticMode.increment, 1n, "100", "100"],
    ["3", ArithmeticMode.decrement, 10n, "0", "0"],
    [String(U64_MAX), ArithmeticMode.increment, 1n, "0", "0".padEnd(20)],
    [String(U64_MAX), ArithmeticMode.decrement, U64_MAX, "0", "0".padEnd(20)],
    ["4294967295", ArithmeticMode.increment, 1n, "4294967296", "4294967296"],
    ["4294967296", ArithmeticMode.decrement, 1n, "4294967295", "4294967295"],
    ["5 6", ArithmeticMode.increment, 1n, "6", "6  "],
    ["000000000000000000000000000005", ArithmeticMode.increment, 1n, "6", "6".padEnd(30)],
    ["", ArithmeticMode.increment, 1n, null, ""],
    ["abc", ArithmeticMode.increment, 1n, null, "abc"],
    ["-1", ArithmeticMode.increment, 1n, null, "-1"],
    ["5x", ArithmeticMode.increment, 1n, null, "5x"],
    ["18446744073709551616", ArithmeticMode.increment, 1n, null, "18446744073709551616"],
  ];
  for (const [old, mode, delta, answer, stored] of rows) {
    test(`"${old}" ${mode === 0 ? "+" : "-"} ${delta} is ${answer}`, () => {
      const h = new StoreHarness(8 * MIB);
      h.set("n", old, { clientFlags: 9, exptime: 77 });
      const status = h.run(Op.arithmetic, "n", { mode, delta });
      expect(status).toBe(answer === null ? Status.nonNumeric : Status.stored);
      if (answer !== null) {
        const number = (BigInt(h.reply.numberHigh) << 32n) | BigInt(h.reply.numberLow);
        expect(String(number)).toBe(answer);
        expect(h.reply.valueBytes).toBe(answer.length);
        expect(h.cas()).toBe(3n);
      }
      expect(h.get("n")).toBe(stored);
      expect(h.reply.clientFlags).toBe(9);
      expect(h.reply.exptime).toBe(77);
      h.store.verify();
    });
  }

  test("a miss is notFound, or creates the initial value", () => {
    const h = new StoreHarness(8 * MIB);
    expect(h.run(Op.arithmetic, "n")).toBe(Status.notFound);
    const create = { vivifyExptime: 30, initial: 2n ** 33n, delta: 5n };
    expect(h.run(Op.arithmetic, "n", create)).toBe(Status.stored);
    expect(h.reply.marks & ItemMark.created).toBe(ItemMark.created);
    expect(h.get("n")).toBe(String(2n ** 33n));
    expect(h.reply.exptime).toBe(30);
    expect(h.run(Op.arithmetic, "n", create)).toBe(Status.stored);
    expect(h.get("n")).toBe(String(2n ** 33n + 5n));
  });

  test("a wrong CAS is exists, a right one counts, T gives a new exptime", () => {
    const h = new StoreHarness(8 * MIB);
    h.set("n", "1");
    expect(h.run(Op.arithmetic, "n", { cas: 77n })).toBe(Status.exists);
    expect(h.run(Op.arithmetic, "n", { cas: 2n, exptime: 40 })).toBe(Status.stored);
    expect(h.get("n")).toBe("2");
    expect(h.reply.exptime).toBe(40);
  });

  test("an empty value is no number, whatever its CAS", () => {
    const h = new StoreHarness(8 * MIB);
    h.set("n", "");
    expect(h.run(Op.arithmetic, "n", { delta: 1n, cas: 99n })).toBe(Status.nonNumeric);
    h.set("n", "x");
    expect(h.run(Op.arithmetic, "n", { delta: 1n, cas: 99n })).toBe(Status.exists);
  });

  test("an append to an item with a binary key makes one without", () => {
    const h = new StoreHarness(8 * MIB);
    h.set("k", "v", { marks: Mark.binaryKey });
    h.get("k");
    expect(h.reply.marks & ItemMark.binaryKey).toBe(ItemMark.binaryKey);
    h.set("k", "w", { mode: StoreMode.append, marks: Mark.binaryKey });
    h.get("k");
    expect(h.reply.marks & ItemMark.binaryKey).toBe(0);
  });

  test("an add that finds an item does not make it fetched", () => {
    const h = new StoreHarness(8 * MIB);
    h.set("k", "v");
    expect(h.set("k", "w", { mode: StoreMode.add })).toBe(Status.notStored);
    h.get("k");
    expect(h.reply.marks & ItemMark.fetched).toBe(0);
  });

  test("counting does not make an item fetched, nor unfetched, unless it grows into a new one", () => {
    const h = new StoreHarness(8 * MIB);
    h.set("n", "1");
    h.run(Op.arithmetic, "n");
    h.get("n");
    expect(h.reply.marks & ItemMark.fetched).toBe(0);
    h.run(Op.arithmetic, "n");
    h.get("n");
    expect(h.reply.marks & ItemMark.fetched).toBe(ItemMark.fetched);
    h.run(Op.arithmetic, "n", { delta: 100n });
    h.get("n");
    expect(h.reply.marks & ItemMark.fetched).toBe(0);
  });
});

describe("Store expiry and flush", () => {
  test("an item is dead when its exptime is now, and says why it missed", () => {
    const h = new StoreHarness(8 * MIB);
    h.set("k", "v", { exptime: h.clock.now + 2 });
    h.pass(1);
    expect(h.get("k")).toBe("v");
    h.pass(1);
    expect(h.get("k")).toBe(null);
    expect(h.reply.marks).toBe(ItemMark.expired);
    expect(h.set("k", "w", { mode: StoreMode.replace })).toBe(Status.notStored);
    h.store.verify();
  });

  test("the sweep reclaims what expired, in slices", () => {
    const h = new StoreHarness(8 * MIB);
    for (let i = 0; i < 5000; i++) h.set(`k${i}`, "x".repeat(100), { exptime: 10 + (i % 7) });
    h.pass(12);
    let slices = 0;
    while (h.store.sweep(16 * 1024)) slices++;
    expect(slices).toBeGreaterThan(10);
    h.store.verify();
    let left = 0;
    for (let i = 0; i < 5000; i++) if (h.get(`k${i}`) !== null) left++;
    expect(left).toBe(Math.floor((5000 / 7) * 2));
    h.pass(10);
    while (h.store.sweep(1 << 20));
    h.store.verify();
  });

  test("flush kills what was stored, at once or when its time comes", () => {
    const h = new StoreHarness(8 * MIB);
    h.set("a", "1");
    h.run(Op.flush, "");
    expect(h.get("a")).toBe(null);
    expect(h.reply.marks).toBe(ItemMark.flushed);
    h.set("b", "2");
    expect(h.get("b")).toBe("2");
    h.store.verify();
    h.run(Op.flush, "", { exptime: h.clock.now + 5 });
    h.pass(4);
    expect(h.get("b")).toBe("2");
    h.set("c", "3");
    h.pass(1);
    expect(h.get("b")).toBe(null);
    expect(h.get("c")).toBe(null);
    while (h.store.sweep(1 << 20));
    h.store.verify();
  });
});

describe("Store when full", () => {
  test("a set never fails while there is anything to evict", () => {
    const h = new StoreHarness(2 * MIB);
    for (let i = 0; i < 40_000; i++) {
      expect(h.set(`key-${i}`, "v".repeat(i % 600))).toBe(Status.stored);
      if (i % 3 === 0) h.get(`key-${Math.max(0, i - 50)}`);
      if (i % 1000 === 0) h.store.verify();
    }
    h.store.verify();
    expect(h.get("key-39999")).not.toBe(null);
  });

  test("what leaves is counted under the queue it was in", () => {
    const h = new StoreHarness(2 * MIB);
    const parts = (name: keyof typeof SPLITS): number[] =>
      SPLITS[name].map((counter) => h.counters.value(counter));
    const hot = 2000;
    for (let i = 0; i < hot; i++) h.set(`hot-${i}`, "v".repeat(300));
    for (let round = 0; round < 2; round++) for (let i = 0; i < hot; i++) h.get(`hot-${i}`);
    for (let i = 0; i < 20_000; i++) h.set(`cold-${i}`, "v".repeat(300), { exptime: 1_000_000 });
    const [first = 0, firstMain = 0] = parts("evictions");
    expect(first - firstMain).toBeGreaterThan(10_000);
    expect(parts("evictedNonzero")[0]).toBe(first - firstMain);
    for (let i = 0; i < 20_000; i++) {
      h.set(`warm-${i}`, "v".repeat(300));
      h.get(`warm-${i}`);
      h.get(`warm-${i}`);
    }
    const [all = 0, main = 0, large = 0] = parts("evictions");
    expect(main).toBeGreaterThan(hot);
    expect(all - main).toBeGreaterThan(first - firstMain - 1);
    expect(large).toBe(0);
    expect(parts("evictedUnfetched")[1]).toBe(0);
    for (const counter of EVICTED_TIMES.slice(0, 2)) h.counters.set(counter, 12_345);
    for (let i = 0; i < 200; i++) h.set(`large-${i}`, "v".repeat(70_000));
    expect(parts("evictions")[2]).toBeGreaterThan(0);
    expect(h.counters.value(Counter.evictedTimeLarge)).toBe(0);
    h.store.verify();
  });

  test("an expired item that is met while a slab is emptied is counted as reclaimed, unread or not", () => {
    const h = new StoreHarness(2 * MIB);
    let stored = 0;
    for (; stored < 3000; stored++) h.set(`key-${stored}`, "v".repeat(300), { exptime: 10 });
    for (let i = 0; i < 3000; i++) h.set(`kept-${i}`, "v".repeat(300));
    h.pass(20);
    for (let i = 0; i < 3000; i++) h.set(`more-${i}`, "v".repeat(300));
    const reclaimed = h.counters.value(Counter.reclaimed);
    expect(reclaimed).toBeGreaterThan(0);
    expect(h.counters.value(Counter.expiredUnfetched)).toBe(reclaimed);
  });

  test("-M refuses, still reclaims what expired, and deletes what a set would have replaced", () => {
    const h = new StoreHarness(2 * MIB, { evictions: false });
    let stored = 0;
    while (h.set(`key-${stored}`, "v".repeat(500), { exptime: 100 }) === Status.stored) stored++;
    expect(stored).toBeGreaterThan(3000);
    expect(h.get("key-0")).not.toBe(null);
    h.store.verify();
    expect(h.set("key-1", "v".repeat(900))).toBe(Status.outOfMemory);
    expect(h.get("key-1")).toBe(null);
    h.pass(200);
    expect(h.set("again", "v".repeat(500))).toBe(Status.stored);
    h.store.verify();
  });

  test("-M: mg N without room is a miss, ma N says what it could not create", () => {
    const h = new StoreHarness(2 * MIB, { evictions: false });
    for (const bytes of [500, 100, 1]) {
      for (let i = 0; h.set(`${bytes}-${i}`, "v".repeat(bytes)) === Status.stored; i++);
    }
    expect(h.run(Op.fetch, "new", { vivifyExptime: 0 })).toBe(Status.miss);
    expect(h.run(Op.arithmetic, "new", { vivifyExptime: 0 })).toBe(Status.outOfMemory);
    expect(h.reply.marks).toBe(ItemMark.created);
    h.store.verify();
  });

  test("-M makes room from what was deleted", () => {
    const h = new StoreHarness(2 * MIB, { evictions: false });
    let stored = 0;
    while (h.set(`key-${stored}`, "v".repeat(500)) === Status.stored) stored++;
    for (let i = 0; i < stored; i += 3) h.run(Op.delete, `key-${i}`);
    let again = 0;
    while (h.set(`new-${again}`, "v".repeat(500)) === Status.stored) again++;
    expect(again).toBeGreaterThan((stored / 3) * 0.9);
    for (let i = 1; i < stored; i += 3) expect(h.get(`key-${i}`)).not.toBe(null);
    h.store.verify();
  });
});
