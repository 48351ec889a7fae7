/**
 * Bytes that are no requests (malformed-bytes.ts). Whatever comes, the server serves others
 * afterwards, has closed what was broken off, and holds a bounded amount of memory.
 */
import { describe, expect, test } from "vitest";
import { fleet } from "../support/server-matrix.ts";
import { MALFORMED_KINDS, openConnections, stillServes, throwAt } from "./malformed-bytes.ts";
import { Random } from "./random.ts";

const ROUNDS = 100;
const CONNECTIONS = 25;
const GROWTH_BYTES_MAX = 96 * 1024 * 1024;

const cells = fleet();

for (const [what, make] of MALFORMED_KINDS) {
  describe(`${what} do no harm`, () => {
    for (const [index, cell] of cells.entries()) {
      test(cell.label, async () => {
        const { server } = cell;
        const before = server.residentBytes();
        const openAtFirst = await openConnections(server);
        for (let round = 0; round < ROUNDS; round += CONNECTIONS) {
          const seeds = Array.from(
            { length: CONNECTIONS },
            (_, each) => 10_000 * index + round + each,
          );
          await Promise.all(seeds.map((seed) => throwAt(server, make, new Random(seed))));
        }
        expect(await stillServes(server, openAtFirst), "it lets all of them go").toBe(true);
        expect(server.residentBytes() - before).toBeLessThan(GROWTH_BYTES_MAX);
      });
    }
  });
}
