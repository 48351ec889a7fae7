/**
 * A server's life as a process: start, port file, signals, background, pid file, sockets.
 */
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ask, lives, MAIN, Program, portsOf, QUIET, RUN, until } from "./program.ts";

const CAP_SYS_RESOURCE = 24n;

let folder = "";
const programs: Program[] = [];
const daemons: number[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "shardcached-cli-"));
});

afterEach(async () => {
  for (const program of programs.splice(0)) await program.kill();
  for (const pid of daemons.splice(0)) if (lives(pid)) process.kill(pid, "SIGKILL");
  rmSync(folder, { recursive: true });
});

/** A server on a free port; resolves once it serves. */
async function serving(args: readonly string[] = []) {
  const ports = join(folder, "ports");
  const env = { MEMCACHED_PORT_FILENAME: ports };
  const program = Program.server(["-p", "-1", "-t", "2", ...QUIET, ...args], env);
  programs.push(program);
  const [port] = await portsOf(ports);
  return { program, port: port as number };
}

for (const transport of ["native", "node"]) {
  describe(`--transport ${transport}`, () => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGUSR1"] as const) {
      test(`${signal} ends it in order, with 0`, async () => {
        const { program, port } = await serving(["--transport", transport]);
        expect(await ask(port, "version")).toBe("VERSION 1.6.45\r\n");
        program.child.kill(signal);
        expect(await program.exited).toBe(0);
      });
    }

    test("a Unix socket instead of TCP, with the mask of -a", async () => {
      const path = join(folder, "socket");
      const args = ["-s", path, "-a", "770", "--transport", transport, ...QUIET];
      const program = Program.server(args);
      programs.push(program);
      const reply = await until(() => ask(path, "version").catch(() => undefined));
      expect(reply).toBe("VERSION 1.6.45\r\n");
      expect(statSync(path).mode & 0o777).toBe(0o770);
      program.child.kill("SIGTERM");
      expect(await program.exited).toBe(0);
    });

    test("the path of a Unix socket that is too long: exit code 71", async () => {
      const path = join(folder, "s".repeat(120));
      const program = Program.server(["-s", path, "--transport", transport, ...QUIET]);
      programs.push(program);
      expect(await program.exited).toBe(71);
      expect(program.stderr).toBe(
        `bind(): File name too long\nfailed to listen on UNIX socket: ${path}: File name too long\n`,
      );
      expect(readdirSync(folder)).toEqual([]);
    });

    test("a port in use: one line, exit code 71", async () => {
      const { port } = await serving(["--transport", transport]);
      const second = Program.server(["-p", String(port), "--transport", transport, ...QUIET]);
      programs.push(second);
      expect(await second.exited).toBe(71);
      expect(second.stderr).toBe(`failed to listen on TCP port ${port}: Address already in use\n`);
    });

    test("the shutdown command ends it where -A allows it", async () => {
      const { program, port } = await serving(["-A", "--transport", transport]);
      await ask(port, "shutdown").catch(() => undefined);
      expect(await program.exited).toBe(0);
    });
  });
}

