/** The command lines as built: `npm test` builds before it tests. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findProgram } from "../../bench/compare/peers.ts";
import type { CompareResult } from "../../bench/compare/results.ts";
import type { Report } from "../../bench/load/report.ts";
import { type FakeServer, type FakeServerOptions, startFakeServer } from "./fake-server.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Runs a built program; never rejects. */
function run(program: string, words: readonly string[]): Promise<[code: number, out: string]> {
  return new Promise((resolve) => {
    const path = join(root, "dist/bench", program);
    execFile(process.execPath, [path, ...words], { cwd: root }, (error, out, err) => {
      resolve([typeof error?.code === "number" ? error.code : 0, `${out}${err}`]);
    });
  });
}

let folder = "";
let server: FakeServer | null = null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bench-"));
});

afterEach(async () => {
  rmSync(folder, { recursive: true });
  await server?.stop();
  server = null;
});

async function load(
  options: FakeServerOptions,
  words: readonly string[],
): Promise<[code: number, out: string]> {
  server = await startFakeServer(options);
  const quick = ["--duration", "60", "--warm", "0", "--keys", "100", "--connections", "4"];
  return run("load/main.js", [`127.0.0.1:${server.port}`, ...quick, ...words]);
}

describe("bench", () => {
  test("reports as table, JSON and page", async () => {
    const json = join(folder, "report.json");
    const html = join(folder, "report.html");
    const files = ["--json", json, "--html", html];
    const [code, out] = await load({}, ["-n", "2000", "--verify", "--threads", "2", ...files]);
    expect(out).toMatch(/throughput/);
    expect(code).toBe(0);
    const report = JSON.parse(readFileSync(json, "utf8")) as Report;
    expect(report.requests).toBe(2000);
    expect(report.lies).toBe(0);
    expect(report.hitRatio).toBe(1);
    expect(report.latency.p50).toBeGreaterThan(0);
    expect(report.latency.max).toBeGreaterThanOrEqual(report.latency.p99);
    expect(report.server?.cpuPerKey).toBeGreaterThan(0);
    const page = readFileSync(html, "utf8");
    expect(page.match(/<svg/g)).toHaveLength(3);
    expect(page).toContain("npm run bench -- 127.0.0.1:");
    expect(page).toMatch(/generator \d+\.\d+\.\d+/);
    expect(page).not.toContain("NaN");
  });

  test("ends with 1 when a value was wrong", async () => {
    const [code, out] = await load({ lieAt: 500 }, ["-n", "2000", "--verify"]);
    expect(out).toMatch(/wrong values +1\n/);
    expect(code).toBe(1);
  });

  for (const [words, message] of [
    [["127.0.0.1:1"], /cannot connect to 127\.0\.0\.1:1/],
    [["--popularity", "often"], /popularity "often"/],
    [["--reads", "2"], /0 to 1/],
    [["nowhere"], /target "nowhere"/],
    [["--trace", "/nope.csv"], /^bench: \/nope\.csv cannot be read: .*ENOENT[^\n]*\n$/],
    [["--trace", "/etc/passwd"], /^bench: \/etc\/passwd is no trace[^\n]*\n$/],
  ] as const) {
    test(`says what is wrong with ${words.join(" ")}`, async () => {
      const [code, out] = await run("load/main.js", words);
      expect(out).toMatch(message);
      expect(code).toBe(1);
    });
  }
});

describe("bench:compare", () => {
  test.each([
    ["nonsense", "there is no row nonsense"],
    ["mget50,open", "open takes its rate from single"],
  ])("refuses --rows %s", async (rows, complaint) => {
    const [code, out] = await run("compare/main.js", ["--rows", rows]);
    expect(code).toBe(1);
    expect(out).toContain(complaint);
  });

  test("measures two servers in tiny windows and shows their ratio", async () => {
    const main = join(root, "dist/server/src/main.js");
    const words = "-p {port} -l 127.0.0.1 -U 0 -t {threads} -m {memory} -c 1000 -u root";
    const twin = `twin=${process.execPath} ${main} ${words}`;
    const tiny = ["--rounds", "2", "--window", "0.02", "--warm", "0.02", "--memory", "64"];
    const rows = ["--rows", "single,pipe32,open,memory", "--keys", "500", "--items", "2000"];
    const which = ["--servers", "shardcached,twin", "--peer", twin, "--out", folder];
    const [code, out] = await run("compare/main.js", [...tiny, ...rows, ...which]);
    expect(out).toMatch(/twin ÷ shardcached/);
    expect(code).toBe(0);
    const result = JSON.parse(readFileSync(join(folder, "compare.json"), "utf8")) as CompareResult;
    expect(result.rows.map(({ name }) => name)).toEqual(["single", "pipe32", "open"]);
    for (const { cells } of result.rows) {
      for (const { samples, problem } of cells) {
        expect(problem).toBeNull();
        expect(samples).toHaveLength(2);
      }
    }
    expect(result.memory).toHaveLength(2);
  });
});

