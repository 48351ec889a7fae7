/**
 * Which protocol a listener speaks, and what it asks of who comes: every combination of -B, -S, -Y,
 * `-l proto[…]:`, -s and -U is served as this table says, or refused at the start with the reason.
 *
 *   served   the request is answered          login    it is told that it must log in first
 *   line     the packet is read as a line     closed   the connection ends without a word
 */
import { spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Opcode, packet, response } from "../support/binary-packets.ts";
import { isInstalled } from "../support/server-matrix.ts";
import { type ServerSpec, SHARDCACHED_MAIN, TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";
import { WireClient } from "../support/wire-client.ts";

const folder = mkdtempSync(join(tmpdir(), "shardcached-protocols-"));
const passwords = join(folder, "passwords");
writeFileSync(passwords, "tester:secret\n");
const SASL = ["-S", "--sasl-password-file", passwords];
const ASCII_LOGIN = ["-Y", passwords];

type Seen = "served" | "login" | "line" | "closed";
/** What a text client and a binary client see. */
type Pair = readonly [text: Seen, binary: Seen];
type Prefix = "" | "proto[ascii]:" | "proto[binary]:" | "proto[negotiating]:";
/** By the prefix of -l; a listener that is not named is refused. */
type Row = readonly [flags: readonly string[], ...listeners: readonly (readonly [Prefix, Pair])[]];

const BOTH: Pair = ["served", "served"];
const ASCII: Pair = ["served", "line"];
const BINARY: Pair = ["closed", "served"];
const WITH_SASL: Pair = ["closed", "login"];
/** A line as short as a No-op's is closed before a login, as memcached does it. */
const WITH_ASCII_LOGIN: Pair = ["login", "closed"];

const NEITHER: readonly (readonly [Prefix, Pair])[] = [
  ["proto[ascii]:", ASCII],
  ["proto[binary]:", BINARY],
  ["proto[negotiating]:", BOTH],
];
const ROWS: readonly Row[] = [
  [[], ["", BOTH], ...NEITHER],
  [["-B", "auto"], ["", BOTH], ...NEITHER],
  [["-B", "ascii"], ["", ASCII], ...NEITHER],
  [["-B", "binary"], ["", BINARY], ...NEITHER],
  ...[[], ["-B", "auto"], ["-B", "binary"]].map(
    (flags): Row => [
      [...flags, ...SASL],
      ["", WITH_SASL],
      ["proto[binary]:", WITH_SASL],
      ["proto[negotiating]:", WITH_SASL],
    ],
  ),
  ...[[], ["-B", "auto"], ["-B", "ascii"]].map(
    (flags): Row => [
      [...flags, ...ASCII_LOGIN],
      ["", WITH_ASCII_LOGIN],
      ["proto[ascii]:", WITH_ASCII_LOGIN],
      ["proto[negotiating]:", WITH_ASCII_LOGIN],
    ],
  ),
  ...[[], ["-B", "auto"]].map(
    (flags): Row => [
      [...flags, ...SASL, ...ASCII_LOGIN],
      ["", ["login", "login"]],
      ["proto[ascii]:", WITH_ASCII_LOGIN],
      ["proto[binary]:", WITH_SASL],
      ["proto[negotiating]:", ["login", "login"]],
    ],
  ),
];
const PREFIXES: readonly Prefix[] = ["", "proto[ascii]:", "proto[binary]:", "proto[negotiating]:"];

/** Short for titles: the password file is always the same. */
const shown = (flags: readonly string[]) =>
  flags.filter((flag) => flag !== passwords && flag !== "--sasl-password-file").join(" ") ||
  "no flags";

/** More than once: memcached looks at no byte of a packet before it has 24. */
const VERSION = "version\r\n".repeat(3);
const NOOP = packet({ opcode: Opcode.noop });

/** Never waited for when the server is right: it answers or closes. */
const ANSWER_MILLISECONDS_MAX = 30_000;

/** A line, or a packet without a body. */
function isWhole(answer: Buffer): boolean {
  return answer.length > 0 && (answer[0] === 0x81 ? answer.length >= 24 : answer.includes("\n"));
}

/** What a client that sends `request` sees. */
async function seenBy(address: TestServer["address"], request: string | Buffer): Promise<Seen> {
  const client = await WireClient.connect({ address });
  await client.send(request);
  const answer = await client.collect(isWhole, ANSWER_MILLISECONDS_MAX);
  client.destroy();
  return wordFor(answer);
}

function wordFor(answer: Buffer): Seen {
  if (answer.length === 0) return "closed";
  const isPacket = answer[0] === 0x81;
  if (isPacket) return answer.readUInt16BE(6) === 0x20 ? "login" : "served";
  const text = answer.toString("latin1");
  if (text.startsWith("VERSION ")) return "served";
  if (text.startsWith("CLIENT_ERROR unauthenticated\r\n")) return "login";
  if (/^(CLIENT_ERROR|ERROR)/.test(text)) return "line";
  throw new Error(`an unforeseen answer: ${JSON.stringify(text)}`);
}

const pairAt = async (address: TestServer["address"]): Promise<Pair> => [
  await seenBy(address, VERSION),
  await seenBy(address, NOOP),
];

const OURS: ServerSpec = { implementation: "shardcached", threads: 1, transport: "native" };
const OURS_ON_NODE: ServerSpec = { ...OURS, transport: "node" };
const ORACLE: ServerSpec = { implementation: "memcached", threads: 1, transport: "native" };

for (const spec of [OURS, OURS_ON_NODE, ...(isInstalled("memcached") ? [ORACLE] : [])]) {
  const isOracle = spec.implementation === "memcached";
  const name = isOracle ? "memcached" : spec.transport;
  // Debian's memcached has no password file for SASL, and lets anybody in who speaks the other protocol.
  const rows = isOracle ? ROWS.filter(([flags]) => !/-[SY]/.test(flags.join(" "))) : ROWS;
  for (const [flags, ...listeners] of rows) {
    describe(`${name}, ${shown(flags)}`, () => {
      let server: TestServer;
      let ports: number[];
      beforeAll(async () => {
        const list = listeners.flatMap(([prefix]) => ["-l", `${prefix}127.0.0.1`]);
        server = await TestServer.start({ ...spec, listens: list, args: flags });
        ports = server.ports;
      });
      afterAll(async () => await server.stop());

      listeners.forEach(([prefix, expected], index) => {
        test(`-l ${prefix}… : ${expected.join(", ")}`, async () => {
          const address = { host: "127.0.0.1", port: ports[index] as number };
          expect(await pairAt(address)).toEqual(expected);
        });
      });
    });
  }
}

const isOpen = (server: TestServer): Promise<boolean> =>
  WireClient.connect(server).then(
    (client) => {
      client.destroy();
      return true;
    },
    () => false,
  );

describe("-s: a Unix socket speaks what -B, -S and -Y say", () => {
  for (const [flags, [, expected]] of ROWS as readonly [readonly string[], [Prefix, Pair]][]) {
    test(`${shown(flags)}: ${expected.join(", ")}`, async () => {
      const server = await TestServer.start({ ...OURS, unixSocket: true, args: flags });
      await until(() => isOpen(server)); // its path is there before it listens
      expect(await pairAt(server.address)).toEqual(expected);
      await server.stop();
    });
  }
});

describe("-U: a datagram is read as its listener's proto says", () => {
  /** The first datagram that comes back, its frame left out. */
  async function answerTo(port: number, request: string | Buffer): Promise<Buffer> {
    const socket = createSocket("udp4");
    const answer = new Promise<Buffer>((resolve) => socket.once("message", resolve));
    const frame = Buffer.from([0, 1, 0, 0, 0, 1, 0, 0]);
    socket.send(Buffer.concat([frame, Buffer.from(request)]), port, "127.0.0.1");
    const datagram = await answer;
    socket.close();
    return datagram.subarray(frame.length);
  }

  for (const [flags, prefix, [text, binary]] of [
    [[], "", BOTH],
    [["-B", "ascii"], "", ASCII],
    [[], "proto[ascii]:", ASCII],
    [["-B", "ascii"], "proto[negotiating]:", BOTH],
    [["-B", "binary"], "", BINARY],
  ] as const) {
    test(`${shown(flags)} ${prefix}: ${text}, ${binary}`, async () => {
      const spec = { ...OURS, listens: ["-l", `${prefix}127.0.0.1`], args: [...flags, "-U", "-1"] };
      const server = await TestServer.start(spec);
      if (text === "served") {
        expect(wordFor(await answerTo(server.udpPort, VERSION))).toBe(text);
      }
      expect(wordFor(await answerTo(server.udpPort, NOOP))).toBe(binary);
      await server.stop();
    });
  }
});

describe("what could serve nobody is refused at the start, with the reason", () => {
  const B_ASCII = "You cannot allow the ASCII protocol while using SASL";
  const B_BINARY = "You cannot allow the BINARY protocol while using ascii authentication";
  const REFUSED: readonly (readonly [readonly string[], string, number])[] = [
    [["-B", "ascii", ...SASL], B_ASCII, 64],
    [["-B", "binary", ...ASCII_LOGIN], B_BINARY, 64],
    [["-B", "ascii", ...SASL, ...ASCII_LOGIN], B_ASCII, 64],
    [["-B", "binary", ...SASL, ...ASCII_LOGIN], B_BINARY, 64],
    [[...SASL, "-l", "proto[ascii]:127.0.0.1"], "With -S nobody could log in", 64],
    [[...ASCII_LOGIN, "-l", "proto[binary]:127.0.0.1"], "With -Y nobody could log in", 64],
    [[...SASL, "-U", "11211"], "Cannot enable UDP while using binary SASL", 64],
    [[...ASCII_LOGIN, "-U", "11211"], "Cannot use UDP with ascii authentication", 64],
    [["-l", "proto[proxy]:127.0.0.1"], "This server is no proxy", 71],
    [["-l", "proto[resp]:127.0.0.1"], "Unknown listener protocol", 71],
  ];
  for (const [flags, reason, exitCode] of REFUSED) {
    test(`${shown(flags)}: ${reason}`, () => {
      const args = [SHARDCACHED_MAIN, "-p", "-1", "--admin-listen", "none", ...flags];
      const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
      expect(stderr).toContain(reason);
      expect(status).toBe(exitCode);
    });
  }

  test("no combination of -B, -S, -Y and proto is missing from these tables", () => {
    const covered = new Set<string>();
    const logins = (flags: readonly string[]) =>
      `${flags.includes("-S") ? "S" : ""}${flags.includes("-Y") ? "Y" : ""}`;
    const binding = (flags: readonly string[]) =>
      flags.includes("-B") ? (flags[flags.indexOf("-B") + 1] as string) : "";
    for (const [flags, ...listeners] of ROWS) {
      for (const [prefix] of listeners) covered.add(`${binding(flags)} ${logins(flags)} ${prefix}`);
    }
    const missing: string[] = [];
    for (const protocol of ["", "auto", "ascii", "binary"]) {
      for (const login of ["", "S", "Y", "SY"]) {
        for (const prefix of PREFIXES) {
          const refused =
            (login.includes("S") && protocol === "ascii") ||
            (login.includes("Y") && protocol === "binary") ||
            (login === "S" && prefix === "proto[ascii]:") ||
            (login === "Y" && prefix === "proto[binary]:");
          if (covered.has(`${protocol} ${login} ${prefix}`) === refused) {
            missing.push(`${protocol} ${login} ${prefix}`);
          }
        }
      }
    }
    expect(missing).toEqual([]);
  });
});

test("with -S and -Y each protocol logs in its own way", async () => {
  const server = await TestServer.start({ ...OURS, args: [...SASL, ...ASCII_LOGIN] });
  const text = await WireClient.connect(server);
  await text.ask("set x 0 0 13\r\ntester secret\r\nget a\r\n", "STORED\r\nEND\r\n");
  text.destroy();
  const binary = await WireClient.connect(server);
  const login = { opcode: Opcode.saslAuth, key: "PLAIN", value: "\0tester\0secret" };
  await binary.send(Buffer.concat([packet(login), NOOP]));
  await binary.expect(response({ opcode: Opcode.saslAuth, value: "Authenticated" }));
  await binary.expect(response({ opcode: Opcode.noop }));
  binary.destroy();
  await server.stop();
});
