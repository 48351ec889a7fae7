/**
 * `shardcached cluster`: a running node's cluster, over its admin API.
 *
 *   shardcached cluster status                   source, version, what is wrong
 *   shardcached cluster ring                     every node, by its place
 *   shardcached cluster owner user:42            the node of a key, for each family of clients
 *   shardcached cluster owner user:42 --hash ketama
 *   shardcached cluster forget cache-7           takes a dead node out of an etcd cluster
 *
 * A last argument that is a URL names the node, http://127.0.0.1:11280/ otherwise. With a token in
 * SHARDCACHED_ADMIN_TOKEN where the node wants one.
 */
import { parseArgs } from "node:util";
import { FAMILIES, type Family, familyOf } from "../cluster/mapping/families.ts";
import { addressText } from "../cluster/node-list.ts";
import type { ClusterFrame, ClusterNodeFrame } from "./cluster-frame.ts";
import { askNode, reason, UNAVAILABLE_EXIT, URL_DEFAULT, USAGE_EXIT, urlFrom } from "./node-api.ts";

const USAGE = `usage: shardcached cluster status | ring | owner <key> [--hash <family>] | forget <name>  [url]

  url     the node's admin address, ${URL_DEFAULT} unless given
  --hash  how clients map keys: ${FAMILIES.map(({ name }) => name).join(", ")}
`;
/** How many arguments each takes before the URL. */
const ARGUMENTS: Readonly<Record<string, number>> = { status: 0, ring: 0, owner: 1, forget: 1 };
const LISTED = new Set(["listed", "joining", "serving"]);

interface Asked {
  readonly command: string;
  /** The key or the name. */
  readonly argument: string;
  readonly base: string;
  readonly families: readonly Family[];
}

/** Runs `shardcached cluster` with the arguments behind it; resolves to the exit code. */
export async function runCluster(args: readonly string[]): Promise<number> {
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(USAGE);
    return 0;
  }
  const asked = askedFrom(args);
  if (typeof asked === "string") {
    process.stderr.write(`shardcached cluster: ${asked}\n\n${USAGE}`);
    return USAGE_EXIT;
  }
  try {
    process.stdout.write(`${(await linesOf(asked)).join("\n")}\n`);
    return 0;
  } catch (error) {
    process.stderr.write(`shardcached cluster: ${asked.base}: ${reason(error)}\n`);
    return UNAVAILABLE_EXIT;
  }
}

/** Reads the arguments. A string says what is wrong. */
function askedFrom(args: readonly string[]): Asked | string {
  let values: { hash?: string };
  let words: string[];
  try {
    const options = { hash: { type: "string" } } as const;
    ({ values, positionals: words } = parseArgs({
      args: [...args],
      options,
      allowPositionals: true,
    }));
  } catch (error) {
    return (error as Error).message;
  }
  const [command = "", ...rest] = words;
  const count = ARGUMENTS[command];
  if (count === undefined) return command === "" ? "what of it?" : `"${command}" is no command`;
  if (rest.length < count) return `${command} needs a ${command === "owner" ? "key" : "name"}`;
  if (rest.length > count + 1) return `"${rest[count + 1]}" is too much`;
  const base = urlFrom(rest[count] ?? URL_DEFAULT);
  if (base === null) return `"${rest[count]}" is no address`;
  if (values.hash !== undefined && command !== "owner") return "--hash belongs to owner";
  const family = values.hash === undefined ? undefined : familyOf(values.hash);
  if (values.hash !== undefined && family === undefined) return `"${values.hash}" is no family`;
  const families = family === undefined ? FAMILIES : [family];
  return { command, argument: count === 0 ? "" : (rest[0] as string), base, families };
}

async function linesOf({ command, argument, base, families }: Asked): Promise<string[]> {
  if (command === "forget") {
    await askNode(base, "api/v1/cluster/forget", { name: argument });
    return [`${argument} is forgotten`];
  }
  const frame = await askNode<ClusterFrame>(base, "api/v1/cluster");
  if (frame.source === "") {
    throw new Error("this node is in no cluster: start it with --peers or --cluster");
  }
  if (command === "status") return statusLines(frame);
  if (command === "ring") return ringLines(frame.nodes);
  return ownerLines(frame.nodes, argument, families);
}

export function statusLines(frame: ClusterFrame): string[] {
  const { source, version, nodes, registry, self, problem } = frame;
  const listed = nodes.filter(({ state }) => LISTED.has(state));
  const dead = listed.filter(({ alive }) => alive === false).map(({ name }) => name);
  return [
    `source   ${source}`,
    `version  ${version === 0 ? "no list is known yet" : version}`,
    `nodes    ${listed.length} listed${nodes.length > listed.length ? `, ${nodes.length - listed.length} not` : ""}`,
    ...(dead.length === 0 ? [] : [`dead     ${dead.join(" ")}`]),
    ...(self === "" ? [] : [`this is  ${self}`]),
    ...(registry === null
      ? []
      : [`etcd     ${registry.up ? "up" : `away for ${registry.silentSeconds} s`}`]),
    ...(problem === "" ? [] : [`problem  ${problem}`]),
  ];
}

export function ringLines(nodes: readonly ClusterNodeFrame[]): string[] {
  const rows = nodes.map((node) => [
    String(node.slot),
    node.name,
    addressText(node),
    node.ip === "" ? "-" : node.ip,
    String(node.weight),
    node.state,
    node.alive === null ? "" : node.alive ? "alive" : "dead",
  ]);
  const table = [["slot", "name", "address", "ip", "weight", "state", ""], ...rows];
  const widths = table[0]?.map((_, column) =>
    Math.max(...table.map((row) => row[column]?.length ?? 0)),
  );
  return table.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** The node of `key` for each family, among the nodes that are listed. */
export function ownerLines(
  nodes: readonly ClusterNodeFrame[],
  key: string,
  families: readonly Family[],
): string[] {
  const listed = nodes.filter(({ state }) => LISTED.has(state));
  if (listed.length === 0) throw new Error("no list is known yet");
  const bytes = Buffer.from(key).toString("latin1");
  return families.map(({ name, clients, build }) => {
    const owner = listed[build(listed)(bytes)] as ClusterNodeFrame;
    return families.length === 1
      ? addressText(owner)
      : `${name.padEnd(20)}${addressText(owner).padEnd(28)}${clients}`;
  });
}
