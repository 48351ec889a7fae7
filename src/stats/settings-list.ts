/**
 * `stats settings`: the settings under memcached's names, in its order and its spelling of yes, no
 * and nothing.
 */

import { type Emit, memoryLimit } from "./general.ts";
import type { NodeView } from "./node-view.ts";

const BINDING_PROTOCOLS = { auto: "auto-negotiate", ascii: "ascii", binary: "binary" } as const;

function yes(value: boolean): string {
  return value ? "yes" : "no";
}

/** `stats settings`. */
export function emitSettings(view: NodeView, emit: Emit): void {
  emitServing(view, emit);
  emitTuning(view, emit);
}

function emitServing(view: NodeView, emit: Emit): void {
  const { settings } = view;
  emit("maxbytes", memoryLimit(view));
  emit("maxconns", settings.maxConnections);
  emit("tcpport", settings.port);
  emit("udpport", settings.udpPort);
  emit("inter", settings.listenText || settings.listen[0]?.host || "NULL");
  emit("verbosity", view.control.verbosity());
  emit("oldest", 0);
  emit("evictions", settings.evictions ? "on" : "off");
  emit("domain_socket", settings.unixSocket || "NULL");
  emit("umask", settings.unixMask.toString(8));
  emit("shutdown_command", yes(settings.shutdownEnabled));
  emit("growth_factor", settings.growthFactor.toFixed(2));
  emit("chunk_size", settings.chunkBytesMin);
  emit("num_threads", view.threadCount);
  emit("num_threads_per_udp", view.threadCount);
  emit("stat_key_prefix", settings.prefixDelimiter);
  emit("detail_enabled", yes(view.control.detailEnabled()));
  emit("reqs_per_event", settings.requestsPerEvent);
  emit("cas_enabled", yes(settings.casEnabled));
  emit("tcp_backlog", settings.backlog);
  emit("binding_protocol", BINDING_PROTOCOLS[settings.protocol]);
  emit("auth_enabled_sasl", yes(settings.saslEnabled));
  emit("auth_enabled_ascii", yes(settings.authFile !== "")); // never the path: stats are no secret
  emit("item_size_max", settings.itemBytesMax);
}

function emitTuning(view: NodeView, emit: Emit): void {
  const { settings } = view;
  const { extended } = settings;
  emit("maxconns_fast", yes(extended.maxconnsFast));
  emit("hashpower_init", extended.hashpower);
  emit("slab_reassign", yes(extended.slabReassign));
  emit("slab_automove", extended.slabAutomove);
  emit("slab_automove_ratio", extended.slabAutomoveRatio.toFixed(2));
  emit("slab_automove_window", extended.slabAutomoveWindow);
  emit("slab_chunk_max", extended.slabChunkBytesMax);
  emit("lru_crawler", yes(extended.lruCrawler));
  emit("lru_crawler_sleep", extended.lruCrawlerSleepMicroseconds);
  emit("lru_crawler_tocrawl", extended.lruCrawlerToCrawl);
  emit("tail_repair_time", extended.tailRepairSeconds);
  emit("flush_enabled", yes(settings.flushEnabled));
  emit("dump_enabled", yes(settings.dumpEnabled));
  emit("hash_algorithm", extended.hashAlgorithm);
  emit("lru_maintainer_thread", yes(extended.lruMaintainer));
  emit("lru_segmented", yes(extended.lruSegmented));
  emit("hot_lru_pct", extended.hotLruPercent);
  emit("warm_lru_pct", extended.warmLruPercent);
  emit("hot_max_factor", extended.hotMaxFactor.toFixed(2));
  emit("warm_max_factor", extended.warmMaxFactor.toFixed(2));
  emit("temp_lru", yes(extended.temporaryTtl));
  emit("temporary_ttl", extended.temporaryTtlSeconds);
  emit("idle_timeout", settings.idleSeconds);
  emit("watcher_logbuf_size", extended.watcherLogBytes);
  emit("worker_logbuf_size", extended.workerLogBytes);
  emit("read_buf_mem_limit", extended.readBufferBytesMax);
  emit("track_sizes", yes(extended.trackSizes));
  emit("inline_ascii_response", "no");
  emit("num_napi_ids", settings.napiIds);
  emit("memory_file", settings.memoryFile || "(null)");
  emit("client_flags_size", 4);
}
