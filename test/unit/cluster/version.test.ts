import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { agreedVersion, type Claim } from "../../../src/cluster/version.ts";

const claim = (version: number, nodesLine: string): Claim => ({ version, nodesLine });

describe("agreedVersion()", () => {
  for (const [name, own, peers, seed, expected] of [
    ["nobody knows anything: the seed", null, [], 1000, 1000],
    ["a peer has the list: its version", null, [claim(7, "A")], 1000, 7],
    ["several have it: the highest", null, [claim(7, "A"), claim(9, "A"), claim(8, "A")], 1, 9],
    ["only another list is known: one more", null, [claim(2000, "B")], 1000, 2001],
    ["only another list, long ago: the seed", null, [claim(5, "B")], 1000, 1000],
    ["nothing has changed: the same", claim(7, "A"), [], 1000, 7],
    ["a peer says more of our list: that", claim(7, "A"), [claim(9, "A")], 1000, 9],
    ["a peer says less of it: ours", claim(7, "A"), [claim(5, "A")], 1000, 7],
    ["a peer has moved on: ours stays", claim(7, "A"), [claim(2000, "B")], 1000, 7],
    ["ours changed to what a peer has", claim(7, "B"), [claim(8, "A")], 1, 8],
    ["ours changed to what a peer had before us", claim(7, "B"), [claim(6, "A")], 1, 8],
  ] as const) {
    test(name, () => {
      expect(agreedVersion("A", own, peers, seed)).toBe(expected);
    });
  }

  test("nodes that ask each other say one version for one list, and none goes back", () => {
    const step = fc.record({
      node: fc.nat(4),
      list: fc.constantFrom("A", "B", "C"),
      asked: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const told: (Claim | null)[] = [null, null, null, null, null];
        const sees = ["A", "A", "A", "A", "A"];
        let clock = 100;
        const round = (node: number, peers: readonly (Claim | null)[]) => {
          const before = told[node] ?? null;
          const known = peers.filter((peer): peer is Claim => peer !== null);
          const version = agreedVersion(sees[node] as string, before, known, clock);
          expect(version).toBeGreaterThanOrEqual(before?.version ?? 0);
          if (before !== null && before.nodesLine !== sees[node]) {
            expect(version).toBeGreaterThan(before.version);
          }
          told[node] = claim(version, sees[node] as string);
        };
        for (const { node, list, asked } of steps) {
          clock += asked % 3;
          sees[node] = list;
          // Only some peers answer: the bits of `asked` say which.
          round(
            node,
            told.filter((_, peer) => ((asked >> peer) & 1) === 1),
          );
        }
        // The source settles; everybody asks everybody, twice.
        sees.fill("C");
        for (let turn = 0; turn < 10; turn++) round(turn % 5, told);
        expect(new Set(told.map((last) => last?.version)).size).toBe(1);
      }),
    );
  });
});
