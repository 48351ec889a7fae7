/**
 * Nodes of a cluster on three members of a real etcd, which are killed, stopped, left in a minority,
 * compacted, locked and restarted.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { EtcdGateway, type EtcdOptions } from "../../src/cluster/etcd/etcd-gateway.ts";
import { EtcdRegistry } from "../../src/cluster/etcd/etcd-registry.ts";
import type { SourcedList } from "../../src/cluster/list-source.ts";
import { Membership } from "../../src/cluster/membership.ts";
import { EtcdCluster, makeCertificates } from "../support/etcd-cluster.ts";
import { missing } from "../support/run-program.ts";
import { TestServer } from "../support/test-server.ts";
import { until } from "../support/until.ts";
import { WireClient } from "../support/wire-client.ts";

const LEASE_SECONDS = 5;
/** The reads that are the truth, renewals, and the steps that wait: quicker than in the server. */
const TIMES = { read: 3000, renew: 1500, step: 300, apart: 1 };
const TEST_MILLISECONDS_MAX = 120_000;
const reason = missing("etcd") + missing("etcdctl");

class Node {
  readonly name: string;
  readonly member: Membership;
  readonly registry: EtcdRegistry;
  list: SourcedList | null = null;
  readonly problems: string[] = [];

  constructor(name: string, cluster: string, options: EtcdOptions) {
    this.name = name;
    const gateway = new EtcdGateway(options);
    this.registry = new EtcdRegistry(gateway, cluster, { leaseSeconds: LEASE_SECONDS });
    this.member = new Membership({
      registry: this.registry,
      own: () =>
        Promise.resolve({
          name,
          host: name,
          ip: "",
          port: 11211,
          weight: 1,
          incarnation: "1",
        }),
      log: () => {},
      forgetSeconds: Number.POSITIVE_INFINITY,
      unixMilliseconds: () => Date.now(),
      build: "test",
      times: TIMES,
    });
  }

  async start(): Promise<this> {
    await this.member.start({
      listed: (list) => {
        this.list = list;
      },
      failed: (why) => this.problems.push(why),
    });
    return this;
  }

  get hosts(): string {
    return this.list?.nodes.map(({ host }) => host).join(" ") ?? "";
  }
}

