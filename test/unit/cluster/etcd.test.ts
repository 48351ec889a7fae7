import { once } from "node:events";
import { createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EtcdGateway } from "../../../src/cluster/etcd/etcd-gateway.ts";
import { EtcdRegistry, type EtcdRegistryTimes } from "../../../src/cluster/etcd/etcd-registry.ts";
import { RegistryRefused } from "../../../src/cluster/registry.ts";
import { FakeGateway, GatewayState } from "../../support/fake-gateway.ts";
import { until } from "../../support/until.ts";

const ANSWER_MILLISECONDS = 150;

let state: GatewayState;
let members: FakeGateway[];
let endpoints: string[];
const open: EtcdRegistry[] = [];

beforeEach(async () => {
  state = new GatewayState();
  members = [0, 1, 2].map(() => new FakeGateway(state));
  endpoints = await Promise.all(members.map((member) => member.listen()));
});
afterEach(() => {
  for (const registry of open.splice(0)) registry.close();
  for (const member of members) member.close();
});

function registryOf(
  login: { user: string; password: string } = { user: "", password: "" },
  times: EtcdRegistryTimes = {},
): EtcdRegistry {
  const gateway = new EtcdGateway({
    endpoints,
    ...login,
    tls: null,
    answerMilliseconds: ANSWER_MILLISECONDS,
  });
  const registry = new EtcdRegistry(gateway, "web", times);
  open.push(registry);
  return registry;
}

const member = (index: number) => members[index] as FakeGateway;

