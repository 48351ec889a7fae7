/**
 * The list of a cluster's nodes, as clients ask for it: to the byte, from every thread, in all
 * protocols, before and after it changes.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Opcode, packet, response } from "../support/binary-packets.ts";
import { fleet } from "../support/server-matrix.ts";
import { TestServer } from "../support/test-server.ts";
import { transcriptsOn } from "../support/transcript.ts";
import { until } from "../support/until.ts";
import { WireClient } from "../support/wire-client.ts";

const folder = mkdtempSync(join(tmpdir(), "shardcached-cluster-"));
const file = join(folder, "nodes");
writeFileSync(file, "version = 12\ncache-0.invalid:11211\n127.0.0.1\n[::1]:11311\n");
afterAll(() => rmSync(folder, { recursive: true }));

const LIST = "12\ncache-0.invalid||11211 127.0.0.1|127.0.0.1|11211 ::1|::1|11311\n";
const CONFIG = `CONFIG cluster 0 ${LIST.length}\r\n${LIST}\r\nEND\r\n`;
const ITEM = `VALUE AmazonElastiCache:cluster 0 ${LIST.length}\r\n${LIST}\r\nEND\r\n`;

const transcript = transcriptsOn({ ownArgs: ["--cluster", `file://${file}`], oracle: false });
const alone = transcriptsOn({ size: "small" });
// memcached 1.6.18 leaves an opcode it does not know unanswered when a body comes with it.
const unknown = transcriptsOn({ size: "small", oracle: false });
// A name server that is not there.
const waiting = transcriptsOn({
  ownArgs: ["--cluster", "dns+srv://nodes.invalid?server=127.0.0.1:1"],
  size: "small",
  oracle: false,
});

transcript("config get cluster tells the list, the legacy get too", [
  ["config get cluster\r\n", CONFIG],
  ["get AmazonElastiCache:cluster\r\n", ITEM],
  ["config get cluster\nget AmazonElastiCache:cluster\n", CONFIG + ITEM],
]);

transcript("the list comes in its place among other replies", [
  [
    "set a 0 0 1\r\nx\r\nget a\r\nget AmazonElastiCache:cluster\r\nget a\r\nconfig get cluster\r\nmn\r\n",
    `STORED\r\nVALUE a 0 1\r\nx\r\nEND\r\n${ITEM}VALUE a 0 1\r\nx\r\nEND\r\n${CONFIG}MN\r\n`,
  ],
]);

transcript("the legacy key is a key like others where it is not asked for alone, or otherwise", [
  ["get AmazonElastiCache:cluster x\r\n", "END\r\n"],
  ["get AmazonElastiCache:cluste\r\n", "END\r\n"],
  ["get AmazonElastiCache:clusters\r\n", "END\r\n"],
  ["gets AmazonElastiCache:cluster\r\n", "END\r\n"],
  ["mg AmazonElastiCache:cluster v\r\n", "EN\r\n"],
]);

transcript("nothing else of the configuration is told, and nothing is set", [
  ["config\r\n", "ERROR\r\n"],
  ["config get\r\n", "ERROR\r\n"],
  ["config get clusters\r\n", "ERROR\r\n"],
  ["config get cluster now\r\n", "ERROR\r\n"],
  ["config set cluster 0 0 3\r\n", "ERROR\r\n"],
  ["config delete cluster\r\n", "ERROR\r\n"],
  ["CONFIG get cluster\r\n", "ERROR\r\n"],
]);

transcript("binary 0x60 tells the list as an item's value", [
  [
    packet({ opcode: Opcode.configGet, key: "cluster", opaque: 7 }),
    response({ opcode: Opcode.configGet, extras: Buffer.alloc(4), value: LIST, opaque: 7 }),
  ],
  [
    packet({ opcode: Opcode.configGet, key: "other" }),
    response({ opcode: Opcode.configGet, status: 0x01, value: "Not found" }),
  ],
  [
    packet({ opcode: Opcode.configSet, key: "cluster", value: "1" }),
    response({ opcode: Opcode.configSet, status: 0x81, value: "Unknown command" }),
  ],
  [
    packet({ opcode: Opcode.configDelete, key: "cluster" }),
    response({ opcode: Opcode.configDelete, status: 0x81, value: "Unknown command" }),
  ],
]);

alone("without a cluster there is no such command, and no such key", [
  ["config get cluster\r\n", "ERROR\r\n"],
  ["get AmazonElastiCache:cluster\r\n", "END\r\n"],
]);

unknown("without a cluster there is no opcode 0x60", [
  [
    packet({ opcode: Opcode.configGet, key: "cluster" }),
    response({ opcode: Opcode.configGet, status: 0x81, value: "Unknown command" }),
  ],
]);

waiting("while no list is known, the server says so", [
  ["config get cluster\r\n", "SERVER_ERROR the list of nodes is not known yet\r\n"],
  ["get AmazonElastiCache:cluster\r\n", "SERVER_ERROR the list of nodes is not known yet\r\n"],
  ["mn\r\n", "MN\r\n"],
]);

describe("a list that changes", () => {
  for (const transport of ["native", "node"] as const) {
    test(`is told by every thread, ${transport}`, async () => {
      const path = join(folder, `changing-${transport}`);
      writeFileSync(path, "version = 1\na\n");
      const server = await TestServer.start({
        implementation: "shardcached",
        threads: 2,
        transport,
        ownArgs: ["--cluster", `file://${path}`],
      });
      try {
        const clients = await Promise.all(
          Array.from({ length: 8 }, () => WireClient.connect(server)),
        );
        const ask = async (client: WireClient) => {
          await client.send("config get cluster\r\n");
          return await client.readThrough("END\r\n");
        };
        for (const client of clients) expect(await ask(client)).toContain("\r\n1\na||11211\n");
        // Longer than what the output takes at a time.
        const many = Array.from({ length: 900 }, (_, index) => `node-${index}.example.invalid`);
        writeFileSync(path, `version = 2\n${many.join("\n")}\n`);
        await until(async () => (await ask(clients[0] as WireClient)).includes("\r\n2\n"));
        const list = `2\n${many.map((name) => `${name}||11211`).join(" ")}\n`;
        for (const client of clients) {
          expect(await ask(client)).toBe(`CONFIG cluster 0 ${list.length}\r\n${list}\r\nEND\r\n`);
        }
        for (const client of clients) client.destroy();
      } finally {
        await server.stop();
      }
    });
  }
});

describe("several nodes with the same --peers", () => {
  const cells = fleet({ size: "small", oracle: false, ownArgs: ["--peers", "a,b:1"] });
  for (const cell of cells) {
    test(`tell their list as it was given, ${cell.label}`, async () => {
      const client = await WireClient.connect(cell.server);
      await client.send("config get cluster\r\n");
      const reply = await client.readThrough("END\r\n");
      expect(reply).toMatch(
        /^CONFIG cluster 0 \d+\r\n\d{10}\na\|[^| ]*\|11211 b\|[^| ]*\|1\n\r\nEND\r\n$/,
      );
      client.destroy();
    });
  }
});
