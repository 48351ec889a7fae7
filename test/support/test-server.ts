/**
 * Servers for tests: starts shardcached or a real memcached, tells where it listens, stops it
 * cleanly.
 *
 *   TestServer.start({ implementation: "shardcached", threads: 2, transport: "native" })
 *        │ spawn … -p -1 -l 127.0.0.1          MEMCACHED_PORT_FILENAME=<directory>/ports
 *        │ wait for the file: it is renamed into place once the sockets listen
 *        ▼
 *   server.port · server.pid · server.residentBytes() · await server.stop()
 *
 * Why the port file: both servers have it, so no port is guessed and nothing is raced for.
 *
 * Invariants:
 *  - a server is bound to 127.0.0.1 or to a Unix socket of its own directory, nothing else;
 *  - stop() sends SIGTERM and demands exit code 0, and that no worker died meanwhile; whatever is
 *    left when the test process ends is killed by its pid.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { until } from "./until.ts";

const START_MILLISECONDS_MAX = 45_000;
const STOP_MILLISECONDS_MAX = 30_000;
const POLL_MILLISECONDS = 5;
const RESTING_LOOKS = 10;

export const SHARDCACHED_MAIN = fileURLToPath(
  new URL("../../dist/server/src/main.js", import.meta.url).href.replace("/dist/dist/", "/dist/"),
);

/** What shardcached answers to `version`: the protocol it follows. */
const SHARDCACHED_VERSION = "1.6.45";

export interface ServerSpec {
  readonly implementation: "shardcached" | "memcached";
  readonly threads: number;
  /** Ignored by memcached. */
  readonly transport: "native" | "node";
  /** False: every change to another thread's shard travels through a ring. Ignored by memcached. */
  readonly lending?: boolean;
  /** Options in memcached's spelling, given to either server. */
  readonly args?: readonly string[];
  /** Options for shardcached alone. */
  readonly ownArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** `-l` options in place of 127.0.0.1; `ports` has the port each was given. */
  readonly listens?: readonly string[];
  /** Listen on a Unix socket instead of TCP. */
  readonly unixSocket?: boolean;
}

const running = new Set<ChildProcess>();
function killRunning(): void {
  for (const child of running) child.kill("SIGKILL");
}
process.on("exit", killRunning);
// A test process that is ended from outside, or whose runner is gone, leaves no server behind
// either.
process.once("disconnect", killRunning);
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.once(signal, () => {
    killRunning();
    process.kill(process.pid, signal);
  });
}

export class TestServer {
  readonly spec: ServerSpec;
  /** Where scratch files of this server go; removed by stop(). */
  readonly directory: string;
  /** The path of the Unix socket, when `spec.unixSocket`. */
  readonly path: string | undefined;
  readonly #child: ChildProcess;
  #port = 0;
  #stderr = "";
  #exit: { code: number | null; signal: string | null } | undefined;

