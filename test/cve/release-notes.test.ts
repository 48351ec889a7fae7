/**
 * Regression tests for faults that memcached, Redis and Valkey mended in a release without a CVE,
 * and that could be made here too (docs/faults-of-others.md names them all). Named for the release.
 */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { Opcode, packet, storeExtras } from "../support/binary-packets.ts";
import { each, serves } from "../support/each-server.ts";
import { fleet } from "../support/server-matrix.ts";
import { WireClient } from "../support/wire-client.ts";

const MIB = 1024 * 1024;
const passwordFile = join(mkdtempSync(join(tmpdir(), "shardcached-notes-")), "passwords");
writeFileSync(passwordFile, "alice:secret\n");

/** The memcached beside us is older than most of these, and would fall to some: ours alone. */
const ours = { size: "small", oracle: false } as const;
const plain = fleet(ours);
const locked = fleet({ ...ours, args: ["-Y", passwordFile] });
const closed = fleet({ ...ours, args: ["-X"] });

/** The next line of the answer. */
async function line(client: WireClient): Promise<string> {
  return (await client.readUntil((got) => got.indexOf("\n") + 1)).toString("latin1");
}

/** Asks, and expects an answer of this form, up to the line `last`. */
async function answers(client: WireClient, message: string, form: RegExp, last: string) {
  await client.send(message);
  expect(await client.readThrough(last)).toMatch(form);
}

each("memcached 1.6.41, 1.6.45: lines of nothing but spaces", plain, async (server) => {
  for (const spaces of [1, 2, 23, 24, 99, 2000]) {
    const client = await WireClient.connect(server);
    await client.send(`${" ".repeat(spaces)}\r\n`);
    expect(await line(client)).toMatch(/^(ERROR|CLIENT_ERROR [^\r\n]*)\r\n$/);
    await client.ask("mn\r\n", "MN\r\n");
    client.destroy();
  }
});

each("memcached 1.6.42: a login that declares gigabytes", locked, async (server) => {
  const before = server.residentBytes();
  for (const bytes of ["1048577", "2147483647", "2147483648", "4294967295", "99999999999"]) {
    const client = await WireClient.connect(server);
    await client.send(`set x 0 0 ${bytes}\r\nalice secret\r\n`);
    expect(await line(client)).toMatch(/^CLIENT_ERROR /);
    client.destroy();
  }
  const client = await WireClient.connect(server);
  await client.ask("set x 0 0 12\r\nalice secret\r\n", "STORED\r\n");
  client.destroy();
  expect(server.residentBytes() - before).toBeLessThan(64 * MIB);
});

each("memcached 1.6.44: empty lines before a login", locked, async (server) => {
  for (const empty of ["\r\n", "\n", " \r\n", "\0\r\n", "set\r\n", "set \r\n"]) {
    const client = await WireClient.connect(server);
    await client.send(empty.repeat(200));
    await client.expectClose();
    client.destroy();
  }
  const client = await WireClient.connect(server);
  await client.ask("set x 0 0 12\r\nalice secret\r\n", "STORED\r\n");
  client.destroy();
});

each(
  "memcached 1.6.42: a binary set that fails while mutations are watched",
  plain,
  async (server) => {
    const watcher = await WireClient.connect(server);
    await watcher.ask("watch mutations\r\n", "OK\r\n");
    const client = await WireClient.connect(server);
    const bad = { opcode: Opcode.set, key: "k", extras: storeExtras(0, 0) };
    await client.send(packet({ ...bad, value: "v".repeat(2 * MIB) }));
    await client.send(packet({ ...bad, value: "v", cas: 99n }));
    await client.send(
      packet({ opcode: Opcode.set, key: "", extras: storeExtras(0, 0), value: "v" }),
    );
    await serves(server);
    watcher.destroy();
    client.destroy();
  },
);

each("memcached 1.6.42, 1.6.45: slabs words with numbers out of range", plain, async (server) => {
  const client = await WireClient.connect(server);
  const numbers = ["-1", "0", "63", "64", "255", "256", "2147483648", "4294967296", "x", ""];
  for (const from of numbers) {
    for (const to of numbers) {
      await client.send(`slabs reassign ${from} ${to}\r\n`);
      await line(client);
    }
    for (const words of ["automove", "automove window", "automove ratio", "automove freeratio"]) {
      await client.send(`slabs ${words} ${from}\r\n`);
      await line(client);
    }
  }
  client.destroy();
  await serves(server);
});

each("memcached 1.6.44: a dump for a client that does not read", plain, async (server) => {
  const items = 4000;
  const client = await WireClient.connect(server);
  const name = (index: number) => `${"long-".repeat(40)}${index}`;
  const sets = Array.from(
    { length: items },
    (_, index) => `set ${name(index)} 0 0 1 noreply\r\nx\r\n`,
  );
  await client.send(sets.join(""));
  await client.ask("mn\r\n", "MN\r\n");
  const before = server.residentBytes();
  const sleepers = await Promise.all(Array.from({ length: 8 }, () => WireClient.connect(server)));
  for (const sleeper of sleepers) {
    sleeper.pause();
    await sleeper.send("lru_crawler metadump all\r\n");
  }
  await server.atRest();
  expect(server.residentBytes() - before).toBeLessThan(64 * MIB);
  await serves(server);
  for (const sleeper of sleepers) {
    sleeper.resume();
    const dump = await sleeper.readThrough("END\r\n");
    expect(dump.match(/^key=long-/gm)).toHaveLength(items);
    sleeper.destroy();
  }
  client.destroy();
});

