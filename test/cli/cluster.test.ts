/** `shardcached cluster` and the admin routes behind it: a node with a list, and one without. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ClusterState } from "../../src/cluster/cluster-state.ts";
import { type AdminWorld, adminWorld } from "../support/admin-world.ts";
import { runProgram } from "../support/run-program.ts";
import { SHARDCACHED_MAIN, TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";

const TOKEN = "a-token-of-sixteen-letters";

const state: ClusterState = {
  source: "etcd://h:2379/web",
  list: {
    version: 7,
    nodes: [
      { host: "a", ip: "10.0.0.1", port: 11_211 },
      { host: "b", ip: "", port: 11_212 },
    ],
    changes: 1,
    problem: "",
  },
  membership: null,
};

describe("shardcached cluster", () => {
  let world: AdminWorld;
  let alone: AdminWorld;
  const forgotten: string[] = [];

  beforeAll(async () => {
    process.env["SHARDCACHED_ADMIN_TOKEN"] = TOKEN;
    world = await adminWorld(
      {},
      {
        cluster: {
          state: () => state,
          forget: async (name) => {
            if (name === "away") throw new Error("ECONNREFUSED");
            if (name !== "b") return `${name} is alive: stop it, and it leaves by itself`;
            forgotten.push(name);
            return null;
          },
        },
      },
    );
    alone = await adminWorld({});
  });
  afterAll(async () => {
    await world.close();
    await alone.close();
  });

  const run = (args: readonly string[], token = TOKEN) =>
    runProgram(process.execPath, [SHARDCACHED_MAIN, "cluster", ...args], {
      env: { SHARDCACHED_ADMIN_TOKEN: token },
    });

  test("status", async () => {
    const { code, stdout } = await run(["status", world.admin.url]);
    expect(stdout).toBe("source   etcd://h:2379/web\nversion  7\nnodes    2 listed\n");
    expect(code).toBe(0);
  });

  test("ring", async () => {
    const { stdout } = await run(["ring", world.admin.url.replace("http://", "")]);
    expect(stdout).toBe(
      "slot  name     address  ip        weight  state\n" +
        "0     a:11211  a:11211  10.0.0.1  1       listed\n" +
        "1     b:11212  b:11212  -         1       listed\n",
    );
  });

  test("owner, by one family and by all", async () => {
    const one = await run(["owner", "key-1", world.admin.url, "--hash", "modula"]);
    expect(one.stdout).toMatch(/^[ab]:1121[12]\n$/);
    const all = await run(["owner", "key-1", world.admin.url]);
    expect(all.stdout.trimEnd().split("\n")).toHaveLength(11);
  });

  test("forget, and why not", async () => {
    const done = await run(["forget", "b", world.admin.url]);
    expect(done).toMatchObject({ code: 0, stdout: "b is forgotten\n" });
    expect(forgotten).toEqual(["b"]);
    const refused = await run(["forget", "a", world.admin.url]);
    expect(refused.code).toBe(69);
    expect(refused.stderr).toContain("a is alive: stop it, and it leaves by itself");
    const away = await run(["forget", "away", world.admin.url]);
    expect(away.stderr).toContain("etcd cannot be used: ECONNREFUSED");
    const stranger = await run(["forget", "b", world.admin.url], "");
    expect(stranger.stderr).toContain("SHARDCACHED_ADMIN_TOKEN");
    expect(forgotten).toEqual(["b"]);
  });

  test("of a node that is in no cluster", async () => {
    const { code, stderr } = await run(["status", alone.admin.url]);
    expect(code).toBe(69);
    expect(stderr).toContain("this node is in no cluster: start it with --peers or --cluster");
  });

  test("of nobody", async () => {
    const { code, stderr } = await run(["status", "127.0.0.1:1"]);
    expect(code).toBe(69);
    expect(stderr).toMatch(/^shardcached cluster: http:\/\/127.0.0.1:1: /);
  });

  for (const [words, why] of [
    ["", "what of it?"],
    ["ringing", '"ringing" is no command'],
    ["owner", "owner needs a key"],
    ["forget", "forget needs a name"],
    ["status http://a http://b", '"http://b" is too much'],
    ["status http://:x", '"http://:x" is no address'],
    ["owner k --hash maglev", '"maglev" is no family'],
    ["ring --hash ketama", "--hash belongs to owner"],
    ["ring --bogus", "bogus"],
  ] as const) {
    test(`"${words}" is refused, with the usage`, async () => {
      const { code, stderr } = await run(words.split(" ").filter((word) => word !== ""));
      expect(code).toBe(64);
      expect(stderr).toContain(why);
      expect(stderr).toContain("usage: shardcached cluster");
    });
  }

  test("--help says how", async () => {
    const { code, stdout } = await run(["--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain("npm-memcache");
  });
});

describe("a server whose name server is away", () => {
  test("is ready, says what is wrong, and counts it", async () => {
    const server = await TestServer.start({
      implementation: "shardcached",
      threads: 1,
      transport: "native",
      ownArgs: [
        ...["--cluster", "dns+srv://nodes.invalid?server=127.0.0.1:1"],
        ...["--admin-listen", "127.0.0.1:0", "-v"],
      ],
    });
    try {
      const found = () => /http:\/\/127\.0\.0\.1:\d+\//.exec(server.stderr)?.[0];
      await until(() => found() !== undefined);
      const url = found() as string;
      const ready = await fetch(new URL("readyz", url));
      expect(ready.status).toBe(200);
      expect(await ready.text()).toMatch(
        /^ready\nwarning: cluster: nodes\.invalid: no SRV records .*; clients are told of no list yet\n$/,
      );
      const metrics = await (await fetch(new URL("metrics", url))).text();
      expect(metrics).toContain("shardcached_cluster_version 0\n");
      expect(metrics).toContain("shardcached_cluster_source_up 0\n");
    } finally {
      await server.stop();
    }
  });
});
