import { describe, expect, test } from "vitest";
import { Arena } from "../../../src/memory/arena.ts";
import {
  PREFIX_BYTES_MAX,
  PREFIX_SLOTS,
  PREFIX_TABLE_BYTES,
  PrefixCount,
  PrefixTable,
} from "../../../src/memory/prefix-table.ts";

function table(): PrefixTable {
  return new PrefixTable(new Arena(new SharedArrayBuffer(PREFIX_TABLE_BYTES)), 0);
}

function count(into: PrefixTable, prefix: string, kind: PrefixCount = PrefixCount.get): boolean {
  const bytes = Buffer.from(prefix);
  return into.tryCount(kind, bytes, 0, bytes.length);
}

function all(of: PrefixTable): Map<string, readonly number[]> {
  const found = new Map<string, readonly number[]>();
  of.forEach((prefix, counts) => {
    found.set(prefix, counts);
  });
  return found;
}

describe("PrefixTable", () => {
  test("counts each kind of each prefix exactly", () => {
    const seen = table();
    for (let i = 0; i < 1000; i++) count(seen, `p${i % 500}`, (i & 3) as PrefixCount);
    const found = all(seen);
    expect(found.size).toBe(500);
    expect(found.get("p4")).toEqual([2, 0, 0, 0]);
    expect(found.get("p7")).toEqual([0, 0, 0, 2]);
  });

  test("refuses new prefixes when it is full, says so, and goes on counting the known", () => {
    const seen = table();
    let refused = 0;
    for (let i = 0; i < 2 * PREFIX_SLOTS; i++) if (!count(seen, `prefix-${i}`)) refused++;
    expect(refused).toBeGreaterThan(PREFIX_SLOTS / 2);
    expect(seen.dropped()).toBe(refused);
    expect(count(seen, "prefix-0")).toBe(true);
    expect(all(seen).get("prefix-0")?.[0]).toBe(2);
  });

  test("cuts long prefixes, and forgets everything when cleared", () => {
    const seen = table();
    count(seen, "x".repeat(200));
    expect([...all(seen).keys()]).toEqual(["x".repeat(PREFIX_BYTES_MAX)]);
    seen.clear();
    expect(all(seen).size).toBe(0);
  });
});
