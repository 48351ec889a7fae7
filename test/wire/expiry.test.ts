/**
 * Items that die by the clock: TTLs, touch, gat, meta T, delayed flush. Waits are bounded polls,
 * never fixed.
 */
import { describe, expect, test } from "vitest";
import {
  arithmeticExtras,
  Opcode,
  packet,
  response,
  storeExtras,
  uint32,
  uint64,
} from "../support/binary-packets.ts";
import { type Cell, fleet } from "../support/server-matrix.ts";
import { until } from "../support/until.ts";
import { WireClient } from "../support/wire-client.ts";

const cells = fleet();

/**
 * The clock has whole seconds: a TTL of 3 is over after 2 to 3 of them. So long the machine may
 * stand still between two steps of which the second wants the item alive.
 */
const TTL = 3;

type Steps = readonly (readonly [message: string, reply: string])[];

/** Ways to give the key `k` a TTL, each leaving it alive for now. */
const WAYS: readonly (readonly [what: string, steps: Steps])[] = [
  ["set", [[`set k 0 ${TTL} 1\r\n1\r\n`, "STORED\r\n"]]],
  ["add", [[`add k 0 ${TTL} 1\r\n1\r\n`, "STORED\r\n"]]],
  [
    "replace",
    [
      ["set k 0 0 1\r\n1\r\n", "STORED\r\n"],
      [`replace k 0 ${TTL} 1\r\n1\r\n`, "STORED\r\n"],
    ],
  ],
  [
    "touch",
    [
      ["set k 0 0 1\r\n1\r\n", "STORED\r\n"],
      [`touch k ${TTL}\r\n`, "TOUCHED\r\n"],
    ],
  ],
  [
    "gat",
    [
      ["set k 0 0 1\r\n1\r\n", "STORED\r\n"],
      [`gat ${TTL} k\r\n`, "VALUE k 0 1\r\n1\r\nEND\r\n"],
    ],
  ],
  [
    "append keeps the TTL",
    [
      [`set k 0 ${TTL} 1\r\n1\r\n`, "STORED\r\n"],
      ["append k 0 0 1\r\n2\r\n", "STORED\r\n"],
    ],
  ],
  [
    "incr keeps the TTL, also of an item that grows",
    [
      [`set k 0 ${TTL} 1\r\n9\r\n`, "STORED\r\n"],
      ["incr k 1\r\n", "10\r\n"],
    ],
  ],
  ["ms T", [[`ms k 1 T${TTL}\r\n1\r\n`, "HD\r\n"]]],
  [
    "mg T",
    [
      ["ms k 1\r\n1\r\n", "HD\r\n"],
      [`mg k T${TTL}\r\n`, "HD\r\n"],
    ],
  ],
  ["mg N", [[`mg k N${TTL}\r\n`, "HD W\r\n"]]],
  ["ma N", [[`ma k N${TTL}\r\n`, "HD\r\n"]]],
  [
    "md I T",
    [
      ["ms k 1\r\n1\r\n", "HD\r\n"],
      [`md k I T${TTL}\r\n`, "HD\r\n"],
    ],
  ],
];

describe("an item with a TTL dies, whatever gave it the TTL", () => {
  for (const cell of cells) {
    test.concurrent(cell.label, async () => {
      const plays = WAYS.map(([what, steps], index) =>
        playWay(cell, `ttl-${index}`, steps).catch((error: Error) => {
          throw new Error(`${what}: ${error.message}`);
        }),
      );
      await Promise.all([
        ...plays,
        playDate(cell),
        playSaved(cell),
        playLeft(cell),
        playBinary(cell),
      ]);
    });
  }
});

async function playWay(cell: Cell, key: string, steps: Steps): Promise<void> {
  const client = await WireClient.connect(cell.server);
  for (const [message, reply] of steps) await client.ask(rename(message, key), rename(reply, key));
  await dies(client, key);
  await client.ask(`add ${key} 0 0 1\r\n3\r\n`, "STORED\r\n");
  client.destroy();
}

/** An absolute time. */
async function playDate(cell: Cell): Promise<void> {
  const client = await WireClient.connect(cell.server);
  const at = Math.floor(Date.now() / 1000) + TTL;
  await client.ask(`set date 0 ${at} 1\r\n1\r\n`, "STORED\r\n");
  await dies(client, "date");
  client.destroy();
}

