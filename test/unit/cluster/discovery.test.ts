import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { Discovery } from "../../../src/cluster/discovery.ts";
import { HostAddresses, toldAddress } from "../../../src/cluster/host-addresses.ts";
import type { ListHandler, ListSource, SourcedList } from "../../../src/cluster/list-source.ts";
import { listFrom, type NodeAddress, type NodeList } from "../../../src/cluster/node-list.ts";
import { askPeer } from "../../../src/cluster/peer-question.ts";
import { StaticSource } from "../../../src/cluster/static-source.ts";
import { until } from "../../support/until.ts";

const nodesNamed = (...hosts: string[]): NodeAddress[] =>
  hosts.map((host) => ({ host, port: 11211 }));

class HandSource implements ListSource {
  handler: ListHandler | null = null;
  first: SourcedList | string;
  constructor(first: SourcedList | string) {
    this.first = first;
  }
  start(handler: ListHandler): Promise<void> {
    this.handler = handler;
    if (typeof this.first === "string") handler.failed(this.first);
    else handler.listed(this.first);
    return Promise.resolve();
  }
  stop(): void {}
}

/** Nodes that ask each other without a network. */
class Fleet {
  readonly told = new Map<string, string[]>();
  readonly nodes = new Map<string, Discovery>();
  readonly logs: string[] = [];
  readonly ips = new Map<string, string>();

  add(name: string, source: ListSource, self: NodeAddress | null = null): Discovery {
    const payloads: string[] = [];
    this.told.set(name, payloads);
    const node = new Discovery({
      source,
      self,
      publish: (payload) => payloads.push(payload),
      log: (level, message) => this.logs.push(`${level} ${message}`),
      addresses: new HostAddresses((host) => Promise.resolve([this.ips.get(host) ?? "10.0.0.1"])),
      ask: (peer) => Promise.resolve(this.answer(peer.host)),
      roundMilliseconds: 5,
    });
    this.nodes.set(name, node);
    return node;
  }

  answer(name: string): NodeList | null {
    const payload = this.told.get(name)?.at(-1);
    return payload === undefined ? null : listFrom(payload);
  }

  versions(): number[] {
    return [...this.nodes.values()].map(({ state }) => state.version);
  }

  stop(): void {
    for (const node of this.nodes.values()) node.stop();
  }
}

