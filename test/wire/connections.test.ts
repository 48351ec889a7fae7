/**
 * What connections do besides asking politely: pipelines, slow readers, half-closes, resets,
 * crowds.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { fleet } from "../support/server-matrix.ts";
import { stat } from "../support/stat.ts";
import type { TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";
import { WireClient } from "../support/wire-client.ts";

const MIB = 1024 * 1024;
/**
 * What a server may grow by while clients misbehave: buffers of a bounded number of connections.
 */
const GROWTH_BYTES_MAX = 96 * MIB;

const cells = fleet();

describe("10 000 pipelined requests are answered in order", () => {
  for (const cell of cells) {
    test(cell.label, async () => {
      const client = await WireClient.connect(cell.server);
      const requests: string[] = [];
      const replies: string[] = [];
      for (let index = 0; index < 2500; index++) {
        const value = `${index}`.padStart(5, "0");
        requests.push(
          `set p${index % 100} ${index} 0 5\r\n${value}\r\n`,
          `get p${index % 100}\r\n`,
        );
        replies.push("STORED\r\n", `VALUE p${index % 100} ${index} 5\r\n${value}\r\nEND\r\n`);
        requests.push(`incr p${index % 100} 1\r\n`, "bogus\r\n");
        replies.push(`${index + 1}\r\n`, "ERROR\r\n");
      }
      await client.ask(requests.join(""), replies.join(""));
      client.destroy();
    });
  }
});

describe("a pipeline of large values is answered in order", () => {
  for (const cell of cells) {
    test(cell.label, async () => {
      const client = await WireClient.connect(cell.server);
      const value = (index: number) => String.fromCharCode(97 + (index % 26)).repeat(200_000);
      const requests: string[] = [];
      const replies: string[] = [];
      for (let index = 0; index < 20; index++) {
        requests.push(`set large${index} 0 0 200000\r\n${value(index)}\r\nget large${index}\r\n`);
        replies.push(`STORED\r\nVALUE large${index} 0 200000\r\n${value(index)}\r\nEND\r\n`);
      }
      await client.ask(requests.join(""), replies.join(""));
      client.destroy();
    });
  }
});

describe("a client that asks and does not read costs bounded memory, and gets every byte later", () => {
  for (const cell of cells) {
    test(cell.label, async () => {
      const { server } = cell;
      const client = await WireClient.connect(server);
      const value = "s".repeat(100_000);
      await client.ask(`set slow 0 0 100000\r\n${value}\r\n`, "STORED\r\n");
      const before = server.residentBytes();
      const count = 1500;
      client.pause();
      const sent = client.send("get slow\r\n".repeat(count));
      await othersAreServed(server);
      await server.atRest();
      expect(server.residentBytes() - before).toBeLessThan(GROWTH_BYTES_MAX);
      const reply = Buffer.from(`VALUE slow 0 100000\r\n${value}\r\nEND\r\n`);
      await expectRepeated(client, reply, count, sent);
      client.destroy();
    });
  }
});

describe("clients that read slowly do not hold the others up", () => {
  for (const cell of cells) {
    test(cell.label, async () => {
      const { server } = cell;
      const value = "s".repeat(100_000);
      const clients = await connectMany(server, 16);
      await (clients[0] as WireClient).ask(`set slow 0 0 100000\r\n${value}\r\n`, "STORED\r\n");
      for (const client of clients) {
        client.pause();
        void client.send("get slow\r\n".repeat(200));
      }
      for (let round = 0; round < 20; round++) await othersAreServed(server);
      for (const client of clients) client.destroy();
      await othersAreServed(server);
    });
  }
});

describe("a half-closed client still gets its replies, then the end", () => {
  for (const cell of cells) {
    test(cell.label, async () => {
      const client = await WireClient.connect(cell.server);
      await client.send("set h 0 0 1\r\nH\r\nget h\r\nversion\r\n");
      client.end();
      await client.expect(
        `STORED\r\nVALUE h 0 1\r\nH\r\nEND\r\nVERSION ${cell.server.version}\r\n`,
      );
      await client.expectClose();
      client.destroy();
    });
  }
});

