/**
 * Stampede control is exact: of many connections on several workers that ask at the same moment,
 * exactly one wins, be it a miss (N), an item that runs out (R) or a stale one (md I); all others
 * see that somebody did.
 */
import { describe, expect, test } from "vitest";
import { fleet } from "../support/server-matrix.ts";
import { WireClient } from "../support/wire-client.ts";

const CONNECTIONS = 64;
const ROUNDS = 30;

const cells = fleet();

const KINDS = [
  { what: "N on a miss", prepare: (_key: string) => "mn\r\n", ask: "N30", marks: / (W|Z)\r\n/ },
  {
    what: "R on an item that runs out",
    prepare: (key: string) => `ms ${key} 1 T100\r\nv\r\nmn\r\n`,
    ask: "R200",
    marks: / (W|Z)\r\n/,
  },
  {
    what: "a stale item",
    prepare: (key: string) => `ms ${key} 1\r\nv\r\nmd ${key} I\r\nmn\r\n`,
    ask: "",
    marks: / (X W|Z X)\r\n/,
  },
] as const;

for (const { what, prepare, ask, marks } of KINDS) {
  describe(`exactly one winner: ${what}`, () => {
    for (const cell of cells) {
      test(cell.label, async () => {
        const { server } = cell;
        const clients = await Promise.all(
          Array.from({ length: CONNECTIONS }, () => WireClient.connect(server)),
        );
        for (let round = 0; round < ROUNDS; round++) {
          const key = `${ask || "stale"}-${round}`;
          const first = clients[0] as WireClient;
          await first.send(prepare(key));
          await first.readThrough("MN\r\n");
          const replies = await Promise.all(clients.map((client) => winOrLose(client, key, ask)));
          for (const reply of replies) expect(reply).toMatch(marks);
          expect(replies.filter((reply) => reply.includes(" W\r\n")).length).toBe(1);
        }
        for (const client of clients) client.destroy();
      });
    }
  });
}

async function winOrLose(client: WireClient, key: string, flag: string): Promise<string> {
  await client.send(`mg ${key} ${flag}\r\n`);
  const line = await client.readUntil((got) => got.indexOf("\n") + 1);
  return line.toString("latin1");
}
