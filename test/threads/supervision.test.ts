/**
 * A worker that dies in the middle of a write, as a client and its neighbours see it: its own
 * connections close, everybody else's go on, a new worker takes the shard over, and all that was
 * stored is still there.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, renameSync } from "node:fs";
import { Agent, get } from "node:http";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, test } from "vitest";
import { SHARDCACHED_MAIN, TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";
import { WireClient } from "../support/wire-client.ts";

const ITEMS = 600;
const CLIENTS = 8;

let server: TestServer | undefined;

afterEach(() => {
  // Only after a failure is it still there: a test that passes has ended it in order.
  server?.kill("SIGKILL");
  server = undefined;
});

async function startServer(
  transport: "native" | "node",
  options = "debug",
  admin = "none",
): Promise<TestServer> {
  server = await TestServer.start({
    implementation: "shardcached",
    threads: 2,
    transport,
    ownArgs: ["-o", options, "--admin-listen", admin],
  });
  return server;
}

async function storeAll(clients: readonly WireClient[]): Promise<void> {
  for (let item = 0; item < ITEMS; item++) {
    const client = clients[item % clients.length] as WireClient;
    await client.ask(
      `set item:${item} 0 0 4\r\n${String(item).padStart(4, "0")}\r\n`,
      "STORED\r\n",
    );
  }
}

async function countStored(client: WireClient): Promise<number> {
  let stored = 0;
  for (let item = 0; item < ITEMS; item++) {
    await client.send(`get item:${item}\r\n`);
    const reply = await client.readThrough("END\r\n");
    if (reply.includes(`\r\n${String(item).padStart(4, "0")}\r\n`)) stored++;
  }
  return stored;
}

/**
 * Sets one key after the other until each of `clients` has failed or has had `rounds`; how many
 * failed.
 */
async function countCutOff(clients: readonly WireClient[], rounds: number): Promise<number> {
  const cutOff = new Set<WireClient>();
  for (let round = 0; round < rounds; round++) {
    for (const client of clients) {
      if (cutOff.has(client)) continue;
      await client.send(`set round:${round} 0 0 1\r\nx\r\n`).catch(() => cutOff.add(client));
      // The request the worker died in is answered by its successor: nobody knows whether it took
      // effect.
      await client.readUntil((got) => got.indexOf("\n") + 1).catch(() => cutOff.add(client));
    }
  }
  return cutOff.size;
}

describe("a worker that dies in the middle of a write", () => {
  // Only a worker that serves sockets has connections to lose: half of them, of two. Where nobody
  // lends, worker 1 dies in its own shard; where one does, worker 1 or, of a single one with
  // sockets, worker 0 may die in another's.
  for (const [transport, options, dying, lost] of [
    ["native", "debug,no_lending", 1, CLIENTS / 2],
    ["native", "debug,no_lending,socket_threads=1", 1, 0],
    ["node", "debug,no_lending", 1, 0],
    ["native", "debug", 1, CLIENTS / 2],
    ["native", "debug,socket_threads=1", 0, CLIENTS],
  ] as const) {
    test(`is replaced, and its shard is served (${transport}, -o ${options})`, async () => {
      const server = await startServer(transport, options);
      const clients: WireClient[] = [];
      for (let client = 0; client < CLIENTS; client++)
        clients.push(await WireClient.connect(server));
      await storeAll(clients);
      await (clients[0] as WireClient).ask(`debugtime fault ${dying}\r\n`, "OK\r\n");
      const cutOff = await countCutOff(clients, 30);
      expect(cutOff).toBe(lost);
      await until(() => server.stderr.includes("serves its shard again"));
      const late = await WireClient.connect(server);
      expect(await countStored(late)).toBe(ITEMS);
      for (let key = 0; key < 50; key++) {
        await late.ask(`set after:${key} 0 0 2\r\nok\r\n`, "STORED\r\n");
      }
      for (const client of [...clients, late]) client.destroy();
      expect(server.hasExited).toBe(false);
      server.kill("SIGTERM");
      expect(await server.ended()).toBe(0);
    });
  }
});

/** The soft limit of descriptors of a process: nothing new can be opened below those it has. */
function limitDescriptors(pid: number, soft: number): void {
  const { status, stderr } = spawnSync("prlimit", ["--pid", String(pid), `--nofile=${soft}:`]);
  expect(`${status} ${stderr}`).toBe("0 ");
}