describe("an incomplete request at the end is dropped", () => {
  for (const cell of cells) {
    test(cell.label, async () => {
      for (const start of [
        "set part 0 0 10\r\nabc",
        "get part",
        "set part 0 0 3\r\nabc",
        "mg par",
      ]) {
        const client = await WireClient.connect(cell.server);
        await client.send(start);
        client.end();
        await client.expectClose();
        client.destroy();
      }
      const client = await WireClient.connect(cell.server);
      await client.ask("get part\r\n", "END\r\n");
      client.destroy();
    });
  }
});

describe("a reset in the middle of a value, at every stage, many times", () => {
  for (const cell of cells) {
    test(cell.label, async () => {
      const { server } = cell;
      const before = await openConnections(server);
      const half = "x".repeat(300_000);
      for (let round = 0; round < 100; round++) {
        const client = await WireClient.connect(server);
        await client.send(`set reset 0 0 600000\r\n${round % 2 === 0 ? half : ""}`);
        client.reset();
      }
      const client = await WireClient.connect(server);
      await client.ask("get reset\r\n", "END\r\n");
      await client.ask(`set reset 0 0 300000\r\n${half}\r\n`, "STORED\r\n");
      for (let round = 0; round < 50; round++) {
        const reader = await WireClient.connect(server);
        await reader.send("get reset\r\n".repeat(20));
        reader.reset();
      }
      await client.ask("get reset\r\n", `VALUE reset 0 300000\r\n${half}\r\nEND\r\n`);
      await until(async () => (await openConnections(server)) <= before + 1);
      client.destroy();
    });
  }
});

describe("half-received values of gone clients are given back", () => {
  for (const cell of cells) {
    test(cell.label, async () => {
      const { server } = cell;
      const before = await openConnections(server);
      const half = "x".repeat(500_000);
      for (let round = 0; round < 20; round++) {
        const clients = await connectMany(server, 10);
        await Promise.all(
          clients.map((client, index) => client.send(`set gone${index} 0 0 1000000\r\n${half}`)),
        );
        for (const client of clients) client.destroy();
      }
      // On a busy machine the server hears of it later.
      await until(async () => (await openConnections(server)) <= before);
      // 100 MB were begun in a cache of 64: had any been kept, these could not all be there.
      const client = await WireClient.connect(server);
      for (let index = 0; index < 20; index++) {
        await client.ask(`set kept${index} 0 0 500000\r\n${half}\r\n`, "STORED\r\n");
      }
      const line = `VALUE kept19 0 500000\r\n${half}\r\nEND\r\n`;
      await client.ask("get kept19\r\n", line);
      client.destroy();
    });
  }
});

const yielding = fleet({ args: ["-R", "5"], size: "small" });

describe("-R: a long pipeline steps aside, and is counted", () => {
  for (const cell of yielding) {
    test(cell.label, async () => {
      const client = await WireClient.connect(cell.server);
      const before = Number(await stat(cell.server, "conn_yields"));
      await client.ask("get absent\r\n".repeat(10_000), "END\r\n".repeat(10_000));
      expect(Number(await stat(cell.server, "conn_yields"))).toBeGreaterThan(before);
      client.destroy();
    });
  }
});

const narrow = fleet({ ownArgs: ["-o", "socket_threads=1"], size: "small", oracle: false });

describe("-o socket_threads=1: one worker serves every connection, all of them their shards", () => {
  for (const cell of narrow.filter(({ spec }) => spec.transport === "native")) {
    test(cell.label, async () => {
      const clients: WireClient[] = [];
      for (let number = 0; number < 6; number++) {
        const client = await WireClient.connect(cell.server);
        await client.ask(`set key-${number} 0 0 1\r\nx\r\n`, "STORED\r\n");
        await client.ask(`get key-${number}\r\n`, `VALUE key-${number} 0 1\r\nx\r\nEND\r\n`);
        clients.push(client);
      }
      await clients[0]?.send("stats workers\r\n");
      const stats = (await clients[0]?.readThrough("END\r\n")) ?? "";
      const gets = [...stats.matchAll(/^STAT \d+:cmd_get (\d+)\r$/gm)].map(([, count]) =>
        Number(count),
      );
      expect(gets.length).toBeGreaterThan(1);
      expect(gets.filter((count) => count > 0)).toEqual([6]);
      for (const client of clients) client.destroy();
    });
  }
});

