import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TOKEN_ENVIRONMENT } from "../../src/admin/access.ts";
import { type AdminServer, startAdmin } from "../../src/admin/admin.ts";
import type { Frame } from "../../src/admin/frame.ts";
import { ConfigError, SystemError } from "../../src/base/errors.ts";
import { ServerState } from "../../src/memory/control.ts";
import { SimulatedNode } from "../support/simulated-node.ts";

const TOKEN = "a-token-for-this-test";
const BEARER = { authorization: `Bearer ${TOKEN}` };
const directory = mkdtempSync(join(tmpdir(), "admin-"));
const auditFile = join(directory, "audit.log");
const simulated = new SimulatedNode({ seed: 11, threads: 2 });
let admin: AdminServer;
/** Stands for the node: answers what it is asked, and remembers it. */
let node: Server;
const asked: string[] = [];

const ANSWERS: readonly (readonly [RegExp, string])[] = [
  [/^mg a2V5 /, "VA 5 f7 c42 t60 l3 h1 s70\r\nhello\r\n"],
  [/^mg /, "EN\r\n"],
  [/^ms a2V5 /, "HD\r\n"],
  [/^ms /, "NS\r\n"],
  [/^md a2V5 /, "HD\r\n"],
  [/^md /, "NF\r\n"],
  [/^flush_all/, "OK\r\n"],
];

beforeAll(async () => {
  for (let second = 0; second < 3; second++) simulated.second(3000);
  node = createServer((socket) => {
    socket.on("data", (chunk) => {
      const text = chunk.toString("latin1");
      const answer = ANSWERS.find(([pattern]) => pattern.test(text));
      if (answer === undefined) return; // the value of an ms
      asked.push(text.split("\r\n")[0] as string);
      socket.write(answer[1]);
    });
    socket.on("error", () => socket.destroy());
  });
  await new Promise<void>((resolve) => node.listen(0, "127.0.0.1", resolve));
  process.env[TOKEN_ENVIRONMENT] = TOKEN;
  admin = await start({});
});

afterAll(async () => {
  await admin.close();
  delete process.env[TOKEN_ENVIRONMENT];
  await new Promise((resolve) => node.close(resolve));
  rmSync(directory, { recursive: true });
});

function start(changes: Record<string, string>): Promise<AdminServer> {
  const { port } = node.address() as { port: number };
  return startAdmin({
    view: simulated.node.view,
    readers: simulated.readers,
    settings: {
      adminListen: "127.0.0.1:0",
      adminTokenFile: "",
      adminHosts: "",
      adminAuditFile: auditFile,
      ...changes,
    },
    node: { host: "127.0.0.1", port },
    log: () => {},
  });
}

