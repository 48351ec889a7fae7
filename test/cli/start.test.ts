/**
 * What a start decides before anybody can connect: a fault of the configuration, a file or an
 * address ends it without a socket having been there, and what is there is served from its first
 * byte on.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  watch,
  writeFileSync,
} from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ask, MAIN, Program, portsOf, QUIET, until } from "./program.ts";

let folder = "";
const programs: Program[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "shardcached-start-"));
});

afterEach(async () => {
  for (const program of programs.splice(0)) await program.kill();
  rmSync(folder, { recursive: true });
});

function started(args: readonly string[], env: Record<string, string> = {}): Program {
  const program = Program.server(args, env);
  programs.push(program);
  return program;
}

/** A port nobody has, and nobody else is likely to take within the next second. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

for (const transport of ["native", "node"]) {
  describe(`no socket is opened for a start that fails (${transport})`, () => {
    for (const [name, flags, code, words] of [
      ["a file of logins that is none", ["-Y", "@bad"], 1, "has a malformed entry"],
      ["a file of logins that is missing", ["-Y", "@none"], 1, "Could not open authfile"],
      ["a file of logins without an end", ["-Y", "/dev/zero"], 1, "Could not open authfile"],
      [
        "an admin address without its token",
        ["--admin-listen", "0.0.0.0:0"],
        64,
        "a token is needed",
      ],
      ["a token that is too short", ["--admin-token-file", "@bad"], 64, "at least 16"],
      ["an admin address that is taken", ["--admin-listen", "@taken"], 71, "is taken"],
    ] as const) {
      test(name, async () => {
        writeFileSync(join(folder, "bad"), "no colon\n");
        const taken = createServer().listen(0, "127.0.0.1");
        await once(taken, "listening");
        const { port } = taken.address() as { port: number };
        const seen = new Set<string>();
        const watcher = watch(folder, (_, file) => seen.add(String(file)));
        const args = flags.map((flag) =>
          flag === "@taken" ? `127.0.0.1:${port}` : flag.replace("@", `${folder}/`),
        );
        const admin = flags[0] === "-Y" ? QUIET : [];
        const socket = ["-s", join(folder, "socket"), "--transport", transport];
        const program = started([...socket, ...admin, ...args]);
        expect(await program.exited).toBe(code);
        await sleep(50); // what the watch has still to tell
        watcher.close();
        taken.close();
        expect(program.stderr).toContain(words);
        expect([...seen]).toEqual([]);
      });
    }
  });

  test(`the first datagram of who could connect is answered (${transport})`, async () => {
    const port = await freePort();
    started(["-p", String(port), "-U", String(port), "--transport", transport, ...QUIET]);
    await until(async () => {
      const socket = connect(port, "127.0.0.1");
      const isThere = await once(socket, "connect").then(
        () => true,
        () => undefined,
      );
      socket.destroy();
      return isThere;
    });
    const client = createSocket("udp4");
    const frame = Buffer.from([0, 7, 0, 0, 0, 1, 0, 0]);
    client.send(Buffer.concat([frame, Buffer.from("version\r\n")]), port, "127.0.0.1");
    const [reply] = await once(client, "message", { signal: AbortSignal.timeout(20_000) });
    client.close();
    expect((reply as Buffer).toString("latin1", 8)).toBe("VERSION 1.6.45\r\n");
  });
}

test("who asks the admin address while its server is being loaded is answered", async () => {
  const ports = join(folder, "ports");
  const port = await freePort();
  started(["-p", "-1", "--admin-listen", `127.0.0.1:${port}`], { MEMCACHED_PORT_FILENAME: ports });
  await portsOf(ports);
  const response = await fetch(`http://127.0.0.1:${port}/healthz`);
  expect(response.status).toBe(200);
});

describe("-P", () => {
  for (const path of ["/dev/full", "/dev/zero"]) {
    test(`${path} is one warning, and stays what it is`, async () => {
      const ports = join(folder, "ports");
      const program = started(["-p", "-1", "-P", path, ...QUIET], {
        MEMCACHED_PORT_FILENAME: ports,
      });
      const [port] = await portsOf(ports);
      expect(await ask(port as number, "version")).toBe("VERSION 1.6.45\r\n");
      program.child.kill("SIGTERM");
      expect(await program.exited).toBe(0);
      expect(program.stderr).toContain(`${path} is there and is no plain file`);
      expect(existsSync(`${path}.tmp`)).toBe(false);
    });
  }

  test("with -d, one that cannot be written fails the start and leaves no server", async () => {
    const ports = join(folder, "ports");
    const pidFile = join(folder, "none", "pid");
    const program = started(["-d", "-p", "-1", "-P", pidFile, ...QUIET], {
      MEMCACHED_PORT_FILENAME: ports,
    });
    expect(await program.exited).toBe(71);
    expect(program.stderr).toContain(`Could not open the pid file ${pidFile}.tmp for writing`);
    expect(existsSync(ports)).toBe(false);
  });
});

describe("-u", () => {
  test("a user who may not read the installation is told which folder, and nothing is bound", async () => {
    if (process.getuid?.() !== 0) return; // only root becomes somebody else
    const closed = join(folder, "closed");
    const root = dirname(dirname(dirname(dirname(MAIN))));
    mkdirSync(closed);
    cpSync(join(root, "dist", "server"), join(closed, "dist", "server"), { recursive: true });
    cpSync(join(root, "package.json"), join(closed, "package.json"));
    symlinkSync(join(root, "node_modules"), join(closed, "node_modules"));
    chmodSync(folder, 0o755);
    chmodSync(closed, 0o700);
    const main = join(closed, "dist", "server", "src", "main.js");
    const socket = join(folder, "socket");
    const program = new Program(process.execPath, [main, "-u", "nobody", "-s", socket, ...QUIET]);
    programs.push(program);
    expect(await program.exited).toBe(71);
    expect(program.stderr).toContain(
      `nobody cannot read this installation: ${closed} is closed to that user`,
    );
    expect(existsSync(socket)).toBe(false);
  });
});

test("what was chosen is one line, with fields", async () => {
  const ports = join(folder, "ports");
  const args = ["-p", "-1", "-U", "-1", "-t", "2", "--transport", "epoll", ...QUIET];
  const program = started(args, { MEMCACHED_PORT_FILENAME: ports });
  const line = await until(() =>
    program.stderr.split("\n").find((each) => each.includes('"serving') && each.endsWith("}")),
  );
  const [tcp, udp] = readFileSync(ports, "latin1").match(/\d+$/gm) as string[];
  const fields = JSON.parse(line) as Record<string, unknown>;
  expect(fields).toMatchObject({
    version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    threads: 2,
    transport: "epoll",
    memoryBytes: 64 * 2 ** 20,
    listeners: [`127.0.0.1:${tcp}`],
    udp: [`127.0.0.1:${udp}`],
    admin: "",
    tls: "none",
  });
  expect(fields["message"]).toMatch(
    new RegExp(
      `^serving 127.0.0.1:${tcp} with 2 threads, 64m for items, by epoll; huge pages (asked for|none); ` +
        `UDP 127.0.0.1:${udp}; no TLS; shardcached [\\d.]+; no admin HTTP$`,
    ),
  );
});
