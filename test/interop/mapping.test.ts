/**
 * Families of mappings against the clients themselves: each stores a thousand keys on three nodes,
 * and every key must lie where the family says. Weights, and memcached's own port, which ketama
 * leaves out of names, are asked of PHP's library, which tells where a key belongs.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Memcache } from "memcache";
import Memcached from "memcached";
import { Client as MemjsClient } from "memjs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { familyOf, type MappedNode } from "../../src/cluster/mapping/families.ts";
import { missing, runProgram } from "../support/run-program.ts";
import { TestServer } from "../support/test-server.ts";
import { WireClient } from "../support/wire-client.ts";

const KEYS = Array.from({ length: 1000 }, (_, number) => `key-${number}`);
const NODES = 3;
const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const PHP = at("./php/mapping.php");
const PYTHON = at("./python/mapping.py");
const RUBY = at("./ruby/mapping.rb");

let servers: TestServer[] = [];
beforeAll(async () => {
  servers = await Promise.all(
    Array.from({ length: NODES }, () =>
      TestServer.start({ implementation: "shardcached", threads: 1, transport: "native" }),
    ),
  );
});
afterAll(() => Promise.all(servers.map((server) => server.stop())));

const addresses = () => servers.map(({ port }) => `127.0.0.1:${port}`);

function nodesOf(weights: readonly number[] = [1, 1, 1]): MappedNode[] {
  return servers.map(({ port }, index) => ({
    host: "127.0.0.1",
    port,
    weight: weights[index] as number,
  }));
}

/** The node each key lies on; -1 where none has it. */
async function placesOfKeys(): Promise<number[]> {
  const places = KEYS.map(() => -1);
  for (const [index, server] of servers.entries()) {
    const client = await WireClient.connect(server);
    await client.send(`${KEYS.map((key) => `mg ${key}\r\n`).join("")}mn\r\n`);
    const lines = (await client.readThrough("MN\r\n")).split("\r\n");
    KEYS.forEach((_, number) => {
      if (lines[number] === "HD") places[number] = index;
    });
    await client.ask("flush_all\r\n", "OK\r\n");
    client.destroy();
  }
  return places;
}

async function expectMapping(family: string, weights?: readonly number[]): Promise<void> {
  const mapping = familyOf(family)?.build(nodesOf(weights));
  expect(await placesOfKeys()).toEqual(KEYS.map((key) => mapping?.(key)));
}

const PROGRAMS = [
  { client: "php: OPT_LIBKETAMA_COMPATIBLE", family: "ketama", run: ["php", PHP, "ketama"] },
  { client: "php: CONSISTENT", family: "consistent", run: ["php", PHP, "consistent"] },
  { client: "php: CONSISTENT, md5", family: "consistent-md5", run: ["php", PHP, "consistent-md5"] },
  { client: "php by default", family: "modula", run: ["php", PHP, "modula"] },
  ...[
    ["pylibmc ketama_weighted", "ketama"],
    ["pylibmc ketama", "consistent"],
    ["pylibmc ketama md5", "consistent-md5"],
    ["pylibmc", "modula"],
    ["python-memcached", "modula-crc32"],
    ["pymemcache", "rendezvous"],
  ].map(([client = "", family = ""]) => ({
    client,
    family,
    run: ["/usr/bin/python3", PYTHON, client],
  })),
  { client: "dalli", family: "dalli", run: ["ruby", RUBY] },
];

describe("a thousand keys of a thousand lie where the family says", () => {
  for (const { client, family, run } of PROGRAMS) {
    const [program = "", ...args] = run;
    const reason = missing(program);
    test.skipIf(reason !== "")(`${client}: ${family}${reason}`, async () => {
      const { stdout, stderr } = await runProgram(program, [...args, ...addresses()]);
      expect(stdout, stderr).toBe("stored\n");
      await expectMapping(family);
    });
  }

  test.skipIf(missing("php") !== "")(
    "php: OPT_LIBKETAMA_COMPATIBLE with weights: ketama",
    async () => {
      const { stdout, stderr } = await runProgram("php", [PHP, "ketama-weighted", ...addresses()]);
      expect(stdout, stderr).toBe("stored\n");
      await expectMapping("ketama", [1, 2, 3]);
    },
  );

  test("npm memcached: ketama", async () => {
    const client = new Memcached(addresses(), { timeout: 10_000 });
    for (const key of KEYS) {
      await new Promise((resolve) => client.set(key, "x", 0, resolve));
    }
    client.end();
    await expectMapping("ketama");
  });

  test("npm memjs: modula-memjs", async () => {
    const client = MemjsClient.create(addresses().join(","), {});
    for (const key of KEYS) await client.set(key, "x", {});
    client.close();
    await expectMapping("modula-memjs");
  });

  test("npm memcache: npm-memcache", async () => {
    const client = new Memcache({ nodes: addresses() });
    await client.connect();
    for (const key of KEYS) expect(await client.set(key, "x")).toBe(true);
    await client.quit();
    await expectMapping("npm-memcache");
  });
});

describe.skipIf(missing("php") !== "")("PHP's libmemcached, asked where keys belong", () => {
  for (const [count, port] of [
    [2, 11_211],
    [3, 11_211],
    [7, 11_311],
    [50, 11_211],
    [100, 11_211],
  ] as const) {
    test(`ketama of ${count} nodes at port ${port}, weights 1 to 5`, () => {
      const nodes = Array.from({ length: count }, (_, index) => ({
        host: `cache-${index}.example`,
        port,
        weight: 1 + (index % 5),
      }));
      const script = `
        $client = new Memcached();
        $client->setOption(Memcached::OPT_LIBKETAMA_COMPATIBLE, true);
        foreach (json_decode($argv[1]) as $node) {
          $client->addServer($node->host, $node->port, $node->weight);
        }
        for ($i = 0; $i < 5000; $i++) echo $client->getServerByKey("key-$i")["host"], "\\n";
      `;
      const { stdout } = spawnSync("php", ["-r", script, JSON.stringify(nodes)], {
        encoding: "utf8",
        maxBuffer: 1 << 22,
      });
      const mapping = familyOf("ketama")?.build(nodes);
      const ours = Array.from({ length: 5000 }, (_, i) => nodes[mapping?.(`key-${i}`) ?? 0]?.host);
      expect(stdout.trimEnd().split("\n")).toEqual(ours);
    });
  }
});
