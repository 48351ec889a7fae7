import { describe, expect, test } from "vitest";
import { MIB } from "../../../src/base/unit.ts";
import { DeleteMode, Op } from "../../../src/command/op.ts";
import { ItemMark } from "../../../src/command/reply.ts";
import { Mark } from "../../../src/command/request.ts";
import { Status } from "../../../src/command/status.ts";
import { Counter } from "../../../src/memory/counters.ts";
import { StoreHarness } from "../../model/store-harness.ts";

const marks = Mark.mayWin;

describe("Store.execute() fetch, touch, delete", () => {
  test("touch and gat move the exptime and not the CAS", () => {
    const h = new StoreHarness(8 * MIB);
    expect(h.run(Op.touch, "k", { exptime: 9 })).toBe(Status.notFound);
    h.set("k", "v", { clientFlags: 3 });
    expect(h.run(Op.touch, "k", { exptime: 50 })).toBe(Status.touched);
    expect(h.reply.clientFlags).toBe(3);
    expect(h.run(Op.fetch, "k", { exptime: 60 })).toBe(Status.hit);
    expect(h.reply.exptime).toBe(60);
    const before = { exptime: 70, marks: Mark.exptimeBefore };
    expect(h.run(Op.fetch, "k", before)).toBe(Status.hit);
    expect(h.reply.exptime).toBe(60);
    expect(h.reply.marks & ItemMark.fetched).toBe(ItemMark.fetched);
    h.get("k");
    expect(h.cas()).toBe(2n);
    h.store.verify();
  });

  test("a miss with vivify creates an empty item, and its winner is one", () => {
    const h = new StoreHarness(8 * MIB);
    expect(h.run(Op.fetch, "k", { vivifyExptime: 30 })).toBe(Status.hit);
    expect(h.reply.marks & ItemMark.created).toBe(ItemMark.created);
    expect(h.reply.marks & (ItemMark.won | ItemMark.tokenSent)).toBe(ItemMark.won);
    expect(h.run(Op.fetch, "k", { vivifyExptime: 30 })).toBe(Status.hit);
    expect(h.reply.marks & (ItemMark.won | ItemMark.tokenSent)).toBe(ItemMark.tokenSent);
    expect(h.get("k")).toBe("");
    h.set("k", "value");
    h.get("k");
    expect(h.reply.marks & ItemMark.tokenSent).toBe(0);
  });

  test("what vivify creates is described anew: empty, without flags, fetched by its making", () => {
    const h = new StoreHarness(8 * MIB);
    h.set("other", "long value", { clientFlags: 9, exptime: 70 });
    h.run(Op.fetch, "other");
    h.run(Op.fetch, "k", { vivifyExptime: 30, marks: Mark.binaryKey });
    expect(h.reply.valueBytes).toBe(0);
    expect(h.reply.clientFlags).toBe(0);
    expect(h.reply.exptime).toBe(30);
    expect(h.reply.marks & (ItemMark.fetched | ItemMark.binaryKey)).toBe(0);
    h.run(Op.fetch, "k", { marks: Mark.noBump });
    expect(h.reply.marks & ItemMark.fetched).toBe(ItemMark.fetched);
    h.run(Op.fetch, "k2", { vivifyExptime: 30, marks: Mark.noBump });
    h.run(Op.fetch, "k2");
    expect(h.reply.marks & ItemMark.fetched).toBe(0);
    h.store.verify();
  });

  test("vivify with a past exptime answers an empty item that is dead at once", () => {
    const h = new StoreHarness(8 * MIB);
    expect(h.run(Op.fetch, "k", { vivifyExptime: 1 })).toBe(Status.hit);
    expect(h.reply.valueBytes).toBe(0);
    expect(h.reply.marks & ItemMark.won).toBe(ItemMark.won);
    expect(h.get("k")).toBe(null);
    h.store.verify();
  });

  const { exptimeBefore, vivifyExptimeBefore, exptimeLast } = Mark;
  const orders: [string, number, number, number][] = [
    ["N T t", exptimeLast, 60, 60],
    ["T N t", 0, 30, 30],
    ["N t T", exptimeLast | exptimeBefore, 30, 60],
    ["T t N", vivifyExptimeBefore, 60, 30],
    ["t N T", exptimeLast | exptimeBefore | vivifyExptimeBefore, 0, 60],
    ["t T N", exptimeBefore | vivifyExptimeBefore, 0, 30],
  ];
  for (const [order, marks, shown, kept] of orders) {
    test(`mg ${order}: t shows ${shown}, the item keeps ${kept}`, () => {
      const h = new StoreHarness(8 * MIB);
      h.run(Op.fetch, "k", { exptime: 60, vivifyExptime: 30, marks });
      expect(h.reply.exptime).toBe(shown);
      h.run(Op.fetch, "k");
      expect(h.reply.exptime).toBe(kept);
    });
  }

  test("a fetch from another thread that ends its item leaves the end to a touch of the same CAS", () => {
    const h = new StoreHarness(8 * MIB);
    h.set("k", "v");
    expect(h.run(Op.fetch, "k", { exptime: 1, marks: Mark.valueApart })).toBe(Status.hit);
    expect(h.reply.marks & ItemMark.expiring).toBe(ItemMark.expiring);
    expect(h.get("k")).toBe("v");
    expect(h.run(Op.touch, "k", { exptime: 1, cas: 3n })).toBe(Status.exists);
    expect(h.run(Op.touch, "k", { exptime: 1, cas: 2n })).toBe(Status.touched);
    expect(h.get("k")).toBe(null);
    h.set("k", "");
    h.run(Op.fetch, "k", { exptime: 1, marks: Mark.valueApart });
    expect(h.reply.marks & ItemMark.expiring).toBe(0);
    expect(h.get("k")).toBe(null);
    h.store.verify();
  });

  for (const [what, op, extra] of [
    ["touch", Op.touch, { exptime: 50 }],
    ["incr", Op.arithmetic, {}],
    ["delete", Op.delete, { mode: DeleteMode.remove }],
    ["set", Op.store, { value: "new" }],
  ] as const) {
    test(`${what} counts the dead item it meets`, () => {
      const h = new StoreHarness(8 * MIB);
      h.set("k", "v", { exptime: 1 });
      h.run(op, "k", extra);
      expect(h.counters.value(Counter.getExpired)).toBe(1);
      h.set("k", "v");
      h.run(Op.flush, "");
      h.run(op, "k", extra);
      expect(h.counters.value(Counter.getFlushed)).toBe(1);
      expect(h.counters.value(Counter.getExpired)).toBe(1);
    });
  }

  test("a fetch leaves it to its connection to count the dead item it meets", () => {
    const h = new StoreHarness(8 * MIB);
    h.set("k", "v", { exptime: 1 });
    h.run(Op.fetch, "k", { exptime: 50 });
    expect(h.reply.marks).toBe(ItemMark.expired);
    expect(h.counters.value(Counter.getExpired)).toBe(0);
  });

  test("T left of R: the new exptime is what R is held against", () => {
    const h = new StoreHarness(8 * MIB);
    h.set("k", "v", { exptime: 100 });
    h.run(Op.fetch, "k", { marks, exptime: 20, recacheExptime: h.clock.now + 30 });
    expect(h.reply.marks & ItemMark.won).toBe(0);
    h.set("k", "v", { exptime: 100 });
    h.run(Op.fetch, "k", {
      exptime: 20,
      recacheExptime: h.clock.now + 30,
      marks: marks | Mark.recacheAfter,
    });
    expect(h.reply.marks & ItemMark.won).toBe(ItemMark.won);
  });

  test("recache is won once, by who finds the exptime nearer than wanted", () => {
    const h = new StoreHarness(8 * MIB);
    h.set("k", "v", { exptime: 100 });
    h.run(Op.fetch, "k", { marks, recacheExptime: h.clock.now + 30 });
    expect(h.reply.marks & ItemMark.won).toBe(0);
    h.pass(80);
    h.run(Op.fetch, "k", { marks, recacheExptime: h.clock.now + 30 });
    expect(h.reply.marks & ItemMark.won).toBe(ItemMark.won);
    h.run(Op.fetch, "k", { marks, recacheExptime: h.clock.now + 30 });
    expect(h.reply.marks & (ItemMark.won | ItemMark.tokenSent)).toBe(ItemMark.tokenSent);
    h.run(Op.fetch, "k", { recacheExptime: h.clock.now + 30, marks: marks | Mark.tokenHeld });
    expect(h.reply.marks & (ItemMark.won | ItemMark.tokenSent)).toBe(ItemMark.won);
  });

  test("md I makes stale with a new CAS, the first fetch wins, a store ends it", () => {
    const h = new StoreHarness(8 * MIB);
    h.set("k", "v");
    const invalidate = { mode: DeleteMode.invalidate, exptime: 30 };
    expect(h.run(Op.delete, "k", invalidate)).toBe(Status.stored);
    expect(h.cas()).toBe(3n);
    h.run(Op.fetch, "k", { marks });
    expect(h.reply.marks & (ItemMark.stale | ItemMark.won)).toBe(ItemMark.stale | ItemMark.won);
    expect(h.reply.exptime).toBe(30);
    h.run(Op.fetch, "k", { marks });
    expect(h.reply.marks & (ItemMark.stale | ItemMark.won)).toBe(ItemMark.stale);
    h.run(Op.delete, "k", { mode: DeleteMode.invalidate });
    h.run(Op.fetch, "k", { marks });
    expect(h.reply.marks & ItemMark.won).toBe(ItemMark.won);
    h.set("k", "w");
    h.run(Op.fetch, "k", { marks });
    expect(h.reply.marks & (ItemMark.stale | ItemMark.won | ItemMark.tokenSent)).toBe(0);
  });

  test("md x leaves an empty value under the same CAS, with F and T or none", () => {
    const h = new StoreHarness(8 * MIB);
    h.set("k", "value", { clientFlags: 8, exptime: 90 });
    expect(h.run(Op.delete, "k", { mode: DeleteMode.blank })).toBe(Status.stored);
    expect(h.get("k")).toBe("");
    expect(h.reply.clientFlags).toBe(0);
    expect(h.reply.exptime).toBe(0);
    expect(h.cas()).toBe(2n);
    const both = { mode: DeleteMode.invalidateBlank, clientFlags: 4, marks: Mark.clientFlags };
    expect(h.run(Op.delete, "k", { ...both, exptime: 44 })).toBe(Status.stored);
    expect(h.get("k")).toBe("");
    expect(h.reply.clientFlags).toBe(4);
    expect(h.reply.exptime).toBe(44);
    expect(h.reply.marks & ItemMark.stale).toBe(ItemMark.stale);
    expect(h.cas()).toBe(4n);
    h.store.verify();
  });

  test("delete answers deleted, notFound, exists", () => {
    const h = new StoreHarness(8 * MIB);
    expect(h.run(Op.delete, "k")).toBe(Status.notFound);
    h.set("k", "v");
    expect(h.run(Op.delete, "k", { cas: 5n })).toBe(Status.exists);
    expect(h.run(Op.delete, "k", { cas: 2n })).toBe(Status.deleted);
    expect(h.get("k")).toBe(null);
    h.store.verify();
  });
});
