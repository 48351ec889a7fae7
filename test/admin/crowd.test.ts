/**
 * The admin port of a real server when too much is asked of it: more connections than descriptors,
 * more silent clients than it has places, and values longer than anybody wants to see.
 */
import { spawnSync } from "node:child_process";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";
import { WireClient } from "../support/wire-client.ts";

let server: TestServer | null = null;
const sockets: Socket[] = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await server?.stop();
  server = null;
});

/** A server, and where its admin port is: its log says. */
async function start(args: readonly string[] = []): Promise<URL> {
  server = await TestServer.start({
    implementation: "shardcached",
    threads: 2,
    transport: "native",
    ownArgs: ["--admin-listen", "127.0.0.1:0", ...args],
  });
  const url = () => /http:\/\/127\.0\.0\.1:\d+\//.exec(server?.stderr ?? "")?.[0];
  await until(() => url() !== undefined);
  return new URL(url() as string);
}

/** Connects `count` times and leaves it at `text`. */
async function crowd(port: number, count: number, text: string): Promise<Socket[]> {
  const mine = Array.from({ length: count }, () => {
    const socket = connect(port, "127.0.0.1");
    socket.on("error", () => socket.destroy());
    socket.resume();
    sockets.push(socket);
    return socket;
  });
  await Promise.all(
    mine.map(
      (socket) =>
        new Promise<void>((resolve) => {
          socket.once("connect", () => socket.write(text, () => resolve()));
          socket.once("close", () => resolve());
        }),
    ),
  );
  return mine;
}

describe("the admin port", () => {
  test("answers probes beside any number of clients that say nothing more", async () => {
    const url = await start();
    for (const text of [
      "GET",
      "",
      "GET / HTTP/1.1\r\nHost: x\r\n",
      "POST /api/v1/login HTTP/1.1\r\n",
    ]) {
      const silent = await crowd(Number(url.port), 300, text);
      for (let probe = 0; probe < 5; probe++) {
        const began = performance.now();
        const answer = await fetch(new URL("healthz", url), {
          headers: { connection: "close" },
          signal: AbortSignal.timeout(10_000),
        });
        expect(answer.status, text).toBe(200);
        expect(performance.now() - began).toBeLessThan(5000);
      }
      const open = silent.filter((socket) => !socket.destroyed && socket.readyState === "open");
      expect(open.length).toBeLessThanOrEqual(64); // of one address
    }
  });

  test("cuts off who does not finish its headers within seconds", async () => {
    const url = await start();
    const [socket] = await crowd(Number(url.port), 1, "GET / HTTP/1.1\r\n");
    const began = performance.now();
    await until(() => socket?.destroyed === true);
    expect(performance.now() - began).toBeLessThan(20_000);
  });

  test("shows the beginning of a value of 100 MB as fast as that of a short one", async () => {
    const url = await start(["-m", "512", "-I", "120m"]);
    const bytes = 100_000_000;
    const client = await WireClient.connect(server as TestServer);
    await client.send(
      Buffer.concat([Buffer.from(`set big 0 0 ${bytes}\r\n`), Buffer.alloc(bytes, "v")]),
    );
    await client.ask("\r\n", "STORED\r\n");
    client.destroy();
    const id = Buffer.from("big").toString("base64url");
    const began = performance.now();
    const answer = await fetch(new URL(`api/v1/keys/${id}`, url));
    const item = (await answer.json()) as Record<string, unknown>;
    expect(answer.status).toBe(200);
    expect(performance.now() - began).toBeLessThan(4000);
    expect(item).toMatchObject({ valueBytes: bytes, truncated: true });
    expect(Buffer.from(item["value"] as string, "base64")).toEqual(Buffer.alloc(65_536, "v"));
    const short = await fetch(new URL(`api/v1/keys/${id}?limit=3`, url));
    expect(((await short.json()) as Record<string, unknown>)["value"]).toBe("dnZ2");
  });
});

describe("out of descriptors", () => {
  test("the server refuses, says so, and serves on", async () => {
    const url = await start();
    const { pid, port } = server as TestServer;
    const client = await WireClient.connect(server as TestServer);
    await client.ask("set k 0 0 1\r\nv\r\n", "STORED\r\n");
    // What is open now is all there will be.
    const limit = spawnSync("prlimit", ["--pid", String(pid), "--nofile=40:4096"]);
    expect(limit.status, String(limit.stderr)).toBe(0);
    await crowd(Number(url.port), 60, "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await crowd(port, 60, "get k\r\n");
    await new Promise((resolve) => setTimeout(resolve, 3000)); // three ticks of everything
    await client.ask("get k\r\n", "VALUE k 0 1\r\nv\r\nEND\r\n");
    spawnSync("prlimit", ["--pid", String(pid), "--nofile=4096:4096"]);
    for (const socket of sockets.splice(0)) socket.destroy();
    await until(async () => {
      const answer = await fetch(new URL("api/v1/overview", url)).catch(() => null);
      return answer?.status === 200;
    });
    await client.ask("get k\r\n", "VALUE k 0 1\r\nv\r\nEND\r\n");
    client.destroy();
  });
});
