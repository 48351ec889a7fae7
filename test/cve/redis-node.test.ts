/**
 * Regression tests named for CVEs of Redis, Valkey and Node.js whose input has a counterpart here:
 * memory promised to clients that send nothing, output kept for clients that read nothing, foreign
 * protocols, resets at any moment.
 */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { Opcode, packet, storeExtras } from "../support/binary-packets.ts";
import { each, serves } from "../support/each-server.ts";
import { fleet } from "../support/server-matrix.ts";
import type { TestServer } from "../support/test-server.ts";
import { WireClient } from "../support/wire-client.ts";

const MIB = 1024 * 1024;

const passwordFile = join(mkdtempSync(join(tmpdir(), "shardcached-cve-")), "passwords");
writeFileSync(passwordFile, "alice:secret\n");

const plain = fleet({ size: "small" });
const large = fleet({ size: "small", args: ["-I", "128m", "-m", "1024"], oracle: false });
const locked = fleet({ size: "small", args: ["-Y", passwordFile] });

async function connectMany(server: TestServer, count: number): Promise<WireClient[]> {
  return Promise.all(Array.from({ length: count }, () => WireClient.connect(server)));
}

each(
  "CVE-2021-32675: large values declared on many sockets, and not sent",
  plain,
  async (server) => {
    const before = server.residentBytes();
    const clients = await connectMany(server, 200);
    for (const [index, client] of clients.entries()) {
      await client.send(
        index % 2 === 0
          ? `set declared${index} 0 0 1000000\r\n`
          : packet({
              opcode: Opcode.set,
              key: `declared${index}`,
              extras: storeExtras(0, 0),
              bodyBytes: 1_000_000,
            }),
      );
    }
    await serves(server);
    await server.atRest();
    expect(server.residentBytes() - before).toBeLessThan(96 * MIB);
    for (const client of clients) client.destroy();
  },
);

each("CVE-2021-32675: the same with values of 100 MiB", large, async (server) => {
  const before = server.residentBytes();
  const clients = await connectMany(server, 50);
  for (const client of clients) await client.send("set declared 0 0 104857600\r\nstart");
  await serves(server);
  await server.atRest();
  expect(server.residentBytes() - before).toBeLessThan(128 * MIB);
  for (const client of clients) client.destroy();
});

each("CVE-2021-32675: logins declared and not sent, before a login", locked, async (server) => {
  const before = server.residentBytes();
  const clients = await connectMany(server, 300);
  for (const client of clients) await client.send("set x 0 0 16384\r\n");
  const client = await WireClient.connect(server);
  await client.ask("set x 0 0 12\r\nalice secret\r\n", "STORED\r\n");
  await server.atRest();
  expect(server.residentBytes() - before).toBeLessThan(64 * MIB);
  for (const one of [client, ...clients]) one.destroy();
});

each(
  "CVE-2025-21605: a client without a login that floods and does not read",
  locked,
  async (server) => {
    const before = server.residentBytes();
    const clients = await connectMany(server, 8);
    for (const client of clients) {
      client.pause();
      void client.send("get a\r\n".repeat(400_000));
    }
    await server.atRest();
    const other = await WireClient.connect(server);
    await other.ask("set x 0 0 12\r\nalice secret\r\n", "STORED\r\n");
    expect(server.residentBytes() - before).toBeLessThan(96 * MIB);
    for (const one of [other, ...clients]) one.destroy();
  },
);

each("Cross-protocol requests: HTTP cannot smuggle a command", plain, async (server) => {
  for (const verb of ["POST / HTTP/1.1", "GET /x HTTP/1.0", "PUT /set HTTP/2"]) {
    const client = await WireClient.connect(server);
    await client.send(
      `${verb}\r\nHost: 127.0.0.1\r\nContent-Length: 30\r\n\r\nset smuggled 0 0 4\r\nevil\r\n`,
    );
    await client.expectClose();
    client.destroy();
  }
  const client = await WireClient.connect(server);
  await client.ask("get smuggled\r\n", "END\r\n");
  client.destroy();
});

each("A TLS ClientHello on the plain port", plain, async (server) => {
  const hello = Buffer.concat([
    Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]),
    Buffer.alloc(501, 0x0a),
  ]);
  const client = await WireClient.connect(server);
  await client.send(hello);
  client.end();
  await client.collect(() => false, 500);
  client.destroy();
  await serves(server);
});

each("A Redis request", plain, async (server) => {
  const client = await WireClient.connect(server);
  await client.send("*1048576\r\n$536870912\r\n");
  const text = await client.collect((got) => got.toString().split("\r\n").length > 2, 2000);
  expect(text.toString()).toBe("ERROR\r\nERROR\r\n");
  client.destroy();
  await serves(server);
});

each("CVE-2025-59465: resets at every moment of a connection", plain, async (server) => {
  for (const bytes of [
    "",
    "g",
    "get a",
    "get a\r\n",
    "set a 0 0 100000\r\nabc",
    "version\r\n".repeat(1000),
    packet({ opcode: Opcode.noop }).subarray(0, 10),
  ]) {
    for (let round = 0; round < 20; round++) {
      const client = await WireClient.connect(server);
      await client.send(bytes);
      client.reset();
    }
  }
  await serves(server);
});

each("CVE-2025-59466: no recursion over the length of the input", plain, async (server) => {
  const client = await WireClient.connect(server);
  await client.ask("get a\r\n".repeat(100_000), "END\r\n".repeat(100_000));
  await client.ask("mn\r\n".repeat(100_000), "MN\r\n".repeat(100_000));
  client.destroy();
});

each("CVE-2025-55131: memory that held another value is never shown", plain, async (server) => {
  const client = await WireClient.connect(server);
  const secret = "SECRET".repeat(1000);
  for (let round = 0; round < 200; round++) {
    const key = `k${round % 10}`;
    await client.ask(`set ${key} 0 0 ${secret.length}\r\n${secret}\r\n`, "STORED\r\n");
    await client.ask(`delete ${key}\r\n`, "DELETED\r\n");
    await client.ask(`mg ${key} N0 v\r\n`, "VA 0 W\r\n\r\n");
    await client.ask(`set ${key} 0 0 20\r\n18446744073709551615\r\n`, "STORED\r\n");
    await client.ask(`incr ${key} 2\r\n`, "1\r\n");
    await client.ask(`get ${key}\r\n`, `VALUE ${key} 0 20\r\n1${" ".repeat(19)}\r\nEND\r\n`);
  }
  client.destroy();
});
