/**
 * What an operator may choose about a store; the same for every shard but for the shard's own
 * number.
 */
export interface StoreOptions {
  /** False is -M: a store that is full refuses (out of memory) instead of evicting. */
  evictions: boolean;
  /** False is -C: items have no CAS. */
  casEnabled: boolean;
  /**
   * Hits an item of average size needs to be promoted from the small queue: 1, or 2 where clients
   * read what they just set.
   */
  promoteHits: number;
  /** This shard's number and how many there are: CAS uniques of different shards never meet. */
  shard: number;
  shardCount: number;
}

export const STORE_DEFAULTS: StoreOptions = {
  evictions: true,
  casEnabled: true,
  promoteHits: 1,
  shard: 0,
  shardCount: 1,
};
