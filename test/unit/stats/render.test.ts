import { describe, expect, test } from "vitest";
import { EXTENDED_DEFAULTS } from "../../../src/config/settings.ts";
import type { Arena } from "../../../src/memory/arena.ts";
import {
  ConnectionState,
  ConnectionTransport,
  connectionTransport,
} from "../../../src/memory/connection-table.ts";
import { Counter, SPLITS } from "../../../src/memory/counters.ts";
import { Family } from "../../../src/memory/observation.ts";
import { ShardHeader } from "../../../src/memory/shard-header.ts";
import { Queue, SlabTable } from "../../../src/memory/slab-table.ts";
import { binaryStatsWords, StatsOutcome } from "../../../src/stats/render.ts";
import type { ShardGauges } from "../../../src/stats/shard-gauges.ts";
import { type ObservedNode, observedNode, statsOf } from "../../support/observed-node.ts";

/** The general list of memcached 1.6.45 with default settings (protocol reference, section 2.9). */
const GENERAL =
  `pid uptime time version libevent pointer_size rusage_user rusage_system max_connections curr_connections
total_connections rejected_connections connection_structures response_obj_oom response_obj_count response_obj_bytes
read_buf_count read_buf_bytes read_buf_bytes_free read_buf_oom reserved_fds cmd_get cmd_set cmd_flush cmd_touch cmd_meta
get_hits get_misses get_expired get_flushed delete_misses delete_hits incr_misses incr_hits decr_misses decr_hits cas_misses
cas_hits cas_badval touch_hits touch_misses store_too_large store_no_memory auth_cmds auth_errors bytes_read bytes_written
limit_maxbytes accepting_conns listen_disabled_num time_in_listen_disabled_us threads conn_yields hash_power_level
hash_bytes hash_is_expanding slab_reassign_rescues slab_reassign_chunk_rescues slab_reassign_inline_reclaim
slab_reassign_busy_items slab_reassign_busy_deletes slab_reassign_busy_nomem slab_reassign_last_busy_status
slab_reassign_running slabs_moved lru_crawler_running lru_crawler_starts lru_maintainer_juggles malloc_fails
log_worker_dropped log_worker_written log_watcher_skipped log_watcher_sent log_watchers unexpected_napi_ids
round_robin_fallback bytes curr_items total_items slab_global_page_pool expired_unfetched evicted_unfetched evicted_active
evictions reclaimed crawler_reclaimed crawler_items_checked lrutail_reflocked moves_to_cold moves_to_warm moves_within_lru
direct_reclaims lru_bumps_dropped`.split(/\s+/);

const SETTINGS =
  `maxbytes maxconns tcpport udpport inter verbosity oldest evictions domain_socket umask shutdown_command
growth_factor chunk_size num_threads num_threads_per_udp stat_key_prefix detail_enabled reqs_per_event cas_enabled
tcp_backlog binding_protocol auth_enabled_sasl auth_enabled_ascii item_size_max maxconns_fast hashpower_init slab_reassign
slab_automove slab_automove_ratio slab_automove_window slab_chunk_max lru_crawler lru_crawler_sleep lru_crawler_tocrawl
tail_repair_time flush_enabled dump_enabled hash_algorithm lru_maintainer_thread lru_segmented hot_lru_pct warm_lru_pct
hot_max_factor warm_max_factor temp_lru temporary_ttl idle_timeout watcher_logbuf_size worker_logbuf_size
read_buf_mem_limit track_sizes inline_ascii_response num_napi_ids memory_file client_flags_size`.split(
    /\s+/,
  );

/** Puts a slab into a queue of a shard, as its owner would. */
function fillSlab(
  node: ObservedNode,
  shard: number,
  slab: number,
  content: { queue: Queue; items: number; liveBytes: number; openedAt: number; epoch?: number },
): void {
  const place = node.parts.layout.shards[shard] as { arena: number; base: number };
  const arena = node.parts.arenas[place.arena] as Arena;
  const { plan } = node.view.shards[shard] as ShardGauges;
  const slabs = new SlabTable(arena, place.base, plan);
  const header = new ShardHeader(arena, place.base);
  const { queue } = content;
  if (queue !== Queue.chain) {
    header.setItems(queue, header.items(queue) + content.items);
  }
  slabs.setQueue(slab, content.queue);
  slabs.setItems(slab, content.items);
  slabs.setLiveBytes(slab, content.liveBytes);
  slabs.setWrittenBytes(slab, content.liveBytes + 8);
  slabs.setOpenedAt(slab, content.openedAt);
  slabs.setEpoch(slab, content.epoch ?? header.epoch());
}

