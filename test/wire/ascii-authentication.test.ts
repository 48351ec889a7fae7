/** -Y: nothing but a login before a login; what each wrong attempt is told; reload on SIGHUP. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "vitest";
import { fleet } from "../support/server-matrix.ts";
import { closes, oracle18, transcriptsOn } from "../support/transcript.ts";
import { until } from "../support/until.ts";
import { WireClient } from "../support/wire-client.ts";

const folder = mkdtempSync(join(tmpdir(), "shardcached-auth-"));
const authFile = join(folder, "passwords");
writeFileSync(authFile, "alice:secret\nbob:two words\ncarol:pass:word\n");

const transcript = transcriptsOn({
  args: ["-Y", authFile],
  size: "small",
  flush: false,
  sentinel: false,
});

const UNAUTHENTICATED = "CLIENT_ERROR unauthenticated\r\n";
const FAILURE = "CLIENT_ERROR authentication failure\r\n";
const LOGIN = "set login 0 0 12\r\nalice secret\r\n";

transcript("a correct login is STORED, and opens everything", [
  [LOGIN, "STORED\r\n"],
  ["version\r\n", "VERSION {version}\r\n"],
  ["get login\r\n", "END\r\n"],
  ["set a 0 0 1\r\nA\r\n", "STORED\r\n"],
  ["get a\r\n", "VALUE a 0 1\r\nA\r\nEND\r\n"],
]);

transcript("commands in the same pipeline as the login are served", [
  [`${LOGIN}set b 0 0 1\r\nB\r\nget b\r\n`, "STORED\r\nSTORED\r\nVALUE b 0 1\r\nB\r\nEND\r\n"],
]);

transcript("every entry of the file counts; passwords may hold spaces and colons", [
  [
    "set x 0 0 13\r\nbob two words\r\n",
    "STORED\r\n",
    oracle18(FAILURE, "the password ends at a space"),
  ],
]);

transcript("the user ends at the first colon", [
  ["set x 0 0 15\r\ncarol pass:word\r\n", "STORED\r\n"],
  ["version\r\n", "VERSION {version}\r\n"],
]);

for (const [what, token] of [
  ["a wrong password", "alice wrong!"],
  ["a wrong user", "mallory secret"],
  ["a prefix of the password", "alice secre"],
  ["more than the password", "alice secrets"],
  ["another user's password", "bob secret"],
] as const) {
  transcript(`${what} is a failure, and another attempt is allowed`, [
    [`set x 0 0 ${token.length}\r\n${token}\r\n`, FAILURE],
    ["version\r\n", UNAUTHENTICATED],
    [LOGIN, "STORED\r\n"],
    ["version\r\n", "VERSION {version}\r\n"],
  ]);
}

for (const [what, token] of [
  ["an empty password", "alice "],
  ["an empty user", " secret"],
] as const) {
  transcript(`${what} is a failure`, [
    [
      `set x 0 0 ${token.length}\r\n${token}\r\n`,
      FAILURE,
      oracle18(
        "CLIENT_ERROR bad authentication token format\r\n",
        "the payload is split into words, of which there must be two",
      ),
    ],
  ]);
}

transcript("anything but a set line is unauthenticated", [
  ["version\r\n", UNAUTHENTICATED],
  ["get a\r\n", UNAUTHENTICATED],
  ["get a b c d e f\r\n", UNAUTHENTICATED],
  ["flush_all\r\n", UNAUTHENTICATED],
  ["stats\r\n", UNAUTHENTICATED],
  ["mg a v\r\n", UNAUTHENTICATED],
  ["delete a noreply\r\n", UNAUTHENTICATED],
  ["add a 0 0 12\r\n", UNAUTHENTICATED],
  ["shutdown\r\n", UNAUTHENTICATED],
  ["bogus\r\n", UNAUTHENTICATED],
]);

transcript("a set line that is not well formed is unauthenticated", [
  ["set a\r\n", UNAUTHENTICATED],
  ["set a 0 0\r\n", UNAUTHENTICATED],
  ["set a 0 0 x\r\n", UNAUTHENTICATED],
  ["set a 0 0 -1\r\n", UNAUTHENTICATED],
]);

for (const line of ["mn", "quit", "a"]) {
  transcript(`"${line}" is too short to be looked at`, [
    [`${line}\r\n`, closes(), oracle18(UNAUTHENTICATED, "answered like any other line")],
  ]);
}

transcript("2049 bytes without a line end are closed", [["x".repeat(2049), closes()]]);
transcript("get has no exception before the login", [[`get ${"k ".repeat(1100)}`, closes()]]);

transcript("a payload must end as declared", [
  ["set x 0 0 12\r\nalice secretXX", "CLIENT_ERROR bad command line termination\r\n"],
  [LOGIN, "STORED\r\n"],
]);

transcript("a payload without a space is no token", [
  ["set x 0 0 5\r\nalice\r\n", "CLIENT_ERROR bad authentication token format\r\n"],
  [LOGIN, "STORED\r\n"],
]);

transcript(
  "a length over 16384 is too long",
  [["set x 0 0 16385\r\n", "CLIENT_ERROR auth token too long\r\n"]],
  { notOnOracle: "it waits for the data" },
);

transcript("noreply is not honoured", [
  ["set x 0 0 12 noreply\r\nalice wrong!\r\n", FAILURE],
  ["set x 0 0 12 noreply\r\nalice secret\r\n", "STORED\r\n"],
]);

transcript("a binary first byte is a byte of a line", [
  ["\x80\x0b\x00\x00\x00\x00\x00\x00\r\n", UNAUTHENTICATED],
]);

const cells = fleet({ args: ["-Y", authFile], size: "small", unixSocket: true });

describe("authentication is enforced on a Unix socket too", () => {
  for (const cell of cells) {
    test(cell.label, async () => {
      const client = await WireClient.connect(cell.server);
      await client.ask("version\r\n", UNAUTHENTICATED);
      await client.ask(LOGIN, "STORED\r\n");
      await client.ask("version\r\n", `VERSION ${cell.server.version}\r\n`);
      client.destroy();
    });
  }
});

describe("SIGHUP reads the file again; a bad file leaves the old entries", () => {
  const dave = "set x 0 0 9\r\ndave news\r\n";
  for (const cell of cells) {
    test(cell.label, async () => {
      const old = await WireClient.connect(cell.server);
      await old.ask(LOGIN, "STORED\r\n");
      const client = await WireClient.connect(cell.server);
      await client.ask(dave, FAILURE);
      writeFileSync(authFile, "dave:news\n");
      cell.server.kill("SIGHUP");
      await until(async () => (await answer(client, dave)) === "STORED\r\n");
      await old.ask("version\r\n", `VERSION ${cell.server.version}\r\n`);
      const late = await WireClient.connect(cell.server);
      await late.ask(LOGIN, FAILURE);

      writeFileSync(authFile, "no colon here\n");
      cell.server.kill("SIGHUP");
      if (!cell.server.isOracle) {
        await until(() => cell.server.stderr.includes("everything stays as it was"));
      }
      const last = await WireClient.connect(cell.server);
      await last.ask(dave, "STORED\r\n");

      writeFileSync(authFile, "alice:secret\nbob:two words\ncarol:pass:word\n");
      cell.server.kill("SIGHUP");
      await until(async () => (await answer(late, LOGIN)) === "STORED\r\n");
      for (const each of [old, client, late, last]) each.destroy();
    });
  }
});

async function answer(client: WireClient, message: string): Promise<string> {
  await client.send(message);
  const bytes = await client.readUntil(
    (got) => got.indexOf("\r\n") + 2 * Number(got.includes("\r\n")),
  );
  return bytes.toString("latin1");
}
