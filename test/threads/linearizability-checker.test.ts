/** The checker itself: histories it must accept, and above all histories it must refuse. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Action, Operation, Told } from "./history.ts";
import { checkKey, step } from "./linearizability.ts";

interface Extra {
  value?: string;
  cas?: number;
  got?: string;
  gotCas?: number;
}

const NEVER = Number.POSITIVE_INFINITY;

let clients = 0;

/** An operation from `invoked` to `returned`. */
function op(invoked: number, returned: number, action: Action, told: Told, extra: Extra = {}) {
  const defaults = { value: "", cas: 0, got: "", gotCas: 0 };
  return { client: clients++, key: "k", action, invoked, returned, told, ...defaults, ...extra };
}

const set = (from: number, to: number, value: string) => op(from, to, "set", "stored", { value });
const hit = (from: number, to: number, got: string, gotCas = 0) =>
  op(from, to, "get", "hit", { got, gotCas });
const miss = (from: number, to: number) => op(from, to, "get", "miss");

function accepts(operations: readonly Operation[], mayVanish = false): boolean {
  return checkKey(operations, { mayVanish }).linearizable;
}

describe("checkKey() accepts", () => {
  const cases: [string, Operation[], boolean][] = [
    ["nothing at all", [], false],
    ["a miss before anything was set", [miss(1, 2), set(3, 4, "a"), hit(5, 6, "a")], false],
    [
      "either value while two sets overlap",
      [set(1, 9, "a"), set(2, 8, "b"), hit(10, 11, "a")],
      false,
    ],
    ["a read that overtakes the set it sees", [set(1, 9, "a"), hit(2, 3, "a")], false],
    [
      "old, then new, while a set is under way",
      [set(1, 2, "a"), set(3, 9, "b"), hit(4, 5, "a"), hit(6, 7, "b")],
      false,
    ],
    [
      "answers at the very moment of a sending, in either order",
      [set(1, 2, "a"), miss(2, 3)],
      true,
    ],
    [
      "increments in any order of overlap",
      [
        set(1, 2, "5"),
        op(3, 9, "incr", "number", { value: "1", got: "7" }),
        op(4, 8, "incr", "number", { value: "1", got: "6" }),
      ],
      false,
    ],
    [
      "a cas with the unique that was told",
      [
        set(1, 2, "a"),
        hit(3, 4, "a", 7),
        op(5, 6, "cas", "stored", { value: "b", cas: 7 }),
        hit(7, 8, "b", 9),
      ],
      false,
    ],
    [
      "a miss of what was evicted",
      [set(1, 2, "a"), miss(3, 4), op(5, 6, "add", "stored", { value: "b" })],
      true,
    ],
    [
      "a lost set that took effect late",
      [
        set(1, 2, "a"),
        op(3, NEVER, "set", "unknown", { value: "b" }),
        hit(8, 9, "a"),
        hit(10, 11, "b"),
      ],
      false,
    ],
    [
      "a lost set that never took effect",
      [set(1, 2, "a"), op(3, NEVER, "set", "unknown", { value: "b" }), hit(8, 9, "a")],
      false,
    ],
    [
      "either outcome of what the owner lost",
      [
        set(1, 2, "a"),
        op(3, 9, "set", "unknown", { value: "b" }),
        op(4, 8, "set", "unknown", { value: "c" }),
        hit(10, 11, "c"),
      ],
      false,
    ],
    [
      "incr of text, refused",
      [set(1, 2, "a"), op(3, 4, "incr", "nonNumeric", { value: "1" })],
      false,
    ],
  ];
  for (const [name, operations, mayVanish] of cases) {
    test(name, () => {
      expect(accepts(operations, mayVanish)).toBe(true);
    });
  }
});

