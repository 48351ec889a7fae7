/**
 * The general list of `stats`: memcached's names in memcached's order
 * (docs/protocol-support.md has the table of what each means here). What has no counterpart in a
 * slab log, such as page moves between classes, is 0.
 */
import { KIB } from "../base/unit.ts";
import { PROTOCOL_VERSION } from "../command/limits.ts";
import { Counter } from "../memory/counters.ts";
import type { NodeView } from "./node-view.ts";
import { bytesOf, itemsOf } from "./shard-gauges.ts";

/** What a worker reads into, and what it writes replies into. */
const READ_BUFFER_BYTES = 64 * KIB;
const REPLY_BUFFER_BYTES = 1024 * KIB;

/** Takes one line of a stats list. */
export type Emit = (name: string, value: string | number) => void;

/** CPU time as memcached prints it: seconds with six decimals. */
function cpuSeconds(microseconds: number): string {
  return (microseconds / 1e6).toFixed(6);
}

/** memcached's hash power is the log2 of its buckets, which hold an item each; ours hold 8. */
function hashPower(view: NodeView): number {
  let room = 0;
  for (const shard of view.shards) room += shard.indexRoom();
  return room === 0 ? 0 : Math.floor(Math.log2(room));
}

/** `stats` without an argument. */
export function emitGeneral(view: NodeView, emit: Emit): void {
  emitProcess(view, emit);
  emitConnections(view, emit);
  emitCommands(view, emit);
  emitThreads(view, emit);
  emitItems(view, emit);
}

function emitProcess(view: NodeView, emit: Emit): void {
  const usage = process.resourceUsage();
  emit("pid", process.pid);
  emit("uptime", view.uptime());
  emit("time", view.epochUnix + view.now());
  emit("version", PROTOCOL_VERSION);
  emit("libevent", process.versions.uv ?? "none");
  emit("pointer_size", 64);
  emit("rusage_user", cpuSeconds(usage.userCPUTime));
  emit("rusage_system", cpuSeconds(usage.systemCPUTime));
}

function emitConnections(view: NodeView, emit: Emit): void {
  const open = view.control.openConnections();
  const listeners = view.listeners().length;
  const receivers = view.threadCount;
  emit("max_connections", view.settings.maxConnections);
  emit("curr_connections", open);
  const opened = view.since(Counter.connectionsOpened) + view.since(Counter.listenersOpened);
  emit("total_connections", opened);
  if (view.settings.extended.maxconnsFast) {
    emit("rejected_connections", view.since(Counter.rejectedConnections));
  }
  emit("connection_structures", open + listeners);
  emit("response_obj_oom", 0);
  emit("response_obj_count", receivers);
  emit("response_obj_bytes", receivers * REPLY_BUFFER_BYTES);
  emit("read_buf_count", receivers);
  emit("read_buf_bytes", receivers * READ_BUFFER_BYTES);
  emit("read_buf_bytes_free", 0);
  emit("read_buf_oom", view.since(Counter.readBufOom));
  emit("reserved_fds", 5 * (view.threadCount + 1));
}

const COMMANDS: readonly (readonly [string, Counter])[] = [
  ["cmd_get", Counter.cmdGet],
  ["cmd_set", Counter.cmdSet],
  ["cmd_flush", Counter.cmdFlush],
  ["cmd_touch", Counter.cmdTouch],
  ["cmd_meta", Counter.cmdMeta],
  ["get_hits", Counter.getHits],
  ["get_misses", Counter.getMisses],
  ["get_expired", Counter.getExpired],
  ["get_flushed", Counter.getFlushed],
  ["delete_misses", Counter.deleteMisses],
  ["delete_hits", Counter.deleteHits],
  ["incr_misses", Counter.incrMisses],
  ["incr_hits", Counter.incrHits],
  ["decr_misses", Counter.decrMisses],
  ["decr_hits", Counter.decrHits],
  ["cas_misses", Counter.casMisses],
  ["cas_hits", Counter.casHits],
  ["cas_badval", Counter.casBadval],
  ["touch_hits", Counter.touchHits],
  ["touch_misses", Counter.touchMisses],
  ["store_too_large", Counter.storeTooLarge],
  ["store_no_memory", Counter.storeNoMemory],
  ["auth_cmds", Counter.authCmds],
  ["auth_errors", Counter.authErrors],
];

