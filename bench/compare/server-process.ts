/**
 * A server under measurement: started on its own processors, asked for its processor time and
 * memory, stopped by its id.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer, connect as openSocket } from "node:net";
import { KIB } from "../../src/base/unit.ts";
import { processCpuMicroseconds, type Target } from "../load/libc.ts";
import type { Peer, StartOptions } from "./peers.ts";

/** A server that does not listen by then has failed. */
const START_MILLISECONDS_MAX = 10_000;
const PROBE_MILLISECONDS = 20;
/** A server that has not ended by then is killed. */
const STOP_MILLISECONDS_MAX = 2_000;
/** The tail of a server's standard error that an error message quotes. */
const COMPLAINT_CHARACTERS = 500;

const hasTaskset = spawnSync("taskset", ["--version"]).status === 0;

/** Servers that run; none survives the harness, however it ends. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** A TCP port nobody uses at the moment. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = openSocket(port, "127.0.0.1");
    socket.on("connect", () => resolve(true));
    socket.on("error", () => resolve(false));
    socket.on("connect", () => socket.destroy());
  });
}

export class ServerProcess {
  readonly peer: Peer;
  readonly target: Target;
  readonly #child: ChildProcess;
  #complaints = "";
  #ended: string | null = null;

  private constructor(peer: Peer, child: ChildProcess, port: number) {
    this.peer = peer;
    this.#child = child;
    running.add(child);
    this.target = { host: "127.0.0.1", port };
    child.stderr?.on("data", (data: Buffer) => {
      this.#complaints = (this.#complaints + data.toString()).slice(-COMPLAINT_CHARACTERS);
    });
    child.on("error", (error) => {
      this.#ended = error.message;
    });
    child.on("exit", (code, signal) => {
      running.delete(child);
      this.#ended = `ended with ${signal ?? code}`;
    });
  }

  /**
   * Starts `peer` on `cores` and waits until it listens; null when it cannot do what the options
   * ask.
   */
  static async start(
    peer: Peer,
    options: Omit<StartOptions, "port">,
    cores: readonly number[],
  ): Promise<ServerProcess | null> {
    const port = await freePort();
    const command = peer.command({ ...options, port });
    if (command === null) return null;
    const pinned = hasTaskset && cores.length > 0;
    const words = pinned ? ["taskset", "-c", cores.join(","), ...command] : command;
    const child = spawn(words[0] as string, words.slice(1), {
      stdio: ["ignore", "ignore", "pipe"],
    });
    const server = new ServerProcess(peer, child, port);
    const deadline = Date.now() + START_MILLISECONDS_MAX;
    while (!(await accepts(port))) {
      if (server.#ended !== null || Date.now() > deadline) {
        const why = server.#ended ?? "does not listen";
        await server.stop();
        throw new Error(`${peer.name} ${why}: ${words.join(" ")}\n${server.#complaints}`);
      }
      await pause(PROBE_MILLISECONDS);
    }
    return server;
  }

  get pid(): number {
    return this.#child.pid as number;
  }

  /** Processor time of all its threads so far, user and system. */
  cpuMicroseconds(): number {
    if (this.#ended !== null) throw new Error(`${this.peer.name} ${this.#ended}`);
    return processCpuMicroseconds(this.pid);
  }

  /** Resident memory, in bytes. */
  residentBytes(): number {
    return residentBytesOf(this.pid);
  }

  async stop(): Promise<void> {
    if (this.#ended !== null) return;
    const ended = new Promise<void>((resolve) => this.#child.on("exit", () => resolve()));
    this.#child.kill("SIGTERM");
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), STOP_MILLISECONDS_MAX);
    await ended;
    clearTimeout(timer);
  }
}

/** Resident bytes of a process, 0 when it is gone. */
export function residentBytesOf(pid: number): number {
  const path = `/proc/${pid}/status`;
  if (!existsSync(path)) return 0;
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(path, "utf8"));
  return line === null ? 0 : Number(line[1]) * KIB;
}

/** The share of user time in a process's processor time so far; NaN when it is gone. */
export function userShareOf(pid: number): number {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return Number.NaN;
  // The name, in brackets, may hold spaces; user and system time are the 12th and 13th word behind
  // it.
  const words = (readFileSync(path, "utf8").split(") ").pop() ?? "").split(" ");
  const user = Number(words[11]);
  return user / (user + Number(words[12]));
}
