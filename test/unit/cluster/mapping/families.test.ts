/**
 * Where each family of clients sends key-0 … key-999: golden vectors, which
 * test/interop/mapping.test.ts derives anew from the clients themselves.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { FAMILIES, familyOf, type MappedNode } from "../../../../src/cluster/mapping/families.ts";

interface Golden {
  readonly lists: readonly {
    readonly nodes: readonly MappedNode[];
    readonly families: Readonly<Record<string, string>>;
  }[];
}

const path = fileURLToPath(new URL("./golden.json", import.meta.url)).replace("/dist/", "/");
const golden = JSON.parse(readFileSync(path, "utf8")) as Golden;

describe("families", () => {
  for (const { nodes, families } of golden.lists) {
    const list = `${nodes.length} nodes at ${nodes[0]?.port}`;
    for (const { name, build } of FAMILIES) {
      test(`${name}, ${list}`, () => {
        const mapping = build(nodes);
        const places = Array.from({ length: 1000 }, (_, number) => mapping(`key-${number}`));
        expect(places.join("")).toBe(families[name]);
      });
    }
  }

  for (const { name, build } of FAMILIES) {
    test(`${name} knows one node, and always names one of many`, () => {
      expect(build([{ host: "a", port: 11_211, weight: 1 }])("key")).toBe(0);
      const many = Array.from({ length: 100 }, (_, i) => ({
        host: `n${i}`,
        port: 11_211,
        weight: 1,
      }));
      const mapping = build(many);
      const used = new Set(Array.from({ length: 5000 }, (_, i) => mapping(`${name}/${i}`)));
      for (const index of used) expect(index >= 0 && index < 100).toBe(true);
      expect(used.size).toBeGreaterThan(85);
    });
  }

  test("the share of keys that move when a node is added is what a family is for", () => {
    const nodes = (count: number) =>
      Array.from({ length: count }, (_, i) => ({ host: `n${i}`, port: 11_211, weight: 1 }));
    const moved = (name: string): number => {
      const family = familyOf(name);
      const [before, after] = [family?.build(nodes(10)), family?.build(nodes(11))];
      let count = 0;
      for (let i = 0; i < 10_000; i++) if (before?.(`key-${i}`) !== after?.(`key-${i}`)) count++;
      return count / 10_000;
    };
    for (const name of ["ketama", "rendezvous", "dalli"]) expect(moved(name)).toBeLessThan(0.16);
    for (const name of ["modula", "modula-crc32"]) expect(moved(name)).toBeGreaterThan(0.8);
  });

  test("familyOf() knows names, and no others", () => {
    expect(familyOf("ketama")?.name).toBe("ketama");
    expect(familyOf("maglev")).toBeUndefined();
  });
});
