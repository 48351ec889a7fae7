/**
 * A node that serves an imaginary load, in one thread and without sockets: real stores and real
 * observers over the memory of a real plan, driven by a seeded mixture of clients. The dashboard is
 * developed and tested on it.
 *
 *   const node = new SimulatedNode({ seed: 1 });  node.second(20_000);      a second of 20 000 requests
 */

import { shardOf } from "../../src/base/key-hash.ts";
import { MIB } from "../../src/base/unit.ts";
import { Op, StoreMode } from "../../src/command/op.ts";
import { ItemMark, Reply } from "../../src/command/reply.ts";
import { Mark, Request } from "../../src/command/request.ts";
import { Status } from "../../src/command/status.ts";
import type { Arena } from "../../src/memory/arena.ts";
import { ConnectionTransport } from "../../src/memory/connection-table.ts";
import { Counter, type Counters } from "../../src/memory/counters.ts";
import type { Observation } from "../../src/memory/observation.ts";
import { Observer } from "../../src/stats/observer.ts";
import type { ShardGauges } from "../../src/stats/shard-gauges.ts";
import { Store } from "../../src/store/store.ts";
import { STORE_DEFAULTS } from "../../src/store/store-options.ts";
import { StoreReader } from "../../src/store/store-reader.ts";
import { type ObservedNode, observedNode } from "./observed-node.ts";

/** Kinds of keys, as a web application has them. `weight`: of 100 requests. */
const KINDS = [
  { prefix: "session:", keys: 60_000, skew: 5, bytes: 420, ttl: 1800, weight: 34, sets: 0.2 },
  { prefix: "user:", keys: 200_000, skew: 7, bytes: 900, ttl: 0, weight: 28, sets: 0.03 },
  { prefix: "fragment:", keys: 8000, skew: 4, bytes: 5200, ttl: 300, weight: 22, sets: 0.04 },
  { prefix: "rate:", keys: 3000, skew: 1.2, bytes: 4, ttl: 60, weight: 8, sets: 0.5 },
  { prefix: "flag:missing-", keys: 12, skew: 1, bytes: 0, ttl: 0, weight: 5, sets: 0 },
  { prefix: "report/", keys: 500, skew: 1, bytes: 48_000, ttl: 86_400, weight: 3, sets: 0.1 },
] as const;
/** What storing needs of a kind. */
type Kind = { readonly bytes: number; readonly ttl: number };
const VALUE_BYTES_MAX = 64 * 1024;
/** A key that everybody wants. */
const HOT_SHARE = 0.06;
const REQUESTS_PER_TURN = 24;

export interface SimulationOptions {
  readonly seed: number;
  readonly memoryBytes?: number;
  readonly threads?: number;
}

export class SimulatedNode {
  readonly node: ObservedNode;
  readonly readers: StoreReader[];
  readonly #stores: Store[];
  readonly #observers: Observer[];
  readonly #request = new Request(new Uint8Array(VALUE_BYTES_MAX));
  readonly #reply = new Reply(new Uint8Array(0));
  #random: number;
  #nanoseconds = 0;

