/**
 * The npm package, as a user gets it: packed, installed into an empty folder, run from there.
 *
 * Why a copy of the install and not the work tree: only so is a file missing from `files`, or a
 * package missing from `dependencies`, seen.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask, Program, until } from "../cli/program.ts";
import { type Outcome, runProgram } from "../support/run-program.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const INSTALL_MILLISECONDS_MAX = 180_000;
/** A tarball beyond this carries something it should not. */
const PACKED_BYTES_MAX = 1_800_000;

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly files: readonly { readonly path: string }[];
}

let folder = "";
let packed: Packed;
let bin = "";

/** Plain npm, whatever npm or vitest runs this test. */
function npm(args: readonly string[]): Promise<Outcome> {
  return runProgram("npm", args, { env: { NODE_ENV: "", npm_config_update_notifier: "false" } });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "shardcached-package-"));
  // Without its scripts: what it would build is built already.
  const pack = await npm([
    "pack",
    ROOT,
    "--ignore-scripts",
    "--json",
    "--pack-destination",
    folder,
  ]);
  [packed] = JSON.parse(pack.stdout) as [Packed];
  const options = ["--no-audit", "--no-fund", "--prefer-offline", "--prefix", folder];
  const install = await npm(["install", ...options, join(folder, packed.filename)]);
  expect(install.code, install.stderr).toBe(0);
  bin = join(folder, "node_modules", ".bin", "shardcached");
}, INSTALL_MILLISECONDS_MAX);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the package", () => {
  test("holds the server, its dashboard, the configuration and the man page, and no sources", () => {
    const paths = packed.files.map(({ path }) => path);
    for (const path of [
      "dist/server/src/main.js",
      "dist/server/workers/shard.js",
      "dist/server/src/admin/dashboard/index.html",
      "config/shardcached.conf",
      "docs/man/shardcached.8",
      "LICENSE",
      "README.md",
    ]) {
      expect(paths).toContain(path);
    }
    expect(
      paths.filter((path) => path.endsWith(".ts") || /^(test|bench|src)\//.test(path)),
    ).toEqual([]);
    expect(packed.size).toBeLessThan(PACKED_BYTES_MAX);
  });

  test("installs nothing that only development needs", () => {
    const manifest = readFileSync(join(ROOT, "package.json"), "utf8");
    const { devDependencies } = JSON.parse(manifest) as { devDependencies: object };
    const installed = Object.keys(devDependencies).filter(
      (name) => name !== "tslib" && existsSync(join(folder, "node_modules", name)),
    );
    expect(installed).toEqual([]);
  });

  test("`shardcached -V` answers", async () => {
    const { stdout, code } = await runProgram(bin, ["-V"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^memcached 1\.6\.45 \(shardcached \d+\.\d+\.\d+\)\n$/);
  });

  test("serves: a set, a get, metrics, the dashboard; SIGTERM ends it with 0", async () => {
    const program = new Program(bin, ["-p", "-1", "-t", "2", "--admin-listen", "127.0.0.1:0"]);
    try {
      const port = Number(await said(program, /serving 127\.0\.0\.1:(\d+) with 2 threads/));
      expect(await ask(port, "set fruit 0 0 5\r\napple")).toBe("STORED\r\n");
      expect(await ask(port, "get fruit")).toBe("VALUE fruit 0 5\r\napple\r\nEND\r\n");
      const admin = await said(program, /admin HTTP on (http:\/\/[^\s"]+)/);
      expect(await text(`${admin}healthz`)).toBe("ok\n");
      const metrics = await text(`${admin}metrics`);
      expect(metrics).toContain("memcached_current_items 1");
      expect(metrics).toMatch(/^shardcached_info\{version="(?!0\.0\.0)/m);
      expect(await text(admin)).toContain("<title>");
      expect(await text(`${admin}uplot.js`)).toContain("uPlot");
      program.child.kill("SIGTERM");
      expect(await program.exited).toBe(0);
    } finally {
      await program.kill();
    }
  });

  test("runs by npx from the folder it was installed into", async () => {
    const { stdout } = await runProgram("npm", [
      "exec",
      "--prefix",
      folder,
      "--",
      "shardcached",
      "-V",
    ]);
    expect(stdout).toContain("(shardcached ");
  });
});

/** What the first group of a pattern finds in the log. */
function said(program: Program, pattern: RegExp): Promise<string> {
  return until(() => {
    if (program.child.exitCode !== null) throw new Error(`it ended: ${program.stderr}`);
    return pattern.exec(program.stderr)?.[1];
  });
}

async function text(url: string): Promise<string> {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return response.text();
}
