/**
 * Peers: the servers that can be compared, and how each is started. shardcached itself is one of
 * them, and so is the floor, a C loop that answers without a store.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Protocol } from "../load/workload.ts";

export interface StartOptions {
  port: number;
  threads: number;
  memoryMib: number;
  /** Length of the values the workload asks for: the floor has no store to take them from. */
  valueBytes: number;
}

export interface Peer {
  name: string;
  protocol: Protocol;
  /** The command, or null when the peer cannot do what the options ask. */
  command(options: StartOptions): string[] | null;
  /** Its version, for the report. */
  version: string;
  /** False when it keeps nothing: no verification, no memory figures. */
  stores: boolean;
}

/** Connections a server must take; descriptors are often limited to 20 000. */
const CONNECTIONS_MAX = 10_000;

/** The harness's root: where package.json, bench/ and dist/ are. */
export function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) folder = dirname(folder);
  return folder;
}

/** The full path of a program, or null. */
export function findProgram(name: string): string | null {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, name);
    if (folder !== "" && existsSync(path)) return path;
  }
  return null;
}

/** The version a program gives: behind its name where it names others too. */
function versionOf(program: string, words: readonly string[], name = ""): string {
  const run = spawnSync(program, words, { encoding: "utf8", timeout: 5000 });
  const pattern = new RegExp(`${name}\\D*?(\\d+\\.\\d+(?:\\.\\d+)?)`);
  return pattern.exec(`${run.stdout}${run.stderr}`)?.[1] ?? "?";
}

/** memcached refuses to run as root unless told so. */
const asRoot = process.getuid?.() === 0 ? ["-u", "root"] : [];

function memcachedWords({ port, threads, memoryMib }: StartOptions): string[] {
  const sizes = ["-t", String(threads), "-m", String(memoryMib), "-c", String(CONNECTIONS_MAX)];
  return ["-l", "127.0.0.1", "-p", String(port), "-U", "0", ...sizes, ...asRoot];
}

/** shardcached from dist, or null before it is built. */
export function shardcachedPeer(extra: readonly string[] = []): Peer | null {
  const main = join(projectRoot(), "dist/server/src/main.js");
  if (!existsSync(main)) return null;
  return {
    name: "shardcached",
    protocol: "text",
    version: versionOf(process.execPath, [main, "-V"], "shardcached"),
    stores: true,
    command: (options) => [process.execPath, main, ...memcachedWords(options), ...extra],
  };
}

function memcachedPeer(): Peer | null {
  const program = findProgram("memcached");
  if (program === null) return null;
  return {
    name: "memcached",
    protocol: "text",
    version: versionOf(program, ["-V"]),
    stores: true,
    command: (options) => [program, ...memcachedWords(options)],
  };
}

/** redis and valkey: one thread for commands, whatever is asked. */
function redisPeer(name: string): Peer | null {
  const program = findProgram(`${name}-server`);
  if (program === null) return null;
  return {
    name,
    protocol: "resp",
    version: versionOf(program, ["--version"]),
    stores: true,
    command({ port, threads, memoryMib }) {
      if (threads > 1) return null;
      const memory = ["--maxmemory", `${memoryMib}mb`, "--maxmemory-policy", "allkeys-lru"];
      const quiet = ["--save", "", "--appendonly", "no", "--bind", "127.0.0.1"];
      return [program, "--port", String(port), ...quiet, ...memory];
    },
  };
}

/** The floor, compiled when it is not yet; null without a C compiler. */
function floorPeer(): Peer | null {
  const source = join(projectRoot(), "bench/floor/floor.c");
  const program = join(projectRoot(), "bench/out/floor");
  const compiler = findProgram("cc") ?? findProgram("gcc") ?? findProgram("clang");
  const fresh = existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs;
  if (!fresh) {
    if (compiler === null) return null;
    mkdirSync(dirname(program), { recursive: true });
    const run = spawnSync(compiler, ["-O2", "-Wall", "-o", program, source], { encoding: "utf8" });
    if (run.status !== 0) throw new Error(`the floor does not compile:\n${run.stderr}`);
  }
  return {
    name: "floor",
    protocol: "text",
    version: "",
    stores: false,
    command({ port, threads, valueBytes }) {
      return threads > 1 ? null : [program, String(port), String(valueBytes)];
    },
  };
}

const PROTOCOLS: readonly Protocol[] = ["text", "meta", "binary", "resp"];

/**
 * A peer from the command line: "name=command" or "name:protocol=command"; {port}, {threads},
 * {memory} (MiB) and {value} in the command stand for what the run asks.
 */
export function parsePeer(text: string): Peer {
  const [, name, protocol = "text", line] = /^([^=:]+)(?::(\w+))?=(.+)$/.exec(text) ?? [];
  if (name === undefined || line === undefined || !PROTOCOLS.includes(protocol as Protocol)) {
    throw new Error(`peer "${text}": NAME=COMMAND or NAME:PROTOCOL=COMMAND, with {port} in it`);
  }
  if (!line.includes("{port}")) throw new Error(`peer "${name}": its command needs {port}`);
  return {
    name,
    protocol: protocol as Protocol,
    version: "",
    stores: true,
    command({ port, threads, memoryMib, valueBytes }) {
      if (threads > 1 && !line.includes("{threads}")) return null;
      const values = { port, threads, memory: memoryMib, value: valueBytes };
      return line
        .split(/\s+/)
        .map((word) =>
          word.replace(/\{(port|threads|memory|value)\}/g, (_, key: keyof typeof values) =>
            String(values[key]),
          ),
        );
    },
  };
}

/** Every peer this machine has, shardcached and memcached first. */
export function findPeers(extra: readonly string[] = []): Peer[] {
  const found = [
    shardcachedPeer(),
    memcachedPeer(),
    redisPeer("redis"),
    redisPeer("valkey"),
    ...extra.map(parsePeer),
    floorPeer(),
  ];
  return found.filter((peer) => peer !== null);
}