async function get<Answer>(path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(new URL(path, admin.url), { headers });
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

async function send(
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: unknown,
): Promise<{ status: number; answer: Record<string, unknown>; headers: Headers }> {
  const json = body === undefined ? {} : { "content-type": "application/json" };
  const response = await fetch(new URL(path, admin.url), {
    method,
    headers: { ...json, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answer = (await response.json()) as Record<string, unknown>;
  return { status: response.status, answer, headers: response.headers };
}

/** A request with headers that fetch would not send. */
function raw(path: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(new URL(path, admin.url), { headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on("error", reject);
    request.end();
  });
}

describe("probes", () => {
  test("/healthz and /readyz follow the node's state", async () => {
    const { control } = simulated.node.view;
    const status = async (path: string) => (await fetch(new URL(path, admin.url))).status;
    expect(await status("healthz")).toBe(200);
    expect(await status("readyz")).toBe(200);
    control.setState(ServerState.draining);
    expect(await status("readyz")).toBe(503);
    expect(await status("healthz")).toBe(200);
    control.setState(ServerState.serving);
  });

  test("/metrics is Prometheus' text", async () => {
    const response = await fetch(new URL("metrics", admin.url));
    expect(response.headers.get("content-type")).toContain("text/plain; version=0.0.4");
    expect(await response.text()).toContain("memcached_up 1");
  });
});

describe("reading", () => {
  test("the overview is a whole frame", async () => {
    const frame = await get<Frame>("api/v1/overview");
    expect(frame.health.sentence).toMatch(/^\w+.*: /);
    expect(frame.workers).toHaveLength(2);
    expect(frame.items).toBeGreaterThan(0);
    expect(frame.queues.map((queue) => queue.name)).toEqual(["small", "main", "large"]);
  });

  test("stats lists are as on the wire", async () => {
    const general = await get<Record<string, string>>("api/v1/stats");
    expect(Number(general["cmd_get"])).toBeGreaterThan(0);
    const settings = await get<Record<string, string>>("api/v1/stats?list=settings");
    expect(settings["num_threads"]).toBe("2");
    const wrong = await fetch(new URL("api/v1/stats?list=reset", admin.url));
    expect(wrong.status).toBe(400); // reading never resets
  });

  test("keys are paged by prefix, each of them found", async () => {
    const found = new Set<string>();
    let cursor = "";
    do {
      const page = await get<{ keys: { text: string; valueBytes: number }[]; cursor: string }>(
        `api/v1/keys?prefix=rate:&limit=7&cursor=${cursor}`,
      );
      for (const key of page.keys) found.add(key.text);
      cursor = page.cursor;
    } while (cursor !== "");
    expect(found.size).toBeGreaterThan(20);
    expect([...found].every((key) => key.startsWith("rate:"))).toBe(true);
    const wrong = await fetch(new URL("api/v1/keys?cursor=9.9.9", admin.url));
    expect(wrong.status).toBe(400);
  });

  test("connections, slabs, hot keys and history are there", async () => {
    const { connections } = await get<{ connections: unknown[] }>("api/v1/connections");
    expect(connections).toHaveLength(200);
    const { map } = await get<{ map: { shards: { cells: string; slabs: number }[] } }>(
      "api/v1/slabs",
    );
    expect(Buffer.from(map.shards[0]?.cells ?? "", "base64")).toHaveLength(
      4 * (map.shards[0]?.slabs ?? 0),
    );
    const { keys } = await get<{ keys: { text: string }[] }>("api/v1/hotkeys?by=misses");
    expect(keys.some((key) => key.text.startsWith("flag:missing-"))).toBe(true);
    const history = await get<{ series: object }>("api/v1/history?series=rate.");
    expect(Object.keys(history.series)).toContain("rate.hits");
  });

  test("a key of 250 bytes has a name in the API", async () => {
    expect((await send("GET", `api/v1/keys/${id("k".repeat(250))}`)).status).toBe(404);
    expect((await send("GET", `api/v1/keys/${id("k".repeat(251))}`)).status).toBe(400);
  });

  test("one key comes from the node, with its value", async () => {
    const item = await get<Record<string, unknown>>(`api/v1/keys/${id("key")}`);
    expect(item).toMatchObject({ text: "key", clientFlags: 7, cas: "42", ttl: 60, fetched: true });
    expect(Buffer.from(item["value"] as string, "base64").toString()).toBe("hello");
    expect((await send("GET", `api/v1/keys/${id("none")}`)).status).toBe(404);
  });

  test("every route is in the OpenAPI document, and answers", async () => {
    const { paths } = await get<{ paths: Record<string, Record<string, unknown>> }>(
      "api/v1/openapi.json",
    );
    for (const [path, operations] of Object.entries(paths)) {
      if (!("get" in operations) || path.includes("{") || path.endsWith("/live")) continue;
      expect((await fetch(new URL(path, admin.url))).status, path).toBe(200);
    }
    expect(Object.keys(paths)).toContain("/api/v1/flush");
  });
});

describe("changing", () => {
  test("needs the token, whoever asks", async () => {
    for (const [method, path] of [
      ["POST", "api/v1/flush"],
      ["POST", "api/v1/stats/reset"],
      ["DELETE", `api/v1/keys/${id("key")}`],
      ["PUT", `api/v1/keys/${id("key")}`],
    ] as const) {
      const { status } = await send(
        method,
        path,
        { "x-shardcached": "1" },
        method === "PUT" ? { value: "" } : undefined,
      );
      expect(status, `${method} ${path}`).toBe(401);
    }
    expect(asked.filter((line) => !line.startsWith("mg"))).toEqual([]);
  });

  test("sets, deletes and flushes through the node", async () => {
    const value = Buffer.from("new value").toString("base64");
    const body = { value, clientFlags: 3, ttl: 90 };
    expect((await send("PUT", `api/v1/keys/${id("key")}`, BEARER, body)).status).toBe(200);
    expect((await send("PUT", `api/v1/keys/${id("other")}`, BEARER, body)).status).toBe(409);
    expect((await send("DELETE", `api/v1/keys/${id("key")}`, BEARER)).status).toBe(200);
    expect((await send("DELETE", `api/v1/keys/${id("other")}`, BEARER)).status).toBe(404);
    expect((await send("POST", "api/v1/flush", BEARER)).status).toBe(200);
    expect(asked.slice(-5)).toEqual([
      "ms a2V5 9 b F3 T90",
      "ms b3RoZXI= 9 b F3 T90",
      "md a2V5 b",
      "md b3RoZXI= b",
      "flush_all",
    ]);
  });

  test("a login's cookie changes only together with the header", async () => {
    const failed = await send("POST", "api/v1/login", {}, { token: "wrong" });
    expect(failed.status).toBe(401);
    const login = await send("POST", "api/v1/login", {}, { token: TOKEN });
    const setCookie = login.headers.get("set-cookie") ?? "";
    expect(setCookie).toMatch(/HttpOnly; SameSite=Strict/);
    const cookie = setCookie.split(";")[0] as string;
    expect((await send("POST", "api/v1/flush", { cookie })).status).toBe(403);
    expect((await send("POST", "api/v1/flush", { cookie, "x-shardcached": "1" })).status).toBe(200);
    await send("POST", "api/v1/logout", { cookie });
    expect((await send("POST", "api/v1/flush", { cookie, "x-shardcached": "1" })).status).toBe(401);
  });

  test("is audited, without values and without the token, in a file only its owner reads", async () => {
    const wanted = [
      "refused unauthorized",
      "key.set HD",
      "key.delete NF",
      "flush OK",
      "login failed",
      "login ok",
      "logout ok",
    ];
    await expect.poll(() => auditEvents()).toEqual(expect.arrayContaining(wanted));
    const lines = readFileSync(auditFile, "utf8").trim().split("\n");
    const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records.find((record) => record["event"] === "key.set")).toMatchObject({
      key: "key",
      valueBytes: 9,
      peer: "127.0.0.1",
    });
    expect(lines.join()).not.toContain(TOKEN);
    expect(lines.join()).not.toContain("new value");
    expect(statSync(auditFile).mode & 0o777).toBe(0o600);
  });

  test("resetting the counters of stats leaves metrics alone", async () => {
    const { view } = simulated.node;
    const before = view.total(0);
    expect((await send("POST", "api/v1/stats/reset", BEARER)).status).toBe(200);
    expect((await get<Record<string, string>>("api/v1/stats"))["cmd_get"]).toBe("0");
    expect(view.total(0)).toBe(before);
  });
});

describe("other web pages", () => {
  test("a Host that is not ours is refused", async () => {
    expect(await raw("api/v1/overview", { host: "evil.example" })).toBe(421);
    expect(await raw("api/v1/overview", { host: "localhost:1" })).toBe(200);
    expect(await raw("/", { host: "evil.example" })).toBe(421);
  });

  test("no answer allows another origin, and every answer is locked down", async () => {
    for (const path of ["", "api/v1/overview", "metrics", "nothing/here"]) {
      const response = await fetch(new URL(path, admin.url), {
        headers: { origin: "https://evil.example" },
      });
      expect(response.headers.get("access-control-allow-origin")).toBeNull();
      expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
      expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    }
  });

  test("wrong input is an error with words, not a crash", async () => {
    for (const path of [
      "api/v1/keys?limit=0",
      "api/v1/keys?limit=100000",
      "api/v1/keys?unknown=1",
      "api/v1/history?range=1y",
      "api/v1/keys/%00",
      `api/v1/keys/${"A".repeat(400)}`,
      "api/v1/hotkeys?by=size",
    ]) {
      const { status, answer } = await send("GET", path);
      expect(status, path).toBe(400);
      expect(answer["error"]).toEqual(expect.any(String));
    }
    const body = { token: "x".repeat(600) };
    expect((await send("POST", "api/v1/login", {}, body)).status).toBe(400);
  });
});

describe("live events", () => {
  test("frames, slabs and hot keys come by themselves", async () => {
    const abort = new AbortController();
    const response = await fetch(new URL("api/v1/live?by=bytes", admin.url), {
      signal: abort.signal,
    });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
    let text = "";
    const decoder = new TextDecoder();
    const events = ["event: frame", "event: slabs", "event: hotkeys"];
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(chunk, { stream: true });
      if (events.every((event) => text.includes(event)) && text.endsWith("\n\n")) break;
    }
    abort.abort();
    const data = /event: frame\ndata: (.*)\n/.exec(text)?.[1] ?? "";
    expect((JSON.parse(data) as Frame).workers).toHaveLength(2);
    expect(text).toContain('"by":"bytes"');
  });
});

describe("startAdmin()", () => {
  test("is off with none", async () => {
    const off = await start({ adminListen: "none" });
    expect(off.url).toBe("");
    await off.close();
  });

  test("says that a port is taken", async () => {
    const { port } = new URL(admin.url);
    await expect(start({ adminListen: `127.0.0.1:${port}` })).rejects.toThrow(SystemError);
  });

  test("will not listen off loopback without a token", async () => {
    delete process.env[TOKEN_ENVIRONMENT];
    await expect(start({ adminListen: "0.0.0.0:0" })).rejects.toThrow(ConfigError);
    process.env[TOKEN_ENVIRONMENT] = TOKEN;
  });
});

/** What the audit log holds so far, as `event outcome`. */
function auditEvents(): string[] {
  const lines = readFileSync(auditFile, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => {
    const { event, outcome } = JSON.parse(line) as Record<string, string>;
    return `${event} ${outcome}`;
  });
}

function id(key: string): string {
  return Buffer.from(key).toString("base64url");
}
