/**
 * The cluster, as the primary thread keeps it: the source that was asked for, what is made of it,
 * and the block through which every thread tells it. Loaded only where there is a cluster.
 */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { type ClusterAddress, clusterText } from "../cluster/cluster-address.ts";
import type { ClusterState } from "../cluster/cluster-state.ts";
import { Discovery } from "../cluster/discovery.ts";
import { DnsSource } from "../cluster/dns-source.ts";
import { EtcdGateway } from "../cluster/etcd/etcd-gateway.ts";
import { EtcdRegistry } from "../cluster/etcd/etcd-registry.ts";
import { readTls } from "../cluster/etcd/tls-files.ts";
import { FileSource } from "../cluster/file-source.ts";
import { HostAddresses } from "../cluster/host-addresses.ts";
import type { ListSource } from "../cluster/list-source.ts";
import { Membership } from "../cluster/membership.ts";
import { addressText, type NodeAddress } from "../cluster/node-list.ts";
import { askPeer, type PeerLogin } from "../cluster/peer-question.ts";
import type { OwnNode } from "../cluster/ring-document.ts";
import { StaticSource } from "../cluster/static-source.ts";
import { PROTOCOL_VERSION } from "../command/limits.ts";
import { readAuthFile } from "../config/auth-file.ts";
import { advertisedAddress, clusterAddressOf } from "../config/cluster-options.ts";
import type { Settings } from "../config/settings.ts";
import type { ClusterBlock } from "../memory/cluster-block.ts";
import type { Listening } from "./listeners.ts";
import type { Log } from "./log.ts";

/** A start waits this long for the list; what comes later is told when it comes. */
const START_MILLISECONDS_MAX = 1500;
const INCARNATION_BYTES = 8;
const ANY_HOST = new Set(["0.0.0.0", "::", "*"]);

type EtcdAddress = Extract<ClusterAddress, { kind: "etcd" }>;

export interface Cluster {
  readonly state: () => ClusterState;
  /** Takes a dead node out of an etcd cluster. A string says why not. */
  forget(name: string): Promise<string | null>;
  /** Takes this node out of the list, goes on serving for --drain, then ends its part. */
  leave(): Promise<void>;
}

/** Throws a ConfigError when the list cannot be had in a way that waiting does not mend. */
export async function openCluster(
  settings: Settings,
  sockets: readonly Listening[],
  block: ClusterBlock,
  log: Log,
): Promise<Cluster> {
  const address = clusterAddressOf(settings) as ClusterAddress;
  const socket = sockets.find(({ kind }) => kind === "tcp4" || kind === "tcp6");
  const self = advertisedAddress(settings, socket?.port ?? settings.port);
  const source =
    address.kind === "etcd"
      ? membershipOf(address, settings, self ?? ownAddress(socket), log)
      : sourceOf(address);
  const membership = source instanceof Membership ? source : null;
  const discovery = new Discovery({
    source,
    // Membership puts this node into the list itself.
    self: membership === null ? self : null,
    ask: (peer) => askPeer(peer, loginOf(settings)),
    publish: (payload) => block.publish(Buffer.from(payload, "latin1")),
    log: (level, message) => log.write(level, message, {}),
  });
  await startInTime(discovery, log);
  return {
    state: () => ({
      source: clusterText(address),
      list: discovery.state,
      membership: membership?.state ?? null,
    }),
    forget: (name) =>
      membership === null
        ? Promise.resolve("only nodes of an etcd cluster can be forgotten")
        : membership.forget(name),
    leave: async () => {
      if (membership !== null) {
        if (await membership.leave()) await drain(settings, log);
        await membership.depart();
      }
      discovery.stop();
    },
  };
}

/** With -Y nodes know each other as the first user of the file, as it is then. */
function loginOf({ authFile }: Settings): PeerLogin | null {
  return authFile === "" ? null : (readAuthFile(authFile)[0] ?? null);
}

/** Serves those who have not heard yet that this node is out of the list. */
async function drain({ drainSeconds }: Settings, log: Log): Promise<void> {
  log.info(`cluster: this node is out of the list, and serves for ${drainSeconds} s`);
  await pause(drainSeconds * 1000);
}

/** A list that is late stops no start, a mistake of the operator's does. */
async function startInTime(discovery: Discovery, log: Log): Promise<void> {
  let isLate = false;
  const started = discovery.start().catch((error: unknown) => {
    if (!isLate) throw error;
    log.error(error instanceof Error ? error.message : String(error));
  });
  await Promise.race([started, pause(START_MILLISECONDS_MAX, undefined, { ref: false })]);
  isLate = true;
}

/** What finds the list where the nodes do not keep it themselves. */
function sourceOf(address: Exclude<ClusterAddress, EtcdAddress>): ListSource {
  switch (address.kind) {
    case "static":
      return new StaticSource(address.nodes, unixSeconds);
    case "file":
      return new FileSource(address.path);
    default:
      return new DnsSource({ name: address.name, server: address.server, unixSeconds });
  }
}

function unixSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

function membershipOf(
  address: EtcdAddress,
  settings: Settings,
  self: NodeAddress,
  log: Log,
): Membership {
  const { endpoints, cluster, user, password } = address;
  const tls = address.tls === null ? null : readTls(address.tls);
  const gateway = new EtcdGateway({ endpoints, user, password, tls });
  const { clusterName, clusterWeight: weight, clusterForgetSeconds } = settings;
  const addresses = new HostAddresses();
  const incarnation = randomBytes(INCARNATION_BYTES).toString("hex");
  const own = async (): Promise<OwnNode> => {
    const [node] = await addresses.of([self]);
    const name = clusterName === "" ? addressText(self) : clusterName;
    return { ...self, ip: node?.ip ?? "", name, weight, incarnation };
  };
  return new Membership({
    registry: new EtcdRegistry(gateway, cluster),
    own,
    log: (level, message) => log.write(level, message, {}),
    forgetSeconds: clusterForgetSeconds === 0 ? Number.POSITIVE_INFINITY : clusterForgetSeconds,
    unixMilliseconds: () => Date.now(),
    build: PROTOCOL_VERSION,
  });
}

/** Where this node listens, as others may know it: the machine's name for "every address". */
function ownAddress(socket: Listening | undefined): NodeAddress {
  const host = socket === undefined || ANY_HOST.has(socket.address) ? hostname() : socket.address;
  return { host, port: socket?.port ?? 0 };
}