describe("Discovery", () => {
  let fleet = new Fleet();
  afterEach(() => {
    fleet.stop();
    fleet = new Fleet();
  });

  test("nodes that begin at different times tell one version", async () => {
    const nodes = nodesNamed("a", "b", "c");
    for (const [index, name] of ["a", "b", "c"].entries()) {
      await fleet.add(name, new StaticSource(nodes, () => 1000 + index)).start();
    }
    expect(fleet.versions()).toEqual([1000, 1000, 1000]);
    expect(fleet.told.get("b")).toEqual([
      "1000\na|10.0.0.1|11211 b|10.0.0.1|11211 c|10.0.0.1|11211\n",
    ]);
  });

  test("nodes that begin at once agree on the highest, and none goes back", async () => {
    const nodes = nodesNamed("a", "b", "c");
    const starts = ["a", "b", "c"].map((name, index) =>
      fleet.add(name, new StaticSource(nodes, () => 1000 + index)).start(),
    );
    await Promise.all(starts);
    await until(() => fleet.versions().every((version) => version === 1002));
    for (const payloads of fleet.told.values()) {
      const versions = payloads.map((payload) => listFrom(payload)?.version ?? 0);
      expect(versions).toEqual([...versions].sort((a, b) => a - b));
    }
  });

  test("a round that throws ends nothing: it is told once, and tried until it goes", async () => {
    const payloads: string[] = [];
    const logs: string[] = [];
    let asked = 0;
    let problem = "";
    const node = new Discovery({
      source: new StaticSource(nodesNamed("a"), () => 7),
      self: null,
      publish: (payload) => payloads.push(payload),
      log: (level, message) => logs.push(`${level} ${message}`),
      addresses: new HostAddresses(() => Promise.resolve(["10.0.0.1"])),
      ask: () => {
        asked += 1;
        if (problem !== "") throw new Error(problem); // as a file of logins that was moved away
        return Promise.resolve(null);
      },
      roundMilliseconds: 5,
    });
    await node.start();
    problem = "no logins";
    const before = asked;
    await until(() => asked > before + 3);
    expect(node.state).toMatchObject({ version: 7, problem: "no logins" });
    expect(logs.filter((line) => line.startsWith("warn"))).toEqual([
      "warn cluster: no logins; the last list stays",
    ]);
    problem = "";
    await until(() => node.state.problem === "");
    node.stop();
    expect(payloads).toEqual(["7\na|10.0.0.1|11211\n"]);
  });

  test("a changed list has a higher version, the same on nodes that see it later", async () => {
    const sources = ["a", "b"].map(
      () => new HandSource({ nodes: nodesNamed("a", "b"), version: null, seed: 7 }),
    );
    for (const [index, name] of ["a", "b"].entries()) {
      await fleet.add(name, sources[index] as HandSource).start();
    }
    expect(fleet.versions()).toEqual([7, 7]);
    const grown = { nodes: nodesNamed("a", "b", "c"), version: null, seed: 5 };
    sources[0]?.handler?.listed(grown);
    await until(() => fleet.nodes.get("a")?.state.version === 8);
    expect(fleet.nodes.get("b")?.state.version).toBe(7);
    sources[1]?.handler?.listed(grown);
    await until(() => fleet.nodes.get("b")?.state.version === 8);
    expect(fleet.nodes.get("b")?.state.changes).toBe(2);
  });

  test("a host's new address is a new version", async () => {
    const node = fleet.add("a", new StaticSource(nodesNamed("a"), () => 7));
    await node.start();
    fleet.ips.set("a", "10.0.0.2");
    await until(() => node.state.version === 8);
    expect(node.state.nodes).toEqual([{ host: "a", ip: "10.0.0.2", port: 11211 }]);
  });

  test("a source's own version is told as it is, and no peer is asked", async () => {
    const source = new HandSource({ nodes: nodesNamed("a", "b"), version: 3, seed: 1000 });
    fleet.told.set("b", ["99\na|10.0.0.1|11211 b|10.0.0.1|11211\n"]);
    await fleet.add("a", source).start();
    expect(fleet.versions()).toEqual([3]);
  });

  test("a source that fails is told, and leaves the last list", async () => {
    const source = new HandSource("nobody answers");
    const node = fleet.add("a", source);
    await node.start();
    expect(node.state).toMatchObject({ version: 0, changes: 0, problem: "nobody answers" });
    expect(fleet.logs).toEqual(["warn cluster: nobody answers; clients are told of no list yet"]);
    source.handler?.listed({ nodes: nodesNamed("a"), version: null, seed: 7 });
    await until(() => node.state.version === 7);
    source.handler?.failed("nobody answers");
    expect(node.state).toMatchObject({ version: 7, problem: "nobody answers" });
    expect(fleet.logs.at(-1)).toBe("warn cluster: nobody answers; the last list stays");
  });

  test("a list that no client could be told is a problem, and no list", async () => {
    const source = new HandSource({ nodes: nodesNamed("a"), version: 1, seed: 0 });
    const node = fleet.add("a", source);
    await node.start();
    const hosts = Array.from({ length: 400 }, (_, index) => `${"x".repeat(200)}${index}`);
    source.handler?.listed({ nodes: nodesNamed(...hosts), version: 2, seed: 0 });
    expect(node.state).toMatchObject({
      version: 1,
      problem: "the list is longer than 65536 bytes",
    });
    source.handler?.listed({ nodes: [], version: 3, seed: 0 });
    expect(node.state).toMatchObject({ version: 1, problem: "the list names no node" });
    expect(fleet.told.get("a")).toHaveLength(1);
  });

  test("warns of a list without this node, and of one above 100 nodes", async () => {
    const hosts = Array.from({ length: 101 }, (_, index) => `n${index}`);
    const source = new StaticSource(nodesNamed(...hosts), () => 7);
    await fleet.add("a", source, { host: "N7", port: 11211 }).start();
    expect(fleet.logs.filter((line) => line.startsWith("warn"))).toEqual([
      expect.stringContaining("101 nodes"),
    ]);
    await fleet.add("b", source, { host: "b", port: 11211 }).start();
    expect(fleet.logs).toContain("warn cluster: the list does not name this node, b:11211");
  });
});

