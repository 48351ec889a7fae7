/**
 * Stores: where this thread may execute at once what changes a shard.
 *
 *   its own shard          always
 *   a sleeping owner's     on loan (ring/loan.ts), unless something of this thread is still on its way there
 *   any other              never: the request goes to the owner, through the ring
 *
 * Why not while something is on its way: requests of one connection take effect in order per key,
 * and a ring keeps that order only among what goes through it. Nor while a delayed flush is due:
 * its owner does it when it wakes, and what came after would go with it.
 */
import type { Reply } from "../command/reply.ts";
import type { Request } from "../command/request.ts";
import { Counter, type Counters } from "../memory/counters.ts";
import type { Borrower } from "../ring/loan.ts";
import type { ShardStore } from "../shard/shard.ts";
import type { Link } from "./link.ts";

/** What a router needs of a store it has on loan (store/store.ts). */
export interface LentStore extends ShardStore {
  /** True when its owner has something to do before any request. */
  isOverdue(): boolean;
  /** Repairs the shard after whoever wrote died. The number of items dropped. */
  recover(): number;
}

export interface Loans {
  readonly borrower: Borrower;
  /** A view of that shard's store. Called once a shard, while it is on loan. */
  open(shard: number): LentStore;
}

export interface StoresParts {
  readonly self: number;
  readonly shardCount: number;
  readonly ownStore: ShardStore | null;
  readonly loans: Loans | null;
  readonly counters: Counters;
}

export class Stores {
  readonly #self: number;
  readonly #ownStore: ShardStore | null;
  readonly #loans: Loans | null;
  readonly #counters: Counters;
  readonly #links: readonly Link[];
  /** By shard; null until it was on loan once. */
  readonly #lent: (LentStore | null)[];

  constructor(parts: StoresParts, links: readonly Link[]) {
    this.#self = parts.self;
    this.#ownStore = parts.ownStore;
    this.#loans = parts.loans;
    this.#counters = parts.counters;
    this.#links = links;
    this.#lent = new Array<LentStore | null>(parts.shardCount).fill(null);
  }

  /**
   * Executes the request in `shard`, if this thread may now, and fills `reply`. False: nothing has
   * happened.
   */
  tryExecute(shard: number, request: Request, reply: Reply): boolean {
    if (shard !== this.#self) return this.#tryOnLoan(shard, request, reply);
    request.requester = this.#self;
    (this.#ownStore as ShardStore).execute(request, reply);
    return true;
  }

  #tryOnLoan(shard: number, request: Request, reply: Reply): boolean {
    const loans = this.#loans;
    if (loans === null || !(this.#links[shard] as Link).isIdle()) return false;
    if (!loans.borrower.tryBorrow(shard)) return false;
    const store = this.#lent[shard] ?? this.#open(loans, shard);
    const may = !store.isOverdue();
    if (may) {
      request.requester = this.#self;
      store.execute(request, reply);
      this.#counters.add(Counter.requestsOnLoan, 1);
    }
    if (loans.borrower.giveBack(shard)) this.#counters.add(Counter.wakesSent, 1);
    return may;
  }

  #open(loans: Loans, shard: number): LentStore {
    const store = loans.open(shard); // alloc: once a shard
    this.#lent[shard] = store;
    return store;
  }
}

/**
 * Repairs the shards that a predecessor of this thread died with on loan, and gives them back.
 * Returns the items dropped.
 */
export function endLoans(loans: Loans, shardCount: number): number {
  let itemsDropped = 0;
  for (let shard = 0; shard < shardCount; shard++) {
    if (!loans.borrower.holds(shard)) continue;
    itemsDropped += loans.open(shard).recover();
    loans.borrower.giveBack(shard);
  }
  return itemsDropped;
}