/** Sets 40 keys, one after the other, and gives the replies there were, one of each. */
async function setReplies(client: WireClient, round: string): Promise<string[]> {
  const replies = new Set<string>();
  for (let key = 0; key < 40; key++) {
    await client.send(`set ${round}:${key} 0 0 1\r\nx\r\n`);
    const line = await client.readUntil((got) => got.indexOf("\n") + 1);
    replies.add(line.toString("latin1").trim());
  }
  return [...replies].sort();
}

/** What an admin address answers, over a connection of `agent`. */
function answer(url: string, agent: Agent): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve({ status: response.statusCode, text }));
    });
    request.on("error", reject);
  });
}

/** Clients of the worker that dies are cut off: one that is left. */
async function survivorOf(clients: readonly WireClient[], dying: number): Promise<WireClient> {
  await clients[0]?.ask(`debugtime fault ${dying}\r\n`, "OK\r\n");
  const failed = new Set<WireClient>();
  for (let round = 0; round < 30; round++) {
    for (const client of clients) {
      if (failed.has(client)) continue;
      await client.send(`set fault:${round} 0 0 1\r\nx\r\n`).catch(() => failed.add(client));
      await client.readUntil((got) => got.indexOf("\n") + 1).catch(() => failed.add(client));
    }
  }
  return clients.find((client) => !failed.has(client)) as WireClient;
}

