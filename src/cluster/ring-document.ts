/**
 * The ring document: which nodes there are, in which order, and in which state. One JSON text in
 * the registry, changed only by who has read the last one.
 *
 *   { "version": 1796080000, "revision": 31, "listedAt": 1796080100, "nodes": [
 *     { "slot": 0, "name": "cache-0", "host": "cache-0.cache.svc", "ip": "10.1.2.3", "port": 11211,
 *       "weight": 1, "state": "serving", "since": 30, "at": 1796080100, "incarnation": "9f…" } ] }
 *
 *   next ──▶ joining ──▶ serving ──▶ leaving ──▶ gone ──▶ next …
 *            '------ in the list ---'
 *
 *   next      asks to be listed: every living node must have seen it before clients do
 *   joining   in the list; some node may still tell clients the list before
 *   leaving   out of the list; still answers, for clients that have not heard
 *   gone      has left in order, and keeps its slot for when it returns
 *
 * `version` is the list's: it grows with the list and only then, so that all nodes tell the same
 * number for the same list, whatever etcd's own revisions do after a restore. `revision` counts
 * every change; a node's entry in `alive` says which one it has seen.
 *
 * Invariants: slots are never sorted nor given twice, since clients that hash modulo n go by the
 * order; a node that died stays where it is, since taking it out moves keys, and putting it back
 * moves them back to values that have changed meanwhile.
 */
import {
  isSameAddress,
  type ListedNode,
  NODES_MAX,
  type NodeAddress,
  nodeAddressFrom,
  nodesLine,
} from "./node-list.ts";

export const NodeState = {
  next: "next",
  joining: "joining",
  serving: "serving",
  leaving: "leaving",
  gone: "gone",
} as const;
export type NodeState = (typeof NodeState)[keyof typeof NodeState];

const STATES: ReadonlySet<string> = new Set(Object.values(NodeState));
export const WEIGHT_MAX = 1000;
const NAME = /^[A-Za-z0-9._:[\]-]{1,253}$/;
const INCARNATION = /^[0-9a-f]{1,32}$/;

export interface RingNode extends ListedNode {
  readonly slot: number;
  readonly name: string;
  readonly weight: number;
  readonly state: NodeState;
  /** The document's revision that brought the state. */
  readonly since: number;
  /** Its Unix time. */
  readonly at: number;
  /** Drawn at each start of the node. */
  readonly incarnation: string;
}

export interface RingDocument {
  readonly version: number;
  readonly revision: number;
  /** Unix time of the last change of the list. */
  readonly listedAt: number;
  readonly nodes: readonly RingNode[];
}

/** What a node says of itself. */
export interface OwnNode extends ListedNode {
  readonly name: string;
  readonly weight: number;
  readonly incarnation: string;
}

/** True for what a node may be called. */
export function isNodeName(text: string): boolean {
  return NAME.test(text);
}

/** The nodes clients are told of, by slot. */
export function listedNodes(ring: RingDocument): RingNode[] {
  return ring.nodes.filter(isListed).sort((a, b) => a.slot - b.slot);
}

function isListed({ state }: RingNode): boolean {
  return state === NodeState.joining || state === NodeState.serving;
}

/** A ring without a node. Its first list is one above `version`. */
export function emptyRing(version: number): RingDocument {
  return { version, revision: 0, listedAt: 0, nodes: [] };
}

/**
 * A document that follows `ring` with other nodes: counted, and with a new version if its list is
 * another.
 */
function nextRing(
  ring: RingDocument,
  nodes: readonly RingNode[],
  unixSeconds: number,
): RingDocument {
  const next = { ...ring, revision: ring.revision + 1, nodes };
  if (nodesLine(listedNodes(ring)) === nodesLine(listedNodes(next))) return next;
  return { ...next, version: ring.version + 1, listedAt: unixSeconds };
}

/**
 * Puts a node where it belongs: at the end when it is new, in its slot when it returns. The same
 * document when there is nothing to change. A string says why it cannot be.
 */
