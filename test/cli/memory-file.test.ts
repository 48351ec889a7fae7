/**
 * -e: what was stored is there again in the next process, after a clean stop and after kill -9; a
 * file that is damaged, taken, or no place to keep memory in starts cold or not at all.
 */
import {
  chmodSync,
  closeSync,
  linkSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ask, Program, portsOf, QUIET } from "./program.ts";

/** Kills of one run; `MEMORY_FILE_KILLS=1000` for more. */
const KILLS = Number(process.env["MEMORY_FILE_KILLS"] ?? 8);
const WRITERS = 4;
const KEYS_PER_WRITER = 200;
const LARGE_EVERY = 25;
const SHM = "/dev/shm";

let folder = "";
let file = "";
const programs: Program[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(SHM, "shardcached-"));
  file = join(folder, "memory");
});

afterEach(async () => {
  for (const program of programs.splice(0)) await program.kill();
  rmSync(folder, { recursive: true });
});

const flagsOf = (args: readonly string[]) => ["-p", "-1", "-t", "2", ...QUIET, "-e", file, ...args];

/** A server on the file; resolves once it serves. */
async function serving(args: readonly string[] = []) {
  const ports = join(folder, "ports");
  rmSync(ports, { force: true });
  const program = Program.server(flagsOf(args), { MEMCACHED_PORT_FILENAME: ports });
  programs.push(program);
  const [port] = await portsOf(ports);
  return { program, port: port as number };
}

/** A server that does not start: its exit code and what it says. */
async function refusal(args: readonly string[] = []) {
  const program = Program.server(flagsOf(args));
  programs.push(program);
  return { code: await program.exited, stderr: program.stderr };
}

async function stopped(program: Program, signal: NodeJS.Signals = "SIGTERM"): Promise<string> {
  program.child.kill(signal);
  await program.exited;
  return program.stderr;
}

/** Everything up to a line `END`, or one line, of one connection. */
class Client {
  readonly socket: Socket;
  #text = "";
  #wake = () => {};
  isClosed = false;

  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1").setEncoding("latin1");
    this.socket.on("data", (text) => {
      this.#text += text;
      this.#wake();
    });
    this.socket.on("error", () => {});
    this.socket.on("close", () => {
      this.isClosed = true;
      this.#wake();
    });
  }

  /** The reply, or null when the server is gone. */
  async ask(command: string, end: string): Promise<string | null> {
    this.#text = "";
    this.socket.write(command);
    while (!this.#text.endsWith(end)) {
      if (this.isClosed) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#text;
  }
}

const set = (key: string, value: string, flags = 0, exptime = 0) =>
  `set ${key} ${flags} ${exptime} ${value.length}\r\n${value}\r\n`;

function textOf(key: string, round: number, isLarge: boolean): string {
  const seed = `${key}:${round};`;
  return seed + seed.repeat(isLarge ? 60_000 : round % 40) + seed;
}

describe("after a clean stop", () => {
  test("after a clean stop everything is there: flags, TTL, CAS", async () => {
    const { program, port } = await serving();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await ask(port, set("a", "1", 7).trimEnd())).toBe("STORED\r\n");
    await ask(port, set("ttl", "2", 0, 1000).trimEnd());
    await ask(port, set("short", "3", 0, 1).trimEnd());
    await ask(port, set("large", "x".repeat(800_000)).trimEnd());
    const before = await ask(port, "mg a f t c v");
    const cas = Number(/c(\d+)/.exec(before)?.[1]);
    expect(await stopped(program)).toContain(`cold: ${file} is new`);
    await sleep(2100);
    const { program: next, port: there } = await serving(["-C", "-M", "--promote-hits", "2"]);
    await stopped(next);
    const again = await serving();
    expect(await ask(again.port, "mg a f t c v")).toBe(before);
    expect(await ask(again.port, "mg short v")).toBe("EN\r\n");
    const ttl = Number(/t(\d+)/.exec(await ask(again.port, "mg ttl t"))?.[1]);
    expect(ttl).toBeGreaterThan(900);
    expect(ttl).toBeLessThan(999);
    const client = new Client(again.port);
    expect((await client.ask("get large\r\n", "END\r\n"))?.length).toBeGreaterThan(800_000);
    const stats = (await client.ask("stats\r\n", "END\r\n")) as string;
    expect(stats).toMatch(/curr_items [34]\r/);
    expect(Number(/uptime (\d+)/.exec(stats)?.[1])).toBeLessThan(60);
    expect(await client.ask("stats settings\r\n", "END\r\n")).toContain(`memory_file ${file}`);
    client.socket.destroy();
    await ask(again.port, set("a", "new").trimEnd());
    expect(Number(/c(\d+)/.exec(await ask(again.port, "mg a c"))?.[1])).toBeGreaterThan(cas);
    expect(await stopped(again.program)).toMatch(
      /warm: \d items \(\d+ MiB\) from .* after a clean stop/,
    );
    expect(there).toBeGreaterThan(0);
  });

  test("another -m starts cold, and says why", async () => {
    const { program, port } = await serving();
    await ask(port, set("a", "1").trimEnd());
    await stopped(program);
    const next = await serving(["-m", "100"]);
    expect(await ask(next.port, "mg a v")).toBe("EN\r\n");
    expect(await stopped(next.program)).toContain(
      "is not used: it was made with another -m, -t or -I",
    );
  });
});

