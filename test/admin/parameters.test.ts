/** No route answers 500, or hangs, whatever stands in its path, its query or its body. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TOKEN_ENVIRONMENT } from "../../src/admin/access.ts";
import { type AdminServer, startAdmin } from "../../src/admin/admin.ts";
import { statusOf } from "../support/admin-world.ts";
import { SimulatedNode } from "../support/simulated-node.ts";

const TOKEN = "a-token-for-this-test";
const simulated = new SimulatedNode({ seed: 5, threads: 2 });
let admin: AdminServer;
const logged: string[] = [];

beforeAll(async () => {
  simulated.second(5000);
  process.env[TOKEN_ENVIRONMENT] = TOKEN;
  admin = await startAdmin({
    view: simulated.node.view,
    readers: simulated.readers,
    settings: {
      adminListen: "127.0.0.1:0",
      adminTokenFile: "",
      adminHosts: "",
      adminAuditFile: "",
    },
    node: { host: "127.0.0.1", port: 1 }, // nobody: a route that asks the node answers 502
    log: (level, message) => {
      if (level === "error") logged.push(message);
    },
  });
});

afterAll(async () => {
  delete process.env[TOKEN_ENVIRONMENT];
  await admin.close();
});

interface Described {
  readonly [method: string]: { readonly parameters?: readonly { readonly name: string }[] };
}

/** Numbers, words and bytes that are somebody's edge. */
const word = fc.oneof(
  fc.constantFrom("", "0", "-1", "1e9", "NaN", "null", "true", "0.0", "0.9999999999", "1.0", "9.9"),
  fc.constantFrom("%", "%00", "%ff", "..", "a%2Fb", "[]", "{}", "\u0000", "constructor"),
  fc.nat().map(String),
  fc.tuple(fc.nat(3), fc.nat()).map(([shard, bucket]) => `${shard}.${bucket}`),
  fc.string({ maxLength: 20 }),
  fc.string({ unit: "binary", maxLength: 10 }),
  fc.base64String({ maxLength: 12 }),
);

describe("the API", () => {
  test("answers no query and no path with a 500", async () => {
    const document = await fetch(new URL("api/v1/openapi.json", admin.url));
    const { paths } = (await document.json()) as { paths: Record<string, Described> };
    const routes = Object.entries(paths).flatMap(([path, described]) =>
      Object.entries(described).map(([method, { parameters = [] }]) => ({
        method: method.toUpperCase(),
        path,
        names: parameters.map(({ name }) => name),
      })),
    );
    const asked = fc.constantFrom(...routes).chain(({ method, path, names }) =>
      fc.record({
        method: fc.constant(method),
        path: fc.constant(path),
        id: word,
        query: fc.array(fc.tuple(fc.oneof(fc.constantFrom(...names, "x"), word), word), {
          maxLength: 3,
        }),
        raw: fc.boolean(),
        body: fc.option(fc.oneof(word, fc.json({ maxDepth: 2 }))),
      }),
    );
    await fc.assert(
      fc.asyncProperty(asked, async ({ method, path, id, query, raw, body }) => {
        const value = (text: string) =>
          raw
            ? text.replace(/[^!-~]/g, "").replaceAll("#", "")
            : encodeURIComponent(text.toWellFormed());
        const pairs = query.map(([name, text]) => `${value(name)}=${value(text)}`);
        const target = `${path.replace("{id}", value(id) || "a")}?${pairs.join("&")}`;
        const headers = { authorization: `Bearer ${TOKEN}` };
        const text = method === "GET" ? undefined : (body ?? undefined);
        const status = await statusOf(admin.url, method, target, headers, text);
        // 502: nobody stands behind the routes that ask the node.
        expect(status === 502 || status < 500, `${method} ${target}: ${status}`).toBe(true);
      }),
      { numRuns: 1500 },
    );
    expect(logged).toEqual([]);
  }, 120_000);

  for (const cursor of [
    "0.9999999999",
    "1.9999999999",
    "2.0",
    "9999.0",
    "0.-1",
    "x",
    "0",
    "0.1e3",
  ]) {
    test(`a cursor that is none, "${cursor}", is a 400`, async () => {
      expect(await statusOf(admin.url, "GET", `/api/v1/keys?cursor=${cursor}`)).toBe(400);
    });
  }
});
