/**
 * Large values on their way in, from many clients at once: whoever finds no room waits for those
 * who are under way.
 */
import { describe, test } from "vitest";
import { fleet } from "../support/server-matrix.ts";
import { stat } from "../support/stat.ts";
import type { TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";
import { WireClient } from "../support/wire-client.ts";

const VALUE_BYTES = 1_000_000;
/** So much of a value is sent that the server must have begun with it. */
const BEGUN_BYTES = 1000;
/** More than all shards together take at a time, at -m 64. */
const HOLDERS = 120;

const value = "v".repeat(VALUE_BYTES);

/** Clients that have begun to send a value, and do not go on. */
async function holdRoom(server: TestServer): Promise<WireClient[]> {
  const before = Number(await stat(server, "bytes_read"));
  const holders = await Promise.all(
    Array.from({ length: HOLDERS }, () => WireClient.connect(server)),
  );
  for (const [index, holder] of holders.entries()) {
    await holder.send(`set held${index} 0 0 ${VALUE_BYTES}\r\n${value.slice(0, BEGUN_BYTES)}`);
  }
  const sent = before + HOLDERS * BEGUN_BYTES;
  await until(async () => Number(await stat(server, "bytes_read")) >= sent);
  return holders;
}

const own = fleet({ oracle: false });

describe("a value that finds no room waits for others to end or to be cut off, and no request overtakes it", () => {
  for (const cell of own) {
    test(cell.label, async () => {
      const { server } = cell;
      const writer = await WireClient.connect(server);
      await writer.ask("set late 0 0 3\r\nold\r\n", "STORED\r\n");
      const holders = await holdRoom(server);
      const before = Number(await stat(server, "bytes_read"));
      const sent = writer.send(`set late 0 0 ${VALUE_BYTES}\r\n${value}\r\nget late\r\nmn\r\n`);
      await until(async () => Number(await stat(server, "bytes_read")) >= before + BEGUN_BYTES);
      for (const holder of holders) holder.destroy();
      await sent;
      await writer.expect(`STORED\r\nVALUE late 0 ${VALUE_BYTES}\r\n${value}\r\nEND\r\nMN\r\n`);
      writer.destroy();
    });
  }
});

describe("a value that finds no room for seconds is refused, and its connection and all others are served", () => {
  for (const cell of own) {
    test(cell.label, async () => {
      const { server } = cell;
      const holders = await holdRoom(server);
      const writer = await WireClient.connect(server);
      await writer.ask("set never 0 0 3\r\nold\r\n", "STORED\r\n");
      const sent = writer.send(`set never 0 0 ${VALUE_BYTES}\r\n${value}\r\nget never\r\n`);
      const other = await WireClient.connect(server);
      await other.ask(
        "set small 0 0 1\r\ns\r\nget small\r\n",
        "STORED\r\nVALUE small 0 1\r\ns\r\nEND\r\n",
      );
      await sent;
      // As memcached does, a set that fails takes the old value with it.
      await writer.expect("SERVER_ERROR out of memory storing object\r\nEND\r\n");
      for (const client of [...holders, writer, other]) client.destroy();
    });
  }
});

// memcached refuses some of them when its pages are all half-filled.
describe("many clients that send large values at once are all served", () => {
  for (const cell of own) {
    test(cell.label, async () => {
      const { server } = cell;
      const clients = await Promise.all(
        Array.from({ length: 100 }, () => WireClient.connect(server)),
      );
      await Promise.all(
        clients.map(async (client, index) => {
          await client.ask(`set wide${index} 0 0 ${VALUE_BYTES}\r\n${value}\r\n`, "STORED\r\n");
        }),
      );
      for (const client of clients) client.destroy();
    });
  }
});
