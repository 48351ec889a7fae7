/**
 * Clients that ask for the list of nodes, following it live: npm's memcached-elasticache and
 * memcache, and one that is as strict as the strictest of each rule.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AutoDiscovery, Memcache } from "memcache";
import ElastiCache from "memcached-elasticache";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";
import { WireClient } from "../support/wire-client.ts";

const NODES = 4;
const POLL_MILLISECONDS = 100;

const folder = mkdtempSync(join(tmpdir(), "shardcached-discovery-"));
const file = join(folder, "nodes");
let servers: TestServer[] = [];

const addresses = (count: number) => servers.slice(0, count).map(({ port }) => `127.0.0.1:${port}`);
const list = (count: number) => writeFileSync(file, `${addresses(count).join("\n")}\n`);

beforeAll(async () => {
  writeFileSync(file, "127.0.0.1:1\n"); // until their ports are known
  servers = await Promise.all(
    Array.from({ length: NODES }, (_, index) =>
      TestServer.start({
        implementation: "shardcached",
        threads: 1 + (index % 2),
        transport: index % 2 === 0 ? "native" : "node",
        ownArgs: ["--cluster", `file://${file}`],
      }),
    ),
  );
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  rmSync(folder, { recursive: true });
});

/**
 * Reads as the strictest clients do: to LF CRLF END CRLF, six lines with an empty one before END,
 * the version alone in its line, single spaces, three fields.
 */
async function strictList(server: TestServer): Promise<{ version: number; nodes: string[] }> {
  const client = await WireClient.connect(server);
  await client.send("config get cluster\r\n");
  const reply = await client.readThrough("END\r\n");
  client.destroy();
  expect(reply).toMatch(/[^\r]\n\r\nEND\r\n$/);
  const lines = reply.split(/\r?\n/);
  expect(lines).toHaveLength(6);
  const [head = "", version = "", nodes = "", empty, end] = lines;
  const [, bytes] = /^CONFIG cluster 0 (\d+)$/.exec(head) ?? [];
  expect(Number(bytes)).toBe(version.length + nodes.length + 2);
  expect([empty, end]).toEqual(["", "END"]);
  expect(reply.slice(head.length + 2)).not.toMatch(/^\d+\r/);
  return {
    version: Number(version),
    nodes: nodes.split(" ").map((node) => {
      const [host, ip, port] = node.split("|");
      expect(ip).toBe("127.0.0.1");
      return `${host}:${port}`;
    }),
  };
}

/** Waits until every node tells the list of `count` nodes under one version. */
async function agreed(count: number): Promise<number> {
  let version = 0;
  await until(async () => {
    const lists = await Promise.all(servers.map(strictList));
    version = lists[0]?.version ?? 0;
    return lists.every(
      (told) => told.version === version && told.nodes.join() === addresses(count).join(),
    );
  });
  return version;
}

describe("the list of nodes", () => {
  test("is the same on all, its version too, and a change raises it", async () => {
    list(3);
    const first = await agreed(3);
    list(4);
    const second = await agreed(4);
    list(3);
    const third = await agreed(3);
    expect(second).toBeGreaterThan(first);
    expect(third).toBeGreaterThan(second);
  });

  test("npm memcached-elasticache follows it, with its data where it hashes it to", async () => {
    list(3);
    await agreed(3);
    const client = new ElastiCache(addresses(1)[0] as string, {
      autoDiscoverInterval: POLL_MILLISECONDS,
    });
    let nodes: readonly string[] = [];
    const failures: unknown[] = [];
    client.on("autoDiscover", (found: readonly string[]) => {
      nodes = found;
    });
    client.on("autoDiscoverFailure", (error: unknown) => failures.push(error));
    await until(() => nodes.length === 3);
    const set = (key: string) =>
      new Promise((resolve) => client.set(key, `value of ${key}`, 0, resolve));
    const get = (key: string) =>
      new Promise((resolve) => client.get(key, (_: unknown, value: unknown) => resolve(value)));
    const keys = Array.from({ length: 200 }, (_, index) => `elasticache-${index}`);
    for (const key of keys) expect(await set(key)).toBeFalsy();
    for (const key of keys) expect(await get(key)).toBe(`value of ${key}`);
    list(4);
    await until(() => nodes.length === 4);
    expect([...nodes].sort()).toEqual(addresses(4).sort());
    const kept = await Promise.all(keys.map(get));
    const hits = kept.filter((value) => value !== undefined).length;
    expect(hits).toBeGreaterThan(100); // about three of four keys stay where they were
    expect(hits).toBeLessThan(200);
    expect(failures).toEqual([]);
    client.end();
  });

  for (const useLegacyCommand of [false, true]) {
    test(`npm memcache follows it, ${useLegacyCommand ? "by the legacy get" : "by config"}`, async () => {
      list(3);
      await agreed(3);
      const client = new Memcache({
        nodes: addresses(1),
        autoDiscover: { enabled: true, pollingInterval: POLL_MILLISECONDS, useLegacyCommand },
      });
      await client.connect();
      await until(() => client.nodeIds.length === 3);
      const keys = Array.from(
        { length: 100 },
        (_, index) => `memcache-${useLegacyCommand}-${index}`,
      );
      for (const key of keys) expect(await client.set(key, `value of ${key}`)).toBe(true);
      for (const key of keys) expect(await client.get(key)).toBe(`value of ${key}`);
      list(4);
      await until(() => client.nodeIds.length === 4);
      expect([...client.nodeIds].sort()).toEqual(addresses(4).sort());
      await client.quit();
    });
  }

  test("npm memcache reads the version and the fields", async () => {
    list(4);
    const version = await agreed(4);
    const discovery = new AutoDiscovery({
      configEndpoint: addresses(1)[0] as string,
      pollingInterval: 60_000,
      useLegacyCommand: false,
      timeout: 5000,
      keepAlive: true,
      keepAliveDelay: 1000,
    });
    const config = await discovery.start();
    expect(config.version).toBe(version);
    expect(config.nodes).toEqual(
      servers.map(({ port }) => ({ hostname: "127.0.0.1", ip: "127.0.0.1", port })),
    );
    await discovery.stop();
  });
});
