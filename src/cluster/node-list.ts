/**
 * The list of a cluster's nodes: what its clients are told, byte for byte.
 *
 *   payload   <version>LF <host>|<ip>|<port> <host>|<ip>|<port> … LF        no CR in it, ever
 *
 * It is what ElastiCache invented and a dozen clients read. They are strict in different places:
 * one splits at LF, one waits for LF CRLF "END", one takes a new list only when its version is
 * higher; so there is one writer of it, here. An IP may be empty; IPv6 stands without brackets.
 *
 * Invariants:
 *  - a host holds no byte that means something in the payload (`|`, spaces, line ends);
 *  - the order of nodes is part of the list: clients that hash modulo n go by it;
 *  - a payload is at most CLUSTER_LIST_BYTES_MAX long: it fits the block that threads share.
 */
import { isIPv4, isIPv6 } from "node:net";
import { CLUSTER_LIST_BYTES_MAX } from "../command/limits.ts";

/** More nodes than any client reaches; libmemcached stops at 100 (see `NODES_ADVISED_MAX`). */
export const NODES_MAX = 1000;
/** libmemcached with ketama ends its process above this: an assertion on its ring's size. */
const NODES_ADVISED_MAX = 100;
/** memcached's port: ketama leaves it out of a node's name. */
const PORT_DEFAULT = 11_211;
const PORT_MAX = 65_535;
const HOST_BYTES_MAX = 253;
/** DNS names, and what people call machines inside of networks. */
const NAME = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?$/;
/** A name made of digits and dots alone is an address, or a mistake. */
const DIGITS_AND_DOTS = /^[0-9.]+$/;
const BRACKETED = /^\[([^\]]*)\](?::(.*))?$/;
/** The part of a payload that is one node. */
const LISTED = /^([^|]+)\|([^|]*)\|(\d{1,5})$/;

/** Where clients reach a node. */
export interface NodeAddress {
  /** A name, or an IP address without brackets. Clients hash it: it must stay the same. */
  readonly host: string;
  readonly port: number;
}

/** A node as the list tells it. */
export interface ListedNode extends NodeAddress {
  /** Empty while unknown. */
  readonly ip: string;
}

/** A whole list, as it was read somewhere. */
export interface NodeList {
  readonly version: number;
  readonly nodes: readonly ListedNode[];
}

/** Reads `HOST[:PORT]`; IPv6 with a port in brackets. A string says what is wrong. */
export function nodeAddressFrom(text: string, portDefault = PORT_DEFAULT): NodeAddress | string {
  const bracketed = BRACKETED.exec(text);
  if (bracketed !== null) {
    const [, host = "", port] = bracketed;
    if (!isIPv6(host)) return `"${host}" is no IPv6 address`;
    return addressAt(host, port, portDefault);
  }
  if (isIPv6(text)) return { host: text, port: portDefault };
  const colon = text.indexOf(":");
  if (colon < 0) return addressAt(text, undefined, portDefault);
  return addressAt(text.slice(0, colon), text.slice(colon + 1), portDefault);
}

function addressAt(host: string, portText: string | undefined, portDefault: number) {
  const problem = hostProblem(host);
  if (problem !== null) return problem;
  if (portText === undefined) return { host, port: portDefault };
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0;
  if (port < 1 || port > PORT_MAX) return `"${portText}" is no port: 1 to ${PORT_MAX}`;
  return { host, port };
}

function hostProblem(host: string): string | null {
  if (host === "") return "a host is missing";
  if (host.length > HOST_BYTES_MAX) return `a host is longer than ${HOST_BYTES_MAX} bytes`;
  if (isIPv4(host) || isIPv6(host)) return null;
  if (DIGITS_AND_DOTS.test(host)) return `"${host}" is no IPv4 address`;
  return NAME.test(host) ? null : `"${host}" is no host name or address`;
}

/** Reads nodes separated by commas. A string says what is wrong. */
export function nodeAddressesFrom(text: string): NodeAddress[] | string {
  const nodes: NodeAddress[] = [];
  for (const part of text.split(",")) {
    const node = nodeAddressFrom(part.trim());
    if (typeof node === "string") return node;
    nodes.push(node);
  }
  return nodesProblem(nodes) ?? nodes;
}

/** What is wrong with these nodes as a list, or null. */
export function nodesProblem(nodes: readonly NodeAddress[]): string | null {
  if (nodes.length === 0) return "the list names no node";
  if (nodes.length > NODES_MAX) return `${nodes.length} nodes are more than ${NODES_MAX}`;
  const seen = new Set<string>();
  for (const node of nodes) {
    const text = addressText(node);
    if (seen.has(text)) return `${text} is there twice`;
    seen.add(text);
  }
  const bytes = payloadOf(Number.MAX_SAFE_INTEGER, nodes.map(withWidestIp)).length;
  return bytes > CLUSTER_LIST_BYTES_MAX
    ? `the list is longer than ${CLUSTER_LIST_BYTES_MAX} bytes`
    : null;
}

/** A list must fit whatever its hosts resolve to. */
function withWidestIp(node: NodeAddress): ListedNode {
  return { ...node, ip: "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" };
}

/** What an operator should know of a list that is right, or null. */
export function nodesWarning(nodes: readonly NodeAddress[]): string | null {
  if (nodes.length <= NODES_ADVISED_MAX) return null;
  return (
    `the cluster has ${nodes.length} nodes: clients built on libmemcached (PHP, pylibmc) end ` +
    `their process above ${NODES_ADVISED_MAX} when they use ketama`
  );
}

/** `host:port`, IPv6 in brackets. */
export function addressText({ host, port }: NodeAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** True when both are the same node. Names compare as DNS does. */
export function isSameAddress(a: NodeAddress, b: NodeAddress): boolean {
  return a.port === b.port && a.host.toLowerCase() === b.host.toLowerCase();
}

/** The payload's line of nodes: two lists are the same when these are. */
export function nodesLine(nodes: readonly ListedNode[]): string {
  return nodes.map(({ host, ip, port }) => `${host}|${ip}|${port}`).join(" ");
}

/** The payload of a list. */
export function payloadOf(version: number, nodes: readonly ListedNode[]): string {
  return `${version}\n${nodesLine(nodes)}\n`;
}

/** Reads a payload, as a client would; null when it is none. */
export function listFrom(payload: string): NodeList | null {
  const [versionText = "", line = "", ...rest] = payload.split(/\r?\n/);
  if (!/^\d{1,15}$/.test(versionText) || rest.some((text) => text !== "")) return null;
  const nodes: ListedNode[] = [];
  for (const part of line.split(" ")) {
    const listed = LISTED.exec(part);
    if (listed === null || nodes.length === NODES_MAX) return null;
    nodes.push({ host: listed[1] as string, ip: listed[2] as string, port: Number(listed[3]) });
  }
  return { version: Number(versionText), nodes };
}
