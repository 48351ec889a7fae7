/** The deployment files: what they name must exist, and what they promise must be there. */
import { existsSync, readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test } from "vitest";
import { variableOf } from "../../src/config/environment.ts";
import { OPTIONS } from "../../src/config/options.ts";
import { Program, QUIET, until } from "../cli/program.ts";
import { missing, runProgram } from "../support/run-program.ts";
import { isInstalled } from "../support/server-matrix.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

/** A Dockerfile's instructions: continued lines joined, comments gone. */
function instructions(): { name: string; text: string }[] {
  return read("docs/deploy/Dockerfile")
    .replaceAll(/^#.*\n/gm, "")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => ({
      name: line.slice(0, line.indexOf(" ")),
      text: line.slice(line.indexOf(" ") + 1),
    }));
}

describe("docs/deploy/Dockerfile", () => {
  const all = instructions();
  const texts = (name: string) => all.filter((each) => each.name === name).map(({ text }) => text);

  test("has two stages, of one base with a fixed version", () => {
    const [build, run] = texts("FROM");
    expect(build).toBe(`${run} AS build`);
    expect(run).toMatch(/^node:\d+-\w+-slim$/);
  });

  test("copies only what exists and what .dockerignore lets through", () => {
    const allowed =
      read(".dockerignore")
        .match(/^!.*$/gm)
        ?.map((line) => line.slice(1)) ?? [];
    for (const text of texts("COPY").filter((each) => !each.startsWith("--from"))) {
      for (const source of text
        .split(" ")
        .slice(0, -1)
        .map((path) => path.replace(/^\.\//, ""))) {
        expect(existsSync(join(ROOT, source)), source).toBe(true);
        expect(allowed).toContain(source);
      }
    }
  });

  test("ends as somebody who is not root, by number", () => {
    expect(texts("USER").at(-1)).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  });

  test("starts the server itself, so that it hears SIGTERM", () => {
    const entry = '["node", "/opt/shardcached/dist/server/src/main.js"]';
    expect(texts("ENTRYPOINT")).toEqual([entry]);
    expect(existsSync(join(ROOT, "dist/server/src/main.js"))).toBe(true);
  });

  test("asks for its health without curl", () => {
    const [health] = texts("HEALTHCHECK");
    expect(health).toContain('CMD ["node", "/opt/shardcached/healthcheck.mjs"]');
    expect(texts("COPY")).toContain("docs/deploy/healthcheck.mjs ./healthcheck.mjs");
  });

  test("sets variables the server knows", () => {
    const known = new Set(OPTIONS.map(({ name }) => variableOf(name)));
    const set = texts("ENV").flatMap((text) => text.match(/\bSHARDCACHED_\w+/g) ?? []);
    expect(set.length).toBeGreaterThan(0);
    expect(set.filter((name) => !known.has(name))).toEqual([]);
  });

  test(`hadolint finds nothing${isInstalled("hadolint") ? "" : " (not installed)"}`, async () => {
    if (!isInstalled("hadolint")) return;
    const outcome = await runProgram("hadolint", [join(ROOT, "docs/deploy/Dockerfile")]);
    expect(outcome).toMatchObject({ code: 0, stdout: "" });
  });
});

describe("docs/deploy/healthcheck.mjs", () => {
  let server: Server | null = null;

  afterEach(() => {
    server?.close();
    server = null;
  });

  async function checked(address: string): Promise<number | null> {
    const script = join(ROOT, "docs/deploy/healthcheck.mjs");
    const env = { SHARDCACHED_ADMIN_LISTEN: address };
    return (await runProgram(process.execPath, [script], { env })).code;
  }

  /** Something that answers `status`, as a node would. */
  async function answering(status: number): Promise<number> {
    server = createServer((_, response) => response.writeHead(status).end());
    const listening = server;
    await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
    return (listening.address() as AddressInfo).port;
  }

  test("is content with a node that serves, wherever it listens", async () => {
    const program = Program.server(["-p", "-1", "-t", "1", "--admin-listen", "127.0.0.1:0"]);
    try {
      const url = await until(() => /admin HTTP on (http:\/\/[^\s"]+)/.exec(program.stderr)?.[1]);
      const { port } = new URL(url);
      expect(await checked(`127.0.0.1:${port}`)).toBe(0);
      expect(await checked(`0.0.0.0:${port}`)).toBe(0);
    } finally {
      await program.kill();
    }
  });

  test("is not content with 503, with nobody, and without admin HTTP", async () => {
    const port = await answering(503);
    expect(await checked(`127.0.0.1:${port}`)).toBe(1);
    server?.close();
    expect(await checked(`127.0.0.1:${port}`)).toBe(1);
    expect(await checked("none")).toBe(1);
  });
});

describe("docs/deploy/systemd", () => {
  const service = read("docs/deploy/systemd/shardcached.service");

  test("waits for READY=1, reloads by SIGHUP, has no rights to lose", () => {
    for (const line of [
      "Type=notify",
      "ExecReload=/bin/kill -HUP $MAINPID",
      "DynamicUser=yes",
      "NoNewPrivileges=yes",
      "ProtectSystem=strict",
      "CapabilityBoundingSet=",
    ]) {
      expect(service.split("\n")).toContain(line);
    }
    // V8 writes the code it runs.
    expect(service).not.toMatch(/^MemoryDenyWriteExecute=yes/m);
  });

  test(`systemd-analyze finds nothing${missing("systemd-analyze")}`, async () => {
    if (missing("systemd-analyze") !== "") return;
    const units = ["socket", "service"].map((kind) =>
      join(ROOT, `docs/deploy/systemd/shardcached.${kind}`),
    );
    const { stderr } = await runProgram("systemd-analyze", ["verify", "--man=no", ...units]);
    expect(stderr.split("\n").filter((line) => line.includes("shardcached"))).toEqual([]);
  });
});

test("the example configuration of the systemd unit is one the server takes", async () => {
  const config = join(ROOT, "config/shardcached.conf");
  const program = Program.server(["--check-config", "--config", config, ...QUIET]);
  expect(await program.exited).toBe(0);
  expect(program.stdout).toBe("the configuration is good\n");
});
