/** What an operator may know of a node's cluster, from whatever source its list comes. */
import type { DiscoveryState } from "./discovery.ts";
import type { MembershipState } from "./membership.ts";

export interface ClusterState {
  /** Where the list comes from, without a password. */
  readonly source: string;
  readonly list: DiscoveryState;
  /** Null but with etcd. */
  readonly membership: MembershipState | null;
}