test("bench:admin asks the admin server while the cache serves, and compares", async () => {
  const tiny = ["--rounds", "1", "--window", "0.1", "--warm", "0.05", "--rate", "200"];
  const [code, out] = await run("admin/main.js", [...tiny, "--quiet", "--out", folder]);
  expect(out).toMatch(/^nobody asks +\d.* 1 /m);
  expect(code).toBe(0);
  const { samples } = JSON.parse(readFileSync(join(folder, "admin.json"), "utf8"));
  for (const row of ["scraped: 1/s metrics, 10/s API", "flat out", "flat out, on another node"]) {
    const [{ admin, throughput }] = samples[row];
    expect(admin.milliseconds.length).toBeGreaterThan(0);
    expect(admin.failures).toBe(0);
    expect(throughput).toBeGreaterThan(0);
  }
});

test("bench:micro measures a case in a process of its own", async () => {
  const [code, out] = await run("micro/run.js", ["--smoke", "--json", "plain load"]);
  expect(code).toBe(0);
  expect(JSON.parse(out).results).toHaveLength(1);
});

describe("bench:replay", () => {
  const trace = () => {
    const path = join(folder, "small.csv.gz");
    const lines = Array.from({ length: 400 }, (_, row) => `${row},${row % 100},20,50,get,0`);
    writeFileSync(
      path,
      gzipSync(`time_s,key_id,key_size,value_size,op,ttl\n${lines.join("\n")}\n`),
    );
    return path;
  };

  test("everything that is asked again is found, in the store and through a socket", async () => {
    const path = trace();
    const [storeCode, store] = await run("replay.js", [path, "--store"]);
    expect(store).toMatch(/^small +\.2500$/m);
    expect(storeCode).toBe(0);
    const [code, out] = await run("replay.js", [`${path}:2`, "--servers", "shardcached"]);
    expect(out).toMatch(/^small, values × 2 +\.2500$/m);
    expect(code).toBe(0);
  });
});

describe("bench:replay says in one line what is wrong", () => {
  const head = "time_s,key_id,key_size,value_size,op,ttl\n";
  test.each([
    ["a file that is not there", null, /cannot be read: ENOENT/],
    ["a file of another kind", "root:x:0:0:root:/root:/bin/bash\n", /is no trace/],
    ["a trace without its first line", "0,1,20,50,get,0\n", /is no trace/],
    ["a trace without requests", head, /holds no requests/],
    ["a request without a key", `${head}0,,20,50,get,0\n`, /line 2: a key_id is 0 to/],
  ] as const)("%s", async (_, text, message) => {
    const path = join(folder, "bad.csv");
    if (text !== null) writeFileSync(path, text);
    const [code, out] = await run("replay.js", [path, "--store"]);
    expect(out).toMatch(message);
    expect(out.trimEnd().split("\n")).toHaveLength(1);
    expect(code).toBe(1);
  });
});

describe("bench:micro", () => {
  test("--help and a misspelt option measure nothing", async () => {
    const [code, help] = await run("micro/run.js", ["--help"]);
    expect(help).toMatch(/^Usage: bench:micro/);
    expect(code).toBe(0);
    const [refused, complaint] = await run("micro/run.js", ["--smok"]);
    expect(complaint).toMatch(/unknown option '--smok'\n.*--smoke/);
    expect(refused).toBe(1);
  });
});

describe("bench:confirm", () => {
  test("measures with memcslap what our own generator measures, or says that it is not there", async () => {
    const tiny = ["--rounds", "2", "--requests", "5", "--connections", "2"];
    const [code, out] = await run("confirm/main.js", tiny);
    if (findProgram("memcslap") === null) {
      expect(out).toMatch(/^bench:confirm: memcslap is not installed[^\n]*\n$/);
      expect(code).toBe(1);
      return;
    }
    for (const name of ["get", "set", "mget"]) {
      expect(out).toMatch(
        new RegExp(`^${name} +shardcached +[\\d.]+ ± [\\d.]+ +[\\d.]+ ± [\\d.]+$`, "m"),
      );
    }
    expect(code).toBe(0);
  });
});