describe("a worker whose successor cannot start", () => {
  test("is known to /readyz and to the health sentence, until there is one", async () => {
    const server = await startServer("native", "debug,no_lending", "127.0.0.1:0");
    const clients: WireClient[] = [];
    for (let client = 0; client < CLIENTS; client++) {
      clients.push(await WireClient.connect(server));
    }
    const urlOf = () => /admin HTTP on (http:\/\/[^\s"]+)/.exec(server.stderr)?.[1];
    await until(() => urlOf() !== undefined);
    // One connection for all that is asked: there is no descriptor for another.
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const asked = (path: string) => answer(`${urlOf()}${path}`, agent);
    expect(await asked("readyz")).toEqual({ status: 200, text: "ready\n" });
    limitDescriptors(server.pid, 3);
    await survivorOf(clients, 1);
    await until(() => server.stderr.includes("shard 1 has no thread"));
    expect(await asked("readyz")).toEqual({ status: 503, text: "lacks a thread\n" });
    await until(async () => (await asked("api/v1/overview")).text.includes("Shard 1: the thread"));
    limitDescriptors(server.pid, 4096);
    await until(async () => (await asked("readyz")).status === 200);
    expect(server.stderr).toContain("worker 1 serves its shard again");
    agent.destroy();
    for (const client of clients) client.destroy();
    server.kill("SIGTERM");
    expect(await server.ended()).toBe(0);
  });

  for (const transport of ["native", "node"] as const) {
    test(`is missed for as long as descriptors are, its requests are refused meanwhile (${transport})`, async () => {
      const server = await startServer(transport, "debug,no_lending");
      const clients: WireClient[] = [];
      for (let client = 0; client < CLIENTS; client++) {
        clients.push(await WireClient.connect(server));
      }
      await until(() => server.stderr.includes("serving")); // and all of its own is loaded
      limitDescriptors(server.pid, 3);
      const survivor = await survivorOf(clients, 1);
      await until(() => server.stderr.includes("shard 1 has no thread"));
      expect(await setReplies(survivor, "away")).toEqual([
        "SERVER_ERROR the shard restarted, the outcome is unknown",
        "STORED",
      ]);
      limitDescriptors(server.pid, 4096);
      await until(() => server.stderr.includes("worker 1 serves its shard again"));
      expect(await setReplies(survivor, "back")).toEqual(["STORED"]);
      for (const client of clients) client.destroy();
      server.kill("SIGTERM");
      expect(await server.ended()).toBe(0);
    });

    test(`is no case of files that are gone: all it takes is in memory (${transport})`, async () => {
      const server = await startServer(transport, "debug,no_lending");
      const clients: WireClient[] = [];
      for (let client = 0; client < CLIENTS; client++) {
        clients.push(await WireClient.connect(server));
      }
      await until(() => server.stderr.includes("serving")); // and all of its own is loaded
      const built = dirname(dirname(SHARDCACHED_MAIN));
      const away = `${built}-away-${process.pid}`;
      const files = join(built, "workers");
      renameSync(files, away);
      try {
        const survivor = await survivorOf(clients, 1);
        await until(() => server.stderr.includes("worker 1 serves its shard again"));
        expect(await setReplies(survivor, "back")).toEqual(["STORED"]);
      } finally {
        renameSync(away, files);
      }
      expect(existsSync(join(files, "shard.js"))).toBe(true);
      for (const client of clients) client.destroy();
      server.kill("SIGTERM");
      expect(await server.ended()).toBe(0);
    });
  }
});

describe("workers that die again and again", () => {
  // koffi keeps three mappings of each thread that has ended (src/libc/c-library.ts). V8 maps and
  // unmaps some of its own: a mapping or two of ours a death would be more than that.
  const DEATHS = 24;
  const KOFFI_MAPPINGS = 3;
  const OTHERS = DEATHS;
  /** Most deaths are followed by the longest pause, 2 s. */
  const DEATHS_MILLISECONDS_MAX = 180_000;

  for (const kind of ["native", "epoll"] as const) {
    test(
      `leave no mapping of ours behind (${kind})`,
      async () => {
        const server = await TestServer.start({
          implementation: "shardcached",
          threads: 2,
          transport: "native",
          ownArgs: ["-o", "debug,no_lending", "--transport", kind],
        });
        let deaths = 0;
        const die = async (): Promise<void> => {
          const client = await WireClient.connect(server);
          await client.ask("debugtime fault 1\r\n", "OK\r\n");
          client.destroy();
          deaths++;
          while (server.stderr.split("serves its shard again").length <= deaths) {
            const writer = await WireClient.connect(server);
            await countCutOff([writer], 4);
            writer.destroy();
          }
        };
        for (let death = 0; death < 4; death++) await die();
        const before = mappings(server.pid);
        for (let death = 0; death < DEATHS; death++) await die();
        expect(mappings(server.pid) - before).toBeLessThan(DEATHS * KOFFI_MAPPINGS + OTHERS);
        server.kill("SIGTERM");
        expect(await server.ended()).toBe(0);
      },
      DEATHS_MILLISECONDS_MAX,
    );
  }
});

function mappings(pid: number): number {
  return readFileSync(`/proc/${pid}/maps`, "latin1").split("\n").length;
}

describe("debugtime", () => {
  for (const transport of ["native", "node"] as const) {
    test(`moves the clock of a worker that sleeps before what wakes it is served (${transport})`, async () => {
      const server = await startServer(transport);
      // Two connections: of two threads with sockets, each has one.
      const clients = [await WireClient.connect(server), await WireClient.connect(server)];
      for (let round = 0; round < 20; round++) {
        const [first, second] = round % 2 === 0 ? clients : clients.toReversed();
        await first?.ask("set short 0 100 1\r\nx\r\n", "STORED\r\n");
        await second?.ask("get short\r\n", "VALUE short 0 1\r\nx\r\nEND\r\n");
        await sleep(5);
        await first?.ask("debugtime 200\r\n", "OK\r\n");
        await second?.ask("get short\r\n", "END\r\n");
      }
      for (const client of clients) client.destroy();
      await server.stop();
    });
  }

  test("moves the clock for every worker", async () => {
    const server = await startServer("native");
    const client = await WireClient.connect(server);
    for (let key = 0; key < 20; key++) {
      await client.ask(`set short:${key} 0 100 1\r\nx\r\n`, "STORED\r\n");
      await client.ask(`set long:${key} 0 1000 1\r\nx\r\n`, "STORED\r\n");
    }
    await client.ask("debugtime 200\r\n", "OK\r\n");
    const short = Array.from({ length: 20 }, (_, key) => `short:${key}`).join(" ");
    await until(async () => {
      await client.send(`get ${short}\r\n`);
      return (await client.readThrough("END\r\n")) === "END\r\n";
    });
    for (let key = 0; key < 20; key++) {
      await client.ask(`get long:${key}\r\n`, `VALUE long:${key} 0 1\r\nx\r\nEND\r\n`);
    }
    client.destroy();
    await server.stop();
  });
});