describe("a signal that comes while it starts", () => {
  /** Sends itself `signal` as soon as it is prepared for signals. */
  const startAndSend = (signal: string, ports: string) => {
    const code =
      'const send = (event) => event === "SIGHUP" && (process.off("newListener", send), ' +
      `process.kill(process.pid, "${signal}")); process.on("newListener", send);`;
    const program = Program.server(["-p", "-1", "-t", "1", ...QUIET], {
      MEMCACHED_PORT_FILENAME: ports,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}`,
    });
    programs.push(program);
    return program;
  };

  for (const signal of ["SIGTERM", "SIGINT", "SIGUSR1"]) {
    test(`${signal} ends it before it serves, with 0`, async () => {
      const ports = join(folder, "ports");
      const program = startAndSend(signal, ports);
      expect(await program.exited).toBe(0);
      expect(existsSync(ports)).toBe(false);
      expect(program.stderr).toBe("");
    });
  }

  test("SIGHUP changes nothing", async () => {
    const ports = join(folder, "ports");
    const program = startAndSend("SIGHUP", ports);
    const [port] = await portsOf(ports);
    expect(await ask(port as number, "version")).toBe("VERSION 1.6.45\r\n");
    program.child.kill("SIGTERM");
    expect(await program.exited).toBe(0);
    expect(program.stderr).not.toContain("SIGHUP");
  });
});

describe("-P", () => {
  test("a file that cannot be written is warned of, and the server serves", async () => {
    const path = join(folder, "no-such-folder", "pid");
    const { program, port } = await serving(["-P", path]);
    expect(await ask(port, "version")).toBe("VERSION 1.6.45\r\n");
    program.child.kill("SIGTERM");
    expect(await program.exited).toBe(0);
    expect(program.stderr).toContain(`Could not open the pid file ${path}.tmp for writing`);
  });

  test("without -d it stays, with the number of a process that is gone", async () => {
    const path = join(folder, "pid");
    const { program } = await serving(["-P", path]);
    program.child.kill("SIGTERM");
    expect(await program.exited).toBe(0);
    expect(readFileSync(path, "latin1")).toBe(`${program.child.pid}\n`);
  });
});

describe("ulimit -v", () => {
  /** As much address space as a server takes here, and too little for WebAssembly's reserve. */
  const limited = `ulimit -v 4000000; exec ${process.execPath} "$0" "$@"`;

  test("a server whose addresses are limited serves", async () => {
    const ports = join(folder, "ports");
    const args = ["-c", limited, MAIN, "-p", "-1", "-t", "2", "-m", "64", ...QUIET];
    const program = new Program("/bin/sh", args, { MEMCACHED_PORT_FILENAME: ports });
    programs.push(program);
    const [port] = await portsOf(ports);
    expect(await ask(port as number, "set apple 0 0 3\r\nred")).toBe("STORED\r\n");
    program.child.kill("SIGTERM");
    expect(await program.exited).toBe(0);
  });
});

describe("-k", () => {
  test("keeps item memory from being swapped out, and V8's heap as it was", async () => {
    const ports = join(folder, "ports");
    const collect = `import { setFlagsFromString } from "node:v8"; import vm from "node:vm";
      setFlagsFromString("--expose-gc"); const gc = vm.runInNewContext("gc");
      setInterval(() => gc(), 20).unref();`;
    const program = Program.server(["-p", "-1", "-t", "1", "-m", "64", "-k", ...QUIET], {
      MEMCACHED_PORT_FILENAME: ports,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(collect)}`,
    });
    programs.push(program);
    const [port] = await portsOf(ports);
    for (let i = 0; i < 50; i++) {
      expect(await ask(port as number, "version")).toBe("VERSION 1.6.45\r\n");
      await sleep(10);
    }
    const status = readFileSync(`/proc/${program.child.pid}/status`, "latin1");
    const lockedKib = Number(/^VmLck:\s+(\d+)/m.exec(status)?.[1]);
    if (program.stderr.includes("-k invalid")) expect(lockedKib).toBe(0);
    else expect(lockedKib).toBeGreaterThan(64 * 1024);
    program.child.kill("SIGTERM");
    expect(await program.exited).toBe(0);
  });
});

describe("-r", () => {
  test("raises the limit of core files as far as the system lets it, or says that it cannot", async () => {
    const ports = join(folder, "ports");
    const limited = `ulimit -Sc 0; exec ${process.execPath} "$0" "$@"`;
    const args = ["-c", limited, MAIN, "-p", "-1", "-r", ...QUIET];
    const program = new Program("/bin/sh", args, { MEMCACHED_PORT_FILENAME: ports });
    programs.push(program);
    const hard = /^Max core file size +\S+ +(\S+)/m.exec(
      readFileSync("/proc/self/limits", "latin1"),
    );
    if (hard?.[1] !== "0" || mayRaiseLimits()) {
      await portsOf(ports);
      const limits = readFileSync(`/proc/${program.child.pid}/limits`, "latin1");
      expect(limits).not.toMatch(/^Max core file size +0 /m);
    } else {
      expect(await program.exited).toBe(71);
      expect(program.stderr).toContain("failed to ensure corefile creation");
    }
  });
});

