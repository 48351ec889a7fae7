/**
 * -vv and -vvv: what is said to whom, side by side with the real memcached, whose words they are.
 *
 *   a conversation ─▶ each server with -vv ─▶ stderr ─▶ the lines of it, descriptors as N ─▶ the same
 */
import { createSocket } from "node:dgram";
import { mkdtempSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Opcode, packet, storeExtras } from "../support/binary-packets.ts";
import { isInstalled } from "../support/server-matrix.ts";
import { type ServerSpec, TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const CLOSED = "<N connection closed.";
const MEMCACHED: ServerSpec = { implementation: "memcached", threads: 1, transport: "native" };
const OURS: readonly ServerSpec[] = [
  { implementation: "shardcached", threads: 1, transport: "native" },
  { implementation: "shardcached", threads: 2, transport: "native", lending: false },
  { implementation: "shardcached", threads: 2, transport: "node" },
];

/** Lines of a conversation, and no others that either server logs. */
const SHOWN = /^([<>]N |N: |Deleting |Value len |incr |Invalid magic)/;
/** A reply to a meta command, which memcached does not show. */
const META_REPLY = /^>N (HD|VA|EN|ME|NF|NS|EX)\b/;
/** Where binary packets differ: versions have other lengths, and items other CAS. */
const HEADER_LINE = /^[<>]N {2,}0x/;

const started: TestServer[] = [];
afterAll(async () => {
  for (const server of started) await server.stop();
});

async function start(spec: ServerSpec, ...args: string[]): Promise<TestServer> {
  const server = await TestServer.start({ ...spec, args: [...(spec.args ?? []), ...args] });
  started.push(server);
  return server;
}

/** The lines of conversations logged so far. */
function shown(server: TestServer): string[] {
  const lines = server.stderr.split("\n").map((line) => {
    if (!line.startsWith("{")) return line;
    return (JSON.parse(line) as { message: string }).message;
  });
  return lines
    .map((line) => line.replace(/^([<>])\d+ /, "$1N ").replace(/^\d+: /, "N: "))
    .filter((line) => SHOWN.test(line) && !line.includes("server listening"));
}

/** Sends each part once what came before is answered, hangs up, and returns what was shown. */
async function converse(server: TestServer, parts: readonly (string | Buffer)[]) {
  const before = shown(server).length;
  const socket = server.path ? connect(server.path) : connect(server.port, "127.0.0.1");
  let heard = 0;
  socket.on("data", (bytes) => {
    heard += bytes.length;
  });
  for (const part of parts) {
    const seen = heard;
    socket.write(part);
    await until(() => heard > seen);
  }
  socket.end();
  await until(() => shown(server).slice(before).includes(CLOSED));
  return shown(server).slice(before);
}

const CLASSIC = [
  ...["set k 0 0 5\r\nhello\r\n", "get k\r\n", "get k none\r\n", "gets k\r\n", "get none\r\n"],
  ...["add k 0 0 1\r\n1\r\n", "delete k\r\n", "delete k noreply\r\nmn\r\n", "incr k 1\r\n"],
  ...["set n 0 0 1 noreply\r\n5\r\nmn\r\n", "incr n 2\r\n", "touch n 0\r\n", "gat 0 n\r\n"],
  ...["flush_all\r\n", "bogus\r\n", "verbosity 2\r\n", "get \x1bred\x01 \r\n"],
  "set a 0 0 1\r\n1\r\nget a\r\n",
];
const META = [
  ...["mn\r\n", "ms k 2 T0\r\nab\r\n", "mg k v t\r\n", "mg none v\r\n", "mg k s k\r\n"],
  ...["md k q\r\nmn\r\n", "ma k N0 J5 v\r\n", "me k\r\n", "mx\r\n", "mg a2V5 b k v\r\n"],
];
const key = Buffer.from("k");
const BINARY = [
  packet({ opcode: Opcode.set, extras: storeExtras(0, 0), key, value: "hello" }),
  packet({ opcode: Opcode.add, extras: storeExtras(0, 0), key, value: "hello" }),
  packet({ opcode: Opcode.get, key }),
  packet({ opcode: Opcode.getK, key: "none" }),
  packet({ opcode: Opcode.append, key, value: "more" }),
  packet({ opcode: Opcode.get, key: "none" }),
  packet({ opcode: Opcode.noop }),
  packet({ opcode: Opcode.delete, key }),
  packet({ opcode: Opcode.touch, extras: Buffer.alloc(4), key }),
  packet({ opcode: 0x99 }),
];
const CONVERSATIONS = { classic: CLASSIC, meta: META, binary: BINARY } as const;

function comparable(lines: readonly string[]): string[] {
  return lines
    .filter((line) => !META_REPLY.test(line))
    .filter((line) => !HEADER_LINE.test(line))
    .map((line) => line.replace("\x1b", "\\x1b").replace("\x01", "\\x01"));
}

function nameOf({ implementation, threads, transport }: ServerSpec): string {
  return `${implementation}, ${threads} threads, ${transport}`;
}

for (const spec of OURS) {
  describe(`-vv, ${nameOf(spec)}`, () => {
    for (const [name, parts] of Object.entries(CONVERSATIONS)) {
      test.skipIf(!isInstalled("memcached"))(
        `shows the ${name} protocol as memcached`,
        async () => {
          const memcached = comparable(await converse(await start(MEMCACHED, "-vv"), parts));
          const ours = comparable(await converse(await start(spec, "-vv"), parts));
          expect(memcached.length).toBeGreaterThan(parts.length);
          // A reply from another shard is shown when it comes, maybe behind the next request.
          if (spec.threads === 1) expect(ours).toEqual(memcached);
          expect(ours.sort()).toEqual(memcached.sort());
        },
      );
    }

    test("shows headers, and the replies to meta commands, and no value", async () => {
      const server = await start(spec, "-vv");
      const meta = await converse(server, META);
      expect(meta).toContain(">N HD");
      expect(meta).toContain(">N VA 2 t-1");
      expect(meta).not.toContain(">N 5");
      const binary = await converse(server, [BINARY[0] as Buffer]);
      expect(binary).toContain("<N    0x80 0x01 0x00 0x01");
      expect(binary).toContain(">N   0x81 0x01 0x00 0x00");
      expect(server.stderr).not.toMatch(/hello/);
    });

    test("shows the line of a value that never comes whole", async () => {
      const server = await start(spec, "-vv");
      const socket = connect(server.port, "127.0.0.1");
      socket.write("set k 0 0 10\r\nab");
      await until(() => shown(server).includes("<N set k 0 0 10"));
      socket.write("cdefghij\r\nmn\r\n");
      await until(() => shown(server).includes("<N mn"));
      expect(shown(server).filter((line) => line === "<N set k 0 0 10")).toHaveLength(1);
      socket.destroy();
    });

    test("verbosity 2 shows from the next request on, and 0 no more", async () => {
      const server = await start(spec);
      expect(await speak(server, "get before\r\n")).toBe("END\r\n");
      expect(await speak(server, "verbosity 2\r\n")).toBe("OK\r\n");
      expect(await speak(server, "get during\r\n")).toBe("END\r\n");
      await until(() => shown(server).includes("<N get during"));
      expect(await speak(server, "verbosity 0\r\n")).toBe("OK\r\n");
      await until(() => shown(server).includes("<N verbosity 0"));
      expect(await speak(server, "get after\r\n")).toBe("END\r\n");
      expect(await speak(server, "verbosity 2\r\n")).toBe("OK\r\n");
      expect(await speak(server, "get again\r\n")).toBe("END\r\n");
      await until(() => shown(server).includes("<N get again"));
      expect(shown(server).join("\n")).not.toMatch(/before|after/);
    });

    test("-vvv shows states under memcached's names", async () => {
      const server = await start(spec, "-vvv");
      const lines = await converse(server, ["get k\r\n"]);
      expect(lines).toContain("N: going from conn_read to conn_parse_cmd");
      expect(lines).toContain("N: going from conn_parse_cmd to conn_read");
      expect(lines.at(-1)).toBe(CLOSED);
    });

    test("a password is never shown", async () => {
      const server = await startWithLogins(spec);
      await converse(server, [
        "set user 0 0 11\r\nus secretly\r\n",
        "get secretly\r\n",
        "set user 0 0 11\r\nme secretly\r\n",
        "get a\r\n",
      ]);
      const lines = shown(server);
      expect(lines).toContain("<N set user 0 0 11");
      expect(lines).toContain("<N get a");
      expect(server.stderr).not.toMatch(/secretly/);
    });

    test("a flood is cut, and what is missing counted", async () => {
      const server = await start(spec, "-vv");
      const lines = 30_000;
      const line = `get ${"k".repeat(200)}\r\n`;
      const socket = connect(server.port, "127.0.0.1").resume();
      let heard = 0;
      socket.on("data", (bytes) => {
        heard += bytes.length;
      });
      for (let sent = 0; sent < lines; sent++) socket.write(line);
      await until(() => heard >= lines * "END\r\n".length);
      await until(() => /lines were left out/.test(server.stderr));
      socket.destroy();
    });
  });
}

describe("-vv by listener", () => {
  const [native] = OURS as [ServerSpec];

  test("a Unix socket of one protocol", async () => {
    const unix = { ...native, unixSocket: true };
    const server = await start(unix, "-vv", "-B", "ascii");
    expect((await converse(server, ["get k\r\n"]))[0]).toBe("<N new ascii client connection.");
    expect(server.stderr).toMatch(/<\d+ server listening \(ascii\)/);
  });

  for (const spec of OURS) {
    test(`UDP: requests and replies, and no connections, ${nameOf(spec)}`, async () => {
      const server = await start(spec, "-vv", "-U", "-1");
      await until(() => /<\d+ server listening \(udp\)/.test(server.stderr));
      const socket = createSocket("udp4");
      const datagram = Buffer.concat([
        Buffer.from([0, 1, 0, 0, 0, 1, 0, 0]),
        Buffer.from("get k\r\n"),
      ]);
      socket.send(datagram, server.udpPort, "127.0.0.1");
      await until(() => shown(server).includes(">N END"));
      socket.close();
      const lines = shown(server);
      expect(lines).toContain("<N get k");
      expect(lines.join("\n")).not.toMatch(/connection/);
    });
  }
});

/** One request on a connection of its own, and its reply. */
async function speak(server: TestServer, request: string): Promise<string> {
  const socket = connect(server.port, "127.0.0.1");
  socket.write(request);
  const reply = await new Promise<string>((resolve) => {
    socket.once("data", (bytes) => resolve(bytes.toString("latin1")));
  });
  socket.destroy();
  return reply;
}

async function startWithLogins(spec: ServerSpec): Promise<TestServer> {
  const file = join(mkdtempSync(join(tmpdir(), "verbosity-")), "logins");
  writeFileSync(file, "me:secretly\n");
  return start(spec, "-vv", "-Y", file);
}
