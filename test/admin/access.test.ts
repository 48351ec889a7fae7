/**
 * Every route of the admin interface × what protects the cache × where it listens × who asks.
 *
 * The classes stand here a second time: a route that is not in `CLASSES` fails, so that nobody adds
 * one without saying what it gives away.
 */
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RouteAccess, TOKEN_ENVIRONMENT } from "../../src/admin/access.ts";
import type { Settings } from "../../src/config/settings.ts";
import { type AdminWorld, adminWorld, statusOf } from "../support/admin-world.ts";
import { TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const TOKEN = "a-token-for-this-test";
const directory = mkdtempSync(join(tmpdir(), "admin-access-"));
afterAll(() => rmSync(directory, { recursive: true }));

const CLASSES: Readonly<Record<string, RouteAccess>> = {
  "GET /healthz": "open",
  "GET /readyz": "open",
  "GET /api/v1/session": "open",
  "POST /api/v1/login": "open",
  "POST /api/v1/logout": "open",
  "GET /api/v1/openapi.json": "open",
  "GET /metrics": "metrics",
  "GET /api/v1/history": "metrics",
  "GET /api/v1/latency": "metrics",
  "GET /api/v1/overview": "contents",
  "GET /api/v1/node": "contents",
  "GET /api/v1/stats": "contents",
  "GET /api/v1/workers": "contents",
  "GET /api/v1/hotkeys": "contents",
  "GET /api/v1/slabs": "contents",
  "GET /api/v1/connections": "contents",
  "GET /api/v1/keys": "contents",
  "GET /api/v1/keys/{id}": "contents",
  "GET /api/v1/live": "contents",
  "GET /api/v1/cluster": "contents",
  "PUT /api/v1/keys/{id}": "change",
  "DELETE /api/v1/keys/{id}": "change",
  "POST /api/v1/flush": "change",
  "POST /api/v1/stats/reset": "change",
  "POST /api/v1/cluster/forget": "change",
};
const BODIES: Readonly<Record<string, string>> = {
  "POST /api/v1/login": JSON.stringify({ token: TOKEN }),
  "PUT /api/v1/keys/{id}": JSON.stringify({ value: "" }),
  "POST /api/v1/cluster/forget": JSON.stringify({ name: "a" }),
};

const listen = [{ kind: "any" }] as never;
const PROTECTIONS: readonly (readonly [string, boolean, Partial<Settings>])[] = [
  ["nothing", false, { listen }],
  ["-s -a 777", false, { listen: [], unixSocket: "/s", unixMask: 0o777 }],
  ["-s -a 700", true, { listen: [], unixSocket: "/s", unixMask: 0o700 }],
  ["-Y", true, { listen, authFile: "/dev/null" }],
  ["-S", true, { listen, saslEnabled: true }],
];
const CREDENTIALS: readonly (readonly [string, Record<string, string>])[] = [
  ["nobody", {}],
  ["a wrong token", { authorization: "Bearer not-the-token-at-all" }],
  ["the token", { authorization: `Bearer ${TOKEN}` }],
];

/** Refusals of access; anything else is the route's own answer. */
const REFUSED = new Set([401, 403, 429]);

function mayUse(access: RouteAccess, bySocket: boolean, isProtected: boolean, known: boolean) {
  if (access === "open" || access === "metrics" || known) return true;
  return access === "contents" && (bySocket || !isProtected);
}

for (const bySocket of [false, true]) {
  for (const [name, isProtected, changes] of PROTECTIONS) {
    for (const tokenSet of [true, false]) {
      const where = bySocket ? "a Unix socket" : "loopback";
      describe(`${where}, the cache protected by ${name}, ${tokenSet ? "a" : "no"} token set`, () => {
        let world: AdminWorld;

        beforeAll(async () => {
          if (tokenSet) process.env[TOKEN_ENVIRONMENT] = TOKEN;
          const path = join(directory, `${name.replaceAll(/\W/g, "_")}${tokenSet}`);
          const adminListen = bySocket ? `unix:${path},mode=660` : "127.0.0.1:0";
          // With -Y the client logs in as the file says; nobody asks for that here.
          world = await adminWorld({ ...changes, adminListen });
        });

        afterAll(async () => {
          delete process.env[TOKEN_ENVIRONMENT];
          await world.close();
        });

        test("every route has a class", async () => {
          if (bySocket) return;
          const answer = await fetch(new URL("api/v1/openapi.json", world.admin.url));
          const { paths } = (await answer.json()) as {
            paths: Record<string, Record<string, unknown>>;
          };
          const served = Object.entries(paths).flatMap(([path, operations]) =>
            Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
          );
          expect(served.sort()).toEqual(Object.keys(CLASSES).sort());
        });

        for (const [who, headers] of CREDENTIALS) {
          test(`${who} may use what the table says, and nothing else`, async () => {
            for (const [route, access] of Object.entries(CLASSES)) {
              const [method, path] = route.split(" ") as [string, string];
              const asked = path.replace("{id}", "a2V5");
              const status = await statusOf(world.admin.url, method, asked, headers, BODIES[route]);
              const known = tokenSet && who === "the token";
              const allowed = mayUse(access, bySocket, isProtected, known);
              // Without a token there is nothing to log in with.
              if (route === "POST /api/v1/login") expect(status).toBe(tokenSet ? 200 : 401);
              else expect(!REFUSED.has(status), `${route}: ${status}`).toBe(allowed);
            }
          });
        }

        test("the page itself is open", async () => {
          expect(await statusOf(world.admin.url, "GET", "/")).toBe(200);
        });
      });
    }
  }
}

describe("a Unix socket", () => {
  test("has the mode that was asked for, replaces a dead one, and leaves a live one alone", async () => {
    const path = join(directory, "admin.sock");
    const first = await adminWorld({ adminListen: `unix:${path},mode=640` });
    expect(statSync(path).mode & 0o777).toBe(0o640);
    await expect(adminWorld({ adminListen: `unix:${path}` })).rejects.toThrow(/is taken/);
    expect(await statusOf(first.admin.url, "GET", "/healthz")).toBe(200);
    await first.close();
    const second = await adminWorld({ adminListen: `unix:${path}` });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    await second.close();
  });
});

describe("guessing", () => {
  test("ten wrong tokens, and fifty, do not lock out the right one", async () => {
    process.env[TOKEN_ENVIRONMENT] = TOKEN;
    const world = await adminWorld({ authFile: "/dev/null", listen });
    const ask = (token: string) =>
      statusOf(world.admin.url, "GET", "/api/v1/keys", { authorization: `Bearer ${token}` });
    for (let guess = 0; guess < 50; guess++) {
      expect(await ask(`wrong-${guess}`)).toBe(guess < 10 ? 401 : 429);
    }
    expect(await ask(TOKEN)).toBe(200);
    await world.close();
    delete process.env[TOKEN_ENVIRONMENT];
  });
});

describe("a real server with -Y", () => {
  test("shows and changes keys to who has the token, and tells others nothing", async () => {
    const file = join(directory, "logins");
    writeFileSync(file, "ann:her password\n");
    const server = await TestServer.start({
      implementation: "shardcached",
      threads: 2,
      transport: "native",
      args: ["-Y", file],
      ownArgs: ["--admin-listen", "127.0.0.1:0"],
      env: { [TOKEN_ENVIRONMENT]: TOKEN },
    });
    const url = () => /http:\/\/127\.0\.0\.1:\d+\//.exec(server.stderr)?.[0];
    await until(() => url() !== undefined);
    const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" };
    const key = new URL("api/v1/keys/a2V5", url());
    const body = JSON.stringify({ value: Buffer.from("secret").toString("base64") });
    expect((await fetch(key, { method: "PUT", headers, body })).status).toBe(200);
    const item = (await (await fetch(key, { headers })).json()) as { value: string };
    expect(Buffer.from(item.value, "base64").toString()).toBe("secret");
    expect((await fetch(key)).status).toBe(401);
    expect((await fetch(new URL("api/v1/keys", url()))).status).toBe(401);
    expect((await fetch(new URL("metrics", url()))).status).toBe(200);
    await server.stop();
  });
});
