/**
 * Nothing that goes wrong in the admin interface ends or stalls it, let alone the cache: whatever
 * Node's loop calls in there is made to throw, one after the other. An exception that nobody caught
 * fails the run by itself.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { TOKEN_ENVIRONMENT } from "../../src/admin/access.ts";
import { adminWorld, statusOf } from "../support/admin-world.ts";
import { until } from "../support/until.ts";

const TOKEN = "a-token-for-this-test";
const HEADERS = { authorization: `Bearer ${TOKEN}` };
const directory = mkdtempSync(join(tmpdir(), "admin-faults-"));
process.env[TOKEN_ENVIRONMENT] = TOKEN;
afterAll(() => {
  rmSync(directory, { recursive: true });
  delete process.env[TOKEN_ENVIRONMENT];
});

/** Of all there is, something; what it is answered does not matter. */
async function useEverything(url: string): Promise<void> {
  const quietly = (method: string, path: string, body?: string) =>
    statusOf(url, method, path, HEADERS, body).catch(() => 0);
  const stream = new AbortController();
  const live = fetch(new URL("api/v1/live", url), { headers: HEADERS, signal: stream.signal });
  live.catch(() => {});
  await Promise.all([
    quietly("GET", "/metrics"),
    quietly("GET", "/api/v1/keys/a2V5"),
    quietly("PUT", "/api/v1/keys/a2V5", JSON.stringify({ value: "" })),
    quietly("POST", "/api/v1/flush"),
    quietly("GET", "/nowhere"),
    quietly("GET", "/api/v1/keys?cursor=?"),
  ]);
  await new Promise((resolve) => setTimeout(resolve, 2200)); // two ticks
  stream.abort();
}

/** Starts, uses everything while `fault` may throw, then expects all to be well. */
async function survives(fault: (where: string) => void): Promise<string[]> {
  let failing = true;
  const logged: string[] = [];
  const world = await adminWorld(
    { adminAuditFile: join(directory, "audit.log") },
    {
      fault: (where) => {
        if (failing) fault(where);
      },
      log: (_, message) => logged.push(message),
    },
  );
  await useEverything(world.admin.url);
  failing = false;
  for (const path of ["/healthz", "/metrics", "/api/v1/overview", "/api/v1/keys/a2V5"]) {
    expect(await statusOf(world.admin.url, "GET", path, HEADERS), path).toBe(200);
  }
  const time = async () => {
    const answer = await fetch(new URL("api/v1/overview", world.admin.url), { headers: HEADERS });
    return ((await answer.json()) as { time: number }).time;
  };
  const before = await time();
  await until(async () => (await time()) > before); // it still ticks
  await world.close();
  return logged;
}

describe("a fault in the admin interface", async () => {
  const places = new Set<string>();
  await survives((where) => places.add(where));

  test("can be made wherever Node's loop calls it", () => {
    expect([...places].sort()).toEqual(
      expect.arrayContaining(["hot keys", "http connection", "http request", "sampler", "tick"]),
    );
  });

  for (const place of places) {
    test.concurrent(`in "${place}" is a line in the log`, async () => {
      const logged = await survives((where) => {
        if (where === place) throw Object.assign(new Error("EMFILE"), { code: "EMFILE" });
      });
      expect(logged.filter((line) => line === `admin ${place}: EMFILE`)).toHaveLength(1);
    });
  }
});