export function withOwn(ring: RingDocument, own: OwnNode, unixSeconds: number) {
  const known = ring.nodes.find(({ name }) => name === own.name);
  const taken = ring.nodes.find((node) => node.name !== own.name && isSameAddress(node, own));
  if (taken !== undefined) {
    return `${taken.name} is at ${own.host}:${own.port} already: forget it, or advertise another address`;
  }
  if (known === undefined) {
    if (ring.nodes.length === NODES_MAX) return `the ring has ${NODES_MAX} nodes already`;
    const slot = 1 + Math.max(-1, ...ring.nodes.map((node) => node.slot));
    const since = ring.revision + 1;
    const node = { ...own, slot, state: NodeState.next, since, at: unixSeconds };
    return nextRing(ring, [...ring.nodes, node], unixSeconds);
  }
  const returns = known.state === NodeState.gone || known.state === NodeState.leaving;
  const isSame =
    isSameAddress(known, own) &&
    known.ip === own.ip &&
    known.weight === own.weight &&
    known.incarnation === own.incarnation;
  if (isSame && !returns) return ring;
  const node = returns
    ? { ...known, ...own, state: NodeState.next, since: ring.revision + 1, at: unixSeconds }
    : { ...known, ...own };
  return nextRing(ring, replaced(ring.nodes, node), unixSeconds);
}

function replaced(nodes: readonly RingNode[], node: RingNode): RingNode[] {
  return nodes.map((other) => (other.name === node.name ? node : other));
}

/** Moves nodes `from` one state `to` another, those that `choose` names. */
export function moved(
  ring: RingDocument,
  from: NodeState,
  to: NodeState,
  choose: (node: RingNode) => boolean,
  unixSeconds: number,
): RingDocument {
  if (!ring.nodes.some((node) => node.state === from && choose(node))) return ring;
  const since = ring.revision + 1;
  const nodes = ring.nodes.map((node) =>
    node.state === from && choose(node) ? { ...node, state: to, since, at: unixSeconds } : node,
  );
  return nextRing(ring, nodes, unixSeconds);
}

/** Takes a node out of the list. The last one listed stays: a list of nobody helps nobody. */
export function withoutOwn(ring: RingDocument, name: string, unixSeconds: number): RingDocument {
  const known = ring.nodes.find((node) => node.name === name);
  if (known === undefined || known.state === NodeState.gone) return ring;
  const listed = listedNodes(ring);
  if (listed.length === 1 && listed[0]?.name === name) return ring;
  return moved(ring, known.state, NodeState.leaving, (node) => node.name === name, unixSeconds);
}

/** Takes a node out of the document, slot and all. */
export function forgotten(ring: RingDocument, name: string, unixSeconds: number): RingDocument {
  const nodes = ring.nodes.filter((node) => node.name !== name);
  return nodes.length === ring.nodes.length ? ring : nextRing(ring, nodes, unixSeconds);
}

/** Reads a document. A string says what is wrong with it: whoever wrote it was not one of us. */
export function ringFrom(text: string): RingDocument | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "it is no JSON";
  }
  if (!isRecord(value)) return "it is no object";
  const { version, revision, listedAt, nodes } = value;
  if (!isCount(version) || !isCount(revision) || !isCount(listedAt)) {
    return "version, revision and listedAt must be whole numbers";
  }
  if (!Array.isArray(nodes) || nodes.length > NODES_MAX)
    return `nodes must be at most ${NODES_MAX}`;
  const names = new Set<string>();
  const slots = new Set<number>();
  for (const node of nodes as unknown[]) {
    if (!isRingNode(node)) return `${JSON.stringify(node)} is no node`;
    if (names.has(node.name) || slots.has(node.slot))
      return `${node.name} has another's name or slot`;
    names.add(node.name);
    slots.add(node.slot);
  }
  return { version, revision, listedAt, nodes: nodes as RingNode[] };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isRingNode(value: unknown): value is RingNode {
  if (!isRecord(value)) return false;
  const { slot, name, host, ip, port, weight, state, since, at, incarnation } = value;
  return (
    isCount(slot) &&
    isCount(since) &&
    isCount(at) &&
    typeof name === "string" &&
    isNodeName(name) &&
    isAddress({ host, port } as NodeAddress) &&
    typeof ip === "string" &&
    (ip === "" || isAddress({ host: ip, port: 1 })) &&
    isCount(weight) &&
    weight >= 1 &&
    weight <= WEIGHT_MAX &&
    typeof state === "string" &&
    STATES.has(state) &&
    typeof incarnation === "string" &&
    INCARNATION.test(incarnation)
  );
}

function isAddress({ host, port }: NodeAddress): boolean {
  if (typeof host !== "string" || typeof port !== "number") return false;
  const text = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  return typeof nodeAddressFrom(text) !== "string";
}

/** The document's text. */
export function ringText(ring: RingDocument): string {
  return JSON.stringify(ring);
}
