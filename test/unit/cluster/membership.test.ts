import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { SourcedList } from "../../../src/cluster/list-source.ts";
import { Membership } from "../../../src/cluster/membership.ts";
import { listedNodes, type RingDocument, ringFrom } from "../../../src/cluster/ring-document.ts";
import { FakeEtcd, FakeRegistry } from "../../support/fake-registry.ts";

const START_UNIX = 1_000_000;

/** Nodes of one cluster, with timers and a clock that the test moves. */
class World {
  readonly etcd = new FakeEtcd();
  readonly nodes = new Map<string, FakeNode>();
  readonly logs: string[] = [];

  async add(name: string, options: Partial<NodeOptions> = {}): Promise<FakeNode> {
    const node = new FakeNode(this, name, { host: name, forgetSeconds: Infinity, ...options });
    this.nodes.set(name, node);
    await node.member.start(node);
    return node;
  }

  /** Time passes for everybody, second by second, with all that becomes due. */
  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      this.etcd.pass(1);
      await vi.advanceTimersByTimeAsync(1000);
    }
  }

  get ring(): RingDocument {
    const ring = ringFrom(this.etcd.ring ?? "");
    if (typeof ring === "string") throw new Error(ring);
    return ring;
  }

  get hosts(): string[] {
    return listedNodes(this.ring).map(({ host }) => host);
  }

  stateOf(name: string): string | undefined {
    return this.ring.nodes.find((node) => node.name === name)?.state;
  }
}

interface NodeOptions {
  readonly host: string;
  readonly forgetSeconds: number;
  readonly incarnation: string;
  readonly weight: number;
}

let incarnations = 0;

class FakeNode {
  readonly registry: FakeRegistry;
  readonly member: Membership;
  readonly lists: SourcedList[] = [];
  readonly problems: string[] = [];

  constructor(world: World, name: string, options: Partial<NodeOptions> & { host: string }) {
    this.registry = new FakeRegistry(world.etcd);
    const incarnation = options.incarnation ?? (++incarnations).toString(16);
    this.member = new Membership({
      registry: this.registry,
      own: () =>
        Promise.resolve({
          host: options.host,
          ip: "",
          port: 11211,
          name,
          weight: options.weight ?? 1,
          incarnation,
        }),
      log: (level, message) => world.logs.push(`${name} ${level} ${message}`),
      forgetSeconds: options.forgetSeconds ?? Infinity,
      unixMilliseconds: () => (START_UNIX + world.etcd.seconds) * 1000,
      build: "test",
    });
  }

  listed(list: SourcedList): void {
    this.lists.push(list);
  }

  failed(why: string): void {
    this.problems.push(why);
  }

  get version(): number {
    return this.lists.at(-1)?.version ?? 0;
  }

  get hosts(): string[] {
    return this.lists.at(-1)?.nodes.map(({ host }) => host) ?? [];
  }

  /** As a process that is killed: no word to anybody. */
  kill(): void {
    this.member.stop();
  }
}

let world: World;
beforeEach(() => {
  vi.useFakeTimers();
  world = new World();
});
afterEach(() => {
  for (const { member } of world.nodes.values()) member.stop();
  vi.useRealTimers();
});