describe("stats", () => {
  test("lists memcached's names in memcached's order", () => {
    expect(statsOf(observedNode().view).names).toEqual(GENERAL);
  });

  test("leaves out what memcached leaves out with other settings", () => {
    const extended = { ...EXTENDED_DEFAULTS, maxconnsFast: false, slabReassign: false };
    const { names } = statsOf(observedNode({ extended, idleSeconds: 5 }).view);
    expect(names).not.toContain("rejected_connections");
    expect(names).not.toContain("slabs_moved");
    expect(names.indexOf("idle_kicks")).toBe(names.indexOf("auth_errors") + 1);
  });

  test("sums the counters of all threads", () => {
    const { view } = observedNode();
    view.counters.forEach((counters, thread) => {
      counters.add(Counter.cmdGet, 10 ** thread);
    });
    expect(statsOf(view).values.cmd_get).toBe("111");
  });

  test("reset forgets every counter at once and keeps gauges", () => {
    const node = observedNode();
    const { view } = node;
    view.counters[0]?.add(Counter.getHits, 5);
    view.counters[2]?.add(Counter.bytesRead, 5);
    view.control.addOpenConnections(3);
    fillSlab(node, 0, 0, { queue: Queue.small, items: 2, liveBytes: 200, openedAt: 900 });
    expect(statsOf(view, "reset").outcome).toBe(StatsOutcome.reset);
    const { values } = statsOf(view);
    expect([values.get_hits, values.bytes_read]).toEqual(["0", "0"]);
    expect([values.curr_connections, values.curr_items, values.bytes]).toEqual(["3", "2", "200"]);
    view.counters[0]?.add(Counter.getHits, 1);
    expect(statsOf(view).values.get_hits).toBe("1");
    expect(view.total(Counter.getHits)).toBe(6); // metrics do not fall back
  });

  test("shows time by the server's clock, and CPU time with six decimals", () => {
    const { values } = statsOf(observedNode().view);
    expect([values.uptime, values.time]).toEqual(["1000", "1700001000"]);
    expect(values.rusage_user).toMatch(/^\d+\.\d{6}$/);
    expect(values.version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test("an unknown list is unknown", () => {
    const { view } = observedNode();
    expect(statsOf(view, "nonsense").outcome).toBe(StatsOutcome.unknown);
    expect(statsOf(view, "hotkeys", "nonsense").outcome).toBe(StatsOutcome.unknown);
  });
});

describe("stats settings", () => {
  test("lists memcached's names in memcached's order", () => {
    expect(statsOf(observedNode().view, "settings").names).toEqual(SETTINGS);
  });

  test("spells defaults as memcached does", () => {
    expect(statsOf(observedNode().view, "settings").values).toMatchObject({
      maxbytes: "67108864",
      inter: "NULL", // of a node without a listener
      evictions: "on",
      umask: "700",
      growth_factor: "1.25",
      binding_protocol: "auto-negotiate",
      slab_automove_ratio: "0.80",
      hot_max_factor: "0.20",
      hash_algorithm: "murmur3",
      memory_file: "(null)",
    });
  });

  test("never shows where passwords lie", () => {
    const { view } = observedNode({ authFile: "/etc/secret-path" });
    expect(JSON.stringify(statsOf(view, "settings").values)).not.toContain("secret-path");
  });
});

describe("stats items and stats slabs", () => {
  function filled(): ObservedNode {
    const node = observedNode();
    fillSlab(node, 0, 0, { queue: Queue.small, items: 10, liveBytes: 1000, openedAt: 990 });
    fillSlab(node, 1, 3, { queue: Queue.small, items: 30, liveBytes: 3400, openedAt: 700 });
    fillSlab(node, 1, 4, { queue: Queue.largeMain, items: 1, liveBytes: 60_000, openedAt: 800 });
    fillSlab(node, 1, 5, { queue: Queue.chain, items: 0, liveBytes: 9000, openedAt: 800 });
    node.view.counters[0]?.add(Counter.cmdSet, 41);
    node.view.counters[0]?.add(Counter.getHits, 9);
    node.view.counters[1]?.addToQueue(SPLITS.evictions, 1, 5);
    node.view.counters[1]?.addToQueue(SPLITS.evictions, 3, 2);
    node.view.counters[1]?.set(Counter.evictedTimeLarge, 77);
    return node;
  }

  test("an empty cache has no classes", () => {
    const { view } = observedNode();
    expect(statsOf(view, "items").names).toEqual([]);
    expect(statsOf(view, "slabs").values).toEqual({ active_slabs: "0", total_malloced: "0" });
  });

  test("a class is a queue, summed over shards", () => {
    const { values } = statsOf(filled().view, "items");
    expect(values).toMatchObject({
      "items:1:number": "40",
      "items:1:number_cold": "40",
      "items:1:age": "300",
      "items:1:mem_requested": "4400",
      "items:3:number": "1",
      "items:3:mem_requested": "60000",
    });
    expect(values["items:2:number"]).toBeUndefined();
  });

  test("what owners count stands under its queue, what connections count under the first class", () => {
    const { values } = statsOf(filled().view, "items");
    expect(values).toMatchObject({
      "items:1:evicted": "5",
      "items:3:evicted": "2",
      "items:1:evicted_time": "0",
      "items:3:evicted_time": "77",
      "items:1:hits_to_cold": "9",
      "items:3:hits_to_cold": "0",
    });
  });

  test("chunks are mean items, so that used chunks are items and their bytes add up", () => {
    const { values } = statsOf(filled().view, "slabs");
    expect(values).toMatchObject({
      "1:chunk_size": "112",
      "1:total_pages": "2",
      "1:used_chunks": "40",
      "1:get_hits": "9",
      "1:cmd_set": "41",
      "3:get_hits": "0",
      active_slabs: "2",
    });
    const chunks = Number(values["1:chunks_per_page"]) * 2;
    expect(Number(values["1:total_chunks"])).toBe(chunks);
    expect(Number(values["1:free_chunks"])).toBe(chunks - 40);
    expect(Number(values.total_malloced)).toBe(4 * 262_144);
  });

  test("slabs a flush killed are still slabs, but have no age", () => {
    const node = filled();
    const old = { queue: Queue.small, items: 0, liveBytes: 0, openedAt: 9, epoch: 77 };
    fillSlab(node, 0, 0, old);
    expect(statsOf(node.view, "slabs").values["1:total_pages"]).toBe("2");
    expect(statsOf(node.view, "items").values["items:1:age"]).toBe("300");
  });
});

describe("stats conns", () => {
  test("lists listeners, then connections with the listener they came through", () => {
    const { view } = observedNode();
    const listening = "127.0.0.1:11211";
    view.connections[2]?.openListener(0, 20, ConnectionTransport.tcp, listening, 2);
    const peer = "[::1]:5000";
    view.connections[1]?.open(7, 33, ConnectionTransport.tcp6, 0, peer, 900);
    view.connections[1]?.setState(7, ConnectionState.receiving);
    view.connections[0]?.open(0, 34, connectionTransport("?:<AF 0>"), 0, "<AF 0>", 100);
    view.connections[0]?.moved(0, 10, 20, 1, 950);
    expect(statsOf(view, "conns").values).toEqual({
      "20:addr": "tcp:127.0.0.1:11211",
      "20:state": "conn_listening",
      "20:secs_since_last_cmd": "0",
      "34:addr": "?:<AF 0>",
      "34:listen_addr": "tcp:127.0.0.1:11211",
      "34:state": "conn_read",
      "34:secs_since_last_cmd": "50",
      "33:addr": "tcp6:[::1]:5000",
      "33:listen_addr": "tcp:127.0.0.1:11211",
      "33:state": "conn_nread",
      "33:secs_since_last_cmd": "100",
    });
  });

  test("a closed connection is gone, and a dead thread's are cleared", () => {
    const { view } = observedNode();
    const peer = "127.0.0.1:1";
    view.connections[0]?.open(1, 5, ConnectionTransport.tcp, 0, peer, 1);
    view.connections[0]?.open(2, 6, ConnectionTransport.tcp, 0, peer, 1);
    view.connections[0]?.close(1);
    expect(statsOf(view, "conns").names).toHaveLength(3);
    view.connections[0]?.clear();
    expect(statsOf(view, "conns").names).toEqual([]);
  });
});

describe("stats latency", () => {
  test("merges threads and prints microseconds", () => {
    const { view } = observedNode();
    view.observations[0]?.latency[Family.get]?.record(50_000, 99);
    view.observations[1]?.latency[Family.get]?.record(4_000_000, 1);
    const { values, names } = statsOf(view, "latency");
    expect(values["get:count"]).toBe("100");
    expect(values["get:mean_us"]).toBe("89.50");
    expect(Math.abs(Number(values["get:p50_us"]) - 50)).toBeLessThan(4);
    expect(values["get:max_us"]).toBe("4000.00");
    expect(Number(values["get:p999_us"])).toBeGreaterThan(3700);
    expect(names.every((name) => name.startsWith("get:"))).toBe(true);
  });
});

describe("stats workers", () => {
  test("has a group for every thread", () => {
    const { view } = observedNode();
    view.counters[1]?.add(Counter.requestsSent, 12);
    const { values } = statsOf(view, "workers");
    expect(values["1:requests_sent"]).toBe("12");
    expect(values["2:requests_sent"]).toBe("0");
  });
});

describe("binaryStatsWords()", () => {
  for (const [key, words] of [
    ["", ["", ""]],
    ["items", ["items", ""]],
    ["settingsfoo", ["settings", ""]],
    ["detail dumps", ["detail", "dump"]],
    ["detail", ["?", ""]],
    ["hotkeys misses", ["hotkeys", "misses"]],
  ] as const) {
    test(`reads "${key}"`, () => {
      expect(binaryStatsWords(key)).toEqual(words);
    });
  }
});
