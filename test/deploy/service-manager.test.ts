/** What systemd gives and hears: sockets that listen already, readiness, reloading. */
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Libc } from "../../src/libc/libc.ts";
import { AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NONBLOCK } from "../../src/libc/linux.ts";
import { ADDRESS_OFFSET, writeServerAddress } from "../../src/libc/socket-address.ts";
import { takeInheritedSockets } from "../../src/listen/inherited-sockets.ts";
import { listenNative } from "../../src/listen/listen.ts";
import { ask, MAIN, Program, portsOf, QUIET, until } from "../cli/program.ts";

const OPTIONS = { backlog: 16, interfaces: null };
const RECEIVE_OFFSET = 1024;
const RECEIVE_BYTES = 256;

let folder = "";
const programs: Program[] = [];
const descriptors: number[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "shardcached-service-"));
});

afterEach(async () => {
  for (const program of programs.splice(0)) await program.kill();
  for (const fd of descriptors.splice(0)) Libc.load().files.close(fd);
  rmSync(folder, { recursive: true });
});

/** The server, given sockets as systemd gives them: LISTEN_PID is its own. */
function activated(sockets: readonly number[], args: readonly string[]): Program {
  const script = `LISTEN_PID=$$ LISTEN_FDS=${sockets.length} exec "$0" "$@"`;
  const command = ["-c", script, process.execPath, MAIN, "-t", "2", ...QUIET, ...args];
  const program = new Program("sh", command, {}, sockets);
  programs.push(program);
  return program;
}

describe("takeInheritedSockets()", () => {
  test("gives the descriptors from 3 on and takes the variables away", () => {
    const environment = { LISTEN_PID: "7", LISTEN_FDS: "2", LISTEN_FDNAMES: "a:b", HOME: "/" };
    expect(takeInheritedSockets(environment, 7)).toEqual([3, 4]);
    expect(environment).toEqual({ HOME: "/" });
  });

  for (const [name, environment] of [
    ["without variables", {}],
    ["when they are another process's", { LISTEN_PID: "8", LISTEN_FDS: "1" }],
    ["when the number is none", { LISTEN_PID: "7", LISTEN_FDS: "x" }],
  ] as const) {
    test(`gives nothing ${name}`, () => {
      expect(takeInheritedSockets({ ...environment }, 7)).toEqual([]);
    });
  }
});

for (const transport of ["native", "node"]) {
  describe(`sockets that listen already, --transport ${transport}`, () => {
    test("are served instead of -p; a client that was there first is answered", async () => {
      const libc = Libc.load();
      const path = join(folder, "socket");
      const [tcp] = await listenNative(libc, { kind: "tcp", host: "127.0.0.1", port: 0 }, OPTIONS);
      const [unix] = await listenNative(libc, { kind: "unix", path, mode: 0o700 }, OPTIONS);
      if (tcp === undefined || unix === undefined) throw new Error("two sockets were asked for");
      descriptors.push(tcp.fd, unix.fd);
      const early = ask(tcp.port, "version");
      const program = activated([tcp.fd, unix.fd], ["-p", "1", "--transport", transport]);
      expect(await early).toBe("VERSION 1.6.45\r\n");
      expect(await ask(path, "version")).toBe("VERSION 1.6.45\r\n");
      expect(await ask(path, "stats conns")).toContain(`addr unix:${path}\r\n`);
      program.child.kill("SIGTERM");
      expect(await program.exited).toBe(0);
    });

    test("must be sockets", async () => {
      const program = activated([2], ["--transport", transport]);
      expect(await program.exited).toBe(71);
      expect(program.stderr).toContain("descriptor 3 was passed to be listened on (LISTEN_FDS)");
    });
  });
}

describe("NOTIFY_SOCKET", () => {
  for (const prefix of ["", "@"]) {
    test(`a name with "${prefix}": hears when all is open, and of the stop`, async () => {
      const name = join(folder, "notify");
      const receive = receiver(prefix + name);
      const env = { NOTIFY_SOCKET: prefix + name };
      const program = Program.server(["-p", "-1", "-t", "1", ...QUIET], env);
      programs.push(program);
      expect(await until(receive)).toBe("READY=1");
      program.child.kill("SIGTERM");
      expect(await program.exited).toBe(0);
      expect(receive()).toBe("STOPPING=1");
    });
  }

  test("hears nothing of a server whose admin address is taken: it ends", async () => {
    const name = join(folder, "refused");
    const receive = receiver(name);
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    const args = ["-p", "-1", "-t", "1", "--admin-listen", `127.0.0.1:${port}`];
    const program = Program.server(args, { NOTIFY_SOCKET: name });
    programs.push(program);
    expect(await program.exited).not.toBe(0);
    other.close();
    expect(receive()).toBeUndefined();
  });
});

/**
 * A datagram socket bound to `path`: what reads the next text from it, undefined when none is
 * there.
 */
function receiver(path: string): () => string | undefined {
  const libc = Libc.load();
  const fd = libc.sockets.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  descriptors.push(fd);
  const length = writeServerAddress(libc, { path });
  const address = libc.scratch.address(ADDRESS_OFFSET, length);
  expect(libc.sockets.bind(fd, address, length)).toBe(0);
  return () => {
    const size = libc.files.read(
      fd,
      libc.scratch.address(RECEIVE_OFFSET, RECEIVE_BYTES),
      RECEIVE_BYTES,
    );
    if (size < 0) return undefined;
    const bytes = libc.scratch.arena.bytes.slice(RECEIVE_OFFSET, RECEIVE_OFFSET + size);
    return Buffer.from(bytes).toString();
  };
}

describe("SIGHUP", () => {
  test("reads the configuration again, from the folder of the start", async () => {
    const file = join(folder, "a.conf");
    const ports = join(folder, "ports");
    const head = "port = -1\nthreads = 1\nadmin-listen = none\n";
    writeFileSync(file, head);
    const program = Program.server(["--config", file], { MEMCACHED_PORT_FILENAME: ports });
    programs.push(program);
    const said = (text: string) => until(() => (program.stderr.includes(text) ? true : undefined));
    const [port] = await portsOf(ports);

    writeFileSync(file, `${head}verbosity = 2\nmemory-limit = 128\n`);
    program.child.kill("SIGHUP");
    await said("SIGHUP: verbosity is 2 now");
    await said("SIGHUP: changes of memory-limit wait for a restart");
    expect(await ask(port as number, "stats settings")).toContain("STAT verbosity 2\r\n");

    writeFileSync(file, `${head}threads = none\n`);
    program.child.kill("SIGHUP");
    await said("SIGHUP: everything stays as it was: Number of threads must be greater than 0");
    program.child.kill("SIGTERM");
    expect(await program.exited).toBe(0);
  });
});
