/**
 * Memory plan: where everything lies that threads share. Decided once, before anything is
 * allocated.
 *
 *   buffer 0  | control | counters | links | native | observations | connections | I/O | shards… |
 *
 * One buffer while all of it fits, since `copyWithin` inside one array is the cheapest copy there
 * is; else every shard gets a buffer of its own, and the rest stays in buffer 0. Memory is zero
 * pages until touched: address space is what this spends.
 */
import { availableParallelism } from "node:os";
import { assert } from "../base/assert.ts";
import { ConfigError, SystemError } from "../base/errors.ts";
import { CACHE_LINE_BYTES, compact, GIB, MIB, roundUp } from "../base/unit.ts";
import type { Settings } from "../config/settings.ts";
import type { MemoryLayout, Place, TransportKind } from "../config/worker-data.ts";
import { connectionTableBytes } from "../memory/connection-table.ts";
import { controlBytes } from "../memory/control.ts";
import { COUNTERS_BYTES } from "../memory/counters.ts";
import { ioRegionBytes } from "../memory/io-region.ts";
import { logRingBytes } from "../memory/log-ring.ts";
import { OBSERVATION_BYTES } from "../memory/observation.ts";
import { planShard, type ShardPlan } from "../memory/shard-plan.ts";
import { type SharedPages, sharePages } from "../memory/shared-pages.ts";
import { type LinkPlan, planLinks, usualRingBytes } from "../ring/link-plan.ts";
import { planNative } from "../transport/native-plan.ts";

/** A typed array on Node 20 ends here, and so do the word indexes that are computed with `>>>`. */
const ARENA_BYTES_MAX = 4 * GIB;

/** Regions begin on a page, so that no two threads' regions share one. */
const REGION_STEP_BYTES = 4096;

export interface MemoryPlan {
  readonly layout: MemoryLayout;
  /** Bytes of each buffer, in the order of `Place.arena`. */
  readonly bufferBytes: readonly number[];
  readonly shardPlan: ShardPlan;
  readonly linkPlan: LinkPlan;
}

/** Lays one region after the other into one buffer. */
class Cursor {
  readonly #arena: number;
  at = 0;

  constructor(arena: number) {
    this.#arena = arena;
  }

  take(bytes: number): Place {
    assert(bytes >= 0, "a region has a size");
    const place = { arena: this.#arena, base: compact(this.at) };
    this.at = roundUp(this.at + bytes, REGION_STEP_BYTES);
    return place;
  }

  takeEach(count: number, bytesOf: (index: number) => number): Place[] {
    return Array.from({ length: count }, (_, index) => this.take(bytesOf(index)));
  }
}

assert(REGION_STEP_BYTES % CACHE_LINE_BYTES === 0, "regions begin on a cache line");

/** Plans the memory of `settings`. Throws ConfigError when it cannot be had that way. */
export function planMemory(
  settings: Settings,
  transport: TransportKind,
  arenaBytesMax = ARENA_BYTES_MAX,
  processors = availableParallelism(),
): MemoryPlan {
  const { threads, memoryBytes, itemBytesMax, maxConnections, extended } = settings;
  const shardPlan = planShard(Math.floor(memoryBytes / threads), itemBytesMax);
  const requesters = threads + 1;
  const linkPlan = planLinks(requesters, threads, usualRingBytes(requesters, threads));
  const serving = Math.min(threads, extended.socketThreads || processors);
  const socketThreads = transport === "native" ? serving : 0;
  const nativeBytes = planNative(maxConnections).bytes;
  const ioBytes = ioRegionBytes(socketThreads, extended.readBufferBytesMax);
  // The primary serves under the node transport, and UDP under either.
  const primaryServes = transport === "node" || settings.udpListen.length > 0;
  const serves = (thread: number) =>
    thread < socketThreads || (thread === threads && primaryServes);

  const cursor = new Cursor(0);
  const common = {
    control: cursor.take(controlBytes(threads)),
    counters: cursor.take(COUNTERS_BYTES * requesters),
    links: cursor.take(linkPlan.regionBytes),
    socketThreads,
    native: cursor.takeEach(socketThreads, () => nativeBytes),
    logs: cursor.take(logRingBytes() * requesters),
    observations: cursor.take(OBSERVATION_BYTES * requesters),
    connections: cursor.takeEach(requesters, () => connectionTableBytes(maxConnections)),
    connectionSlots: maxConnections,
    io: cursor.takeEach(requesters, (thread) => (serves(thread) ? ioBytes : 0)),
  };
  if (cursor.at > arenaBytesMax) throw tooMuch(cursor.at, arenaBytesMax);

  const shardBytes = roundUp(shardPlan.regionBytes, REGION_STEP_BYTES);
  if (cursor.at + threads * shardBytes <= arenaBytesMax) {
    const shards = cursor.takeEach(threads, () => shardPlan.regionBytes);
    return { layout: { ...common, shards }, bufferBytes: [cursor.at], shardPlan, linkPlan };
  }
  const shards = Array.from({ length: threads }, (_, shard) => ({ arena: shard + 1, base: 0 }));
  const bufferBytes = [cursor.at, ...shards.map(() => shardBytes)];
  return { layout: { ...common, shards }, bufferBytes, shardPlan, linkPlan };
}

function tooMuch(bytes: number, bytesMax: number): ConfigError {
  const mib = (amount: number) => Math.ceil(amount / MIB);
  return new ConfigError(
    `buffers for so many threads and connections take ${mib(bytes)} MiB, ` +
      `and ${mib(bytesMax)} MiB is the limit: lower --threads or -c (connections)`,
    64,
  );
}

/** Allocates the buffers. Throws SystemError when the machine has not so much. */
export function allocateBuffers(bufferBytes: readonly number[]): SharedPages[] {
  return bufferBytes.map((bytes) => {
    try {
      return sharePages(bytes);
    } catch (cause) {
      const mib = Math.ceil(bytes / MIB);
      throw new SystemError(`could not reserve ${mib} MiB of memory: lower -m`, 71, { cause });
    }
  });
}