describe("joining", () => {
  test("the first node is listed at once", async () => {
    const first = await world.add("a");
    expect(first.hosts).toEqual(["a"]);
    expect(world.stateOf("a")).toBe("serving");
  });

  test("nodes that come later are listed together, ten seconds after the last change", async () => {
    const first = await world.add("a");
    const before = first.version;
    await world.add("b");
    await world.add("c");
    expect(world.stateOf("b")).toBe("next");
    await world.pass(9);
    expect(world.hosts).toEqual(["a"]);
    await world.pass(4);
    expect(world.hosts).toEqual(["a", "b", "c"]);
    for (const { version, hosts } of world.nodes.values()) {
      expect(version).toBe(before + 1);
      expect(hosts).toEqual(["a", "b", "c"]);
    }
    await world.pass(2);
    expect(world.ring.nodes.map(({ state }) => state)).toEqual(["serving", "serving", "serving"]);
  });

  test("clients hear of a node only when every living node has seen that it comes", async () => {
    const first = await world.add("a");
    await world.pass(20);
    first.registry.isDeaf = true;
    let told = 0;
    const deaf = setInterval(() => {
      // The node that hears nothing must not be passed over before its time is up.
      if (world.hosts.includes("b")) told ||= world.etcd.seconds;
    }, 100);
    const began = world.etcd.seconds;
    // Keep its reads away too, so that it is alive and has seen nothing.
    const read = first.registry.read.bind(first.registry);
    first.registry.read = () => Promise.reject(new Error("away"));
    await world.add("b");
    await world.pass(10);
    clearInterval(deaf);
    expect(told - began).toBeGreaterThanOrEqual(4);
    expect(told - began).toBeLessThanOrEqual(6);
    first.registry.read = read;
    await world.pass(11);
    expect(first.hosts).toEqual(["a", "b"]);
  });

  test("the order is that of joining, and a name that returns has its place", async () => {
    for (const name of ["c", "a", "b"]) {
      await world.add(name);
      await world.pass(12);
    }
    expect(world.hosts).toEqual(["c", "a", "b"]);
    const leaving = world.nodes.get("a") as FakeNode;
    await leaving.member.leave();
    await leaving.member.depart();
    await world.pass(1);
    expect(world.hosts).toEqual(["c", "b"]);
    expect(world.stateOf("a")).toBe("gone");
    await world.add("a");
    await world.pass(15);
    expect(world.hosts).toEqual(["c", "a", "b"]);
  });

  test("an address another name has is refused in words", async () => {
    await world.add("a");
    const second = await world.add("b", { host: "A" });
    expect(world.logs).toContainEqual(
      expect.stringContaining("b error cluster: this node cannot join: a is at A:11211 already"),
    );
    expect(second.member.state.problem).toContain("cannot join");
    await world.pass(30);
    expect(world.logs.filter((line) => line.includes("cannot join"))).toHaveLength(1);
  });

  test("a weight is in the ring, and changes no list", async () => {
    const first = await world.add("a", { weight: 3 });
    expect(world.ring.nodes[0]?.weight).toBe(3);
    first.kill();
    const again = await world.add("a", { weight: 5 });
    expect(world.ring.nodes[0]?.weight).toBe(5);
    expect(again.version).toBe(first.version);
  });
});

describe("dying and returning", () => {
  async function three(): Promise<void> {
    for (const name of ["a", "b", "c"]) await world.add(name);
    await world.pass(15);
    expect(world.hosts).toEqual(["a", "b", "c"]);
  }

  test("a node that dies stays in the list, for good", async () => {
    await three();
    const version = world.ring.version;
    world.nodes.get("b")?.kill();
    await world.pass(600);
    expect(world.hosts).toEqual(["a", "b", "c"]);
    expect(world.ring.version).toBe(version);
    const state = world.nodes.get("a")?.member.state;
    expect([...(state?.alive ?? [])].sort()).toEqual(["a", "c"]);
  });

  test("a node that returns changes its incarnation and no more", async () => {
    await three();
    const { version, nodes } = world.ring;
    world.nodes.get("b")?.kill();
    await world.pass(3);
    await world.add("b");
    await world.pass(5);
    expect(world.ring.version).toBe(version);
    const after = world.ring.nodes;
    expect(after[1]?.incarnation).not.toBe(nodes[1]?.incarnation);
    expect(after[1]).toMatchObject({ state: "serving", slot: 1 });
  });

  test("a node that returns elsewhere is a change of the list", async () => {
    await three();
    const { version } = world.ring;
    world.nodes.get("b")?.kill();
    await world.add("b", { host: "b2" });
    await world.pass(2);
    expect(world.hosts).toEqual(["a", "b2", "c"]);
    expect(world.ring.version).toBe(version + 1);
  });

  test("--cluster-forget takes a dead node out after its time, and not before", async () => {
    for (const name of ["a", "b", "c"]) await world.add(name, { forgetSeconds: 120 });
    await world.pass(15);
    world.nodes.get("b")?.kill();
    await world.pass(120);
    expect(world.hosts).toEqual(["a", "b", "c"]);
    await world.pass(45);
    expect(world.hosts).toEqual(["a", "c"]);
    expect(world.ring.nodes.map(({ slot }) => slot)).toEqual([0, 2]);
  });

  test("forget() takes out the dead, and refuses the living and the unknown", async () => {
    await three();
    const member = world.nodes.get("a")?.member as Membership;
    expect(await member.forget("b")).toContain("b is alive");
    expect(await member.forget("x")).toBe("the ring has no node x");
    world.nodes.get("b")?.kill();
    await world.pass(20);
    expect(await member.forget("b")).toBeNull();
    expect(world.hosts).toEqual(["a", "c"]);
    await world.pass(1);
    expect(world.nodes.get("c")?.hosts).toEqual(["a", "c"]);
  });

  test("two nodes of one name: the first says so and gives way", async () => {
    const first = await world.add("a");
    await world.add("a", { host: "a2" });
    await world.pass(12);
    expect(first.member.state.problem).toContain("another node calls itself a");
    await world.pass(60);
    expect(world.hosts).toEqual(["a2"]);
    expect(world.logs.filter((line) => line.includes("calls itself"))).toHaveLength(1);
  });
});