const limited = fleet({ args: ["-c", "64"], size: "small" });

describe("-c: connections over the limit are told so and closed, and counted", () => {
  for (const cell of limited) {
    test(cell.label, async () => {
      const { server } = cell;
      const clients = await connectMany(server, 100);
      let refused = 0;
      for (const client of clients) {
        await client.send("version\r\n").catch(() => undefined);
        const text = await client
          .readUntil((got) => got.indexOf("\n") + 1)
          .then((bytes) => bytes.toString())
          .catch(() => "reset");
        // The refusal may be lost to the reset that our unread `version` provokes.
        if (text.startsWith("VERSION")) continue;
        expect(["ERROR Too many open connections\r\n", "reset"]).toContain(text);
        refused++;
      }
      expect(refused).toBeGreaterThanOrEqual(36);
      expect(refused).toBeLessThan(80);
      for (const client of clients) client.destroy();
      await until(async () => {
        const client = await WireClient.connect(server);
        await client.send("version\r\n").catch(() => undefined);
        const line = await client.readUntil((got) => got.indexOf("\n") + 1).catch(() => "");
        client.destroy();
        return line.toString().startsWith("VERSION");
      });
      expect(Number(await stat(server, "rejected_connections"))).toBeGreaterThanOrEqual(refused);
      expect(Number(await stat(server, "max_connections"))).toBe(64);
    });
  }
});

describe("-c: the refusal reads ERROR Too many open connections", () => {
  for (const cell of limited) {
    test(cell.label, async () => {
      const clients = await connectMany(cell.server, 80);
      await (clients[79] as WireClient).expect("ERROR Too many open connections\r\n");
      await (clients[79] as WireClient).expectClose();
      for (const client of clients) client.destroy();
      await until(async () => (await openConnections(cell.server).catch(() => 99)) < 5);
    });
  }
});

/** Not memcached: how many it takes depends on the descriptors it has of its own. */
const waiting = fleet({
  args: ["-c", "16", "-o", "no_maxconns_fast"],
  size: "small",
  oracle: false,
});

describe("-o no_maxconns_fast: connections over the limit wait, and are served as others leave", () => {
  for (const cell of waiting) {
    test(cell.label, async () => {
      const { server } = cell;
      const first = await connectMany(server, 16);
      for (const client of first) await client.ask("mn\r\n", "MN\r\n");
      const late = await connectMany(server, 4);
      for (const client of late) await client.send("version\r\n");
      const [asker, ...leavers] = first as [WireClient, ...WireClient[]];
      await asker.send("stats\r\n");
      expect(await asker.readThrough("END\r\n")).toMatch(/STAT accepting_conns 0\r\n/);
      for (const client of leavers.slice(0, 4)) client.destroy();
      for (const client of late) await client.expect(`VERSION ${server.version}\r\n`);
      await asker.send("stats\r\n");
      expect(await asker.readThrough("END\r\n")).toMatch(/STAT listen_disabled_num 1\r\n/);
      for (const client of [...first, ...late]) client.destroy();
      await until(async () => Number(await stat(server, "time_in_listen_disabled_us")) > 0);
    });
  }
});

const idle = fleet({ args: ["-o", "idle_timeout=1"], size: "small" });

