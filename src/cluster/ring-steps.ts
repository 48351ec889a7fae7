/**
 * Ring steps: what one node may change in the ring now, given what it sees. Pure: a document and a
 * view in, a document out; the same one when there is nothing to do.
 *
 *   1  a ring that has gone back (etcd was restored) goes on from what clients were told
 *   2  this node is in it
 *   3  nodes that ask are listed: once every living node has seen that they ask, or five seconds
 *      have passed; together, and ten seconds apart, so that a fleet that starts is one change
 *   4  nodes that join are serving once every living node tells the list they are in
 *   5  a node that has been dead for longer than --cluster-forget is forgotten
 *
 * Step 3 is why clients never learn of a node before the other nodes do. Any node could take the
 * steps for others; to keep a thousand of them from trying at once, only the node itself does, and
 * the first one listed that lives.
 */

import { nodesLine } from "./node-list.ts";
import {
  emptyRing,
  forgotten,
  listedNodes,
  moved,
  NodeState,
  type OwnNode,
  type RingDocument,
  type RingNode,
  withOwn,
} from "./ring-document.ts";

/** A living node that has seen nothing by then is not waited for. */
const SEEN_SECONDS_MAX = 5;

/** What a living node says, as far as steps go by it. */
export interface AliveNode {
  readonly incarnation: string;
  /** The last revision of the document it has taken in. */
  readonly revision: number;
}

export interface RingSight {
  /** Null: this node takes no part (it is leaving). */
  readonly own: OwnNode | null;
  readonly alive: ReadonlyMap<string, AliveNode>;
  /** What clients of this node were told last; null: nothing yet. */
  readonly told: RingDocument | null;
  readonly unixSeconds: number;
  /** Between two changes of the list, for nodes that ask to be in it. */
  readonly secondsApart: number;
  /** Seconds since each node that is not alive was first seen so. */
  readonly deadSeconds: ReadonlyMap<string, number>;
  /** --cluster-forget; Infinity: never. */
  readonly forgetSeconds: number;
}

/** The ring after all steps that are due. A string says why this node cannot be in it. */
export function stepped(read: RingDocument | null, sight: RingSight): RingDocument | string {
  const { own, unixSeconds } = sight;
  let ring = continued(read, sight);
  if (own === null) return ring;
  const joined = withOwn(ring, own, unixSeconds);
  if (typeof joined === "string") return joined;
  ring = listing(joined, own, sight);
  ring = settling(ring, own, sight);
  if (!isFirstAlive(ring, own, sight)) return ring;
  for (const [name, seconds] of sight.deadSeconds) {
    if (seconds >= sight.forgetSeconds) ring = forgotten(ring, name, unixSeconds);
  }
  return ring;
}

/**
 * True when `read` is no follower of what clients were told: an older list, or another one under
 * the same version.
 */
export function hasGoneBack(read: RingDocument, told: RingDocument): boolean {
  if (read.version !== told.version) return read.version < told.version;
  return nodesLine(listedNodes(read)) !== nodesLine(listedNodes(told));
}

/** The ring that was read, or one that goes on from what clients were told when that is newer. */
function continued(read: RingDocument | null, { told, unixSeconds }: RingSight): RingDocument {
  if (told === null) return read ?? emptyRing(unixSeconds - 1);
  if (read !== null && !hasGoneBack(read, told)) return read;
  return {
    ...(read ?? told),
    version: told.version + 1,
    revision: Math.max(read?.revision ?? 0, told.revision) + 1,
    listedAt: unixSeconds,
  };
}

function listing(ring: RingDocument, own: OwnNode, sight: RingSight): RingDocument {
  const asking = ring.nodes.filter(({ state }) => state === NodeState.next);
  const isOurs = asking.some(({ name }) => name === own.name) || isFirstAlive(ring, own, sight);
  if (asking.length === 0 || !isOurs) return ring;
  const { unixSeconds, secondsApart } = sight;
  // A clock that is ahead of ours must not make us wait for more than was meant.
  const passed = (since: number) => Math.max(0, unixSeconds - since);
  const isFirst = listedNodes(ring).length === 0;
  if (!isFirst && ring.listedAt <= unixSeconds && passed(ring.listedAt) < secondsApart) return ring;
  const ready = new Set(
    asking
      .filter((node) => isFirst || passed(node.at) >= SEEN_SECONDS_MAX || allHaveSeen(node, sight))
      .map(({ name }) => name),
  );
  return moved(ring, NodeState.next, NodeState.joining, ({ name }) => ready.has(name), unixSeconds);
}

function settling(ring: RingDocument, own: OwnNode, sight: RingSight): RingDocument {
  const isFirst = isFirstAlive(ring, own, sight);
  const settles = (node: RingNode) =>
    (isFirst || node.name === own.name) && allHaveSeen(node, sight);
  return moved(ring, NodeState.joining, NodeState.serving, settles, sight.unixSeconds);
}

/** True when every living node has taken in the revision that brought the node's state. */
function allHaveSeen({ since }: RingNode, { alive }: RingSight): boolean {
  for (const { revision } of alive.values()) {
    if (revision < since) return false;
  }
  return true;
}

function isFirstAlive(ring: RingDocument, own: OwnNode, { alive }: RingSight): boolean {
  return listedNodes(ring).find(({ name }) => alive.has(name))?.name === own.name;
}
