/** -o busy_poll: a thread looks for more requests before it sleeps. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { fleet } from "../support/server-matrix.ts";
import { until } from "../support/until.ts";
import { WireClient } from "../support/wire-client.ts";

const MILLISECONDS = 500;

const polling = fleet({
  ownArgs: ["-o", `busy_poll=${2 * MILLISECONDS * 1000}`],
  size: "small",
  oracle: false,
});

async function polledMilliseconds(client: WireClient): Promise<number> {
  await client.send("stats workers\r\n");
  const text = await client.readThrough("END\r\n");
  const threads = [...text.matchAll(/^STAT \d+:polled_us (\d+)\r$/gm)];
  expect(threads).toHaveLength(3); // two workers and the primary
  return threads.reduce((sum, [, polled]) => sum + Number(polled), 0) / 1000;
}

describe("-o busy_poll: a thread of its own", () => {
  for (const cell of polling.filter(({ spec }) => spec.transport === "native")) {
    test(`looks for requests while there are none, and serves those that come, ${cell.label}`, async () => {
      const client = await WireClient.connect(cell.server);
      await until(async () => {
        const before = await polledMilliseconds(client);
        await sleep(MILLISECONDS);
        await polledMilliseconds(client); // ends the poll, which is counted then
        return (await polledMilliseconds(client)) > before + MILLISECONDS / 10;
      });
      for (let request = 0; request < 200; request++) {
        await client.ask("set k 0 0 1\r\nx\r\n", "STORED\r\n");
        await client.ask("get k\r\n", "VALUE k 0 1\r\nx\r\nEND\r\n");
      }
      expect(await polledMilliseconds(client)).toBeGreaterThan(0);
      client.destroy();
    });
  }

  for (const cell of polling.filter(({ spec }) => spec.transport === "node")) {
    test(`does not poll in libuv's loop, ${cell.label}`, async () => {
      const client = await WireClient.connect(cell.server);
      expect(await polledMilliseconds(client)).toBe(0);
      client.destroy();
    });
  }
});
