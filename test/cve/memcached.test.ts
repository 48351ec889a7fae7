/**
 * Regression tests named for memcached's CVEs that began with what a client sent. Each sends that,
 * then shows that the server answered as it should and serves on.
 */
import { createSocket } from "node:dgram";
import { mkdtempSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  arithmeticExtras,
  BinaryStatus,
  Opcode,
  packet,
  response,
  storeExtras,
} from "../support/binary-packets.ts";
import { each, serves } from "../support/each-server.ts";
import { type Cell, cells, type FleetOptions, fleet } from "../support/server-matrix.ts";
import type { TestServer } from "../support/test-server.ts";
import { WireClient } from "../support/wire-client.ts";

const folder = mkdtempSync(join(tmpdir(), "shardcached-cve-"));
const plain = fleet({ size: "small" });

/** Sends a packet that closes its connection, whatever is answered before. */
async function closedBy(server: TestServer, bytes: Buffer, reply?: ReturnType<typeof response>) {
  const client = await WireClient.connect(server);
  await client.send(bytes);
  if (reply !== undefined) await client.expect(reply);
  await client.expectClose();
  client.destroy();
  await serves(server);
}

each("CVE-2011-4971: a body length that is negative as a signed number", plain, async (server) => {
  for (const bodyBytes of [0xffffffff, 0x80000000, 0xfffffff0]) {
    for (const fields of [
      { opcode: Opcode.set, key: "a", extras: storeExtras(0, 0) },
      { opcode: Opcode.append, key: "a" },
      { opcode: Opcode.prepend, key: "a" },
    ]) {
      const client = await WireClient.connect(server);
      await client.send(packet({ ...fields, bodyBytes }));
      if (!server.isOracle) {
        await client.expect(response({ opcode: fields.opcode, status: BinaryStatus.invalid }));
        await client.expectClose();
      }
      client.destroy();
      await serves(server);
    }
  }
});

const verbose = fleet({ size: "small", args: ["-vv"] });

each("CVE-2013-0179: a binary delete, its key logged", verbose, async (server) => {
  const client = await WireClient.connect(server);
  const key = "\x01%s%n\xff".padEnd(250, "k");
  await client.ask(
    packet({ opcode: Opcode.delete, key }),
    response({ opcode: Opcode.delete, status: BinaryStatus.notFound }),
  );
  client.destroy();
  await serves(server);
  expect(server.stderr).not.toMatch(/\0/);
});

each(
  "CVE-2016-8704, CVE-2016-8705, CVE-2016-8706: a body shorter than key and extras",
  plain,
  async (server) => {
    for (const [opcode, extras] of [
      [Opcode.append, undefined],
      [Opcode.prepend, undefined],
      [Opcode.appendQ, undefined],
      [Opcode.prependQ, undefined],
      [Opcode.set, storeExtras(0, 0)],
      [Opcode.setQ, storeExtras(0, 0)],
      [Opcode.add, storeExtras(0, 0)],
      [Opcode.addQ, storeExtras(0, 0)],
      [Opcode.replace, storeExtras(0, 0)],
      [Opcode.replaceQ, storeExtras(0, 0)],
      [Opcode.increment, arithmeticExtras(1n, 0n, 0)],
    ] as const) {
      const bytes = packet({
        opcode,
        key: "k".repeat(200),
        bodyBytes: 8,
        ...(extras !== undefined && { extras }),
      });
      const status = BinaryStatus.unknownCommand;
      await closedBy(server, bytes, response({ opcode, status }));
    }
    // 80 21 00 20 … 00 00 00 01: a mechanism name of 32 bytes in a body of one.
    const sasl = packet({ opcode: Opcode.saslAuth, key: "m".repeat(32), bodyBytes: 1 });
    const client = await WireClient.connect(server);
    await client.send(sasl);
    client.end();
    await client.collect(() => false, 300);
    client.destroy();
    await serves(server);
  },
);

each("CVE-2017-9951: add and set whose body ends inside the extras", plain, async (server) => {
  for (const opcode of [Opcode.add, Opcode.set, Opcode.addQ, Opcode.setQ]) {
    for (const bodyBytes of [0, 1, 7, 9]) {
      const bytes = packet({ opcode, key: "ab", extras: storeExtras(0, 0), bodyBytes });
      await closedBy(server, bytes, response({ opcode, status: BinaryStatus.unknownCommand }));
    }
  }
});

each("CVE-2018-1000115: UDP is not served unless asked for", plain, async (server) => {
  const socket = createSocket("udp4");
  // The system answers for a port that nobody has: that it is refused, not that nothing comes.
  const refused = new Promise<Error>((resolve) => socket.once("error", resolve));
  await new Promise<void>((resolve) => socket.connect(server.port, "127.0.0.1", resolve));
  socket.send(Buffer.from("\0\x01\0\0\0\x01\0\0stats\r\n", "latin1"));
  expect(await refused).toMatchObject({ code: "ECONNREFUSED" });
  socket.close();
  await serves(server);
});

