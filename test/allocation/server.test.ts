/**
 * Steady state of the whole server: two million mixed operations, and not one garbage collection in
 * any worker.
 *
 * V8 itself reports the collections (--trace-gc), each with its heap's address. The primary's heap
 * is the one that was there first; it may collect, since it serves no request under the native
 * transport.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { SHARDCACHED_MAIN } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const OPERATIONS = 2_000_000;
const WARM_OPERATIONS = 600_000;
const CONNECTIONS = 8;
const ROUNDS_PER_BATCH = 50;

/** One round of requests, and exactly what they are answered. */
function round(key: string): readonly [string, string][] {
  const value = "v".repeat(100);
  return [
    [`set ${key} 5 0 100\r\n${value}\r\n`, "STORED\r\n"],
    [`get ${key}\r\n`, `VALUE ${key} 5 100\r\n${value}\r\nEND\r\n`],
    [`get ${key} absent ${key}\r\n`, `${`VALUE ${key} 5 100\r\n${value}\r\n`.repeat(2)}END\r\n`],
    [`mg ${key} v f\r\n`, `VA 100 f5\r\n${value}\r\n`],
    [`touch ${key} 1000\r\n`, "TOUCHED\r\n"],
    [`set n${key} 0 0 1\r\n7\r\n`, "STORED\r\n"],
    [`incr n${key} 1\r\n`, "8\r\n"],
    [`delete ${key}\r\n`, "DELETED\r\n"],
    [`delete ${key}\r\n`, "NOT_FOUND\r\n"],
    [`add ${key} 0 0 1 noreply\r\nx\r\n`, ""],
  ];
}

class Client {
  readonly #socket: Socket;
  readonly #request: Buffer;
  readonly #replyBytes: number;
  readonly operations: number;
  #left = 0;
  #done: (() => void) | null = null;

  constructor(socket: Socket, name: string) {
    const rounds = Array.from({ length: ROUNDS_PER_BATCH }, (_, i) => round(`${name}:${i}`)).flat();
    this.#socket = socket;
    this.#request = Buffer.from(rounds.map(([request]) => request).join(""));
    this.#replyBytes = rounds.reduce((bytes, [, reply]) => bytes + reply.length, 0);
    this.operations = rounds.length;
    socket.on("data", (chunk) => {
      this.#left -= chunk.length;
      if (this.#left <= 0) this.#done?.();
    });
  }

  /** Sends the batch and waits until every byte of its replies has come. */
  async batch(): Promise<void> {
    this.#left = this.#replyBytes;
    this.#socket.write(this.#request);
    await new Promise<void>((resolve) => {
      this.#done = resolve;
    });
    expect(this.#left).toBe(0);
  }

  close(): void {
    this.#socket.destroy();
  }
}

async function play(clients: readonly Client[], operations: number): Promise<void> {
  const perClient = operations / clients.length;
  await Promise.all(
    clients.map(async (client) => {
      for (let done = 0; done < perClient; done += client.operations) await client.batch();
    }),
  );
}

let child: ChildProcess | null = null;
afterEach(() => child?.kill("SIGKILL"));

test("two million mixed operations over two workers collect no garbage", async () => {
  const directory = mkdtempSync(join(tmpdir(), "shardcached-gc-"));
  const portFile = join(directory, "ports");
  const root = process.getuid?.() === 0 ? ["-u", "root"] : [];
  const options = ["-p", "-1", "-l", "127.0.0.1", "-t", "2", "-m", "64", "--admin-listen", "none"];
  child = spawn(
    process.execPath,
    ["--trace-gc", SHARDCACHED_MAIN, ...options, "--transport", "native", ...root],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, MEMCACHED_PORT_FILENAME: portFile },
    },
  );
  let trace = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    trace += text;
  });
  let complaint = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  let port = 0;
  await until(() => {
    if (child?.exitCode !== null) throw new Error(`the server ended: ${trace}${complaint}`);
    if (!existsSync(portFile)) return false;
    port = Number(/TCP INET: (\d+)/.exec(readFileSync(portFile, "utf8"))?.[1] ?? 0);
    return port !== 0;
  });
  const heaps = () => [...trace.matchAll(/^\[\d+:(0x[0-9a-f]+)/gm)].map((match) => match[1]);
  const clients = Array.from(
    { length: CONNECTIONS },
    (_, i) => new Client(connect(port, "127.0.0.1"), `c${i}`),
  );
  await play(clients, WARM_OPERATIONS);
  await sleep(500);
  const primary = heaps()[0];
  const collected = () => heaps().filter((heap) => heap !== primary).length;
  const before = collected();
  await play(clients, OPERATIONS);
  await sleep(500);
  const after = collected();
  // Lists leave garbage: a collection now would be seen.
  const listing = connect(port, "127.0.0.1").resume();
  await until(() => {
    listing.write("stats\r\n".repeat(500));
    return collected() > after;
  });
  for (const client of clients) client.close();
  listing.destroy();
  rmSync(directory, { recursive: true, force: true });
  expect(primary).toBeDefined();
  expect(before).toBeGreaterThan(0); // the workers' collections are seen at all
  expect(after).toBe(before);
}, 300_000);
