/**
 * A shard in the hands of its thread, and how a thread gets it: as the first one, or after one that
 * died, whose loans, half-done change and unanswered requests it settles.
 */
import type { Bell } from "../base/bell.ts";
import type { Place } from "../memory/node-layout.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import { Sleeper, Waker } from "../ring/wake.ts";
import { endLoans, type Loans } from "../router/stores.ts";
import { Shard, type ShardStore } from "../shard/shard.ts";
import { Store } from "../store/store.ts";
import type { StoreReader } from "../store/store-reader.ts";
import type { ThreadMemory } from "./thread-memory.ts";

export interface OwnedShard {
  readonly store: Store;
  readonly shard: Shard;
  readonly sleeper: Sleeper;
  readonly waker: Waker;
  readonly loans: Loans;
  /** What a predecessor's death has cost. */
  readonly itemsDropped: number;
  /** Why the shard, found in a file, could not be made whole and is empty now; or nothing. */
  readonly damage: string;
}

/**
 * Takes over this thread's shard, and, from a predecessor that died, what it left behind. `served`
 * makes of the store what answers the rings.
 */
export function takeShard(
  memory: ThreadMemory,
  bell: Bell,
  served: (store: Store) => ShardStore = (store) => store,
): OwnedShard {
  const { self, layout, incarnation } = memory.data;
  const { ints } = memory.arena(layout.control);
  const waker = new Waker(ints, memory.control, bell);
  const sleeper = new Sleeper(ints, memory.control, self);
  const loans = memory.loans(bell);
  let itemsDropped = 0;
  if (incarnation > 0) {
    itemsDropped += endLoans(loans, layout.threads);
    sleeper.cancel(); // it may have died asleep, with its shard on loan
  }
  let store = memory.openStore(self);
  let damage = "";
  if (incarnation > 0) itemsDropped += store.recover();
  else if (memory.data.inherited === "torn") {
    try {
      itemsDropped += store.recoverAlone();
    } catch (error) {
      damage = error instanceof Error ? error.message : String(error);
      store = emptied(memory);
    }
  }
  store.setAtRest(false);
  const shard = new Shard({
    self,
    store: served(store),
    arena: memory.arena(layout.links),
    base: layout.links.base,
    plan: memory.linkPlan,
    counters: memory.counters,
    waker,
  });
  if (incarnation > 0) shard.recoverLinks();
  (memory.readers[self] as StoreReader).setOwner(true);
  return { store, shard, sleeper, waker, loans, itemsDropped, damage };
}

/** This thread's shard, formatted anew: what a file held of it cannot be made whole. */
function emptied(memory: ThreadMemory): Store {
  const { self, layout } = memory.data;
  const place = layout.shards[self] as Place;
  const arena = memory.arena(place);
  const { plan } = memory.shards[self] as ShardMemory;
  arena.bytes.fill(0, place.base, place.base + layout.shardBytes);
  Store.format(arena, place.base, plan);
  return memory.openStore(self);
}