describe("idle_timeout: silent connections are closed without a word, busy ones are not", () => {
  for (const cell of idle) {
    test.concurrent(cell.label, async () => {
      const silent = await WireClient.connect(cell.server);
      const busy = await WireClient.connect(cell.server);
      const closed = silent.expectClose();
      let isClosed = false;
      void closed.then(() => {
        isClosed = true;
      });
      for (let round = 0; round < 80 && !isClosed; round++) {
        await busy.ask("version\r\n", `VERSION ${cell.server.version}\r\n`);
        await sleep(100);
      }
      await closed;
      await busy.ask("version\r\n", `VERSION ${cell.server.version}\r\n`);
      expect(Number(await stat(cell.server, "idle_kicks"))).toBeGreaterThanOrEqual(1);
      busy.destroy();
      silent.destroy();
    });
  }
});

describe("idle_timeout closes who waits for a command, and nobody in the middle of something", () => {
  for (const cell of idle) {
    test.concurrent(cell.label, async () => {
      const { server } = cell;
      const [reader, watcher, writer, typist] = await Promise.all([
        WireClient.connect(server),
        WireClient.connect(server),
        WireClient.connect(server),
        WireClient.connect(server),
      ]);
      const value = "s".repeat(100_000);
      const reply = Buffer.from(`VALUE unread 0 100000\r\n${value}\r\nEND\r\n`);
      await reader.ask(`set unread 0 0 100000\r\n${value}\r\n`, "STORED\r\n");
      reader.pause();
      const sent = reader.send("get unread\r\n".repeat(200));
      await watcher.ask("watch connevents\r\n", "OK\r\n");
      await writer.send("set half 0 0 10\r\nhello");
      await typist.send("get hal"); // of a command, so it waits for one
      const typed = typist.expectClose();
      await closedAsIdle(server);
      await closedAsIdle(server); // in a later second: on every thread, the others have been looked at
      await typed;
      await writer.ask("world\r\n", "STORED\r\n");
      await expectRepeated(reader, reply, 200, sent);
      await watcher.collect((got) => got.toString("latin1").includes("reason=idle_timeout"), 8000);
      for (const client of [reader, watcher, writer, typist]) client.destroy();
    });
  }
});

async function closedAsIdle(server: TestServer): Promise<void> {
  const silent = await WireClient.connect(server);
  await silent.expectClose();
  silent.destroy();
}

const crowded = fleet({ args: ["-c", "10200"], size: "small" });

describe("10 000 connections are served at once", () => {
  for (const cell of crowded) {
    test(cell.label, async () => {
      const { server } = cell;
      const clients: WireClient[] = [];
      for (let batch = 0; batch < 100; batch++) clients.push(...(await connectMany(server, 100)));
      for (let batch = 0; batch < 10_000; batch += 500) {
        await Promise.all(
          clients.slice(batch, batch + 500).map(async (client, index) => {
            const key = `crowd${(batch + index) % 1000}`;
            await client.ask(`set ${key} 0 0 5\r\ncrowd\r\n`, "STORED\r\n");
            await client.ask(`get ${key}\r\n`, `VALUE ${key} 0 5\r\ncrowd\r\nEND\r\n`);
          }),
        );
      }
      expect(Number(await stat(server, "curr_connections"))).toBeGreaterThanOrEqual(10_000);
      for (const client of clients) client.destroy();
      await until(async () => (await openConnections(server)) < 10);
    });
  }
});

async function connectMany(server: TestServer, count: number): Promise<WireClient[]> {
  return Promise.all(Array.from({ length: count }, () => WireClient.connect(server)));
}

async function othersAreServed(server: TestServer): Promise<void> {
  const client = await WireClient.connect(server);
  await client.ask("version\r\n", `VERSION ${server.version}\r\n`);
  client.destroy();
}

/** Reads `count` times the same bytes without keeping them all. */
async function expectRepeated(
  client: WireClient,
  reply: Buffer,
  count: number,
  sent: Promise<void>,
): Promise<void> {
  client.resume();
  for (let index = 0; index < count; index++) {
    const bytes = await client.readUntil((got) => (got.length >= reply.length ? reply.length : 0));
    if (!bytes.equals(reply)) throw new Error(`reply ${index} of ${count} differs`);
  }
  await sent;
}

async function openConnections(server: TestServer): Promise<number> {
  return Number(await stat(server, "curr_connections"));
}