each("CVE-2018-1000127: one get naming the same key 70 000 times", plain, async (server) => {
  const client = await WireClient.connect(server);
  await client.ask("set k 0 0 1\r\nv\r\n", "STORED\r\n");
  const hit = "VALUE k 0 1\r\nv\r\n";
  await client.send(`get${" k".repeat(70_000)}\r\n`);
  // The oracle counts readers of an item, and leaves out those beyond its count.
  if (server.isOracle) await client.readThrough("END\r\n");
  else await client.expect(`${hit.repeat(70_000)}END\r\n`);
  await client.ask("set k 0 0 1\r\nw\r\n", "STORED\r\n");
  await client.ask("get k\r\n", "VALUE k 0 1\r\nw\r\nEND\r\n");
  client.destroy();
});

const ADMIN =
  `lru lru_crawler slabs stats watch cache_memlimit verbosity flush_all shutdown extstore
  debugtime misbehave refresh_certs config`.split(/\s+/);
const SECOND =
  `mode temp_ttl tune crawl metadump mgdump sleep tocrawl enable reassign automove detail
  cachedump sizes conns items settings graceful ratio x 0 -1 99999999999999999999`.split(/\s+/);

each("CVE-2019-11596: every admin command with every count of tokens", plain, async (server) => {
  let client = await WireClient.connect(server);
  for (const name of ADMIN) {
    for (const second of SECOND) {
      for (let count = 0; count < 6; count++) {
        const words = [name, second, "x", "1", "y", "2"].slice(0, count + 1).join(" ");
        if (name === "flush_all" && count > 0) continue;
        await client.send(`${words}\r\n`);
        await client.readUntil((got) => got.lastIndexOf("\n") + 1);
        if (words.startsWith("watch")) {
          client.destroy();
          client = await WireClient.connect(server);
        }
      }
      await client.send("version\r\n");
      await client.readThrough(`VERSION ${server.version}\r\n`);
    }
  }
  client.destroy();
});

describe("CVE-2019-15026: stats conns over a Unix socket with the longest path", () => {
  for (const cell of fleet({ size: "small", unixSocket: true })) {
    test(cell.label, async () => {
      const client = await WireClient.connect(cell.server);
      await client.send("stats conns\r\n");
      const text = await client.readThrough("END\r\n");
      expect(text).toContain(`unix:${cell.server.path}`);
      for (const line of text.split("\r\n"))
        expect(line).toMatch(/^(STAT \d+:\w+ [\x20-\x7e]*|END|)$/);
      client.destroy();
    });
  }
});

each("CVE-2020-10931: extras longer than the buffer", plain, async (server) => {
  for (const opcode of [
    Opcode.get,
    Opcode.set,
    Opcode.increment,
    Opcode.flush,
    Opcode.noop,
    0x55,
  ]) {
    const client = await WireClient.connect(server);
    await client.send(packet({ opcode, key: "a", extrasBytes: 0xff, bodyBytes: 0xff + 1 }));
    await client.send(Buffer.alloc(300, 0x41));
    client.end();
    await client.collect(() => false, 300);
    client.destroy();
    await serves(server);
  }
});

each("CVE-2020-22570: crafted meta commands", plain, async (server) => {
  const client = await WireClient.connect(server);
  const mn = { ms: "mn\r\n" } as const;
  for (const line of [
    `mg ${"k".repeat(250)} ${"v ".repeat(100)}`,
    `mg a ${"O".repeat(2000)}`,
    `ms a ${"9".repeat(30)}`,
    `ms a 1 ${"I".repeat(200)}`,
    `ma a ${Array.from({ length: 40 }, (_, index) => `D${index}`).join(" ")}`,
    `md a ${"q".repeat(1500)}`,
    "mg a \t\t\t",
    "mn ".repeat(300),
    "me",
    "mg",
    "ms",
    "md",
    "ma",
  ]) {
    await client.send(`${line}\r\n`);
    await client.send(line.startsWith("ms a 1 ") ? `x\r\n${mn.ms}` : mn.ms);
    await client.readThrough("MN\r\n");
  }
  client.destroy();
  await serves(server);
});

describe("CVE-2021-37519: malformed password files", () => {
  for (const [what, contents] of [
    ["no colon", "alice\n"],
    ["a line over 255 bytes without a colon", `${"a".repeat(300)}\n`],
    ["a colon after more than a line's bytes", `${"a".repeat(5000)}:secret\n`],
  ] as const) {
    for (const cell of authCells(what, contents)) {
      test(`${what}: refused at start, ${cell.label}`, async () => {
        await expect(cell.start().finally(() => cell.stop())).rejects.toThrow("did not start");
      });
    }
  }

  // The oracle takes an empty file, and cuts the last byte of a last line without its end.
  for (const cell of authCells("nothing", "", false)) {
    test(`an empty file: refused at start, ${cell.label}`, async () => {
      await expect(cell.start().finally(() => cell.stop())).rejects.toThrow("did not start");
    });
  }

  for (const [what, contents, user, password] of [
    ["no line end after the last entry", "alice:secret", "alice", "secret"],
    ["eight entries", entries(8), "user7", "pass7"],
  ] as const) {
    for (const cell of authCells(what, contents, contents.endsWith("\n"))) {
      test(`${what}: served, ${cell.label}`, async () => {
        await cell.start();
        try {
          const client = await WireClient.connect(cell.server);
          const token = `${user} ${password}`;
          await client.ask(`set x 0 0 ${token.length}\r\n${token}\r\n`, "STORED\r\n");
          client.destroy();
        } finally {
          await cell.stop();
        }
      });
    }
  }
});