describe("kill -9 under load", () => {
  for (const transport of ["native", "node"]) {
    test(`nothing acknowledged is lost, torn or older, ${transport}`, {
      timeout: 300_000,
    }, async () => {
      const acknowledged = new Map<string, number>();
      const sent = new Map<string, number>();
      let round = 0;
      for (let kill = 0; kill < KILLS; kill++) {
        const { program, port } = await serving(["-m", "256", "--transport", transport]);
        const write = async (writer: number) => {
          const client = new Client(port);
          for (;;) {
            const index = round % KEYS_PER_WRITER;
            const key = `w${writer}-${index}`;
            const mine = ++round;
            sent.set(key, mine);
            const value = textOf(key, mine, index % LARGE_EVERY === 0);
            if ((await client.ask(set(key, value), "\r\n")) !== "STORED\r\n") return;
            acknowledged.set(key, mine);
          }
        };
        const writers = Array.from({ length: WRITERS }, (_, writer) => write(writer));
        await sleep(100 + ((kill * 37) % 150));
        await stopped(program, "SIGKILL");
        await Promise.all(writers);
        const next = await serving(["-m", "256", "--transport", transport]);
        const client = new Client(next.port);
        for (const [key, at] of acknowledged) {
          const reply = (await client.ask(`get ${key}\r\n`, "END\r\n")) as string;
          expect(reply, `${key} is there`).toMatch(/^VALUE/);
          const value = reply.slice(reply.indexOf("\r\n") + 2, -"\r\nEND\r\n".length);
          const found = Number(/:(\d+);/.exec(value)?.[1]);
          expect(found).toBeGreaterThanOrEqual(at);
          expect(found).toBeLessThanOrEqual(sent.get(key) as number);
          const index = Number(key.split("-")[1]);
          expect(value === textOf(key, found, index % LARGE_EVERY === 0), "whole").toBe(true);
          acknowledged.set(key, found);
        }
        client.socket.destroy();
        expect(await stopped(next.program)).toMatch(/warm: \d+ items .* recovered in \d+ ms/);
      }
    });
  }
});

describe("a file that is refused", () => {
  test("two servers on one file", async () => {
    await serving();
    const { code, stderr } = await refusal();
    expect(code).toBe(71);
    expect(stderr).toBe(
      `memory file ${file}: another server has it: each needs a file of its own ` +
        `(-e, --memory-file: got "${file}")\n`,
    );
  });

  test("a symbolic link, a second name, a folder that is not there", async () => {
    const other = join(folder, "other");
    writeFileSync(other, "");
    symlinkSync(other, file);
    expect((await refusal()).stderr).toContain("it is a symbolic link");
    rmSync(file);
    linkSync(other, file);
    expect((await refusal()).stderr).toContain("not a plain file of one name");
    file = join(folder, "nowhere", "memory");
    expect((await refusal()).stderr).toContain("it cannot be opened (ENOENT)");
  });

  test("a folder on a disk is refused, unless it is insisted on", async () => {
    const disk = mkdtempSync(join(process.cwd(), "dist", "memory-"));
    try {
      file = join(disk, "memory");
      const { code, stderr } = await refusal();
      expect(code).toBe(71);
      expect(stderr).toContain("its filesystem writes back to a disk");
      const { program } = await serving(["--memory-file-on-disk"]);
      await stopped(program);
    } finally {
      rmSync(disk, { recursive: true });
    }
  });
});

describe("a damaged file", () => {
  test("starts, cold or warm, and serves: bits flipped, cut, longer", {
    timeout: 300_000,
  }, async () => {
    const first = await serving();
    const client = new Client(first.port);
    for (let i = 0; i < 500; i++) await client.ask(set(`key-${i}`, "v".repeat(i * 3)), "\r\n");
    for (let i = 0; i < 5; i++) await client.ask(set(`large-${i}`, "l".repeat(700_000)), "\r\n");
    client.socket.destroy();
    await stopped(first.program, "SIGKILL");
    const torn = readFileSync(file);
    await stopped((await serving()).program);
    const clean = readFileSync(file);
    const { length } = torn;
    const at = fc.oneof(fc.nat(300), fc.integer({ min: 8192, max: 40_000 }), fc.nat(length - 1));
    const damage = fc.record({
      isClean: fc.boolean(),
      flips: fc.array(fc.tuple(at, fc.nat(255)), { minLength: 1, maxLength: 200 }),
      size: fc.oneof({ weight: 4, arbitrary: fc.constant(length) }, fc.nat(length + 9000)),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ isClean, flips, size }) => {
        writeFileSync(file, isClean ? clean : torn);
        chmodSync(file, 0o600);
        const fd = openSync(file, "r+");
        for (const [offset, byte] of flips) writeSync(fd, Buffer.of(byte), 0, 1, offset);
        closeSync(fd);
        truncateSync(file, size);
        const { program, port } = await serving();
        const reader = new Client(port);
        for (let i = 0; i < 500; i += 10) await reader.ask(`get key-${i}\r\n`, "END\r\n");
        for (let i = 0; i < 50; i++) await reader.ask(set(`new-${i}`, "n".repeat(1000)), "\r\n");
        const reply = await reader.ask("get new-49\r\n", "END\r\n");
        reader.socket.destroy();
        expect(reply).toContain("VALUE new-49 0 1000");
        expect(program.child.exitCode).toBe(null);
        expect(await stopped(program)).toMatch(/cold: |warm: /);
      }),
      { numRuns: Number(process.env["MEMORY_FILE_FUZZ"] ?? 10) },
    );
  });
});
