/** Three members of a real etcd on loopback, to be killed, stopped, restarted and locked. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./until.ts";

const MEMBERS = 3;

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

export interface EtcdTlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Ports that were free a moment ago: etcd must be told its own before it starts. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

export class EtcdCluster {
  readonly #folder: string;
  readonly #clientPorts: readonly number[];
  readonly #peerPorts: readonly number[];
  readonly #tls: EtcdTlsFiles | null;
  readonly #children: (ChildProcess | null)[] = Array(MEMBERS).fill(null);

  private constructor(ports: readonly number[], tls: EtcdTlsFiles | null) {
    this.#folder = mkdtempSync(join(tmpdir(), "shardcached-etcd-"));
    this.#clientPorts = ports.slice(0, MEMBERS);
    this.#peerPorts = ports.slice(MEMBERS);
    this.#tls = tls;
  }

  static async start(tls: EtcdTlsFiles | null = null): Promise<EtcdCluster> {
    const cluster = new EtcdCluster(await freePorts(2 * MEMBERS), tls);
    for (let index = 0; index < MEMBERS; index++) cluster.startMember(index);
    await until(() => cluster.control("endpoint", "health").status === 0);
    return cluster;
  }

  get endpoints(): string[] {
    const scheme = this.#tls === null ? "http" : "https";
    return this.#clientPorts.map((port) => `${scheme}://127.0.0.1:${port}`);
  }

  /** As --cluster has it, without the scheme. */
  get hosts(): string {
    return this.#clientPorts.map((port) => `127.0.0.1:${port}`).join(",");
  }

  startMember(index: number): void {
    const peer = (at: number) => `http://127.0.0.1:${this.#peerPorts[at]}`;
    const client = this.endpoints[index] as string;
    const tls = this.#tls;
    const child = spawn(
      "etcd",
      [
        ["--name", `m${index}`],
        ["--data-dir", join(this.#folder, `m${index}`)],
        ["--listen-client-urls", client],
        ["--advertise-client-urls", client],
        ["--listen-peer-urls", peer(index)],
        ["--initial-advertise-peer-urls", peer(index)],
        ["--initial-cluster", this.#peerPorts.map((_, at) => `m${at}=${peer(at)}`).join(",")],
        // The disk of a busy machine is slow; nothing here must survive a power cut.
        ["--heartbeat-interval", "100"],
        ["--election-timeout", "1000"],
        ...(tls === null
          ? []
          : [
              ["--cert-file", tls.cert],
              ["--key-file", tls.key],
              ["--trusted-ca-file", tls.ca],
              ["--client-cert-auth"],
            ]),
      ].flat(),
      { stdio: "ignore" },
    );
    running.add(child);
    child.once("exit", () => running.delete(child));
    this.#children[index] = child;
  }

  signal(index: number, signal: NodeJS.Signals): void {
    this.#children[index]?.kill(signal);
  }

  /** SIGKILL, and the end of it. */
  async kill(index: number): Promise<void> {
    const child = this.#children[index];
    if (child === null || child === undefined || !running.has(child)) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  async restart(index: number): Promise<void> {
    await this.kill(index);
    this.startMember(index);
    await until(() => this.control("endpoint", "health").status === 0);
  }

  /** etcdctl, over all members. */
  control(...words: string[]): { status: number | null; stdout: string } {
    const tls = this.#tls;
    const files = tls === null ? [] : ["--cacert", tls.ca, "--cert", tls.cert, "--key", tls.key];
    const { status, stdout } = spawnSync(
      "etcdctl",
      ["--endpoints", this.endpoints.join(","), ...files, ...words],
      { env: { ...process.env, ETCDCTL_API: "3" }, encoding: "utf8" },
    );
    return { status, stdout };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#children.map((_, index) => this.kill(index)));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** An authority, and one certificate for server and client on loopback. */
export function makeCertificates(folder: string): EtcdTlsFiles {
  const at = (name: string) => join(folder, name);
  const run = (...words: string[]) => {
    const { status, stderr } = spawnSync("openssl", words, { encoding: "utf8", cwd: folder });
    if (status !== 0) throw new Error(`openssl ${words[0]}: ${stderr}`);
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const days = ["-days", "2"];
  run(
    "req",
    "-x509",
    ...key,
    ...days,
    "-keyout",
    at("ca.key"),
    "-out",
    at("ca.pem"),
    "-subj",
    "/CN=ca",
  );
  run(
    ...["req", "-x509", ...key, ...days, "-CA", at("ca.pem"), "-CAkey", at("ca.key")],
    ...["-keyout", at("node.key"), "-out", at("node.pem"), "-subj", "/CN=node"],
    ...["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE"],
    ...["-addext", "extendedKeyUsage=serverAuth,clientAuth"],
  );
  return { ca: at("ca.pem"), cert: at("node.pem"), key: at("node.key") };
}