describe("-d", () => {
  test("returns once it serves; a session of its own, no streams, no folder, a pid file", async () => {
    const pidFile = join(folder, "pid");
    const ports = join(folder, "ports");
    const flags = ["-d", "-m", "1024", "-u", "root", "-l", "127.0.0.1", "-p", "-1", "-c", "1024"];
    const starter = Program.server([...flags, "-P", pidFile, ...QUIET], {
      MEMCACHED_PORT_FILENAME: ports,
    });
    programs.push(starter);
    expect(await starter.exited).toBe(0);
    const pid = Number(readFileSync(pidFile, "latin1"));
    daemons.push(pid);
    const [port] = await portsOf(ports);
    expect(await ask(port as number, "version")).toBe("VERSION 1.6.45\r\n");
    expect(readlinkSync(`/proc/${pid}/cwd`)).toBe("/");
    for (const stream of [0, 1, 2]) {
      expect(readlinkSync(`/proc/${pid}/fd/${stream}`)).toBe("/dev/null");
    }
    const session = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ")[3];
    expect(Number(session)).toBe(pid);
    process.kill(pid, "SIGTERM");
    await until(() => (lives(pid) ? undefined : true));
    expect(() => statSync(pidFile)).toThrow("ENOENT");
  });

  test("a start that fails says why and gives its exit code", async () => {
    const starter = Program.server(["-d", "-s", "/no-such-folder/socket", ...QUIET]);
    programs.push(starter);
    expect(await starter.exited).toBe(71);
    expect(starter.stderr).toContain("failed to listen on UNIX socket: /no-such-folder/socket");
  });
});

describe("configuration", () => {
  test("a file and the environment reach the server", async () => {
    const file = join(folder, "a.conf");
    writeFileSync(file, "-m 100\nconn-limit = 77\nthreads = 1\n");
    const ports = join(folder, "ports");
    const program = Program.server(["--config", file, "-p", "-1", ...QUIET], {
      MEMCACHED_PORT_FILENAME: ports,
      SHARDCACHED_DISABLE_EVICTIONS: "yes",
    });
    programs.push(program);
    const [port] = await portsOf(ports);
    const settings = await ask(port as number, "stats settings");
    expect(settings).toContain("STAT maxbytes 104857600\r\n");
    expect(settings).toContain("STAT maxconns 77\r\n");
    expect(settings).toContain("STAT num_threads 1\r\n");
    expect(settings).toContain("STAT evictions off\r\n");
  });

  test("-c raises the limit of open files, or is refused before anything is served", async () => {
    const ports = join(folder, "ports");
    const limited = `ulimit -n 512; exec ${process.execPath} "$0" "$@"`;
    const args = ["-c", limited, MAIN, "-p", "-1", "-c", "100000", ...QUIET];
    const program = new Program("/bin/sh", args, { MEMCACHED_PORT_FILENAME: ports });
    programs.push(program);
    if (mayRaiseLimits()) {
      await portsOf(ports);
      const limits = readFileSync(`/proc/${program.child.pid}/limits`, "latin1");
      const files = /^Max open files +(\d+)/m.exec(limits);
      expect(Number(files?.[1])).toBeGreaterThan(100_000);
    } else {
      expect(await program.exited).toBe(71);
      expect(program.stderr).toContain("failed to set rlimit for open files.");
    }
  });
});

/** Root may, unless its CAP_SYS_RESOURCE was taken away, as containers do. */
function mayRaiseLimits(): boolean {
  const status = readFileSync("/proc/self/status", "latin1");
  const effective = BigInt(`0x${/^CapEff:\s*(\w+)/m.exec(status)?.[1] ?? "0"}`);
  return (effective & (1n << CAP_SYS_RESOURCE)) !== 0n;
}

describe("scripts/run.mjs start", () => {
  test("is the server itself: signals, exit code and flags are its own", async () => {
    const ports = join(folder, "ports");
    const args = [RUN, "start", "-p", "-1", "-t", "1", ...QUIET];
    const program = new Program(process.execPath, args, { MEMCACHED_PORT_FILENAME: ports });
    programs.push(program);
    const [port] = await portsOf(ports);
    const stats = await ask(port as number, "stats");
    expect(stats).toContain(`STAT pid ${program.child.pid}\r\n`);
    program.child.kill("SIGTERM");
    expect(await program.exited).toBe(0);
  });

  test("passes an exit code on", async () => {
    const program = new Program(process.execPath, [RUN, "start", "-c", "0"]);
    programs.push(program);
    expect(await program.exited).toBe(1);
    expect(program.stderr).toContain("Maximum connections must be greater than 0");
  });
});
