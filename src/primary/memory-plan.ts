/**
 * Memory plan: from settings to the facts that the node's layout is made of (memory/node-layout.ts).
 * Decided once, before anything is allocated.
 */
import { availableParallelism } from "node:os";
import { SystemError } from "../base/errors.ts";
import { GIB, MIB } from "../base/unit.ts";
import { listsNodes } from "../config/cluster-options.ts";
import type { Settings } from "../config/settings.ts";
import { ioRegionBytes } from "../memory/io-region.ts";
import { layOut, type NodeLayout } from "../memory/node-layout.ts";
import { planShard, type ShardPlan } from "../memory/shard-plan.ts";
import { type SharedPages, sharePages } from "../memory/shared-pages.ts";
import { planLinks, usualRingBytes } from "../ring/link-plan.ts";
import { planNative } from "../transport/native-plan.ts";
import type { TransportKind } from "../worker/messages.ts";

/** A typed array on Node 20 ends here, and so do the word indexes that are computed with `>>>`. */
const ARENA_BYTES_MAX = 4 * GIB;

export interface MemoryPlan {
  readonly layout: NodeLayout;
  /** Bytes of each buffer, in the order of `Place.arena`. */
  readonly bufferBytes: readonly number[];
  readonly shardPlan: ShardPlan;
}

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
  const serving = Math.min(threads, extended.socketThreads || processors);
  const socketThreads = transport === "native" ? serving : 0;
  const facts = {
    threads,
    shardCount: threads,
    socketThreads,
    // The primary serves under the node transport, and UDP under either.
    primaryServes: transport === "node" || settings.udpListen.length > 0,
    listsNodes: listsNodes(settings),
    connectionSlots: maxConnections,
    linkBytes: planLinks(requesters, threads, usualRingBytes(requesters, threads)).regionBytes,
    nativeBytes: planNative(maxConnections).bytes,
    ioBytes: ioRegionBytes(socketThreads, extended.readBufferBytesMax),
    shardBytes: shardPlan.regionBytes,
  };
  return { ...layOut(facts, arenaBytesMax), shardPlan };
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
