/** Runs the built server as a program, as an operator would. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const MAIN = fileURLToPath(new URL("../../dist/server/src/main.js", import.meta.url));
export const RUN = fileURLToPath(new URL("../../scripts/run.mjs", import.meta.url));
const POLL_MILLISECONDS = 5;
const WAIT_MILLISECONDS_MAX = 20_000;

/** Never meets another server of this machine. */
export const QUIET = ["--admin-listen", "none"];

export class Program {
  readonly child: ChildProcess;
  stdout = "";
  stderr = "";
  readonly exited: Promise<number | null>;

  /** `descriptors` become the program's 3, 4 and so on. */
  constructor(
    command: string,
    args: readonly string[],
    env: Record<string, string> = {},
    descriptors: readonly number[] = [],
  ) {
    this.child = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "pipe", ...descriptors],
    });
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.exited = new Promise((resolve) => this.child.on("close", resolve));
  }

  /** The server with these flags. */
  static server(args: readonly string[], env: Record<string, string> = {}): Program {
    return new Program(process.execPath, [MAIN, ...args], env);
  }

  /** Ends it however it is, for the end of a test. */
  async kill(): Promise<void> {
    if (this.child.exitCode === null) this.child.kill("SIGKILL");
    await this.exited;
  }
}

/** Waits until `look` gives something. */
export async function until<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const deadline = performance.now() + WAIT_MILLISECONDS_MAX;
  while (performance.now() < deadline) {
    const seen = await look();
    if (seen !== undefined) return seen;
    await sleep(POLL_MILLISECONDS);
  }
  throw new Error("waited in vain");
}

/** The ports of a file of MEMCACHED_PORT_FILENAME, once it is there. */
export function portsOf(path: string): Promise<number[]> {
  return until(() => {
    if (!existsSync(path)) return undefined;
    const lines = readFileSync(path, "latin1").trim().split("\n");
    return lines.map((line) => Number(line.split(": ")[1]));
  });
}

/** One command to a server, and its reply up to a line end. */
export function ask(where: number | string, command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = typeof where === "number" ? connect(where, "127.0.0.1") : connect(where);
    let reply = "";
    socket.setEncoding("latin1");
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("closed without a reply")));
    socket.on("data", (text) => {
      reply += text;
      if (!reply.endsWith("\r\n")) return;
      resolve(reply);
      socket.destroy();
    });
    socket.write(`${command}\r\n`);
  });
}

/** True while a process of that number lives. */
export function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