describe("leaving", () => {
  test("SIGTERM takes a node out of the list while it still serves", async () => {
    await world.add("a");
    const second = await world.add("b");
    await world.pass(15);
    expect(await second.member.leave()).toBe(true);
    expect(world.stateOf("b")).toBe("leaving");
    await world.pass(1);
    expect(world.nodes.get("a")?.hosts).toEqual(["a"]);
    expect(second.hosts).toEqual(["a"]);
    await world.pass(20);
    expect(world.etcd.alive.has("b")).toBe(true); // it lives until it departs
    await second.member.depart();
    expect(world.etcd.alive.has("b")).toBe(false);
    expect(world.stateOf("b")).toBe("gone");
  });

  test("the last one listed stays listed", async () => {
    const only = await world.add("a");
    expect(await only.member.leave()).toBe(false);
    await only.member.depart();
    expect(world.hosts).toEqual(["a"]);
    expect(world.etcd.alive.size).toBe(0);
  });

  test("a registry that is away holds up no stop", async () => {
    await world.add("a");
    const second = await world.add("b");
    world.etcd.isAway = true;
    let isOver = false;
    void second.member
      .leave()
      .then((hasLeft) => {
        expect(hasLeft).toBe(false);
        return second.member.depart();
      })
      .then(() => {
        isOver = true;
      });
    await world.pass(7);
    expect(isOver).toBe(true);
    expect(world.logs).toContainEqual(expect.stringContaining("left without the registry"));
  });
});

