/**
 * memcached's metrics under the names of prometheus/memcached_exporter, made by its rules from the
 * same `stats` lists, so that dashboards and alerts written for the exporter work without it
 * (test/unit/admin/metrics.test.ts has the rules).
 */
import { PROTOCOL_VERSION } from "../command/limits.ts";
import type { NodeView } from "../stats/node-view.ts";
import { renderStats } from "../stats/render.ts";
import { counter, gauge, type MetricSpec, type Sample } from "./metric.ts";

type Stats = ReadonlyMap<string, string>;

/** The lists of one scrape: rendered once, read by every metric of it. */
export class ScrapedStats {
  readonly #view: NodeView;
  readonly #lists = new Map<string, Stats>();

  constructor(view: NodeView) {
    this.#view = view;
  }

  /** To be called before each scrape. */
  refresh(): void {
    this.#lists.clear();
  }

  list(sub: string): Stats {
    let list = this.#lists.get(sub) as Map<string, string> | undefined;
    if (list === undefined) {
      list = new Map();
      const into = list;
      renderStats(this.#view, sub, "", -1, (name, value) => into.set(name, String(value)));
      this.#lists.set(sub, list);
    }
    return list;
  }

  value(sub: string, name: string): number {
    return Number(this.list(sub).get(name) ?? 0);
  }
}

/** Metric name, stat, help: the plain ones. */
const GAUGES = [
  ["current_bytes", "bytes", "Bytes used to store items."],
  ["limit_bytes", "limit_maxbytes", "Bytes this node may use for items."],
  ["current_items", "curr_items", "Items stored now."],
  ["current_connections", "curr_connections", "Open connections."],
  ["max_connections", "max_connections", "Connections allowed at once."],
  ["accepting_connections", "accepting_conns", "1 while new connections are accepted."],
  ["accepting_conns", "accepting_conns", "The same, as the exporter's own list calls it."],
  ["time_seconds", "time", "Unix time by the server's clock."],
] as const;

const COUNTERS = [
  ["uptime_seconds", "uptime", "Seconds since the server started."],
  ["items_total", "total_items", "Items stored since the start."],
  ["items_evicted_total", "evictions", "Live items removed to make room."],
  ["items_reclaimed_total", "reclaimed", "Expired items whose memory was used again."],
  ["read_bytes_total", "bytes_read", "Bytes read from the network."],
  ["written_bytes_total", "bytes_written", "Bytes sent to the network."],
  ["connections_total", "total_connections", "Connections opened since the start."],
  ["connections_rejected_total", "rejected_connections", "Connections refused: -c were open."],
  ["connections_listener_disabled_total", "listen_disabled_num", "Times the limit was hit."],
  ["connections_yielded_total", "conn_yields", "Connections put aside after -R requests."],
  ["direct_reclaims_total", "direct_reclaims", "Stores that had to reclaim or evict."],
  ["item_too_large_total", "store_too_large", "Values above -I."],
  ["item_no_memory_total", "store_no_memory", "Values that found no room."],
  ["process_user_cpu_seconds_total", "rusage_user", "Processor time in user mode."],
  ["process_system_cpu_seconds_total", "rusage_system", "Processor time in the kernel."],
] as const;

const CRAWLER_COUNTERS = [
  ["starts_total", "lru_crawler_starts", "Crawls started."],
  ["items_checked_total", "crawler_items_checked", "Items looked at by the sweep."],
  ["reclaimed_total", "crawler_reclaimed", "Items reclaimed by the sweep."],
  ["moves_to_cold_total", "moves_to_cold", "Items moved to a cold queue."],
  ["moves_to_warm_total", "moves_to_warm", "Items promoted to the main queue."],
  ["moves_within_lru_total", "moves_within_lru", "Items moved within their queue."],
] as const;

const CRAWLER_SETTINGS = [
  ["enabled", "lru_crawler", "1 while the sweep is on."],
  ["sleep", "lru_crawler_sleep", "Microseconds between items (no effect)."],
  ["to_crawl", "lru_crawler_tocrawl", "Items a crawl looks at (no effect)."],
  ["maintainer_thread", "lru_maintainer_thread", "1 with a maintainer."],
  ["hot_percent", "hot_lru_pct", "hot_lru_pct (no effect)."],
  ["warm_percent", "warm_lru_pct", "warm_lru_pct (no effect)."],
  ["hot_max_factor", "hot_max_factor", "hot_max_factor (no effect)."],
  ["warm_max_factor", "warm_max_factor", "warm_max_factor (no effect)."],
] as const;

const SLAB_GAUGES = [
  ["chunk_size_bytes", "chunk_size", "Mean bytes of an item of the queue."],
  ["chunks_per_page", "chunks_per_page", "Such items in one slab."],
  ["current_pages", "total_pages", "Slabs of the queue."],
  ["current_chunks", "total_chunks", "Such items its slabs have room for."],
  ["chunks_used", "used_chunks", "Items in the queue."],
  ["chunks_free", "free_chunks", "More such items its slabs have room for."],
  ["chunks_free_end", "free_chunks_end", "Always 0."],
] as const;

const ITEM_GAUGES = [
  ["mem_requested_bytes", "mem_requested", "Bytes of the queue's items."],
  ["current_items", "number", "Items in the queue."],
  ["hot_items", "number_hot", "Always 0: a queue is evicted from its end."],
  ["warm_items", "number_warm", "Always 0."],
  ["cold_items", "number_cold", "Items in the queue."],
  ["temporary_items", "number_temp", "Always 0; only with -o temporary_ttl."],
  ["hot_age_seconds", "age_hot", "Always 0."],
  ["warm_age_seconds", "age_warm", "Always 0."],
  ["items_age_seconds", "age", "Age of the queue's oldest slab."],
  [
    "items_evicted_time_seconds",
    "evicted_time",
    "Seconds since last use of the item evicted last.",
  ],
] as const;

const ITEM_COUNTERS = [
  ["items_crawler_reclaimed_total", "crawler_reclaimed", "Items reclaimed by the sweep."],
  ["items_evicted_total", "evicted", "Live items removed to make room."],
  ["items_evicted_nonzero_total", "evicted_nonzero", "Of them, those with a TTL."],
  ["items_evicted_unfetched_total", "evicted_unfetched", "Of them, those never read."],
  ["items_expired_unfetched_total", "expired_unfetched", "Expired items never read."],
  ["items_outofmemory_total", "outofmemory", "Stores that found no room."],
  ["items_reclaimed_total", "reclaimed", "Expired items whose memory was used again."],
  ["items_tailrepairs_total", "tailrepairs", "Always 0."],
  ["items_moves_to_cold", "moves_to_cold", "Always 0."],
  ["items_moves_to_warm", "moves_to_warm", "Items promoted to the main queue."],
  ["items_moves_within_lru", "moves_within_lru", "Always 0."],
] as const;

/** Commands that hit or miss, in the exporter's order. */
const COMMANDS = ["get", "delete", "incr", "decr", "cas", "touch"] as const;
const SLABS = ["1", "2", "3"] as const;
/** What a stat calls an LRU, and the exporter's label. */
const LRUS = [
  ["hot", "hot"],
  ["warm", "warm"],
  ["cold", "cold"],
  ["temp", "temporary"],
] as const;

/** All of memcached_exporter's metrics for `stats`. */
export function memcachedMetrics(stats: ScrapedStats): MetricSpec[] {
  const general = (name: string): number => stats.value("", name);
  const setting = (name: string): number => {
    const text = stats.list("settings").get(name) ?? "";
    return text === "yes" || text === "on" ? 1 : text === "no" || text === "off" ? 0 : Number(text);
  };
  const of = (name: string): string => `memcached_${name}`;
  return [
    gauge(of("up"), "1: the node answers.", () => 1),
    gauge(of("version"), "The protocol version.", () => [
      { labels: { version: PROTOCOL_VERSION }, value: 1 },
    ]),
    ...GAUGES.map(([name, stat, help]) => gauge(of(name), help, () => general(stat))),
    ...COUNTERS.map(([name, stat, help]) => counter(of(name), help, () => general(stat))),
    gauge(of("malloced_bytes"), "Bytes of slabs in use.", () =>
      stats.value("slabs", "total_malloced"),
    ),
    counter(of("commands_total"), "Requests by command and outcome.", () => commands(stats)),
    ...CRAWLER_COUNTERS.map(([name, stat, help]) =>
      counter(of(`lru_crawler_${name}`), help, () => general(stat)),
    ),
    ...CRAWLER_SETTINGS.map(([name, stat, help]) =>
      gauge(of(`lru_crawler_${name}`), help, () => setting(stat)),
    ),
    ...slabMetrics(stats),
  ];
}

/** The exporter takes cas out of set, because memcached counts it in cmd_set. */
function commands(stats: ScrapedStats): Sample[] {
  const value = (name: string): number => stats.value("", name);
  const samples: Sample[] = [];
  for (const command of COMMANDS) {
    const hits = { labels: { command, status: "hit" }, value: value(`${command}_hits`) };
    const misses = { labels: { command, status: "miss" }, value: value(`${command}_misses`) };
    samples.push(hits, misses);
  }
  const cas = value("cas_misses") + value("cas_hits") + value("cas_badval");
  samples.push(
    { labels: { command: "cas", status: "badval" }, value: value("cas_badval") },
    { labels: { command: "set", status: "hit" }, value: Math.max(0, value("cmd_set") - cas) },
    { labels: { command: "flush", status: "hit" }, value: value("cmd_flush") },
  );
  return samples;
}

function slabMetrics(stats: ScrapedStats): MetricSpec[] {
  const each = (sub: "slabs" | "items", stat: string) => (): Sample[] => {
    const list = stats.list(sub);
    const samples: Sample[] = [];
    for (const slab of SLABS) {
      const name = sub === "slabs" ? `${slab}:${stat}` : `items:${slab}:${stat}`;
      const value = list.get(name);
      if (value !== undefined) samples.push({ labels: { slab }, value: Number(value) });
    }
    return samples;
  };
  const of = (name: string): string => `memcached_slab_${name}`;
  return [
    ...SLAB_GAUGES.map(([name, stat, help]) => gauge(of(name), help, each("slabs", stat))),
    ...ITEM_GAUGES.map(([name, stat, help]) => gauge(of(name), help, each("items", stat))),
    ...ITEM_COUNTERS.map(([name, stat, help]) => counter(of(name), help, each("items", stat))),
    counter(of("commands_total"), "Requests by queue, command and outcome.", () =>
      slabCommands(stats),
    ),
    counter(of("lru_hits_total"), "Hits by queue and LRU.", () => lruHits(stats)),
  ];
}

function slabCommands(stats: ScrapedStats): Sample[] {
  const list = stats.list("slabs");
  const samples: Sample[] = [];
  for (const slab of SLABS) {
    const value = (name: string): number => Number(list.get(`${slab}:${name}`) ?? 0);
    if (!list.has(`${slab}:get_hits`)) continue;
    for (const command of COMMANDS) {
      const labels = { slab, command, status: "hit" };
      samples.push({ labels, value: value(`${command}_hits`) });
    }
    const sets = Math.max(0, value("cmd_set") - value("cas_hits") - value("cas_badval"));
    samples.push(
      { labels: { slab, command: "cas", status: "badval" }, value: value("cas_badval") },
      { labels: { slab, command: "set", status: "hit" }, value: sets },
    );
  }
  return samples;
}

function lruHits(stats: ScrapedStats): Sample[] {
  const list = stats.list("items");
  const samples: Sample[] = [];
  for (const slab of SLABS) {
    for (const [stat, lru] of LRUS) {
      const value = list.get(`items:${slab}:hits_to_${stat}`);
      if (value !== undefined) samples.push({ labels: { slab, lru }, value: Number(value) });
    }
  }
  return samples;
}