each("CVE-2023-46852: get, very many spaces, then keys", plain, async (server) => {
  for (const spaces of [100, 2000, 4000, 100_000]) {
    const client = await WireClient.connect(server);
    await client.ask("set k 0 0 1\r\nv\r\n", "STORED\r\n");
    const line = `get ${" ".repeat(spaces)}k${" ".repeat(spaces)}k\r\n`;
    await client.ask(line, "VALUE k 0 1\r\nv\r\nVALUE k 0 1\r\nv\r\nEND\r\n");
    client.destroy();
  }
  await serves(server);
});

each("CVE-2023-46853: requests ended by a bare line feed", plain, async (server) => {
  for (const fragment of [1, 64, 65_536]) {
    const client = await WireClient.connect(server, fragment);
    await client.ask("set k 0 0 1\nv\r\n", "STORED\r\n");
    await client.ask("mg k v\n", "VA 1\r\nv\r\n");
    await client.ask("ms k 1 c\nv\r\n", "HD c{cas}\r\n");
    await client.ask("ma k\n", "CLIENT_ERROR cannot increment or decrement non-numeric value\r\n");
    await client.ask("md k q\nmn \n", "MN\r\n");
    await client.ask("get k\n", "END\r\n");
    await client.ask(`get ${"k ".repeat(3000)}\n`, "END\r\n");
    client.destroy();
  }
});

const login: FleetOptions = { size: "small", args: ["-Y", passwords("alice:secret\n")] };

each("CVE-2026-90698: odd counts of tokens before a login", fleet(login), async (server) => {
  for (let count = 0; count < 30; count++) {
    for (const separator of [" ", "   "]) {
      const client = await WireClient.connect(server);
      const line = ["set", ..."x 0 0 3 noreply".split(" "), ...Array(count).fill("t")]
        .slice(0, count + 1)
        .join(separator);
      await client.send(`${line}\r\nabc\r\n`);
      client.end();
      await client.collect(() => false, 200);
      client.destroy();
    }
  }
  const client = await WireClient.connect(server);
  await client.ask("set x 0 0 12\r\nalice secret\r\n", "STORED\r\n");
  client.destroy();
});

const saslFolder = mkdtempSync(join(tmpdir(), "shardcached-sasl-"));
writeFileSync(join(saslFolder, "memcached.conf"), "mech_list: plain\n");
writeFileSync(
  join(saslFolder, "passwords"),
  `tester:secret\ntester@${hostname()}:secret\nother:word\n`,
);
const sasl: FleetOptions = {
  size: "small",
  args: ["-S"],
  env: { SASL_CONF_PATH: saslFolder, MEMCACHED_SASL_PWDB: join(saslFolder, "passwords") },
};

each("CVE-2013-7239: a failed SASL login gives nothing", fleet(sasl), async (server) => {
  const client = await WireClient.connect(server);
  const wrong = packet({ opcode: Opcode.saslAuth, key: "PLAIN", value: "\0tester\0wrong" });
  const refusal = response({ opcode: Opcode.saslAuth, status: BinaryStatus.authFailure });
  await client.ask(wrong, refusal);
  await client.ask(wrong, refusal);
  await client.send(packet({ opcode: Opcode.get, key: "a" }));
  await client.expect(response({ opcode: Opcode.get, status: BinaryStatus.authFailure }));
  await client.expectClose();
  client.destroy();
});

each(
  "1.5.20: authentication holds on a Unix socket as well",
  fleet({ ...sasl, unixSocket: true }),
  async (server) => {
    const client = await WireClient.connect(server);
    await client.send(packet({ opcode: Opcode.get, key: "a" }));
    await client.expect(response({ opcode: Opcode.get, status: BinaryStatus.authFailure }));
    await client.expectClose();
    client.destroy();
  },
);

each("1.6.45: 70 000 ms lines that fail leave no item held", plain, async (server) => {
  const client = await WireClient.connect(server);
  await client.ask("set k 0 0 1\r\nv\r\n", "STORED\r\n");
  const bad = "ms k 1 S\r\nx\r\n";
  for (let batch = 0; batch < 70; batch++) {
    await client.ask(bad.repeat(1000), "CLIENT_ERROR invalid flag\r\n".repeat(1000));
  }
  await client.ask("delete k\r\n", "DELETED\r\n");
  client.destroy();
});

function passwords(contents: string, name = "passwords"): string {
  const path = join(folder, name.replace(/\W+/g, "-"));
  writeFileSync(path, contents);
  return path;
}

function authCells(what: string, contents: string, oracle = true): readonly Cell[] {
  return cells({ size: "small", oracle, args: ["-Y", passwords(contents, what)] });
}

function entries(count: number): string {
  return Array.from({ length: count }, (_, index) => `user${index}:pass${index}\n`).join("");
}