describe.skipIf(reason !== "")(`etcd${reason}`, () => {
  let etcd: EtcdCluster;
  let nodes: Node[] = [];
  let clusters = 0;
  let cluster = "";

  beforeAll(async () => {
    etcd = await EtcdCluster.start();
  });
  afterAll(() => etcd.stop());
  afterEach(() => {
    for (const { member } of nodes) member.stop();
    nodes = [];
  });

  const plain = () => ({ endpoints: etcd.endpoints, user: "", password: "", tls: null });

  async function startNodes(...names: string[]): Promise<void> {
    cluster = `test-${++clusters}`;
    for (const name of names) {
      const node = new Node(name, cluster, plain());
      nodes.push(node);
      await node.start();
    }
    await agree(names.join(" "));
  }

  async function agree(hosts: string): Promise<void> {
    await until(() => nodes.every((node) => node.hosts === hosts));
    await until(() => new Set(nodes.map(({ list }) => list?.version)).size === 1);
  }

  async function add(name: string): Promise<Node> {
    const node = await new Node(name, cluster, plain()).start();
    nodes.push(node);
    return node;
  }

  test(
    "a member that is killed, and comes back, is not missed",
    async () => {
      await startNodes("a", "b");
      for (let member = 0; member < 3; member++) {
        await etcd.kill(member);
        await add(`c${member}`);
        await agree(["a", "b", "c0", "c1", "c2"].slice(0, 3 + member).join(" "));
        await etcd.restart(member);
      }
      expect(nodes.every(({ member }) => member.state.problem === "")).toBe(true);
    },
    TEST_MILLISECONDS_MAX,
  );

  test(
    "a member that is stopped says nothing: the reads find what its watch does not",
    async () => {
      await startNodes("a", "b");
      etcd.signal(0, "SIGSTOP"); // the member that everybody asks first, and watches
      try {
        await add("c");
        await agree("a b c");
      } finally {
        etcd.signal(0, "SIGCONT");
      }
    },
    TEST_MILLISECONDS_MAX,
  );

  test(
    "a minority: nothing changes, nobody is expelled, and it ends by itself",
    async () => {
      await startNodes("a", "b");
      const version = nodes[0]?.list?.version;
      etcd.signal(1, "SIGSTOP");
      etcd.signal(2, "SIGSTOP");
      try {
        await until(() => nodes.every(({ member }) => !member.state.isRegistryUp));
        await sleep(2 * LEASE_SECONDS * 1000); // the leases would be over
        expect(nodes.map(({ hosts }) => hosts)).toEqual(["a b", "a b"]);
      } finally {
        etcd.signal(1, "SIGCONT");
        etcd.signal(2, "SIGCONT");
      }
      await until(() => nodes.every(({ member }) => member.state.isRegistryUp));
      await until(() => nodes.every(({ member }) => member.state.alive.size === 2));
      expect(nodes.map(({ list }) => list?.version)).toEqual([version, version]);
      // Said when it begins and when its words change, not at each of a dozen reads in vain.
      const problems = nodes[0]?.problems ?? [];
      expect(problems.length).toBeGreaterThan(0);
      expect(problems.length).toBeLessThan(4);
      for (const problem of problems) expect(problem).toMatch(/^etcd cannot be used/);
    },
    TEST_MILLISECONDS_MAX,
  );

  test(
    "history that is compacted away is not needed",
    async () => {
      await startNodes("a", "b");
      const status = etcd.control("endpoint", "status", "-w", "json").stdout;
      const [first] = JSON.parse(status) as [{ Status: { header: { revision: number } } }];
      const { revision } = first.Status.header;
      expect(etcd.control("compaction", String(revision)).status).toBe(0);
      await add("c");
      await agree("a b c");
    },
    TEST_MILLISECONDS_MAX,
  );

  test(
    "a node that is cut off longer than its lease is seen as dead, stays listed, and returns",
    async () => {
      await startNodes("a", "b");
      const [first, second] = nodes as [Node, Node];
      second.member.stop(); // as a process that is killed
      await until(() => first.member.state.alive.size === 1);
      expect(first.hosts).toBe("a b");
      nodes = [first];
      const again = await add("b");
      await until(() => first.member.state.alive.size === 2);
      expect(again.list?.version).toBe(first.list?.version);
    },
    TEST_MILLISECONDS_MAX,
  );

  test(
    "a cluster of servers: listed, stopped in order, and served while etcd is away",
    async () => {
      cluster = `test-${++clusters}`;
      const start = (name: string) =>
        TestServer.start({
          implementation: "shardcached",
          threads: 2,
          transport: "native",
          ownArgs: [
            ...["--cluster", `etcd://${etcd.hosts}/${cluster}`, "--cluster-name", name],
            ...["--cluster-advertise", "127.0.0.1", "--drain", "2"],
          ],
        });
      const servers = await Promise.all([start("x"), start("y"), start("z")]);
      const [x, y, z] = servers as [TestServer, TestServer, TestServer];
      try {
        const portsOf = async (server: TestServer) => {
          const client = await WireClient.connect(server);
          await client.send("config get cluster\r\n");
          const reply = await client.readUntil((got) =>
            got.includes("\r\n", 30) ? got.length : 0,
          );
          client.destroy();
          return [...reply.toString().matchAll(/\|(\d+)[ \n]/g)].map((match) => Number(match[1]));
        };
        const tell = (ports: readonly number[]) => async () => {
          const lists = await Promise.all(servers.map(portsOf));
          return lists.every((list) => [...list].sort().join() === [...ports].sort().join());
        };
        await until(tell([x.port, y.port, z.port]));
        const stopped = y.stop(); // demands exit code 0
        servers.splice(1, 1);
        await until(tell([x.port, z.port]));
        const client = await WireClient.connect(y); // out of the list, and serving
        await client.ask("set k 0 0 1\r\nv\r\n", "STORED\r\n");
        client.destroy();
        await stopped;
        await Promise.all([0, 1, 2].map((member) => etcd.kill(member)));
        for (let turn = 0; turn < 5; turn++) {
          expect(await tell([x.port, z.port])()).toBe(true);
          await sleep(1000);
        }
        for (const member of [0, 1, 2]) etcd.startMember(member);
        await until(() => etcd.control("endpoint", "health").status === 0);
      } finally {
        await Promise.all(servers.map((server) => server.stop()));
      }
    },
    TEST_MILLISECONDS_MAX,
  );

  test(
    "a login: its token lost with a member's restart, a wrong password, a missing permission",
    async () => {
      cluster = "locked";
      const login = { ...plain(), user: "web", password: "s3cret" };
      for (const words of [
        "user add root:root",
        "user grant-role root root",
        "user add web:s3cret",
        "role add web",
        "role grant-permission web readwrite --prefix=true /shardcached/locked/",
        "user grant-role web web",
        "auth enable",
      ]) {
        expect(etcd.control(...words.split(" ")).status, words).toBe(0);
      }
      try {
        const first = await new Node("a", cluster, login).start();
        nodes.push(first);
        expect(first.hosts).toBe("a");
        await etcd.kill(0);
        etcd.startMember(0);
        await sleep(2000);
        nodes.push(await new Node("b", cluster, login).start());
        await agree("a b");
        await expect(
          new Node("c", cluster, { ...login, password: "wrong" }).start(),
        ).rejects.toThrow(/etcd refuses this node: .*authentication failed/);
        await expect(new Node("c", "elsewhere", login).start()).rejects.toThrow(
          /etcd refuses this node: .*permission denied/,
        );
        await expect(new Node("c", cluster, plain()).start()).rejects.toThrow(
          /etcd refuses this node: .*user name is empty/,
        );
      } finally {
        etcd.control("--user", "root:root", "auth", "disable");
      }
    },
    TEST_MILLISECONDS_MAX,
  );
});

