/**
 * Store: the half of a shard that writes. In its owner, and in each thread that ever had it on loan
 * (ring/loan.ts): one of them at a time. No threads, no I/O here.
 *
 *   execute ─▶ storing · arithmetic · fetching · uploads          what a request asks
 *                 └─▶ writer ─▶ residents, key index, slab allocator        where items are
 *                        └─▶ evictor, ghost                               who must go
 *   tick, sweep                                                    what happens without a request
 *   recover, verify                                                after a dead owner; in tests
 *
 * All state is in the region (memory/), so an owner that died is replaced by a new Store over the
 * same memory, and one that sleeps by another thread's. What a Store has besides lasts for one
 * request, but for the sweep, which its owner alone does.
 */
import { assert } from "../base/assert.ts";
import { Clock } from "../base/clock.ts";
import type { KeyHash } from "../base/key-hash.ts";
import type { ServerSeconds } from "../base/unit.ts";
import { Op } from "../command/op.ts";
import type { Reply } from "../command/reply.ts";
import type { Request } from "../command/request.ts";
import { Status } from "../command/status.ts";
import type { Arena } from "../memory/arena.ts";
import type { Counters } from "../memory/counters.ts";
import { ShardMemory } from "../memory/shard-memory.ts";
import { RESERVE_SLABS, type ShardPlan, writePlan } from "../memory/shard-plan.ts";
import { NO_SLAB, Queue } from "../memory/slab-table.ts";
import { Arithmetic } from "./arithmetic.ts";
import { CasClock } from "./cas-clock.ts";
import { Evictor } from "./evictor.ts";
import { Fetching } from "./fetching.ts";
import { Ghost } from "./ghost.ts";
import { BUCKETS_MIN, KeyIndex } from "./key-index.ts";
import { LargeItems } from "./large-items.ts";
import { Recovery } from "./recovery.ts";
import { restoreReserve } from "./reserve.ts";
import { Residents } from "./residents.ts";
import { SlabAllocator } from "./slab-allocator.ts";
import type { StoreOptions } from "./store-options.ts";
import { Storing } from "./storing.ts";
import { Sweeper } from "./sweeper.ts";
import { Uploads } from "./uploads.ts";
import { verifyShard } from "./verify.ts";
import { Writer } from "./writer.ts";

/** cache_memlimit never leaves a shard fewer slabs than this. */
const SLAB_LIMIT_MIN = 8;

export class Store {
  readonly #memory: ShardMemory;
  readonly #hash: KeyHash;
  readonly #clock: Clock;
  readonly #allocator: SlabAllocator;
  readonly #evictor: Evictor;
  readonly #storing: Storing;
  readonly #arithmetic: Arithmetic;
  readonly #fetching: Fetching;
  readonly #uploads: Uploads;
  readonly #sweeper: Sweeper;

  /** Writes an empty shard at `base`, into zeroed memory. Once, before anybody attaches. */
  static format(arena: Arena, base: number, plan: ShardPlan): void {
    writePlan(arena, base, plan);
    const memory = new ShardMemory(arena, base);
    memory.header.setBucketCount(Math.min(BUCKETS_MIN, plan.bucketsMax));
    memory.header.setSlabLimit(plan.slabCount - RESERVE_SLABS);
    const allocator = new SlabAllocator(memory, new Clock(0));
    for (let slab = plan.slabCount - 1; slab >= 0; slab--) allocator.free(slab);
  }

  constructor(
    arena: Arena,
    base: number,
    hash: KeyHash,
    clock: Clock,
    counters: Counters,
    options: StoreOptions,
  ) {
    const memory = new ShardMemory(arena, base);
    const header = memory.header;
    header.setCasBytes(options.casEnabled ? 8 : 0);
    const cas = new CasClock(header, options.shard, options.shardCount, options.casEnabled);
    const index = new KeyIndex(memory, hash);
    const allocator = new SlabAllocator(memory, clock);
    const ghost = new Ghost(memory);
    const base1 = { index, allocator, ghost };
    const residents = new Residents(memory, base1, hash, clock, counters);
    const base2 = { ...base1, residents };
    const evictor = new Evictor(memory, base2, hash, clock, counters, options);
    const large = new LargeItems(memory, { ...base2, evictor });
    const writer = new Writer(memory, { ...base2, evictor, large });
    const storing = new Storing(memory, { residents, writer, cas }, clock, counters);
    this.#memory = memory;
    this.#hash = hash;
    this.#clock = clock;
    this.#allocator = allocator;
    this.#evictor = evictor;
    this.#storing = storing;
    this.#arithmetic = new Arithmetic(memory, { residents, writer, storing }, counters);
    const fetchingParts = { index, residents, writer, storing };
    this.#fetching = new Fetching(memory, fetchingParts, clock, counters);
    const uploadsParts = { allocator, evictor, residents, large, storing };
    this.#uploads = new Uploads(memory, uploadsParts, counters);
    this.#sweeper = new Sweeper(memory, evictor, clock);
  }

