/**
 * I/O region: the memory in which one thread's sockets are read and written.
 *
 *   base      + RECEIVE_BYTES       + SCRATCH_BYTES            + poolBytes
 *    | receive |  scratch            |  blocks                  |
 *
 *   receive   where the kernel puts what it read; valid until the next socket is read
 *   scratch   where the replies of the connection being served are written, then sent at once
 *   blocks    what must outlive a turn: half a request, replies a slow reader has not taken (memory/block-pool.ts)
 *
 * Why in shared memory: the copies between it and the slabs stay inside one array, and its address
 * never moves. Only its thread touches it.
 */
import { KIB, MIB, powerOfTwoAtMost } from "../base/unit.ts";
import { SLAB_ITEM_BYTES_MAX } from "./shard-plan.ts";

export const RECEIVE_BYTES = 64 * KIB;
/** Holds the largest reply that is copied: the largest item of a slab, its head and its tail. */
export const SCRATCH_BYTES = 2 * SLAB_ITEM_BYTES_MAX;
const POOL_BYTES_MIN = 32 * MIB;
const POOL_BYTES_MAX = 256 * MIB;
const POOLS_BYTES_MAX = 512 * MIB;

/**
 * Bytes of each thread's blocks when `threads` workers serve sockets, or none: then the primary
 * does. `limitBytes` 0 is "as we think best".
 */
export function poolBytes(threads: number, limitBytes: number): number {
  const share = Math.floor((limitBytes || POOLS_BYTES_MAX) / Math.max(1, threads));
  return powerOfTwoAtMost(Math.min(POOL_BYTES_MAX, Math.max(POOL_BYTES_MIN, share)));
}

/** Bytes of one thread's whole region. */
export function ioRegionBytes(threads: number, limitBytes: number): number {
  return RECEIVE_BYTES + SCRATCH_BYTES + poolBytes(threads, limitBytes);
}