/** touch 0 saves an item that would have died. */
async function playSaved(cell: Cell): Promise<void> {
  const client = await WireClient.connect(cell.server);
  await client.ask(`set saved 0 ${TTL} 1\r\n1\r\n`, "STORED\r\n");
  await client.ask(`set canary 0 ${TTL} 1\r\n1\r\n`, "STORED\r\n");
  await client.ask("touch saved 0\r\n", "TOUCHED\r\n");
  await dies(client, "canary");
  await client.ask("get saved\r\n", "VALUE saved 0 1\r\n1\r\nEND\r\n");
  client.destroy();
}

/** mg t and ma t show the time that is left. */
async function playLeft(cell: Cell): Promise<void> {
  const client = await WireClient.connect(cell.server);
  const seen = new Map<string, string>();
  await client.ask("set left 0 1000 1\r\n1\r\n", "STORED\r\n");
  await client.ask("mg left t\r\n", "HD t{left}\r\n", seen);
  expect([998, 999, 1000]).toContain(Number(seen.get("left")));
  await client.ask("ma left t\r\n", "HD t{again}\r\n", seen);
  expect([997, 998, 999, 1000]).toContain(Number(seen.get("again")));
  client.destroy();
}

async function playBinary(cell: Cell): Promise<void> {
  const client = await WireClient.connect(cell.server);
  const ascii = await WireClient.connect(cell.server);
  await client.ask(
    packet({ opcode: Opcode.set, key: "bin-1", value: "1", extras: storeExtras(0, TTL) }),
    response({ opcode: Opcode.set, cas: "a" }),
  );
  await client.ask(
    packet({ opcode: Opcode.set, key: "bin-2", value: "1", extras: storeExtras(0, 0) }),
    response({ opcode: Opcode.set, cas: "b" }),
  );
  await client.ask(
    packet({ opcode: Opcode.touch, key: "bin-2", extras: uint32(TTL) }),
    response({ opcode: Opcode.touch, extras: uint32(0), cas: "c" }),
  );
  await client.ask(
    packet({ opcode: Opcode.increment, key: "bin-3", extras: arithmeticExtras(1n, 7n, TTL) }),
    response({ opcode: Opcode.increment, value: uint64(7n), cas: "d" }),
  );
  for (const key of ["bin-1", "bin-2", "bin-3"]) await dies(ascii, key);
  client.destroy();
  ascii.destroy();
}

const flushed = fleet({ size: "small" });

describe("a delayed flush", () => {
  for (const cell of flushed) {
    test(`kills what was stored before it came due, and nothing later, ${cell.label}`, async () => {
      const client = await WireClient.connect(cell.server);
      await client.ask("set early 0 0 1\r\n1\r\n", "STORED\r\n");
      await client.ask(`flush_all ${TTL}\r\n`, "OK\r\n");
      await client.ask("set between 0 0 1\r\n2\r\n", "STORED\r\n");
      await client.ask("get early\r\n", "VALUE early 0 1\r\n1\r\nEND\r\n");
      await dies(client, "early");
      await dies(client, "between");
      // What is stored within the second of the flush may still belong to it.
      await until(async () => {
        await client.ask("set late 0 0 1\r\n3\r\n", "STORED\r\n");
        await client.send("get late\r\n");
        return (await client.readThrough("END\r\n")) !== "END\r\n";
      });
      await client.ask("get late\r\n", "VALUE late 0 1\r\n3\r\nEND\r\n");
      client.destroy();
    });
  }
});

/** Polls until the key is gone. */
async function dies(client: WireClient, key: string): Promise<void> {
  await until(async () => {
    await client.send(`get ${key}\r\n`);
    return (await client.readThrough("END\r\n")) === "END\r\n";
  });
}

function rename(text: string, key: string): string {
  return text.replace(/\bk\b/g, key);
}

describe("a read that ends its item gives the value once more, however large it is", () => {
  for (const cell of cells) {
    test(cell.label, async () => {
      const client = await WireClient.connect(cell.server);
      for (const bytes of [10, 66_000, 400_000]) {
        const value = "v".repeat(bytes);
        // Eight keys: some in the shard of the connection's own thread, some in others.
        for (let index = 0; index < 8; index++) {
          const key = `end${index}`;
          const set = `set ${key} 0 0 ${bytes}\r\n${value}\r\n`;
          await client.ask(set, "STORED\r\n");
          await client.ask(
            `gat -1 ${key}\r\nget ${key}\r\n`,
            `VALUE ${key} 0 ${bytes}\r\n${value}\r\nEND\r\nEND\r\n`,
          );
          await client.ask(set, "STORED\r\n");
          await client.ask(`mg ${key} v T-1\r\nmg ${key}\r\n`, `VA ${bytes}\r\n${value}\r\nEN\r\n`);
        }
      }
      client.destroy();
    });
  }
});
