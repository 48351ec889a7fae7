/**
 * RESP: the generator and the comparison against Redis' protocol. The stand-in serves everywhere;
 * where a redis-server is installed, it is asked the same, and says whether the stand-in is right.
 */
import { execFile, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CompareResult } from "../../bench/compare/results.ts";
import { freePort } from "../../bench/compare/server-process.ts";
import type { Report } from "../../bench/load/report.ts";
import { type RedisStandIn, startRedisStandIn } from "../support/redis-stand-in.ts";
import { isInstalled } from "../support/server-matrix.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TRY_MILLISECONDS = 50;

interface Server {
  readonly port: number;
  stop(): Promise<void>;
}

async function startRedis(): Promise<Server> {
  const port = await freePort();
  const quiet = ["--save", "", "--appendonly", "no", "--bind", "127.0.0.1"];
  const child = spawn("redis-server", ["--port", String(port), ...quiet], { stdio: "ignore" });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const isUp = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true));
      socket.on("error", () => resolve(false));
      socket.on("connect", () => socket.destroy());
    });
  while (!(await isUp())) await new Promise((resolve) => setTimeout(resolve, TRY_MILLISECONDS));
  return {
    port,
    async stop() {
      child.kill("SIGTERM");
      await ended;
    },
  };
}

/** Sends bytes in pieces of `cut`, and resolves to as many bytes of the answer as are wanted. */
function exchange(port: number, sent: string, wanted: number, cut = sent.length): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.on("error", reject);
    socket.on("data", (bytes) => {
      answer += bytes.toString("latin1");
      if (answer.length < wanted) return;
      socket.destroy();
      resolve(answer);
    });
    socket.on("end", () => resolve(answer));
    socket.setNoDelay(true);
    for (let at = 0; at < sent.length; at += cut) {
      socket.write(Buffer.from(sent.slice(at, at + cut), "latin1"));
    }
  });
}

function command(...words: string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;
}

const ANSWERS: readonly (readonly [name: string, sent: string, answer: string])[] = [
  ["PING", command("PING"), "+PONG\r\n"],
  ["SET", command("SET", "apple", "red"), "+OK\r\n"],
  ["GET", command("GET", "apple"), "$3\r\nred\r\n"],
  ["GET of what is not there", command("GET", "pear"), "$-1\r\n"],
  ["a value of any bytes", command("SET", "raw", "\r\n\0\xff"), "+OK\r\n"],
  ["its bytes again", command("get", "raw"), "$4\r\n\r\n\0\xff\r\n"],
  ["MGET", command("MGET", "apple", "pear"), "*2\r\n$3\r\nred\r\n$-1\r\n"],
  ["SET with EX", command("SET", "fig", "ripe", "EX", "100"), "+OK\r\n"],
  ["PERSIST of what expires", command("PERSIST", "fig"), ":1\r\n"],
  ["PERSIST of what does not", command("PERSIST", "apple"), ":0\r\n"],
  ["two commands at once", command("GET", "apple") + command("PING"), "$3\r\nred\r\n+PONG\r\n"],
  ["FLUSHALL", command("FLUSHALL"), "+OK\r\n"],
];

const SERVERS: readonly (readonly [string, () => Promise<Server>])[] = [
  ["the stand-in", () => startRedisStandIn()],
  ...(isInstalled("redis-server") ? [["redis-server", startRedis] as const] : []),
];

describe.each(SERVERS)("%s answers", (_, start) => {
  let server: Server;
  beforeAll(async () => {
    server = await start();
  });
  afterAll(() => server.stop());

  for (const [name, sent, answer] of ANSWERS) {
    test(name, async () => {
      expect(await exchange(server.port, sent, answer.length)).toBe(answer);
    });
  }

  test("a command that comes byte by byte", async () => {
    const sent = command("SET", "slow", "bytes");
    expect(await exchange(server.port, sent, 5, 1)).toBe("+OK\r\n");
  });

  test("an error to a command it does not know", async () => {
    const answer = await exchange(server.port, command("NONSENSE"), 30);
    expect(answer).toMatch(/^-ERR unknown command/);
  });
});

/** Runs a built program; never rejects. */
function run(program: string, words: readonly string[]): Promise<[code: number, out: string]> {
  return new Promise((resolve) => {
    const path = join(ROOT, "dist", program);
    execFile(process.execPath, [path, ...words], { cwd: ROOT }, (error, out, err) => {
      resolve([typeof error?.code === "number" ? error.code : 0, `${out}${err}`]);
    });
  });
}

describe("bench --protocol resp", () => {
  let folder = "";
  let server: RedisStandIn | null = null;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "resp-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function load(lieAt: number, ...words: string[]): Promise<[number, string, Report]> {
    server = await startRedisStandIn({ lieAt });
    const json = join(folder, "report.json");
    const quick = ["--duration", "60", "--warm", "0", "--keys", "100", "--connections", "4"];
    const all = [...quick, "-n", "500", "--verify", "--protocol", "resp", "--json", json, ...words];
    const [code, out] = await run("bench/load/main.js", [`127.0.0.1:${server.port}`, ...all]);
    await server.stop();
    return [code, out, JSON.parse(readFileSync(json, "utf8")) as Report];
  }

  for (const words of [[], ["--mget", "10"], ["--depth", "16"], ["--ttl", "100"]]) {
    test(`loads, and finds every value right ${words.join(" ")}`, async () => {
      const [code, out, report] = await load(0, ...words);
      expect(out).toMatch(/throughput/);
      expect(code).toBe(0);
      expect(report.requests).toBe(500);
      expect(report.hitRatio).toBe(1);
      expect([report.lies, report.refusals, report.failures]).toEqual([0, 0, 0]);
    });
  }

  test("finds the one value that is wrong", async () => {
    const [code, , report] = await load(200);
    expect(report.lies).toBe(1);
    expect(code).toBe(1);
  });
});

test("bench:compare takes a peer that speaks RESP", async () => {
  const folder = mkdtempSync(join(tmpdir(), "resp-"));
  const program = join(ROOT, "dist/test/support/redis-stand-in.js");
  const tiny = ["--rounds", "2", "--window", "0.05", "--warm", "0.02", "--memory", "64"];
  const rows = ["--rows", "single,pipe32", "--keys", "200", "--out", folder];
  const peer = ["--peer", `mock:resp=${process.execPath} ${program} {port}`];
  const which = ["--servers", "shardcached,mock"];
  const [code, out] = await run("bench/compare/main.js", [...tiny, ...rows, ...peer, ...which]);
  const result = JSON.parse(readFileSync(join(folder, "compare.json"), "utf8")) as CompareResult;
  rmSync(folder, { recursive: true });
  expect(out).toMatch(/mock ÷ shardcached/);
  expect(code).toBe(0);
  for (const { cells } of result.rows) {
    const mock = cells.find((cell) => cell.server === "mock");
    expect(mock?.problem).toBeNull();
    expect(mock?.samples.map(({ errors }) => errors)).toEqual([0, 0]);
  }
});