  private constructor(spec: ServerSpec, directory: string) {
    this.spec = spec;
    this.directory = directory;
    this.path = spec.unixSocket === true ? join(directory, "socket") : undefined;
    const [command, args] = commandLine(spec, this.path);
    this.#child = spawn(command, args, {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, ...spec.env, MEMCACHED_PORT_FILENAME: this.#portFile },
    });
    running.add(this.#child);
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-100_000);
    });
    this.#child.on("error", (error) => {
      this.#stderr += String(error);
      this.#exit = { code: -1, signal: null };
    });
    this.#child.on("exit", (code, signal) => {
      running.delete(this.#child);
      this.#exit = { code, signal };
    });
  }

  /** Starts a server and waits until it listens. Throws with its stderr when it does not. */
  static async start(spec: ServerSpec): Promise<TestServer> {
    if (spec.implementation === "shardcached" && !existsSync(SHARDCACHED_MAIN)) {
      throw new Error(`${SHARDCACHED_MAIN} is missing: run "npm run build" before these tests`);
    }
    const server = new TestServer(spec, mkdtempSync(join(tmpdir(), "shardcached-test-")));
    const deadline = Date.now() + START_MILLISECONDS_MAX;
    while (!server.#listens()) {
      if (server.#exit !== undefined || Date.now() > deadline) {
        server.kill("SIGKILL");
        throw new Error(`${describeSpec(spec)} did not start: ${server.#stderr}`);
      }
      await sleep(POLL_MILLISECONDS);
    }
    return server;
  }

  get port(): number {
    return this.#port;
  }

  /** What net.connect() takes. */
  get address(): { host: string; port: number } | { path: string } {
    return this.path === undefined ? { host: "127.0.0.1", port: this.#port } : { path: this.path };
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  get label(): string {
    return describeSpec(this.spec);
  }

  get isOracle(): boolean {
    return this.spec.implementation === "memcached";
  }

  /** The version it answers. */
  get version(): string {
    return this.isOracle ? memcachedVersion() : SHARDCACHED_VERSION;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get hasExited(): boolean {
    return this.#exit !== undefined;
  }

  /** Memory the process holds now. */
  residentBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  }

  /**
   * Waits until the server has done all it can do as things are: every thread of it sleeps, look
   * after look. However slow the machine, what was sent before has then been dealt with.
   */
  async atRest(): Promise<void> {
    let rests = 0;
    await until(async () => {
      await sleep(POLL_MILLISECONDS);
      rests = this.#isAsleep() ? rests + 1 : 0;
      return rests === RESTING_LOOKS;
    });
  }

  #isAsleep(): boolean {
    const tasks = `/proc/${this.pid}/task`;
    return readdirSync(tasks).every((task) => {
      const [, state] = /\) (\w) /.exec(readFileSync(`${tasks}/${task}/stat`, "utf8")) ?? [];
      return state === "S";
    });
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#exit === undefined) this.#child.kill(signal);
  }

  /** Waits for the process to end by itself (shutdown, a signal); its exit code. */
  async ended(): Promise<number | null> {
    const deadline = Date.now() + STOP_MILLISECONDS_MAX;
    while (this.#exit === undefined && Date.now() < deadline) await sleep(POLL_MILLISECONDS);
    if (this.#exit === undefined) {
      this.kill("SIGKILL");
      throw new Error(`${this.label} did not end within ${STOP_MILLISECONDS_MAX} ms`);
    }
    rmSync(this.directory, { recursive: true, force: true });
    if (this.#exit.signal !== null) {
      throw new Error(`${this.label} was ended by ${this.#exit.signal}: ${this.#stderr}`);
    }
    return this.#exit.code;
  }

  /**
   * Ends it by SIGTERM. Throws when it or a worker had died before, or when the exit code is not 0.
   */
  async stop(): Promise<void> {
    const died = this.#exit !== undefined;
    this.kill("SIGTERM");
    const code = await this.ended();
    if (died || code !== 0) {
      throw new Error(
        `${this.label} ended with code ${code}${died ? " early" : ""}: ${this.#stderr}`,
      );
    }
  }

  /** The UDP port, for a server that was started with -U. */
  get udpPort(): number {
    const port = /^UDP INET: (\d+)$/m.exec(readFileSync(this.#portFile, "utf8"))?.[1];
    if (port === undefined) throw new Error(`${this.label} serves no UDP`);
    return Number(port);
  }

  /** The TCP ports, in the order of -l. */
  get ports(): number[] {
    const lines = readFileSync(this.#portFile, "utf8").matchAll(/^TCP INET: (\d+)$/gm);
    return [...lines].map((line) => Number(line[1]));
  }

  get #portFile(): string {
    return join(this.directory, "ports");
  }

  #listens(): boolean {
    if (this.path !== undefined) return existsSync(this.path);
    if (!existsSync(this.#portFile)) return false;
    const port = /^TCP INET: (\d+)$/m.exec(readFileSync(this.#portFile, "utf8"))?.[1];
    this.#port = Number(port ?? 0);
    return port !== undefined;
  }
}

/** "memcached -t 2" or "shardcached, 2 threads, native". */
export function describeSpec(spec: ServerSpec): string {
  return spec.implementation === "memcached"
    ? `memcached -t ${spec.threads}`
    : `shardcached, ${spec.threads} ${spec.threads === 1 ? "thread" : "threads"}, ${spec.transport}`;
}

function commandLine(spec: ServerSpec, path: string | undefined): [string, string[]] {
  const network = ["-p", "-1", ...(spec.listens ?? ["-l", "127.0.0.1"])];
  const listen = path === undefined ? network : ["-s", path];
  const args = [...listen, "-t", String(spec.threads), ...(spec.args ?? [])];
  if (process.getuid?.() === 0) args.push("-u", "root");
  if (spec.implementation === "memcached") return ["memcached", args];
  // All threads serve sockets, however few processors there are: that is what more than one is
  // tested for.
  // Where there are no loans, what is reused is poisoned too: see src/worker/poison.ts.
  const lending = spec.lending === false ? ",no_lending,debug" : "";
  const spread = ["-o", `socket_threads=${spec.threads}${lending}`];
  const own = ["--transport", spec.transport, ...spread, ...(spec.ownArgs ?? [])];
  return [process.execPath, [SHARDCACHED_MAIN, ...args, ...own]];
}

let memcachedVersionSeen: string | undefined;

function memcachedVersion(): string {
  memcachedVersionSeen ??= readMemcachedVersion();
  return memcachedVersionSeen;
}

function readMemcachedVersion(): string {
  // Asked of the program itself: `memcached -V` prints "memcached 1.6.18".
  const answer = spawnSync("memcached", ["-V"], { encoding: "utf8" });
  return answer.stdout.trim().split(" ")[1] ?? "";
}