  /**
   * Does what a request below OP_MUTATION_MAX asks, and fills `reply`. The request's hash must be
   * filled.
   */
  execute(request: Request, reply: Reply): void {
    reply.begin();
    switch (request.op) {
      case Op.store:
        this.#storing.store(request, NO_SLAB, reply);
        return;
      case Op.fetch:
      case Op.get:
      case Op.inspect:
        this.#fetching.fetch(request, reply);
        return;
      case Op.delete:
        this.#fetching.remove(request, reply);
        return;
      case Op.touch:
        this.#fetching.touch(request, reply);
        return;
      case Op.arithmetic:
        this.#arithmetic.count(request, reply);
        return;
      default:
        this.#executeRare(request, reply);
    }
  }

  #executeRare(request: Request, reply: Reply): void {
    switch (request.op) {
      case Op.fence:
        break;
      case Op.flush:
        this.#flush(request.exptime);
        break;
      case Op.resize:
        this.#resize(request.valueBytes);
        break;
      case Op.uploadBegin:
        this.#uploads.begin(request, reply);
        return;
      case Op.uploadData:
        this.#uploads.data(request, reply);
        return;
      case Op.uploadEnd:
        this.#uploads.end(request, reply);
        return;
      case Op.uploadAbort:
        this.#uploads.abort(request.handle);
        break;
      case Op.lease:
        this.#uploads.lease(request, reply);
        return;
      case Op.release:
        this.#uploads.release(request.handle);
        break;
      default:
        assert(false, "a store executes what is below OP_MUTATION_MAX, and reads");
    }
    reply.status = Status.ok;
  }

  /** True when `tick` has a delayed flush to do, before which nothing may be stored. */
  isOverdue(): boolean {
    const at = this.#memory.header.flushAt();
    return at !== 0 && at <= this.#clock.now;
  }

  /**
   * Once a second, after the clock moved: a delayed flush whose time has come; the sweep looks
   * again.
   */
  tick(): void {
    if (this.isOverdue()) this.#flushNow();
    this.#sweeper.look();
  }

  /**
   * A slice of background work, about `bytesMax` bytes of slabs: reclaims what expired or was
   * flushed. True = more to do.
   */
  sweep(bytesMax: number): boolean {
    return this.#sweeper.sweep(bytesMax);
  }

  /** Repairs the shard after its previous owner died at any point. The number of items dropped. */
  recover(): number {
    const dropped = new Recovery(this.#memory, this.#hash).run();
    return dropped + restoreReserve(this.#memory, this.#allocator, this.#evictor);
  }

  /**
   * Repairs the shard after its process has died, with all who read from it. The number of items
   * dropped.
   */
  recoverAlone(): number {
    const { leases } = this.#memory;
    for (let index = 0; index < leases.count; index++) leases.free(index);
    return this.recover();
  }

  /** The owner has stopped between two requests, or somebody owns the shard. */
  setAtRest(atRest: boolean): void {
    this.#memory.header.setAtRest(atRest);
  }

  /** Frees the half-received items of a thread that died. */
  abortUploadsOf(requester: number): void {
    this.#uploads.abortOf(requester);
  }

  /** Ends the leases of a thread that died. */
  releaseLeasesOf(requester: number): void {
    this.#uploads.releaseOf(requester);
  }

  /** Walks the whole shard and stops the process where two parts disagree. Tests only: O(n). */
  verify(): void {
    verifyShard(this.#memory, this.#hash);
  }

  /** flush_all: now, or when its time comes. A later one replaces an earlier one. */
  #flush(at: ServerSeconds): void {
    if (at === 0 || at <= this.#clock.now) this.#flushNow();
    else this.#memory.header.setFlushAt(at);
  }

  /**
   * Everything stored so far is in a slab of an epoch that is over. The sweep takes it out by and
   * by.
   */
  #flushNow(): void {
    const header = this.#memory.header;
    header.setFlushAt(0 as ServerSeconds);
    this.#allocator.seal(Queue.small);
    this.#allocator.seal(Queue.main);
    header.setEpoch((header.epoch() + 1) >>> 0);
    for (let queue: Queue = Queue.small; queue <= Queue.largeMain; queue++) {
      header.setItems(queue as Queue, 0);
    }
    this.#sweeper.look();
  }

  /**
   * cache_memlimit: fewer slabs, or more again, up to what the shard was planned with. Items leave
   * at once.
   */
  #resize(itemBytes: number): void {
    const plan = this.#memory.plan;
    const wanted = Math.floor(itemBytes / plan.slabBytes);
    const slabsMax = plan.slabCount - RESERVE_SLABS;
    const limit = Math.min(slabsMax, Math.max(SLAB_LIMIT_MIN, wanted));
    this.#memory.header.setSlabLimit(limit);
    this.#evictor.freeSlabs(0);
  }
}