const noTls = reason + missing("openssl");

describe.skipIf(noTls !== "")(`etcd over TLS${noTls}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "shardcached-tls-"));
  let etcd: EtcdCluster;
  const files = noTls === "" ? makeCertificates(folder) : { ca: "", cert: "", key: "" };

  beforeAll(async () => {
    etcd = await EtcdCluster.start(files);
  });
  afterAll(async () => {
    await etcd.stop();
    rmSync(folder, { recursive: true });
  });

  test("a node with a certificate joins, one without is told that etcd cannot be used", async () => {
    const tls = {
      ca: readFileSync(files.ca),
      cert: readFileSync(files.cert),
      key: readFileSync(files.key),
    };
    const options = { endpoints: etcd.endpoints, user: "", password: "" };
    const node = await new Node("a", "tls", { ...options, tls }).start();
    await until(() => node.hosts === "a");
    const bare = await new Node("b", "tls", { ...options, tls: { ca: tls.ca } }).start();
    expect(bare.problems[0]).toMatch(/etcd cannot be used/);
    const stranger = await new Node("c", "tls", { ...options, tls: {} }).start();
    expect(stranger.problems[0]).toMatch(/self.signed|SELF_SIGNED|UNABLE_TO/i);
    for (const { member } of [node, bare, stranger]) member.stop();
  });

  test("a server finds its files by the URL", async () => {
    const server = await TestServer.start({
      implementation: "shardcached",
      threads: 1,
      transport: "native",
      ownArgs: [
        "--cluster",
        `etcd://${etcd.hosts}/tls-server?ca=${files.ca}&cert=${files.cert}&key=${files.key}`,
        "--cluster-advertise",
        "127.0.0.1",
        "--drain",
        "0",
      ],
    });
    const client = await WireClient.connect(server);
    await client.send("config get cluster\r\n");
    expect(await client.readThrough("END\r\n")).toContain(`127.0.0.1|127.0.0.1|${server.port}\n`);
    client.destroy();
    await server.stop();
  });
});