function emitCommands(view: NodeView, emit: Emit): void {
  for (const [name, counter] of COMMANDS) emit(name, view.since(counter));
  if (view.settings.idleSeconds > 0) emit("idle_kicks", view.since(Counter.idleKicks));
  emit("bytes_read", view.since(Counter.bytesRead));
  emit("bytes_written", view.since(Counter.bytesWritten));
}

/** The item memory a client may have changed with cache_memlimit, in bytes. */
export function memoryLimit(view: NodeView): number {
  const mib = view.control.memlimitMib();
  return mib > 0 ? mib * 1024 * KIB : view.settings.memoryBytes;
}

function emitThreads(view: NodeView, emit: Emit): void {
  const { settings } = view;
  const full = view.control.openConnections() >= settings.maxConnections;
  emit("limit_maxbytes", memoryLimit(view));
  emit("accepting_conns", full && !settings.extended.maxconnsFast ? 0 : 1);
  emit("listen_disabled_num", view.since(Counter.listenDisabled));
  emit("time_in_listen_disabled_us", view.since(Counter.listenDisabledMicroseconds));
  emit("threads", view.threadCount);
  emit("conn_yields", view.since(Counter.connYields));
  emit("hash_power_level", hashPower(view));
  emit("hash_bytes", view.store().indexBytes);
  emit("hash_is_expanding", 0);
  if (settings.extended.slabReassign) {
    emit("slab_reassign_rescues", 0);
    emit("slab_reassign_chunk_rescues", 0);
    emit("slab_reassign_inline_reclaim", 0);
    emit("slab_reassign_busy_items", 0);
    emit("slab_reassign_busy_deletes", 0);
    emit("slab_reassign_busy_nomem", 0);
    emit("slab_reassign_last_busy_status", "none");
    emit("slab_reassign_running", 0);
    emit("slabs_moved", view.since(Counter.compactions));
  }
  if (settings.extended.lruCrawler) {
    emit("lru_crawler_running", 0);
    emit("lru_crawler_starts", 0);
  }
  if (settings.extended.lruMaintainer) emit("lru_maintainer_juggles", 0);
  emit("malloc_fails", 0);
  emit("log_worker_dropped", 0);
  emit("log_worker_written", 0);
  emit("log_watcher_skipped", 0);
  emit("log_watcher_sent", 0);
  emit("log_watchers", view.control.watchers());
  emit("unexpected_napi_ids", 0);
  emit("round_robin_fallback", 0);
}

function emitItems(view: NodeView, emit: Emit): void {
  const store = view.store();
  const { lruSegmented } = view.settings.extended;
  emit("bytes", bytesOf(store));
  emit("curr_items", itemsOf(store));
  emit("total_items", view.since(Counter.totalItems));
  emit("slab_global_page_pool", store.slabsFree);
  emit("expired_unfetched", view.since(Counter.expiredUnfetched));
  emit("evicted_unfetched", view.since(Counter.evictedUnfetched));
  if (lruSegmented) emit("evicted_active", view.since(Counter.evictedActive));
  emit("evictions", view.since(Counter.evictions));
  emit("reclaimed", view.since(Counter.reclaimed));
  emit("crawler_reclaimed", view.since(Counter.crawlerReclaimed));
  emit("crawler_items_checked", view.since(Counter.crawlerItemsChecked));
  emit("lrutail_reflocked", 0);
  if (!lruSegmented) return;
  emit("moves_to_cold", 0);
  emit("moves_to_warm", view.since(Counter.promotions));
  emit("moves_within_lru", 0);
  emit("direct_reclaims", view.since(Counter.directReclaims));
  emit("lru_bumps_dropped", 0);
}
