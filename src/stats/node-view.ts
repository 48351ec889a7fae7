/**
 * Node view: the whole node as any of its threads can see it in shared memory, without asking
 * another thread anything.
 *
 * Every worker builds one to answer `stats`, the primary builds one for the admin interface. It
 * only reads; what it returns is summed over threads and shards at the moment of the call.
 */

import { SERVER_SECONDS_START } from "../base/unit.ts";
import type { Settings } from "../config/settings.ts";
import type { Arena } from "../memory/arena.ts";
import {
  ConnectionState,
  type ConnectionTable,
  LISTENERS_MAX,
} from "../memory/connection-table.ts";
import type { Control } from "../memory/control.ts";
import type { Counter, Counters } from "../memory/counters.ts";
import { BUCKET_COUNT } from "../memory/histogram.ts";
import { type NodeLayout, type NodeMemory, viewNode } from "../memory/node-layout.ts";
import type { Family, Observation } from "../memory/observation.ts";
import { emptyGauges, ShardGauges, type StoreGauges } from "./shard-gauges.ts";

/** What a view is made of; WorkerData has all of it. */
export interface NodeParts {
  readonly settings: Settings;
  readonly layout: NodeLayout;
  /** One per buffer of the layout. */
  readonly arenas: readonly Arena[];
}

export class NodeView {
  readonly settings: Settings;
  readonly threadCount: number;
  readonly epochUnix: number;
  /** Views over all of it. */
  readonly regions: NodeMemory;
  readonly control: Control;
  /** One per thread, the primary last. */
  readonly counters: readonly Counters[];
  readonly observations: readonly Observation[];
  readonly connections: readonly ConnectionTable[];
  /** One per worker. */
  readonly shards: readonly ShardGauges[];

  constructor(parts: NodeParts) {
    const regions = viewNode(parts.layout, parts.arenas);
    this.settings = parts.settings;
    this.regions = regions;
    this.threadCount = parts.layout.threads;
    this.epochUnix = regions.node.epochUnix();
    this.control = regions.control;
    this.counters = regions.counters;
    this.observations = regions.observations;
    this.connections = regions.connections;
    this.shards = regions.shards.map((shard) => new ShardGauges(shard));
  }

  /** Seconds since this process began to serve. */
  uptime(): number {
    return this.now() - this.regions.node.firstSecond() + SERVER_SECONDS_START;
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
