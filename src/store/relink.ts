/**
 * Relinking: rebuilds the lists of slabs (queues, free list, orphans) from the slab table's lines.
 * A part of recovery.
 *
 * A slab keeps its place when something in it lives, when it is the first of a large item that
 * lives, or of one that a reader still holds; the further slabs of such items are found by their
 * chain. Everything else is free, uploads included: what was half received when the owner died is
 * gone, and its sender is told so.
 */
import { Clock } from "../base/clock.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import { NO_SLAB, Queue } from "../memory/slab-table.ts";
import { ChainTails } from "./chain-tails.ts";
import { SlabAllocator } from "./slab-allocator.ts";

/** No slab is opened here, so nobody asks the time. */
const STILL = new Clock(0);

/** Rebuilds all lists and their counts. Live bytes and items of every slab are exact already. */
export function relinkSlabs(memory: ShardMemory): void {
  const { header, slabs } = memory;
  const kept = new Uint8Array(slabs.count);
  const tails = new ChainTails(memory);
  endUploads(memory);
  countLeases(memory);
  for (let slab = 0; slab < slabs.count; slab++) {
    if (slabs.queue(slab) === Queue.tails) slabs.setPartsTaken(slab, 0);
  }
  const open = [NO_SLAB, header.open(Queue.small), header.open(Queue.main)];
  const ajar = [NO_SLAB, header.ajar(Queue.small), header.ajar(Queue.main)];
  for (let queue: number = Queue.free; queue <= Queue.largeMain; queue++) {
    header.setOldest(queue as Queue, NO_SLAB);
    header.setNewest(queue as Queue, NO_SLAB);
    header.setOpen(queue as Queue, NO_SLAB);
    header.setAjar(queue as Queue, NO_SLAB);
    header.setSlabs(queue as Queue, 0);
  }
  header.setFreeSlabs(0);
  header.setOrphanSlabs(0);

  const inOrder: number[] = [];
  for (let slab = 0; slab < slabs.count; slab++) {
    const queue = slabs.queue(slab);
    const listed = queue !== Queue.free && queue <= Queue.largeMain;
    if (listed && slabs.items(slab) > 0) inOrder.push(slab);
    else if (queue !== Queue.free && queue !== Queue.chain && slabs.leases(slab) > 0) {
      slabs.setQueue(slab, Queue.orphan);
      header.setOrphanSlabs(header.orphanSlabs() + keepChain(memory, tails, slab, kept));
    }
  }
  inOrder.sort((a, b) => (slabs.sequence(a) - slabs.sequence(b)) | 0);
  const allocator = new SlabAllocator(memory, STILL);
  for (const slab of inOrder) {
    const queue = slabs.queue(slab);
    const sequence = slabs.sequence(slab);
    allocator.link(slab, queue);
    slabs.setSequence(slab, sequence);
    header.setSlabs(queue, header.slabs(queue) + keepChain(memory, tails, slab, kept));
    if (queue > Queue.main) continue;
    if (open[queue] === slab) header.setOpen(queue, slab);
    else if (ajar[queue] === slab) header.setAjar(queue, slab);
  }
  for (let slab = slabs.count - 1; slab >= 0; slab--) {
    if (kept[slab] === 0) allocator.free(slab);
  }
}

function endUploads(memory: ShardMemory): void {
  for (let index = 0; index < memory.uploads.count; index++) {
    memory.uploads.setFirst(index, NO_SLAB);
  }
  memory.header.setUploadSlabs(0);
  memory.header.noteRoom();
}

function countLeases(memory: ShardMemory): void {
  const { leases, slabs } = memory;
  for (let slab = 0; slab < slabs.count; slab++) slabs.setLeases(slab, 0);
  for (let index = 0; index < leases.count; index++) {
    const slab = leases.slab(index);
    if (slab !== NO_SLAB) slabs.setLeases(slab, slabs.leases(slab) + 1);
  }
}

/** Keeps a slab, the rest of its chain and its tail; how many slabs are its own. */
function keepChain(
  memory: ShardMemory,
  tails: ChainTails,
  first: number,
  kept: Uint8Array,
): number {
  let slabs = 0;
  for (let slab = first; slab !== NO_SLAB; slab = memory.slabs.chainNext(slab)) {
    kept[slab] = 1;
    if (memory.slabs.queue(slab) === Queue.tails) tails.mark(first, slab);
    else slabs++;
  }
  return slabs;
}
