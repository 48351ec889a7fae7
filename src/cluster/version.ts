/**
 * The version of a list, when nobody counts them for us: with --peers, a file without a `version`
 * line, and DNS, each node finds the list by itself.
 *
 * Clients want two things of it. A changed list must carry a higher version than the one they hold
 * (some take it for an error otherwise); and every node must say the same version for the same
 * list, since they ask another node each time. So a node that found a list asks its peers:
 *
 *   a peer has the same list    its version, the highest of them
 *   none has                    one more than any version seen; at least the time in seconds
 *
 * The time makes versions grow even when a whole fleet was down and nobody remembers. Nodes that
 * begin at once may say different versions for a moment; each goes on asking, all of them take the
 * highest, and none goes back: within a round or two they agree.
 */

/** What somebody says of the list: the line of nodes is the list's identity. */
export interface Claim {
  readonly version: number;
  readonly nodesLine: string;
}

/**
 * The version to tell for `nodesLine`. `own` is what we told last, null at first; `peers` what the
 * others say now; `seed` the least for a list nobody knows.
 */
export function agreedVersion(
  nodesLine: string,
  own: Claim | null,
  peers: readonly Claim[],
  seed: number,
): number {
  const last = own?.version ?? 0;
  let same = own?.nodesLine === nodesLine ? last : 0;
  let highest = last;
  for (const peer of peers) {
    if (peer.nodesLine === nodesLine) same = Math.max(same, peer.version);
    highest = Math.max(highest, peer.version);
  }
  // Whoever holds our last version must see a higher one, unless the list is what he has.
  const least = own?.nodesLine === nodesLine ? last : last + 1;
  if (same >= least) return same;
  return Math.max(highest + 1, seed);
}
