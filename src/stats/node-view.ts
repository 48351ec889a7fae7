/**
 * Node view: the whole node as any of its threads can see it in shared memory, without asking
 * another thread anything.
 *
 * Every worker builds one to answer `stats`, the primary builds one for the admin interface. It
 * only reads; what it returns is summed over threads and shards at the moment of the call.
 */

import type { Settings } from "../config/settings.ts";
import type { MemoryLayout, Place } from "../config/worker-data.ts";
import type { Arena } from "../memory/arena.ts";
import { ConnectionState, ConnectionTable, LISTENERS_MAX } from "../memory/connection-table.ts";
import { Control } from "../memory/control.ts";
import { COUNTERS_BYTES, type Counter, Counters } from "../memory/counters.ts";
import { BUCKET_COUNT } from "../memory/histogram.ts";
import { type Family, OBSERVATION_BYTES, Observation } from "../memory/observation.ts";
import { emptyGauges, ShardGauges, type StoreGauges } from "./shard-gauges.ts";

/** What a view is made of; WorkerData has all of it. */
export interface NodeParts {
  readonly settings: Settings;
  readonly layout: MemoryLayout;
  /** One per buffer of the layout. */
  readonly arenas: readonly Arena[];
  readonly threadCount: number;
  readonly epochUnix: number;
}

export class NodeView {
  readonly settings: Settings;
  readonly threadCount: number;
  readonly epochUnix: number;
  readonly control: Control;
  /** One per thread, the primary last. */
  readonly counters: readonly Counters[];
  readonly observations: readonly Observation[];
  readonly connections: readonly ConnectionTable[];
  /** One per worker. */
  readonly shards: readonly ShardGauges[];

  constructor(parts: NodeParts) {
    const { layout, threadCount } = parts;
    const arenaOf = (place: Place): Arena => parts.arenas[place.arena] as Arena;
    this.settings = parts.settings;
    this.threadCount = threadCount;
    this.epochUnix = parts.epochUnix;
    this.control = new Control(arenaOf(layout.control), layout.control.base);
    this.shards = layout.shards.map((place) => new ShardGauges(arenaOf(place), place.base));
    const threads = Array.from({ length: threadCount + 1 }, (_, thread) => thread);
    const { counters, observations } = layout;
    this.counters = threads.map(
      (i) => new Counters(arenaOf(counters), counters.base + i * COUNTERS_BYTES),
    );
    this.observations = threads.map(
      (i) => new Observation(arenaOf(observations), observations.base + i * OBSERVATION_BYTES),
    );
    this.connections = layout.connections.map(
      (place) => new ConnectionTable(arenaOf(place), place.base, layout.connectionSlots),
    );
  }

  /** The server's second. */
  now(): number {
    return this.control.now();
  }

  /** Shards that have no thread for the moment. */
  absentShards(): number[] {
    const shards = Array.from({ length: this.threadCount }, (_, shard) => shard);
    return shards.filter((shard) => this.control.isAbsent(shard));
  }

  /** A counter summed over threads, since the last `stats reset`. */
  since(counter: Counter): number {
    let sum = 0;
    for (const counters of this.counters) sum += counters.since(counter);
    return sum;
  }

  /** A counter summed over threads, since the start: what metrics want. */
  total(counter: Counter): number {
    let sum = 0;
    for (const counters of this.counters) sum += counters.value(counter);
    return sum;
  }

  /** The smallest value of a counter that is not 0, or 0: for ages each shard sets for itself. */
  least(counter: Counter): number {
    let least = 0;
    for (const counters of this.counters) {
      const value = counters.value(counter);
      if (value > 0 && (least === 0 || value < least)) least = value;
    }
    return least;
  }

  /** What all shards hold now. */
  store(): StoreGauges {
    const gauges = emptyGauges();
    const now = this.now();
    for (const shard of this.shards) shard.addTo(gauges, now);
    return gauges;
  }

  /** Latencies of one family over all threads, as merged buckets of memory/histogram.ts. */
  latency(family: Family): Float64Array {
    const merged = new Float64Array(BUCKET_COUNT);
    for (const observation of this.observations) observation.latency[family]?.addTo(merged);
    return merged;
  }

  /** The addresses the node listens on, in the order of the listeners' numbers. */
  listeners(): readonly { address: string; descriptor: number; transport: number }[] {
    const table = this.connections[this.threadCount] as ConnectionTable;
    const listeners = [];
    for (let slot = table.slotCount; slot < table.slotCount + LISTENERS_MAX; slot++) {
      if (table.state(slot) !== ConnectionState.listening) continue;
      listeners.push({
        address: table.address(slot),
        descriptor: table.descriptor(slot),
        transport: table.transport(slot),
      });
    }
    return listeners;
  }

  /** `stats reset`: everything counted so far is forgotten, gauges stay. */
  reset(): void {
    for (const counters of this.counters) counters.rebase();
    this.control.nextResetGeneration();
  }
}
