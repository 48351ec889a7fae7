/**
 * Memory truth: where the process's memory is, in parts that add up to what the operating system
 * says (RSS).
 *
 *   | items | dead | free slabs | index | ghost | heap | other |        all of it = RSS
 *
 * Shared memory counts when it has been touched: slabs never used, and index never grown into, cost
 * nothing yet. `other` is what remains: program code, the workers' heaps, connection blocks, rings,
 * room in slabs that were used before.
 */
import { readFileSync } from "node:fs";
import { getHeapStatistics } from "node:v8";
import { bytesOf, type StoreGauges } from "../stats/shard-gauges.ts";
import type { MemoryFrame } from "./frame.ts";

const CGROUP_FILES = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
/** Above this a cgroup's limit means "none". */
const CGROUP_LIMIT_MAX = 2 ** 50;

/** What the container may use; 0 when nothing limits it. */
export function cgroupLimit(): number {
  for (const file of CGROUP_FILES) {
    try {
      const limit = Number(readFileSync(file, "latin1"));
      if (limit > 0 && limit < CGROUP_LIMIT_MAX) return limit;
    } catch {
      // No such file: this machine has the other cgroup version, or none.
    }
  }
  return 0;
}

let residentSeen = 0;

/**
 * Resident memory of the process. Node opens a file for it, so out of descriptors it is what it was
 * when there was one.
 */
export function residentBytes(): number {
  try {
    residentSeen = process.memoryUsage.rss();
  } catch {
    // EMFILE or ENFILE: what was seen last is near enough.
  }
  return residentSeen;
}

/** The parts of memory now. */
export function memoryFrame(store: StoreGauges, limit: number, cgroup: number): MemoryFrame {
  const rss = residentBytes();
  const { total_heap_size: heap } = getHeapStatistics();
  const items = bytesOf(store);
  let written = 0;
  for (const queue of store.queues) written += queue.writtenBytes;
  const parts = {
    items,
    dead: Math.max(0, written - items),
    free: store.slabsReused * store.slabBytes,
    index: store.indexBytes,
    ghost: store.ghostBytes,
    heap,
  };
  const known = Object.values(parts).reduce((sum, bytes) => sum + bytes, 0);
  return { ...parts, limit, rss, other: Math.max(0, rss - known), cgroupLimit: cgroup };
}
