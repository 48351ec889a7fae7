/**
 * Cluster frame: what the admin API, the metrics, the probe and `shardcached cluster` say of the
 * node's cluster, made of what discovery and membership know.
 */
import type { ClusterState } from "../cluster/cluster-state.ts";
import { addressText } from "../cluster/node-list.ts";

/** What the admin interface is handed of a cluster. */
export interface ClusterWindow {
  readonly state: () => ClusterState;
  /** Takes a dead node out of an etcd cluster. A string says why not. */
  forget(name: string): Promise<string | null>;
}

export interface ClusterNodeFrame {
  /** Its place, by which clients that hash modulo n go. */
  readonly slot: number;
  readonly name: string;
  readonly host: string;
  readonly ip: string;
  readonly port: number;
  readonly weight: number;
  /** `listed` where nobody but the source knows; with etcd its state in the ring. */
  readonly state: string;
  /** Null where nobody tells. */
  readonly alive: boolean | null;
}

export interface ClusterFrame {
  /** Empty when the node is in no cluster. */
  readonly source: string;
  /** 0 while no list is known. */
  readonly version: number;
  readonly changes: number;
  /** Empty when nothing is wrong. */
  readonly problem: string;
  /** Null but with etcd. */
  readonly registry: { readonly up: boolean; readonly silentSeconds: number } | null;
  /** This node's name in an etcd cluster; empty where there are no names. */
  readonly self: string;
  readonly nodes: readonly ClusterNodeFrame[];
}

/** Of a node that is in none: its source is empty. */
export const NO_CLUSTER: ClusterFrame = {
  source: "",
  version: 0,
  changes: 0,
  problem: "",
  registry: null,
  self: "",
  nodes: [],
};

export function clusterFrame({ source, list, membership }: ClusterState): ClusterFrame {
  const common = { source, version: list.version, changes: list.changes };
  if (membership === null) {
    const nodes = list.nodes.map((node, slot) => ({
      ...node,
      slot,
      name: addressText(node),
      weight: 1,
      state: "listed",
      alive: null,
    }));
    return { ...common, problem: list.problem, registry: null, self: "", nodes };
  }
  const { ring, alive, name, problem, isRegistryUp: up, silentSeconds } = membership;
  const nodes = [...(ring?.nodes ?? [])]
    .sort((a, b) => a.slot - b.slot)
    .map((node) => ({
      slot: node.slot,
      name: node.name,
      host: node.host,
      ip: node.ip,
      port: node.port,
      weight: node.weight,
      state: node.state,
      alive: alive.has(node.name),
    }));
  return { ...common, problem, registry: { up, silentSeconds }, self: name, nodes };
}

/** A line for the readiness probe: what is wrong, while the node serves all the same. */
export function clusterWarning({ problem, registry, version }: ClusterFrame): string {
  if (problem === "") return "";
  const known =
    version === 0 ? "clients are told of no list yet" : `the list is version ${version}`;
  const since = registry === null || registry.up ? "" : ` for ${registry.silentSeconds} s`;
  return `warning: cluster${since}: ${problem}; ${known}`;
}
