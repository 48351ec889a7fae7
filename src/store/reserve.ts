/**
 * Reserve: makes the free slab that survivors are copied to available again, after an owner died
 * with it in use. A part of recovery.
 *
 *   dead in the middle of      slab A: half its survivors still there      slab B, the reserve: the other half
 *   then                       neither is free, and the next eviction would find no slab to copy to
 *
 * So the slab with the least that lives is emptied into the slabs that are open, of whichever
 * queue. That is A, or one with less in it than A. What lives there always fits: B holds nothing
 * but items of A's, so what is left in A fits the rest of B, once a copy that was not finished is
 * taken off its end (store/recovery.ts). Nothing is lost but in a shard whose bytes are damaged.
 */
import type { ShardMemory } from "../memory/shard-memory.ts";
import { RESERVE_SLABS } from "../memory/shard-plan.ts";
import { NO_SLAB, Queue } from "../memory/slab-table.ts";
import type { Evictor } from "./evictor.ts";
import type { SlabAllocator } from "./slab-allocator.ts";

/** Frees slabs until the reserve is there. The number of items dropped. */
export function restoreReserve(
  memory: ShardMemory,
  allocator: SlabAllocator,
  evictor: Evictor,
): number {
  const { header } = memory;
  const entries = header.entries();
  while (header.freeSlabs() < RESERVE_SLABS) {
    const slab = emptiest(memory, allocator);
    if (slab === NO_SLAB) break;
    evictor.compactWithoutReserve(slab);
  }
  return entries - header.entries();
}

/** The slab with the least that lives, of those of several items to which nothing is appended. */
function emptiest({ slabs }: ShardMemory, allocator: SlabAllocator): number {
  let found = NO_SLAB;
  for (let slab = 0; slab < slabs.count; slab++) {
    const queue = slabs.queue(slab);
    if (queue !== Queue.small && queue !== Queue.main) continue;
    if (allocator.isAppendable(slab, queue)) continue;
    if (found === NO_SLAB || slabs.liveBytes(slab) < slabs.liveBytes(found)) found = slab;
  }
  return found;
}
