/** The options of a cluster: where the list of nodes comes from, and how this node is in it. */
import {
  CLUSTER_FORMS,
  type ClusterAddress,
  clusterAddressFrom,
  peersFrom,
} from "../cluster/cluster-address.ts";
import { type NodeAddress, nodeAddressFrom } from "../cluster/node-list.ts";
import { isNodeName, WEIGHT_MAX } from "../cluster/ring-document.ts";
import { EXIT_USAGE, integerOption, type Option } from "./option.ts";
import type { Settings } from "./settings.ts";
import { integerFrom } from "./values.ts";

const DRAIN_SECONDS_MAX = 3600;
/** 30 days. */
const FORGET_SECONDS_MAX = 2_592_000;
const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

const peers: Option = {
  letter: "",
  name: "peers",
  argument: "list",
  help: [
    "the nodes of the cluster, this one included: host:port,host:port;",
    "clients ask for them with config get cluster",
  ],
  apply(draft, text) {
    const address = peersFrom(text);
    if (typeof address === "string") {
      return {
        complaint: `Invalid list of nodes: ${address}`,
        allowed: "host[:port], separated by commas, each once",
        exitCode: EXIT_USAGE,
      };
    }
    draft.peers = text;
    return null;
  },
  shown: (settings) => settings.peers,
};

const cluster: Option = {
  letter: "",
  name: "cluster",
  argument: "url",
  help: [
    "where the nodes of the cluster are found: file:///path,",
    "dns+srv://name or etcd://host,host/name",
  ],
  apply(draft, text) {
    const address = clusterAddressFrom(text);
    if (typeof address === "string") {
      const complaint = `Invalid cluster: ${address}`;
      return { complaint, allowed: CLUSTER_FORMS, exitCode: EXIT_USAGE };
    }
    draft.cluster = text;
    return null;
  },
  shown: (settings) => settings.cluster,
};

const advertise: Option = {
  letter: "",
  name: "cluster-advertise",
  argument: "addr",
  help: [
    "host[:port] under which clients reach this node, where that is",
    "another than it listens on",
  ],
  apply(draft, text) {
    const address = nodeAddressFrom(text);
    if (typeof address === "string") {
      const complaint = `Invalid address to advertise: ${address}`;
      return { complaint, allowed: "host[:port]", exitCode: EXIT_USAGE };
    }
    draft.clusterAdvertise = text;
    return null;
  },
  shown: (settings) => settings.clusterAdvertise,
};

const name: Option = {
  letter: "",
  name: "cluster-name",
  argument: "name",
  help: [
    "this node's name in an etcd cluster; one that returns gets its",
    "place back (default: the address it advertises)",
  ],
  apply(draft, text) {
    if (!isNodeName(text)) {
      const allowed = "letters, digits, dots, dashes and colons, at most 253";
      return { complaint: `Invalid name of a node "${text}"`, allowed, exitCode: EXIT_USAGE };
    }
    draft.clusterName = text;
    return null;
  },
  shown: (settings) => settings.clusterName,
};

const weight = integerOption(
  {
    letter: "",
    name: "cluster-weight",
    help: ["this node's share in an etcd cluster, as libmemcached weighs (default: 1)"],
  },
  "clusterWeight",
  { argument: "num", least: 1, most: WEIGHT_MAX, exitCode: EXIT_USAGE },
  () => "Invalid weight of a node",
);

const forget: Option = {
  letter: "",
  name: "cluster-forget",
  argument: "time",
  help: [
    "after which a dead node leaves an etcd cluster: 10m, 2h;",
    "its keys move then (default: never)",
  ],
  apply(draft, text) {
    const seconds = forgetSecondsFrom(text);
    if (seconds === null) {
      const allowed = "1s to 30d, or never";
      return { complaint: "Invalid time to forget a node", allowed, exitCode: EXIT_USAGE };
    }
    draft.clusterForgetSeconds = seconds;
    return null;
  },
  shown: ({ clusterForgetSeconds: seconds }) => (seconds === 0 ? "never" : `${seconds}s`),
};

/** 0 is never. */
function forgetSecondsFrom(text: string): number | null {
  if (text === "never") return 0;
  const [, digits = "", unit = "s"] = /^(\d{1,7})([smhd])?$/.exec(text) ?? [];
  const count = integerFrom(digits, 1, FORGET_SECONDS_MAX);
  const seconds = count === null ? 0 : count * (UNIT_SECONDS[unit] as number);
  return seconds < 1 || seconds > FORGET_SECONDS_MAX ? null : seconds;
}

const drain = integerOption(
  {
    letter: "",
    name: "drain",
    help: [
      "seconds a node that is stopped goes on serving, out of the list",
      "of an etcd cluster already (default: 20)",
    ],
  },
  "drainSeconds",
  { argument: "num", least: 0, most: DRAIN_SECONDS_MAX, exitCode: EXIT_USAGE },
  () => "Invalid seconds to drain",
);

export const CLUSTER_OPTIONS: readonly Option[] = [
  peers,
  cluster,
  advertise,
  name,
  weight,
  forget,
  drain,
];

/** True when the node tells clients a list of nodes. */
export function listsNodes({ peers, cluster }: Settings): boolean {
  return peers !== "" || cluster !== "";
}

/** Where the list comes from; null without a cluster. The texts have been checked. */
export function clusterAddressOf({ peers, cluster }: Settings): ClusterAddress | null {
  if (peers === "" && cluster === "") return null;
  const address = peers === "" ? clusterAddressFrom(cluster) : peersFrom(peers);
  return typeof address === "string" ? null : address;
}

/** --cluster-advertise; its port is `port` where it names none. Null when nobody says. */
export function advertisedAddress(
  { clusterAdvertise }: Settings,
  port: number,
): NodeAddress | null {
  if (clusterAdvertise === "") return null;
  const address = nodeAddressFrom(clusterAdvertise, port);
  return typeof address === "string" ? null : address;
}
