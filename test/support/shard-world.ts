/**
 * ShardWorld: the routers and shards of several "threads" in one thread, each moved by hand.
 * Nothing happens between two steps, so a test can look at, or break, any state the threads could
 * be in.
 */
import { KeyHash } from "../../src/base/key-hash.ts";
import { Op, type StoreMode } from "../../src/command/op.ts";
import { Reply } from "../../src/command/reply.ts";
import { Request } from "../../src/command/request.ts";
import { Arena } from "../../src/memory/arena.ts";
import { Control, controlBytes } from "../../src/memory/control.ts";
import { COUNTERS_BYTES, Counters } from "../../src/memory/counters.ts";
import {
  AT_OFFSET,
  CONSUMED_OFFSET,
  linkOffset,
  planLinks,
  STARTED_OFFSET,
} from "../../src/ring/link-plan.ts";
import { Borrower } from "../../src/ring/loan.ts";
import { Sleeper, Waker } from "../../src/ring/wake.ts";
import type { Order } from "../../src/router/order.ts";
import type { Outcome } from "../../src/router/outcome.ts";
import { Router } from "../../src/router/router.ts";
import type { Loans } from "../../src/router/stores.ts";
import { Shard } from "../../src/shard/shard.ts";
import { MapReader, MapStore } from "./map-store.ts";

export interface Answer {
  readonly token: number;
  readonly status: number;
  readonly marks: number;
  readonly handle: number;
  readonly casLow: number;
}

export class ShardWorld {
  readonly stores: MapStore[] = [];
  /** How other threads read a shard; its owner's own reader never finds a bucket busy. */
  readonly readers: MapReader[] = [];
  readonly shards: Shard[] = [];
  /** One for each worker, then the primary's. */
  readonly routers: Router[] = [];
  readonly answers: Answer[][] = [];
  readonly counters: Counters[] = [];
  readonly rung: number[] = [];
  readonly #parts;
  readonly #isLending: boolean;

  /** `lending`: sleeping threads' shards are lent. */
  constructor(workers: number, ringBytes = 512, lending = false) {
    const plan = planLinks(workers + 1, workers, ringBytes);
    const control = controlBytes(workers);
    const counters = control + plan.regionBytes;
    const arena = new Arena(new SharedArrayBuffer(counters + (workers + 1) * COUNTERS_BYTES));
    const waker = new Waker(arena.ints, new Control(arena, 0), {
      ring: (thread) => this.rung.push(thread),
    });
    this.#parts = { arena, base: control, plan, waker, shardCount: workers };
    this.#isLending = lending;
    for (let shard = 0; shard < workers; shard++) this.stores.push(new MapStore());
    for (const store of this.stores) this.readers.push(new MapReader(store));
    for (let thread = 0; thread <= workers; thread++) {
      this.counters.push(new Counters(arena, counters + thread * COUNTERS_BYTES));
      this.answers.push([]);
    }
    for (let shard = 0; shard < workers; shard++) this.shards.push(this.newShard(shard));
    for (let thread = 0; thread <= workers; thread++) this.routers.push(this.newRouter(thread));
  }

  newShard(self: number): Shard {
    const store = this.stores[self] as MapStore;
    return new Shard({ ...this.#parts, self, store, counters: this.counters[self] as Counters });
  }

  newRouter(self: number): Router {
    return new Router({
      ...this.#parts,
      self,
      ownStore: this.stores[self] ?? null,
      loans: this.#isLending ? this.loans(self) : null,
      readers: this.readers.map((reader, shard) =>
        shard === self ? new MapReader(reader.store) : reader,
      ),
      counters: this.counters[self] as Counters,
      hash: new KeyHash(1, 2),
    });
  }

  /** What `self` may borrow. */
  loans(self: number): Loans {
    const { arena } = this.#parts;
    const bell = { ring: (thread: number) => this.rung.push(thread) };
    const borrower = new Borrower(arena.ints, new Control(arena, 0), bell, self);
    return { borrower, open: (shard) => this.store(shard) };
  }

  router(thread: number): Router {
    return this.routers[thread] as Router;
  }

  shard(index: number): Shard {
    return this.shards[index] as Shard;
  }

  store(index: number): MapStore {
    return this.stores[index] as MapStore;
  }

  /** Takes the thread's replies; they are appended to its `answers`. */
  poll(thread: number): number {
    const answers = this.answers[thread] as Answer[];
    return this.router(thread).poll({
      replied: (token, { status, marks, handle, casLow }) =>
        answers.push({ token, status, marks, handle, casLow }),
    });
  }

  /** The thread is about to sleep: the next thing for it must ring its bell. */
  sleep(thread: number): void {
    const { arena } = this.#parts;
    new Sleeper(arena.ints, new Control(arena, 0), thread).prepare();
  }

  /** The thread is awake again. */
  rouse(thread: number): void {
    const { arena } = this.#parts;
    new Sleeper(arena.ints, new Control(arena, 0), thread).cancel();
  }

  /**
   * Leaves the link as an owner does that dies between answering its first unreleased record and
   * moving behind it.
   */
  undoAdvance(requester: number, owner: number): void {
    const { arena, base, plan } = this.#parts;
    const link = base + linkOffset(plan, requester, owner);
    const consumed = arena.ints[(link + CONSUMED_OFFSET) >>> 2] as number;
    arena.ints[(link + AT_OFFSET) >>> 2] = consumed;
    arena.ints[(link + STARTED_OFFSET) >>> 2] = consumed | 1;
  }

  /** One turn of every thread. True when anything happened. */
  turn(): boolean {
    let happened = 0;
    for (const router of this.routers) router.publish();
    for (const shard of this.shards) {
      happened += shard.serve(1000);
      shard.publish();
    }
    for (let thread = 0; thread < this.routers.length; thread++) happened += this.poll(thread);
    return happened > 0;
  }

  settle(): void {
    while (this.turn()) {}
  }
}

/** A request for `key`, hashed by `router`. */
export function requestFor(
  router: Router,
  op: Op,
  key: string,
  value = "",
  mode: StoreMode = 0,
): Request {
  const bytes = Buffer.from(key + value, "latin1");
  const request = new Request(new Uint8Array(bytes));
  request.op = op;
  request.mode = mode;
  request.keyEnd = key.length;
  request.valueStart = key.length;
  request.valueEnd = key.length + value.length;
  request.valueBytes = value.length;
  router.hash(request);
  return request;
}

/** The `n`th key whose shard is `shard`. */
export function keyOfShard(router: Router, shard: number, n = 0): string {
  for (let i = 0, seen = 0; ; i++) {
    const key = `key${i}`;
    if (router.shardOf(requestFor(router, Op.get, key)) === shard && seen++ === n) return key;
  }
}

/** Reads `key` directly; the value, or the outcome when there is none. */
export function readKey(router: Router, order: Order, key: string, token = 0): string | Outcome {
  const reply = new Reply(new Uint8Array(0));
  const outcome = router.read(requestFor(router, Op.get, key), reply, order, token);
  if (outcome !== 1) return outcome;
  const end = reply.valueStart + reply.valueBytes;
  return Buffer.from(reply.value.slice(reply.valueStart, end)).toString("latin1");
}
