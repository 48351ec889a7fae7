/**
 * `stats items` and `stats slabs`: one class per queue, since there are no slab classes: 1 small, 2
 * main, 3 large.
 *
 * Both are read by memcached-tool, memcached_exporter and many dashboards, so every name is there:
 *  - chunk_size is the mean size of the queue's items, rounded up to 8, so that used_chunks is the
 *    number of items and free_chunks tells how many more would fit into the slabs the queue has;
 *  - a queue is a FIFO that is evicted from its end, so its items count as cold;
 *  - what owners count (evictions, expiries, want of room) stands under the queue it happened to;
 *  - what connections count (hits, sets) is not told apart by queue: that would cost every request.
 *    It stands under the first class there is, so that the classes add up.
 */
import { Counter, EVICTED_TIMES, SPLITS, type Split } from "../memory/counters.ts";
import type { Emit } from "./general.ts";
import type { NodeView } from "./node-view.ts";
import { QUEUE_CLASSES, type QueueClass, type QueueGauges } from "./shard-gauges.ts";

/** The classes of `queues` that hold a slab, in order. */
function used(queues: readonly QueueGauges[]): QueueClass[] {
  return QUEUE_CLASSES.filter((id) => (queues[id - 1]?.slabs ?? 0) > 0);
}

/** `stats items`: nothing at all when the cache is empty. */
export function emitItemClasses(view: NodeView, emit: Emit): void {
  const { queues } = view.store();
  const classes = QUEUE_CLASSES.filter((id) => (queues[id - 1]?.items ?? 0) > 0);
  const [first] = classes;
  for (const id of classes) {
    const gauges = queues[id - 1] as QueueGauges;
    emitItemClass(view, id, gauges, id === first, (name, value) => {
      emit(`items:${id}:${name}`, value);
    });
  }
}

function emitItemClass(
  view: NodeView,
  id: QueueClass,
  gauges: QueueGauges,
  isFirst: boolean,
  emit: Emit,
): void {
  const whole = (counter: Counter): number => (isFirst ? view.since(counter) : 0);
  const owned = (split: Split): number => ofQueue(view, id, split);
  const { lruSegmented, temporaryTtl } = view.settings.extended;
  emit("number", gauges.items);
  if (lruSegmented) {
    emit("number_hot", 0);
    emit("number_warm", 0);
    emit("number_cold", gauges.items);
    if (temporaryTtl) emit("number_temp", 0);
    emit("age_hot", 0);
    emit("age_warm", 0);
  }
  emit("age", gauges.ageSeconds);
  emit("mem_requested", gauges.bytes);
  emit("evicted", owned(SPLITS.evictions));
  emit("evicted_nonzero", owned(SPLITS.evictedNonzero));
  emit("evicted_time", view.least(EVICTED_TIMES[id - 1] as Counter));
  emit("outofmemory", owned(SPLITS.outOfMemory));
  emit("tailrepairs", 0);
  emit("reclaimed", owned(SPLITS.reclaimed));
  emit("expired_unfetched", owned(SPLITS.expiredUnfetched));
  emit("evicted_unfetched", owned(SPLITS.evictedUnfetched));
  if (lruSegmented) emit("evicted_active", owned(SPLITS.evictedActive));
  emit("crawler_reclaimed", owned(SPLITS.crawlerReclaimed));
  emit("crawler_items_checked", owned(SPLITS.crawlerItemsChecked));
  emit("lrutail_reflocked", 0);
  if (!lruSegmented) return;
  emit("moves_to_cold", 0);
  emit("moves_to_warm", whole(Counter.promotions));
  emit("moves_within_lru", 0);
  emit("direct_reclaims", whole(Counter.directReclaims));
  emit("hits_to_hot", 0);
  emit("hits_to_warm", 0);
  emit("hits_to_cold", whole(Counter.getHits));
  emit("hits_to_temp", 0);
}

const SLAB_COUNTERS: readonly (readonly [string, Counter])[] = [
  ["get_hits", Counter.getHits],
  ["cmd_set", Counter.cmdSet],
  ["delete_hits", Counter.deleteHits],
  ["incr_hits", Counter.incrHits],
  ["decr_hits", Counter.decrHits],
  ["cas_hits", Counter.casHits],
  ["cas_badval", Counter.casBadval],
  ["touch_hits", Counter.touchHits],
];

/** A queue's part of a counter its owner keeps by queue. */
function ofQueue(view: NodeView, id: QueueClass, [all, main, large]: Split): number {
  if (id === 2) return view.since(main);
  if (id === 3) return view.since(large);
  return Math.max(0, view.since(all) - view.since(main) - view.since(large));
}

/** The size of a chunk as tools are told it: the mean item of the queue. */
function chunkBytes(gauges: QueueGauges): number {
  return gauges.items === 0 ? 8 : Math.ceil(gauges.bytes / gauges.items / 8) * 8;
}

/** `stats slabs`. */
export function emitSlabClasses(view: NodeView, emit: Emit): void {
  const { queues, slabBytes } = view.store();
  const classes = used(queues);
  let slabs = 0;
  for (const id of classes) {
    const gauges = queues[id - 1] as QueueGauges;
    const chunk = chunkBytes(gauges);
    const perPage = Math.max(1, Math.floor(slabBytes / chunk));
    const chunks = Math.max(gauges.items, perPage * gauges.slabs);
    slabs += gauges.slabs;
    emit(`${id}:chunk_size`, chunk);
    emit(`${id}:chunks_per_page`, perPage);
    emit(`${id}:total_pages`, gauges.slabs);
    emit(`${id}:total_chunks`, chunks);
    emit(`${id}:used_chunks`, gauges.items);
    emit(`${id}:free_chunks`, chunks - gauges.items);
    emit(`${id}:free_chunks_end`, 0);
    for (const [name, counter] of SLAB_COUNTERS) {
      emit(`${id}:${name}`, id === classes[0] ? view.since(counter) : 0);
    }
  }
  emit("active_slabs", classes.length);
  emit("total_malloced", slabs * slabBytes);
}