  constructor(options: SimulationOptions) {
    this.#random = options.seed;
    const threads = options.threads ?? 4;
    this.node = observedNode({ memoryBytes: options.memoryBytes ?? 64 * MIB, threads });
    const { parts, view, clock, hash } = this.node;
    const places = parts.layout.shards;
    this.#stores = places.map((place, shard) => {
      const arena = parts.arenas[place.arena] as Arena;
      Store.format(arena, place.base, (view.shards[shard] as ShardGauges).plan);
      const counters = view.counters[shard] as Counters;
      const own = { ...STORE_DEFAULTS, shard, shardCount: threads };
      return new Store(arena, place.base, hash, clock, counters, own);
    });
    this.readers = places.map(
      (place) => new StoreReader(parts.arenas[place.arena] as Arena, place.base, clock),
    );
    this.#observers = view.counters.slice(0, threads).map(
      (counters, thread) =>
        new Observer({
          observation: view.observations[thread] as Observation,
          counters,
          control: view.control,
          clock,
          prefixDelimiter: ":",
          seed: thread + 1,
          nanoseconds: () => this.#nanoseconds,
        }),
    );
    this.#connect();
  }

  /** Plays one second of `requests` requests, then moves the clock. */
  second(requests: number): void {
    const { clock, view } = this.node;
    const perThread = requests / this.#observers.length;
    this.#observers.forEach((observer, thread) => {
      const uneven = 1 + 0.25 * Math.sin(thread * 2 + clock.now / 40);
      const turns = Math.round((perThread * uneven) / REQUESTS_PER_TURN);
      for (let turn = 0; turn < turns; turn++) this.#turn(observer, thread);
      observer.tick();
    });
    for (const store of this.#stores) {
      store.tick();
      while (store.sweep(256 * 1024));
    }
    clock.now = (clock.now + 1) as typeof clock.now;
    view.control.setNow(clock.now);
  }

  /** Stores a value of `bytes` bytes under `key`, for ever. */
  put(key: string, bytes: number): void {
    this.#setKey(key, "");
    const kind = { ...KINDS[1], bytes, ttl: 0 };
    this.#store(this.#observers[0] as Observer, 0, kind);
  }

  /** A number in [0, 1). */
  random(): number {
    this.#random = (Math.imul(this.#random, 1103515245) + 12345) >>> 0;
    return (this.#random >>> 8) / 2 ** 24;
  }

  #turn(observer: Observer, thread: number): void {
    observer.turnBegan();
    for (let i = 0; i < REQUESTS_PER_TURN; i++) {
      const slow = this.random() < 0.002 ? 10 + 60 * this.random() : 1;
      this.#nanoseconds += (6000 + 20_000 * this.random() ** 4) * slow;
      this.#serve(observer, thread);
    }
    observer.turnEnded();
  }

  #serve(observer: Observer, thread: number): void {
    const kind = this.#kind();
    const rank = Math.floor(kind.keys * this.random() ** kind.skew);
    const hot = kind === KINDS[1] && this.random() < HOT_SHARE * 4;
    this.#setKey(`${kind.prefix}${hot ? 1 : rank}`, kind.prefix === "report/" ? "-full.pdf" : "");
    if (this.random() < kind.sets) this.#store(observer, thread, kind);
    else this.#read(observer, thread, kind);
  }

  #kind(): (typeof KINDS)[number] {
    let at = this.random() * 100;
    for (const kind of KINDS) {
      at -= kind.weight;
      if (at < 0) return kind;
    }
    return KINDS[0];
  }

  #setKey(key: string, suffix: string): void {
    const bytes = Buffer.from(key + suffix);
    const request = this.#request;
    request.keyBytes = bytes;
    request.keyStart = 0;
    request.keyEnd = bytes.length;
    this.node.hash.update(bytes, 0, bytes.length);
    request.hashLow = this.node.hash.low;
    request.hashHigh = this.node.hash.high;
  }

  #read(observer: Observer, thread: number, kind: Kind): void {
    const request = this.#request;
    const counters = this.node.view.counters[thread] as Counters;
    request.op = Op.get;
    request.marks = Mark.wantsValue;
    const shard = shardOf(request.hashHigh, this.#stores.length);
    const found = this.readers[shard]?.find(request, this.#reply) === 1;
    counters.add(Counter.cmdGet, 1);
    counters.add(Counter.readsDirect, 1);
    counters.add(found ? Counter.getHits : Counter.getMisses, 1);
    counters.add(Counter.bytesRead, 30);
    counters.add(Counter.bytesWritten, found ? this.#reply.valueBytes + 50 : 5);
    if (!found && (this.#reply.marks & ItemMark.expired) !== 0) counters.add(Counter.getExpired, 1);
    if (observer.due()) observer.sampled(request, !found, found ? this.#reply.valueBytes : 0);
    if (!found && kind.bytes > 0) this.#store(observer, thread, kind);
  }

  #store(observer: Observer, thread: number, kind: Kind): void {
    const request = this.#request;
    const { clock, view } = this.node;
    const counters = view.counters[thread] as Counters;
    const bytes = Math.floor(kind.bytes * (0.5 + this.random()));
    Object.assign(request, { op: Op.store, mode: StoreMode.set, marks: Mark.exptime });
    request.exptime = clock.deadline(kind.ttl);
    Object.assign(request, { valueStart: 0, valueEnd: bytes, valueBytes: bytes });
    const shard = shardOf(request.hashHigh, this.#stores.length);
    this.#stores[shard]?.execute(request, this.#reply);
    counters.add(Counter.cmdSet, 1);
    counters.add(Counter.bytesRead, bytes + 40);
    counters.add(Counter.bytesWritten, 8);
    if (shard !== thread) {
      counters.add(Counter.requestsSent, 1);
      view.counters[shard]?.add(Counter.requestsServed, 1);
    }
    if (this.#reply.status !== Status.stored) counters.add(Counter.storeNoMemory, 1);
    if (observer.due()) observer.sampled(request, false, bytes);
  }

  #connect(): void {
    const { view } = this.node;
    const address = "127.0.0.1:11211";
    view.connections.at(-1)?.openListener(0, 19, ConnectionTransport.tcp, address, 2);
    for (let slot = 0; slot < 200; slot++) {
      const thread = slot % this.#stores.length;
      const peer = `10.0.${slot % 7}.${10 + slot}:${40_000 + slot * 13}`;
      const opened = 1000 - Math.floor(900 * this.random());
      const row = Math.floor(slot / this.#stores.length);
      view.connections[thread]?.open(row, 30 + slot, ConnectionTransport.tcp, 0, peer, opened);
      const requests = Math.floor(50_000 * this.random() ** 4);
      view.connections[thread]?.moved(row, requests * 90, requests * 900, requests, 1000);
      view.counters[thread]?.add(Counter.connectionsOpened, 1);
      view.control.addOpenConnections(1);
    }
  }
}
