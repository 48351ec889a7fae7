/**
 * ShardThread: a worker as the server has it, without sockets: its shard, its router, its place to
 * sleep. And the memory that several of them share.
 */
import { Clock } from "../../src/base/clock.ts";
import { KeyHash } from "../../src/base/key-hash.ts";
import { MIB, roundUp, SERVER_SECONDS_START } from "../../src/base/unit.ts";
import { Arena } from "../../src/memory/arena.ts";
import { Control, controlBytes } from "../../src/memory/control.ts";
import { COUNTERS_BYTES, Counters } from "../../src/memory/counters.ts";
import { planShard, type ShardPlan } from "../../src/memory/shard-plan.ts";
import { type LinkPlan, planLinks } from "../../src/ring/link-plan.ts";
import { Borrower } from "../../src/ring/loan.ts";
import { NotifyBell, Sleeper, Waker } from "../../src/ring/wake.ts";
import { type ReplyHandler, Router } from "../../src/router/router.ts";
import { endLoans } from "../../src/router/stores.ts";
import { Shard } from "../../src/shard/shard.ts";
import { Store } from "../../src/store/store.ts";
import { STORE_DEFAULTS } from "../../src/store/store-options.ts";
import { StoreReader } from "../../src/store/store-reader.ts";

export interface ThreadMemory {
  readonly buffer: SharedArrayBuffer;
  readonly workers: number;
  readonly links: LinkPlan;
  readonly shard: ShardPlan;
  readonly linksAt: number;
  readonly countersAt: number;
  readonly shardsAt: number;
}

const SERVE_RECORDS_MAX = 256;
const SWEEP_BYTES = 64 * 1024;
const SLEEP_MILLISECONDS_MAX = 20;
const PAGE_BYTES = 4096;

/** Memory for `workers` shards of `itemBytes` each, formatted. */
export function threadMemory(
  workers: number,
  ringBytes: number,
  itemBytes: number,
  itemBytesMax = MIB / 8,
): ThreadMemory {
  const links = planLinks(workers + 1, workers, ringBytes);
  const shard = planShard(itemBytes, itemBytesMax);
  const linksAt = controlBytes(workers);
  const countersAt = linksAt + links.regionBytes;
  const shardsAt = roundUp(countersAt + (workers + 1) * COUNTERS_BYTES, PAGE_BYTES);
  const buffer = new SharedArrayBuffer(shardsAt + workers * shardBytes(shard));
  const arena = new Arena(buffer);
  for (let at = 0; at < workers; at++)
    Store.format(arena, shardsAt + at * shardBytes(shard), shard);
  new Control(arena, 0).setNow(SERVER_SECONDS_START);
  return { buffer, workers, links, shard, linksAt, countersAt, shardsAt };
}

function shardBytes(plan: ShardPlan): number {
  return roundUp(plan.regionBytes, PAGE_BYTES);
}

/** Where the region of a shard begins. */
export function shardOffset(memory: ThreadMemory, shard: number): number {
  return memory.shardsAt + shard * shardBytes(memory.shard);
}

export class ShardThread {
  readonly store: Store;
  readonly shard: Shard;
  readonly router: Router;
  readonly readers: StoreReader[] = [];
  readonly counters: Counters;
  readonly control: Control;
  readonly #clock = new Clock(0);
  readonly sleeper: Sleeper;

  /** `lending`: this thread borrows the shards of those that sleep. */
  constructor(memory: ThreadMemory, self: number, lending = false) {
    const { workers, links } = memory;
    const arena = new Arena(memory.buffer);
    const hash = new KeyHash(11, 22);
    const control = new Control(arena, 0);
    const bell = new NotifyBell(arena.ints, control);
    const waker = new Waker(arena.ints, control, bell);
    const counters = new Counters(arena, memory.countersAt + self * COUNTERS_BYTES);
    for (let shard = 0; shard < workers; shard++) {
      const reader = new StoreReader(arena, shardOffset(memory, shard), this.#clock);
      reader.setOwner(shard === self);
      this.readers.push(reader);
    }
    this.sleeper = new Sleeper(arena.ints, control, self);
    const open = (shard: number) => {
      const counted = new Counters(arena, memory.countersAt + shard * COUNTERS_BYTES);
      const options = { ...STORE_DEFAULTS, shard, shardCount: workers };
      return new Store(arena, shardOffset(memory, shard), hash, this.#clock, counted, options);
    };
    const loans = { borrower: new Borrower(arena.ints, control, bell, self), open };
    endLoans(loans, workers);
    this.sleeper.cancel();
    this.store = open(self);
    const shared = { self, arena, base: memory.linksAt, plan: links, counters, waker };
    this.shard = new Shard({ ...shared, store: this.store });
    this.router = new Router({
      ...shared,
      shardCount: workers,
      readers: this.readers,
      ownStore: this.store,
      loans: lending ? loans : null,
      hash,
    });
    this.counters = counters;
    this.control = control;
  }

  /**
   * One turn: replies, `work`, the shard's records; then to sleep when nothing happened. `work`
   * says whether it did.
   */
  turn(handler: ReplyHandler, work: () => boolean): void {
    this.#clock.now = this.control.now();
    const heard = this.router.poll(handler);
    const worked = work();
    const served = this.shard.serve(SERVE_RECORDS_MAX);
    this.store.sweep(SWEEP_BYTES);
    this.shard.publish();
    this.router.publish();
    if (heard > 0 || worked || served > 0) return;
    this.sleeper.prepare();
    if (this.router.isReady() || this.shard.isReady()) this.sleeper.cancel();
    else this.sleeper.wait(SLEEP_MILLISECONDS_MAX);
  }
}
