/**
 * Unfinished lines: connections that each send most of a long get line, and stay.
 *
 *   get k0000000 k0000001 …  1.9 MB, no line end     held whole, it takes a block of 2 MiB each
 *
 * They must not take the blocks that others' pipelines need, and what they took comes back.
 */
import { expect } from "vitest";
import { until } from "../support/until.ts";
import { WireClient } from "../support/wire-client.ts";
import { attack, leave, memoryComesBack, open, othersAreServed, say, size } from "./attack.ts";

const LINE_BYTES = 1_900_000;
/** More than two thousand bytes of it held by each, and the runtime's own garbage. */
const GROWN_MIB_MAX = 64;

function lineOf(bytes: number): string {
  let line = "get";
  for (let key = 0; line.length < bytes; key++) line += ` k${String(key).padStart(10, "0")}`;
  return line;
}

// memcached takes as much memory as they send: it is asked whether others are served, no more.
const options = { args: ["-m", "256", "-o", "read_buf_mem_limit=64"] };
attack("unfinished lines cut nobody off", options, async (server) => {
  const before = server.residentBytes();
  const mine = await open(server, size(60, 270));
  say(mine, lineOf(LINE_BYTES));
  await until(() =>
    mine.every(({ writableLength, destroyed }) => destroyed || writableLength === 0),
  );
  await server.atRest();
  await othersAreServed(server);
  expect(mine.filter(({ destroyed }) => destroyed).length).toBe(0);
  leave(mine);
  if (!server.isOracle) await memoryComesBack(server, before, GROWN_MIB_MAX);
});

attack("lines of keys are answered, however long", { args: ["-m", "64"] }, async (server) => {
  for (const bytes of [2_110_000, 4_000_000]) {
    const client = await WireClient.connect(server);
    await client.ask(
      "set k0000000000 0 0 1\r\nx\r\nset last 0 0 1\r\ny\r\n",
      "STORED\r\nSTORED\r\n",
    );
    await client.ask(
      `${lineOf(bytes)} last\r\nmn\r\n`,
      "VALUE k0000000000 0 1\r\nx\r\nVALUE last 0 1\r\ny\r\nEND\r\nMN\r\n",
    );
    client.destroy();
  }
});

// memcached ends such a reply after about 60,000 hits.
attack(
  "a long line of hits is answered to who reads only after it",
  { oracle: false },
  async (server) => {
    const value = "v".repeat(400);
    const writer = await WireClient.connect(server);
    await writer.ask(`set hit 0 0 400\r\n${value}\r\n`, "STORED\r\n");
    writer.destroy();
    const keys = 200_000;
    const [reader] = await open(server, 1);
    if (reader === undefined) throw new Error("no connection");
    say([reader], `get${" hit".repeat(keys)}\r\n`);
    await until(() => reader.writableLength === 0);
    const wanted = keys * `VALUE hit 0 400\r\n${value}\r\n`.length + "END\r\n".length;
    let got = 0;
    reader.on("data", (chunk: Buffer) => {
      got += chunk.length;
    });
    reader.resume();
    await until(() => got >= wanted);
    expect(got).toBe(wanted);
  },
);
