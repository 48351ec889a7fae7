/**
 * Thread memory: a thread's views over everything the primary allocated, and the plans they were
 * laid out by.
 *
 * Built from WorkerData by every thread for itself, in the same way: the layout says where all of it
 * lies, the memory itself what all must agree on (memory/node-header.ts).
 */
import type { Bell } from "../base/bell.ts";
import { Clock } from "../base/clock.ts";
import { KeyHash } from "../base/key-hash.ts";
import { EventLog } from "../connection/event-log.ts";
import { VerboseLog } from "../connection/verbose-log.ts";
import { monotonicNanoseconds, threadNanoseconds } from "../libc/clocks.ts";
import type { Libc } from "../libc/libc.ts";
import { Arena } from "../memory/arena.ts";
import type { ConnectionTable } from "../memory/connection-table.ts";
import type { Control } from "../memory/control.ts";
import type { Counters } from "../memory/counters.ts";
import { LogReader, LogWriter } from "../memory/log-ring.ts";
import type { NodeHeader } from "../memory/node-header.ts";
import type { Place, Site } from "../memory/node-layout.ts";
import type { Observation } from "../memory/observation.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import { type LinkPlan, planLinks, usualRingBytes } from "../ring/link-plan.ts";
import { Borrower } from "../ring/loan.ts";
import type { Loans } from "../router/stores.ts";
import { NodeView } from "../stats/node-view.ts";
import { Observer, type ObserverParts } from "../stats/observer.ts";
import { Store } from "../store/store.ts";
import { StoreReader } from "../store/store-reader.ts";
import type { WorkerData } from "./messages.ts";

export class ThreadMemory {
  readonly data: WorkerData;
  readonly arenas: readonly Arena[];
  readonly header: NodeHeader;
  readonly control: Control;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly hash: KeyHash;
  readonly linkPlan: LinkPlan;
  /** By shard. */
  readonly readers: readonly StoreReader[];
  /** By shard. */
  readonly shards: readonly ShardMemory[];
  readonly observer: Observer;
  /** The connections of this thread, for everybody to see. */
  readonly connectionTable: ConnectionTable;
  /** This thread's lines for watchers. */
  readonly events: EventLog;
  readonly verbose: VerboseLog;
  readonly view: NodeView;

  /** `libc` null: copies are the slower ones of shared memory. */
  constructor(data: WorkerData, libc: Libc | null) {
    const { layout, self, settings } = data;
    this.data = data;
    this.arenas = data.buffers.map((buffer) => libc?.arena(buffer) ?? new Arena(buffer));
    this.view = new NodeView({ settings, layout, arenas: this.arenas });
    const { node, shards, logs } = this.view.regions;
    this.counters = this.view.counters[self] as Counters;
    this.control = this.view.control;
    this.header = node;
    this.clock = new Clock(node.epochUnix());
    this.clock.now = this.control.now();
    this.hash = new KeyHash(node.hashSeedLow(), node.hashSeedHigh());
    const requesters = layout.threads + 1;
    const ringBytes = usualRingBytes(requesters, layout.threads);
    this.linkPlan = planLinks(requesters, layout.threads, ringBytes);
    this.readers = layout.shards.map(
      (place) => new StoreReader(this.arena(place), place.base, this.clock),
    );
    this.shards = shards;
    this.observer = new Observer({
      observation: this.view.observations[self] as Observation,
      counters: this.counters,
      control: this.control,
      clock: this.clock,
      prefixDelimiter: settings.prefixDelimiter,
      seed: node.hashSeedLow() ^ self,
      ...clocksOf(libc),
    });
    this.connectionTable = this.view.connections[self] as ConnectionTable;
    if (data.incarnation > 0) this.connectionTable.clear();
    const log = logs[self] as Site;
    const writer = new LogWriter(log.arena, log.base);
    this.events = new EventLog(this.control, this.clock, writer);
    this.verbose = new VerboseLog(this.control, this.clock, writer);
  }

  /**
   * A store over that shard, which counts as its owner does: for the owner, and for who has it on
   * loan.
   */
  openStore(shard: number): Store {
    const { layout, settings } = this.data;
    const place = layout.shards[shard] as Place;
    const counters = this.view.counters[shard] as Counters;
    return new Store(this.arena(place), place.base, this.hash, this.clock, counters, {
      evictions: settings.evictions,
      casEnabled: settings.casEnabled,
      promoteHits: settings.promoteHits,
      shard,
      shardCount: this.header.shardCount(),
    });
  }

  /** What this thread may borrow. `bell` wakes the workers. */
  loans(bell: Bell): Loans {
    const { ints } = this.arena(this.data.layout.control);
    const borrower = new Borrower(ints, this.control, bell, this.data.self);
    return { borrower, open: (shard) => this.openStore(shard) };
  }

  /** A reader of each thread's log, from now on. */
  openLogs(): LogReader[] {
    return this.view.regions.logs.map(({ arena, base }) => new LogReader(arena, base));
  }

  /** The arena a place lies in. */
  arena(place: Place): Arena {
    return this.arenas[place.arena] as Arena;
  }
}

/** An observer's clocks: the kernel's, where there is a libc to ask. */
function clocksOf(libc: Libc | null): Pick<ObserverParts, "nanoseconds" | "threadNanoseconds"> {
  if (libc === null) return {};
  return {
    nanoseconds: () => monotonicNanoseconds(libc),
    threadNanoseconds: () => threadNanoseconds(libc),
  };
}