describe("a registry that is away", () => {
  test("expels nobody, changes nothing, is told once, and is forgiven", async () => {
    for (const name of ["a", "b"]) await world.add(name);
    await world.pass(15);
    const ring = world.etcd.ring;
    world.etcd.isAway = true;
    await world.pass(600);
    const first = world.nodes.get("a") as FakeNode;
    expect(first.problems).toEqual(["etcd cannot be used: ECONNREFUSED"]);
    expect(first.hosts).toEqual(["a", "b"]);
    expect(first.member.state.isRegistryUp).toBe(false);
    // It answered last at the read before, ten seconds ago at most.
    expect(first.member.state.silentSeconds).toBeGreaterThanOrEqual(600);
    expect(first.member.state.silentSeconds).toBeLessThanOrEqual(610);
    world.etcd.isAway = false;
    await world.pass(11);
    expect(world.etcd.ring).toBe(ring);
    expect([...world.etcd.alive.keys()].sort()).toEqual(["a", "b"]);
    expect(first.member.state).toMatchObject({ problem: "", isRegistryUp: true, silentSeconds: 0 });
    expect(world.logs).toContain("a info cluster: etcd answers again");
  });

  test("at the start: the node serves, and joins when it comes", async () => {
    world.etcd.isAway = true;
    const first = await world.add("a");
    expect(first.lists).toEqual([]);
    world.etcd.isAway = false;
    await world.pass(11);
    expect(first.hosts).toEqual(["a"]);
  });

  test("one that hangs at the start is not waited for", async () => {
    const node = new FakeNode(world, "a", { host: "a" });
    world.nodes.set("a", node);
    node.registry.read = () => new Promise(() => {});
    const started = node.member.start(node);
    await vi.advanceTimersByTimeAsync(3100);
    await started;
  });

  test("one that refuses us ends the start, in words", async () => {
    const node = new FakeNode(world, "a", { host: "a" });
    node.registry.refusal = "authentication failed";
    await expect(node.member.start(node)).rejects.toThrow(
      "--cluster: etcd refuses this node: authentication failed",
    );
    // A start that no longer waited tries again, and is let in.
    node.registry.refusal = "";
    await world.pass(11);
    expect(node.hosts).toEqual(["a"]);
  });
});

describe("faults of the registry", () => {
  test("a lost lease is taken out anew", async () => {
    const first = await world.add("a");
    world.etcd.endLease(first.registry.lease);
    expect(world.etcd.alive.size).toBe(0);
    await world.pass(6);
    expect([...world.etcd.alive.keys()]).toEqual(["a"]);
  });

  test("the lost answer to a write does no harm", async () => {
    await world.add("a");
    await world.pass(15);
    const node = new FakeNode(world, "b", { host: "b" });
    world.nodes.set("b", node);
    node.registry.losesNextAnswer = true;
    await node.member.start(node);
    await world.pass(25);
    expect(world.hosts).toEqual(["a", "b"]);
    expect(world.ring.nodes).toHaveLength(2);
  });

  test("a watch that says nothing costs ten seconds, no more", async () => {
    const first = await world.add("a");
    first.registry.isDeaf = true;
    await world.add("b");
    await world.pass(26);
    expect(first.hosts).toEqual(["a", "b"]);
  });

  test("a registry restored to an older list: the version goes on", async () => {
    const first = await world.add("a");
    const backup = { ring: world.etcd.ring, revision: world.etcd.revision };
    await world.add("b");
    await world.pass(15);
    const { version } = world.ring;
    world.etcd.ring = backup.ring;
    world.etcd.revision = backup.revision;
    await world.pass(30);
    expect(world.hosts).toEqual(["a", "b"]);
    expect(world.ring.version).toBeGreaterThan(version);
    const versions = first.lists.map((list) => list.version ?? 0);
    expect(versions).toEqual([...new Set(versions)].sort((x, y) => x - y));
  });

  test("a registry that lost everything gets the ring back", async () => {
    for (const name of ["a", "b"]) await world.add(name);
    await world.pass(15);
    const { version } = world.ring;
    world.etcd.ring = null;
    world.etcd.alive.clear();
    world.etcd.leases.clear();
    await world.pass(12);
    expect(world.hosts).toEqual(["a", "b"]);
    expect(world.ring.version).toBeGreaterThan(version);
    expect(world.etcd.alive.size).toBe(2);
  });

  for (const text of [
    "",
    "{",
    "[]",
    '{"version":1}',
    '{"version":1,"revision":1,"listedAt":1,"nodes":[{}]}',
  ]) {
    test(`a document that is ${JSON.stringify(text)} is told, and left alone`, async () => {
      const first = await world.add("a");
      world.etcd.ring = text;
      world.etcd.changed();
      await world.pass(12);
      expect(world.etcd.ring).toBe(text);
      expect(first.hosts).toEqual(["a"]);
      expect(first.member.state.problem).toContain("cannot be read");
      expect(world.logs.filter((line) => line.includes("cannot be read"))).toHaveLength(1);
    });
  }
});