describe("checkKey() refuses", () => {
  const cases: [string, Operation[], boolean][] = [
    [
      "a stale read after a set has returned",
      [set(1, 2, "a"), set(3, 4, "b"), hit(5, 6, "a")],
      true,
    ],
    ["a value nobody wrote", [set(1, 2, "a"), hit(3, 4, "b")], true],
    ["a value before it was written", [hit(1, 2, "a"), set(3, 4, "a")], true],
    ["new, then old", [set(1, 2, "a"), set(3, 20, "b"), hit(4, 5, "b"), hit(6, 7, "a")], true],
    [
      "two readers that disagree on the order of two sets",
      [set(1, 9, "a"), set(1, 9, "b"), hit(10, 11, "a"), hit(12, 13, "b"), hit(14, 15, "a")],
      true,
    ],
    ["a miss of what is there, without eviction", [set(1, 2, "a"), miss(3, 4)], false],
    [
      "a value that comes back after an eviction",
      [set(1, 2, "a"), miss(3, 4), hit(5, 6, "a")],
      true,
    ],
    [
      "a value that comes back after a delete",
      [set(1, 2, "a"), op(3, 4, "delete", "deleted"), hit(5, 6, "a")],
      true,
    ],
    [
      "two deletes of one item",
      [set(1, 2, "a"), op(3, 8, "delete", "deleted"), op(4, 9, "delete", "deleted")],
      true,
    ],
    [
      "two adds that were both stored",
      [op(1, 5, "add", "stored", { value: "a" }), op(2, 6, "add", "stored", { value: "b" })],
      false,
    ],
    [
      "an add refused though nothing was there",
      [op(1, 2, "add", "notStored", { value: "a" })],
      true,
    ],
    [
      "two cas of one unique, both stored",
      [
        set(1, 2, "a"),
        hit(3, 4, "a", 7),
        op(5, 9, "cas", "stored", { value: "b", cas: 7 }),
        op(6, 10, "cas", "stored", { value: "c", cas: 7 }),
      ],
      true,
    ],
    [
      "a cas stored over a value written since",
      [
        set(1, 2, "a"),
        hit(3, 4, "a", 7),
        set(5, 6, "b"),
        op(7, 8, "cas", "stored", { value: "c", cas: 7 }),
      ],
      true,
    ],
    [
      "a cas refused with the right unique",
      [set(1, 2, "a"), hit(3, 4, "a", 7), op(5, 6, "cas", "exists", { value: "b", cas: 7 })],
      true,
    ],
    [
      "a unique that goes back",
      [set(1, 2, "a"), hit(3, 4, "a", 7), set(5, 6, "b"), hit(7, 8, "b", 6)],
      true,
    ],
    ["one value under two uniques", [set(1, 2, "a"), hit(3, 4, "a", 7), hit(5, 6, "a", 8)], true],
    [
      "an increment lost",
      [
        set(1, 2, "5"),
        op(3, 9, "incr", "number", { value: "1", got: "6" }),
        op(4, 8, "incr", "number", { value: "1", got: "6" }),
      ],
      true,
    ],
    [
      "an increment applied twice",
      [set(1, 2, "5"), op(3, 4, "incr", "number", { value: "1", got: "6" }), hit(5, 6, "7")],
      true,
    ],
    [
      "a touch of what was deleted",
      [set(1, 2, "a"), op(3, 4, "delete", "deleted"), op(5, 6, "touch", "touched")],
      true,
    ],
    [
      "an effect after its loss was told",
      [set(1, 2, "a"), op(3, 4, "set", "unknown", { value: "b" }), hit(5, 6, "a"), hit(7, 8, "b")],
      true,
    ],
    [
      "a lost set that took effect twice",
      [
        op(1, NEVER, "set", "unknown", { value: "a" }),
        hit(2, 3, "a"),
        set(4, 5, "b"),
        hit(6, 7, "a"),
      ],
      true,
    ],
  ];
  for (const [name, operations, mayVanish] of cases) {
    test(name, () => {
      expect(accepts(operations, mayVanish)).toBe(false);
    });
  }
});

/**
 * A history made by one item: operations take effect one after another, each at some moment while
 * it is under way.
 */
const honest = fc
  .array(
    fc.record({
      action: fc.constantFrom<Action>("get", "get", "set", "add", "cas", "incr", "delete", "touch"),
      before: fc.nat({ max: 40 }),
      after: fc.nat({ max: 40 }),
      vanishes: fc.nat({ max: 9 }),
    }),
    { minLength: 4, maxLength: 60 },
  )
  .map((plans) => {
    let value: string | null = null;
    let cas = 0;
    const history: Operation[] = [];
    plans.forEach((plan, at) => {
      if (plan.vanishes === 0) value = null;
      const moment = at * 10;
      const answered = answer(plan.action, value, cas, at);
      const { action } = plan;
      const end = moment + 1 + plan.after;
      history.push({ ...op(moment - plan.before, end, action, answered.told), ...answered.extra });
      if (answered.value !== value) cas = 10 * (at + 1);
      value = answered.value;
    });
    return history;
  });

function answer(action: Action, value: string | null, cas: number, at: number) {
  const fresh = at % 2 === 0 ? String(1000 * (at + 1)) : `text${at}`;
  const reply = (told: Told, next: string | null, extra: Extra = {}) => ({
    told,
    value: next,
    extra,
  });
  if (action === "set") return reply("stored", fresh, { value: fresh });
  if (action === "add" && value === null) return reply("stored", fresh, { value: fresh });
  if (action === "add") return reply("notStored", value, { value: fresh });
  if (action === "get") {
    return value === null ? reply("miss", null) : reply("hit", value, { got: value, gotCas: cas });
  }
  if (value === null) return reply("notFound", null, { value: "1", cas: 1 });
  if (action === "delete") return reply("deleted", null);
  if (action === "touch") return reply("touched", value);
  if (action === "cas") return reply("exists", value, { value: fresh, cas: 1 });
  if (!/^\d+$/.test(value)) return reply("nonNumeric", value, { value: "1" });
  const sum = String(BigInt(value) + 1n);
  return reply("number", sum, { value: "1", got: sum });
}

describe("histories of one item", () => {
  test("are accepted, however their operations overlap", () => {
    fc.assert(
      fc.property(honest, (history) => {
        expect(accepts(history, true)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("are refused once a read is told what was there before the last write it must see", () => {
    fc.assert(
      fc.property(honest, fc.nat(), (history, pick) => {
        const values = history.filter(({ action, told }) => action === "set" && told === "stored");
        const old = values[pick % Math.max(1, values.length)];
        const newer = values.find((other) => old !== undefined && other.invoked > old.returned);
        if (old === undefined || newer === undefined) return;
        const end = Math.max(...history.map(({ returned }) => returned));
        const forged = [
          ...history,
          set(end + 1, end + 2, "last"),
          hit(end + 3, end + 4, old.value),
        ];
        expect(accepts(forged, true)).toBe(false);
      }),
      { numRuns: 300 },
    );
  });

  test("of thousands of operations are checked in little time", () => {
    const history: Operation[] = [];
    for (let at = 0; at < 20_000; at++) {
      const from = at * 3;
      if (at % 3 === 0) history.push(set(from, from + 20, `v${at}`));
      else history.push(hit(from, from + 2, `v${at - (at % 3)}`));
    }
    expect(accepts(history)).toBe(true);
  });
});

describe("step()", () => {
  test("finds no way from an absent item to a hit", () => {
    const absent = { value: null, cas: 0, casSeen: 0 };
    expect(step(absent, hit(1, 2, "a"), { mayVanish: true })).toBe(null);
  });
});