describe("toldAddress()", () => {
  for (const [host, addresses, expected] of [
    ["a", ["10.0.0.9", "10.0.0.10"], "10.0.0.10"],
    ["a", ["2001:db8::1", "10.0.0.9"], "10.0.0.9"],
    ["a", ["2001:db8::1"], "2001:db8::1"],
    ["a", ["127.0.1.1"], ""],
    ["a", ["127.0.1.1", "10.0.0.9"], "10.0.0.9"],
    ["a", ["::1"], ""],
    ["localhost", ["127.0.0.1"], "127.0.0.1"],
    ["a", [], ""],
  ] as const) {
    test(`of ${host} at ${addresses.join(" ")} is "${expected}"`, () => {
      expect(toldAddress(host, addresses)).toBe(expected);
    });
  }
});

describe("HostAddresses", () => {
  test("an address is its own, a given one is not asked for", async () => {
    const asked: string[] = [];
    const addresses = new HostAddresses((host) => {
      asked.push(host);
      return Promise.resolve(["10.0.0.1"]);
    });
    const nodes = await addresses.of([
      { host: "10.9.9.9", port: 1 },
      { host: "a", port: 2, ip: "10.8.8.8" },
      { host: "b", port: 3 },
      { host: "b", port: 4 },
    ]);
    expect(nodes.map(({ ip }) => ip)).toEqual(["10.9.9.9", "10.8.8.8", "10.0.0.1", "10.0.0.1"]);
    expect(asked).toEqual(["b"]);
  });

  test("a name that cannot be asked keeps what it had, and one that hangs is not waited for", async () => {
    let answer: Promise<string[]> = Promise.resolve(["10.0.0.1"]);
    const addresses = new HostAddresses(() => answer, 10);
    const ipOf = async () => (await addresses.of(nodesNamed("a")))[0]?.ip;
    expect(await ipOf()).toBe("10.0.0.1");
    answer = Promise.reject(new Error("no"));
    expect(await ipOf()).toBe("10.0.0.1");
    answer = new Promise(() => {});
    expect(await ipOf()).toBe("10.0.0.1");
  });
});

describe("askPeer()", () => {
  let server: Server | null = null;
  afterEach(() => server?.close());

  async function answering(answer: string): Promise<NodeAddress> {
    const started = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", () => socket.write(answer));
    });
    server = started;
    started.listen(0, "127.0.0.1");
    await once(started, "listening");
    return { host: "127.0.0.1", port: (started.address() as AddressInfo).port };
  }

  test("reads a list", async () => {
    const peer = await answering("CONFIG cluster 0 13\r\n5\na||1 b||22\n\r\nEND\r\n");
    expect(await askPeer(peer)).toEqual({
      version: 5,
      nodes: [
        { host: "a", ip: "", port: 1 },
        { host: "b", ip: "", port: 22 },
      ],
    });
  });

  for (const [name, answer] of [
    ["a node without a cluster", "ERROR\r\n"],
    ["a node that wants a login", "CLIENT_ERROR unauthenticated\r\n"],
    ["a node that knows no list yet", "SERVER_ERROR the list of nodes is not known yet\r\n"],
    ["a list that is none", "CONFIG cluster 0 2\r\nx\n\r\nEND\r\n"],
    ["silence", ""],
    ["more than any list", "x".repeat(70_000)],
  ] as const) {
    test(`is null for ${name}`, async () => {
      expect(await askPeer(await answering(answer), null, 200)).toBeNull();
    });
  }

  test("logs in first where it has a login", async () => {
    let asked = "";
    const peer = await answering("STORED\r\nCONFIG cluster 0 7\r\n5\na||1\n\r\nEND\r\n");
    server?.on("connection", (socket) => {
      socket.on("data", (text) => {
        asked += text;
      });
    });
    const login = { user: Buffer.from("me"), password: Buffer.from("secret") };
    expect(await askPeer(peer, login)).toMatchObject({ version: 5 });
    expect(asked).toBe("set auth 0 0 9\r\nme secret\r\nconfig get cluster\r\n");
  });

  test("is null where nobody listens", async () => {
    const peer = await answering("");
    server?.close();
    expect(await askPeer(peer)).toBeNull();
  });
});