describe("EtcdRegistry", () => {
  test("keeps the ring by compare and swap, and the living under a lease", async () => {
    const first = registryOf();
    const second = registryOf();
    expect(await first.read()).toEqual({ ring: null, ringRevision: "0", alive: new Map() });
    expect(await first.writeRing("one", "0")).toBe(true);
    expect(await second.writeRing("other", "0")).toBe(false);
    const { ring, ringRevision } = await second.read();
    expect(ring).toBe("one");
    expect(await second.writeRing("two", ringRevision)).toBe(true);
    expect(await first.writeRing("three", ringRevision)).toBe(false);
    await first.writeAlive("a", "A");
    await second.writeAlive("b", "B");
    const view = await first.read();
    expect(view.ring).toBe("two");
    expect(Object.fromEntries(view.alive)).toEqual({ a: "A", b: "B" });
    await first.leave();
    expect([...(await second.read()).alive.keys()]).toEqual(["b"]);
  });

  test("a renewal without a TTL: the lease is lost, and taken out anew", async () => {
    const registry = registryOf();
    expect(await registry.keepAlive()).toBe(false);
    await registry.writeAlive("a", "A");
    expect(await registry.keepAlive()).toBe(true);
    member(0).expire([...state.leases][0] as string);
    expect(await registry.keepAlive()).toBe(false);
    await registry.writeAlive("a", "A");
    expect(await registry.keepAlive()).toBe(true);
    expect((await registry.read()).alive.get("a")).toBe("A");
  });

  test("a put under a lease that is gone is 404: a new lease, at once", async () => {
    const registry = registryOf();
    await registry.writeAlive("a", "A");
    member(0).expire([...state.leases][0] as string);
    await registry.writeAlive("a", "B");
    expect((await registry.read()).alive.get("a")).toBe("B");
  });

  test("a watch tells changes, also when it begins, with the header that ends it leaderless", async () => {
    const registry = registryOf();
    let changes = 0;
    registry.watch(() => {
      changes += 1;
    });
    await until(() => changes === 1);
    await registry.writeRing("one", "0");
    await until(() => changes === 2);
    const watch = member(0).calls.find(({ path }) => path === "/v3/watch");
    expect(watch?.headers["grpc-metadata-hasleader"]).toBe("true");
    expect(watch?.headers.connection).toBe("close"); // one of its own
  });

  for (const [name, bodies] of [
    ["that just ends", []],
    ["without a leader", [{ error: { grpc_code: 14, http_code: 503, message: "no leader" } }]],
    ["without a leader, as 3.6 says it", [{ error: { code: 14, message: "no leader" } }]],
    ["compacted away", [{ result: { canceled: true, compact_revision: "5" } }]],
    ["cancelled", [{ result: { canceled: true, cancel_reason: "permission denied" } }]],
    ["that is no JSON", [{ rubbish: 1 }]],
  ] as const) {
    test(`a watch ${name} is opened anew, and tells that it is`, async () => {
      const registry = registryOf();
      let changes = 0;
      registry.watch(() => {
        changes += 1;
      });
      await until(() => changes === 1);
      member(0).endWatches(...bodies);
      await until(() => changes === 2);
      expect(
        member(0)
          .pathsAsked()
          .filter((path) => path === "/v3/watch"),
      ).toHaveLength(2);
    });
  }

  test("a watch that says nothing is opened anew after its idle time", async () => {
    const registry = registryOf(undefined, { watchIdleMilliseconds: 50 });
    let changes = 0;
    registry.watch(() => {
      changes += 1;
    });
    await until(() => changes >= 3);
  });

  test("a closed registry watches no more", async () => {
    const registry = registryOf();
    let changes = 0;
    registry.watch(() => {
      changes += 1;
    });
    await until(() => changes === 1);
    registry.close();
    await until(() => state.watches.size === 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(changes).toBe(1);
  });
});

describe("EtcdGateway, of members that are not well", () => {
  test("one that is dead, silent or leaderless is passed over", async () => {
    const registry = registryOf();
    await registry.writeRing("one", "0");
    for (const break_ of [
      () => members[0]?.close(),
      () => {
        member(1).isSilent = true;
      },
    ]) {
      break_();
      expect((await registry.read()).ring).toBe("one");
    }
    member(2).isLeaderless = true;
    await expect(registry.read()).rejects.toThrow(/no leader.*|ECONNREFUSED.*/);
    member(1).isSilent = false;
    expect((await registry.read()).ring).toBe("one");
  });

  test("the one that answered last is asked first", async () => {
    const registry = registryOf();
    members[0]?.close();
    await registry.read();
    await registry.read();
    await registry.read();
    expect(member(1).calls).toHaveLength(3);
    expect(member(2).calls).toHaveLength(0);
  });

  test("calls that fail side by side do not keep each other from a well one", async () => {
    const registry = registryOf();
    for (const sick of members) sick.isLeaderless = true;
    await Promise.allSettled(Array.from({ length: 7 }, () => registry.read()));
    member(2).isLeaderless = false;
    const answers = await Promise.allSettled(Array.from({ length: 7 }, () => registry.read()));
    expect(answers.every(({ status }) => status === "fulfilled")).toBe(true);
  });

  test("all silent: an answer in words, within a time for each", async () => {
    const registry = registryOf();
    for (const sick of members) sick.isSilent = true;
    const began = performance.now();
    await expect(registry.read()).rejects.toThrow(/no answer within 150 ms; .*; /);
    expect(performance.now() - began).toBeGreaterThan(2.5 * ANSWER_MILLISECONDS);
  });

  test("a gateway that is switched off is named as that", async () => {
    for (const off of members) off.isOff = true;
    await expect(registryOf().read()).rejects.toThrow(
      /serves no \/v3: start etcd with --enable-grpc-gateway/,
    );
    await expect(registryOf().read()).rejects.toBeInstanceOf(RegistryRefused);
  });

  test("an answer that never ends is not taken", async () => {
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        const piece = `10000\r\n${" ".repeat(65_536)}\r\n`;
        const pump = () => {
          while (socket.writable && socket.write(piece));
          socket.once("drain", pump);
        };
        pump();
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const gateway = new EtcdGateway({
      endpoints: [`http://127.0.0.1:${port}`],
      user: "",
      password: "",
      tls: null,
      answerMilliseconds: 20_000,
    });
    await expect(gateway.call("/v3/kv/range", {})).rejects.toThrow("an endless answer");
    gateway.close();
    server.close();
  });
});

describe("EtcdGateway, with a login", () => {
  const login = { user: "web", password: "secret" };
  beforeEach(() => {
    state.user = login.user;
    state.password = login.password;
  });

  test("logs in once, before the first call", async () => {
    const registry = registryOf(login);
    await registry.writeRing("one", "0");
    expect((await registry.read()).ring).toBe("one");
    expect(member(0).pathsAsked()).toEqual(["/v3/auth/authenticate", "/v3/kv/txn", "/v3/kv/range"]);
  });

  for (const dialect of ["3.4", "3.6"] as const) {
    test(`a token that is lost, as by a restart, is a new login (${dialect})`, async () => {
      for (const one of members) one.dialect = dialect;
      const registry = registryOf(login);
      await registry.writeRing("one", "0");
      state.tokens.clear();
      expect((await registry.read()).ring).toBe("one");
      expect(member(0).pathsAsked().slice(-3)).toEqual([
        "/v3/kv/range",
        "/v3/auth/authenticate",
        "/v3/kv/range",
      ]);
    });
  }

  test("a wrong password, none at all and a missing permission are refusals", async () => {
    await expect(registryOf({ user: "web", password: "x" }).read()).rejects.toThrow(
      /authentication failed/,
    );
    await expect(registryOf().read()).rejects.toThrow(/user name is empty/);
    const registry = registryOf(login);
    for (const one of members) one.isForbidden = true;
    const refused = registry.writeRing("one", "0");
    await expect(refused).rejects.toThrow(/permission denied/);
    await expect(refused).rejects.toBeInstanceOf(RegistryRefused);
  });

  test("no message holds the password", async () => {
    const wrong = registryOf({ user: "web", password: "p4ssw0rd" }).read();
    await expect(wrong).rejects.toThrow(/^(?!.*p4ssw0rd)/);
  });
});
