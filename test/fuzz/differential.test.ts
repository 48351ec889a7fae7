/**
 * The same random commands to shardcached and to a real memcached: every reply the same to the
 * byte, but for the differences that are meant. A bounded set of seeds; `npm run fuzz` plays
 * without end.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { missing } from "../support/run-program.ts";
import { fleet } from "../support/server-matrix.ts";
import { TestServer } from "../support/test-server.ts";
import { type BinaryCommand, binaryCommand } from "./binary-commands.ts";
import { TEXT_DIFFERENCES } from "./differences.ts";
import { Duel, describeFinding } from "./duel.ts";
import { Random } from "./random.ts";
import { textCommand } from "./text-commands.ts";

const SESSIONS = 40;
const COMMANDS_PER_SESSION = 60;

const reason = missing("memcached");
const cells = fleet({ oracle: false });
let oracle: TestServer;

beforeAll(async () => {
  if (reason !== "") return;
  oracle = await TestServer.start({ implementation: "memcached", threads: 2, transport: "native" });
});
afterAll(async () => {
  if (reason === "") await oracle.stop();
});

describe.skipIf(reason !== "")(`text commands, as memcached answers them${reason}`, () => {
  for (const [index, cell] of cells.entries()) {
    for (const [what, wrongOnceIn] of [
      ["valid", Number.MAX_SAFE_INTEGER],
      ["one in six wrong", 6],
    ] as const) {
      test(`${what}, ${cell.label}`, async () => {
        const duel = new Duel(cell.server, oracle);
        for (let session = 0; session < SESSIONS; session++) {
          const seed = 1000 * index + session;
          const random = new Random(seed);
          const commands = Array.from({ length: COMMANDS_PER_SESSION }, () =>
            textCommand(random, wrongOnceIn),
          );
          const { finding } = await duel.playText(commands, random);
          if (finding === undefined) continue;
          const smallest = await duel.shrinkText(finding, random);
          expect.fail(`seed ${seed}:\n${describeFinding(smallest)}`);
        }
      });
    }
  }
});

describe.skipIf(reason !== "")(`binary packets, as memcached answers them${reason}`, () => {
  for (const [index, cell] of cells.entries()) {
    for (const [what, wrongOnceIn] of [
      ["valid", Number.MAX_SAFE_INTEGER],
      ["a wrong one at the end", 1],
    ] as const) {
      test(`${what}, ${cell.label}`, async () => {
        const duel = new Duel(cell.server, oracle);
        for (let session = 0; session < SESSIONS; session++) {
          const seed = 1000 * index + session;
          const random = new Random(seed);
          // After a wrong packet the stream is out of step, and what follows is anybody's reading.
          const last = COMMANDS_PER_SESSION - 1;
          const commands: BinaryCommand[] = Array.from({ length: COMMANDS_PER_SESSION }, (_, at) =>
            binaryCommand(random, at < last ? Number.MAX_SAFE_INTEGER : wrongOnceIn),
          );
          const { finding } = await duel.playBinary(commands, random);
          if (finding === undefined) continue;
          const smallest = await duel.shrinkBinary(finding, random);
          expect.fail(`seed ${seed}:\n${describeFinding(smallest)}`);
        }
      });
    }
  }
});

describe("the table of meant differences", () => {
  for (const row of TEXT_DIFFERENCES) {
    test(`"${row.name}" has a reason and a section`, () => {
      expect(row.why.length).toBeGreaterThan(10);
      expect(row.section).toMatch(/^\d/);
    });
  }
});