each(
  "memcached 1.6.37, 1.6.44: -X closes stats detail in both protocols",
  closed,
  async (server) => {
    const client = await WireClient.connect(server);
    for (const word of ["on", "dump", "off"]) {
      await client.send(`stats detail ${word}\r\n`);
      expect(await line(client)).toMatch(/^CLIENT_ERROR stats detail not allowed\r\n$/);
    }
    client.destroy();
    const binary = await WireClient.connect(server);
    await binary.send(
      packet({ opcode: Opcode.set, key: "p:k", extras: storeExtras(0, 0), value: "v" }),
    );
    for (const word of ["on", "dump"]) {
      await binary.send(packet({ opcode: Opcode.stat, key: `detail ${word}` }));
    }
    await binary.send(packet({ opcode: Opcode.noop }));
    const noop = packet({ opcode: Opcode.noop }).subarray(1, 2);
    const got = await binary.collect((bytes) => bytes.includes(noop), 5000);
    expect(got.toString("latin1")).not.toContain("PREFIX");
    binary.destroy();
  },
);

each(
  "memcached 1.6.45: opaques that are too long leave their items alone",
  plain,
  async (server) => {
    const client = await WireClient.connect(server);
    await client.ask("set k 0 0 1\r\nv\r\n", "STORED\r\n");
    const bad = `mg k v O${"o".repeat(33)}\r\n`;
    for (let batch = 0; batch < 7; batch++) {
      await client.send(bad.repeat(10_000));
      const got = await client.collect(
        (bytes) => bytes.toString("latin1").split("\r\n").length > 10_000,
        30_000,
      );
      expect(new Set(got.toString("latin1").split("\r\n"))).toEqual(
        new Set(["CLIENT_ERROR opaque token too long", ""]),
      );
    }
    await client.ask(
      "get k\r\ndelete k\r\nget k\r\n",
      "VALUE k 0 1\r\nv\r\nEND\r\nDELETED\r\nEND\r\n",
    );
    client.destroy();
  },
);

each(
  "memcached 1.6.45: flags whose argument is missing at the line's end",
  plain,
  async (server) => {
    const client = await WireClient.connect(server);
    await client.ask("set k 0 0 1\r\n1\r\n", "STORED\r\n");
    for (const flag of "CEFIJMNORTD") {
      for (const asked of [`mg k ${flag}`, `md k ${flag}`, `ma k ${flag}`, `mg k v ${flag}`]) {
        await client.send(`${asked}\r\nmn\r\n`);
        await client.readThrough("MN\r\n");
      }
      await client.send(`ms k 1 ${flag}\r\n1\r\nmn\r\n`);
      await client.readThrough("MN\r\n");
    }
    client.destroy();
  },
);

each("memcached 1.6.45: watchers that leave while events are written", plain, async (server) => {
  const client = await WireClient.connect(server);
  for (let round = 0; round < 20; round++) {
    const watchers = await Promise.all(
      Array.from({ length: 10 }, () => WireClient.connect(server)),
    );
    for (const watcher of watchers) await watcher.send("watch fetchers mutations evictions\r\n");
    await client.send("set k 0 0 1\r\nv\r\nget k\r\ndelete k\r\n".repeat(200));
    for (const [index, watcher] of watchers.entries()) {
      if (index % 2 === 0) watcher.reset();
      else watcher.destroy();
    }
    await client.send("mn\r\n");
    await client.readThrough("MN\r\n");
  }
  client.destroy();
});

each("Valkey 9.0.3: a key with line ends writes no reply of its own", plain, async (server) => {
  const evil = "a\r\nEND\r\nVALUE b:key";
  const text = await WireClient.connect(server);
  await text.ask("flush_all\r\nstats detail on\r\n", "OK\r\nOK\r\n");
  const binary = await WireClient.connect(server);
  await binary.send(
    packet({ opcode: Opcode.set, key: evil, extras: storeExtras(0, 0), value: "v" }),
  );
  await binary.send(packet({ opcode: Opcode.get, key: evil }));
  await binary.send(packet({ opcode: Opcode.quit }));
  await binary.collect(() => false, 5000);
  await answers(
    text,
    "lru_crawler mgdump all\r\n",
    /^OK\r\nmg [A-Za-z0-9+/=]+ b\r\nEN\r\n$/,
    "EN\r\n",
  );
  await answers(
    text,
    "lru_crawler metadump all\r\n",
    /^OK\r\nkey=a%0D%0AEND%0D%0AVALUE%20b%3Akey [^\r\n]*\nEND\r\n$/,
    "END\r\n",
  );
  await text.ask("stats cachedump 1 0\r\n", "END\r\n");
  await text.ask(
    "stats detail dump\r\n",
    "PREFIX a%0D%0AEND%0D%0AVALUE%20b get 1 hit 1 set 1 del 0\r\nEND\r\n",
  );
  await text.ask("stats detail off\r\n", "OK\r\n");
  text.destroy();
  binary.destroy();
});

each("Valkey 9.0.3: an empty request leaves nothing for the next", plain, async (server) => {
  const client = await WireClient.connect(server);
  await answers(client, "\r\nset k 0 0 1\r\nv\r\n", /STORED\r\n$/, "STORED\r\n");
  await answers(client, "\nget k\r\n", /VALUE k 0 1\r\nv\r\nEND\r\n$/, "END\r\n");
  client.destroy();
});
