/** stats: names in memcached's order, and which counter each command moves. */
import { describe, expect, test } from "vitest";
import { fleet } from "../support/server-matrix.ts";
import { until } from "../support/until.ts";
import { WireClient } from "../support/wire-client.ts";

const cells = fleet();

/** The general list as memcached 1.6.45 sends it by default. Names in 1.6.18 too, unless marked. */
const GENERAL = `
  pid uptime time version libevent pointer_size rusage_user rusage_system max_connections
  curr_connections total_connections rejected_connections connection_structures response_obj_oom
  response_obj_count response_obj_bytes read_buf_count read_buf_bytes read_buf_bytes_free
  read_buf_oom reserved_fds cmd_get cmd_set cmd_flush cmd_touch cmd_meta get_hits get_misses
  get_expired get_flushed delete_misses delete_hits incr_misses incr_hits decr_misses decr_hits
  cas_misses cas_hits cas_badval touch_hits touch_misses store_too_large store_no_memory auth_cmds
  auth_errors bytes_read bytes_written limit_maxbytes accepting_conns listen_disabled_num
  time_in_listen_disabled_us threads conn_yields hash_power_level hash_bytes hash_is_expanding
  slab_reassign_rescues slab_reassign_chunk_rescues slab_reassign_inline_reclaim
  slab_reassign_busy_items slab_reassign_busy_deletes slab_reassign_running slabs_moved
  lru_crawler_running lru_crawler_starts lru_maintainer_juggles malloc_fails log_worker_dropped
  log_worker_written log_watcher_skipped log_watcher_sent log_watchers unexpected_napi_ids
  round_robin_fallback bytes curr_items total_items slab_global_page_pool expired_unfetched
  evicted_unfetched evicted_active evictions reclaimed crawler_reclaimed crawler_items_checked
  lrutail_reflocked moves_to_cold moves_to_warm moves_within_lru direct_reclaims lru_bumps_dropped
`
  .trim()
  .split(/\s+/);

const TEXTS = new Set(["version", "libevent", "rusage_user", "rusage_system"]);

const SETTINGS = `
  maxbytes maxconns tcpport udpport inter verbosity oldest evictions domain_socket umask
  shutdown_command growth_factor chunk_size num_threads num_threads_per_udp stat_key_prefix
  detail_enabled reqs_per_event cas_enabled tcp_backlog binding_protocol auth_enabled_sasl
  auth_enabled_ascii item_size_max maxconns_fast hashpower_init slab_reassign slab_automove
  slab_automove_ratio slab_automove_window slab_chunk_max lru_crawler lru_crawler_sleep
  lru_crawler_tocrawl tail_repair_time flush_enabled dump_enabled hash_algorithm
  lru_maintainer_thread lru_segmented hot_lru_pct warm_lru_pct hot_max_factor warm_max_factor
  temp_lru temporary_ttl idle_timeout watcher_logbuf_size worker_logbuf_size read_buf_mem_limit
  track_sizes inline_ascii_response num_napi_ids memory_file
`
  .trim()
  .split(/\s+/);

/** 8.5 of the protocol reference: commands on one connection, and the counters they move. */
const MOVES: readonly (readonly [what: string, commands: string, reply: string, Moves])[] = [
  ["get, hit", "get there\r\n", "VALUE there 0 1\r\n5\r\nEND\r\n", { cmd_get: 1, get_hits: 1 }],
  ["get, miss", "get absent\r\n", "END\r\n", { cmd_get: 1, get_misses: 1 }],
  [
    "get of three keys",
    "get absent there gone\r\n",
    "VALUE there 0 1\r\n5\r\nEND\r\n",
    { cmd_get: 3, get_hits: 1, get_misses: 2 },
  ],
  [
    "gat, hit",
    "gat 0 there\r\n",
    "VALUE there 0 1\r\n5\r\nEND\r\n",
    { cmd_touch: 1, touch_hits: 1 },
  ],
  ["gat, miss", "gat 0 absent\r\n", "END\r\n", { cmd_touch: 1, touch_misses: 1 }],
  ["touch, hit", "touch there 0\r\n", "TOUCHED\r\n", { cmd_touch: 1, touch_hits: 1 }],
  ["touch, miss", "touch absent 0\r\n", "NOT_FOUND\r\n", { cmd_touch: 1, touch_misses: 1 }],
  ["set", "set there 0 0 1\r\n5\r\n", "STORED\r\n", { cmd_set: 1, total_items: 1 }],
  ["add refused", "add there 0 0 1\r\n5\r\n", "NOT_STORED\r\n", { cmd_set: 1 }],
  ["bad data chunk", "set there 0 0 1\r\n567", "CLIENT_ERROR bad data chunk\r\n", { cmd_set: 1 }],
  ["cas, miss", "cas absent 0 0 1 9\r\n5\r\n", "NOT_FOUND\r\n", { cmd_set: 1, cas_misses: 1 }],
  ["cas, bad", "cas there 0 0 1 999999999\r\n5\r\n", "EXISTS\r\n", { cmd_set: 1, cas_badval: 1 }],
  [
    "too large",
    `add there 0 0 1048576\r\n${"x".repeat(1_048_576)}\r\n`,
    "SERVER_ERROR object too large for cache\r\n",
    { store_too_large: 1 },
  ],
  [
    "delete, hit",
    "set x 0 0 1\r\n5\r\ndelete x\r\n",
    "STORED\r\nDELETED\r\n",
    { cmd_set: 1, total_items: 1, delete_hits: 1 },
  ],
  ["delete, miss", "delete absent\r\n", "NOT_FOUND\r\n", { delete_misses: 1 }],
  ["incr, hit", "incr there 1\r\n", "6\r\n", { incr_hits: 1 }],
  ["incr to more digits", "incr there 5\r\n", "10\r\n", { incr_hits: 1, total_items: 1 }],
  ["incr, miss", "incr absent 1\r\n", "NOT_FOUND\r\n", { incr_misses: 1 }],
  ["decr, hit", "decr there 1\r\n", "4\r\n", { decr_hits: 1 }],
  ["decr, miss", "decr absent 1\r\n", "NOT_FOUND\r\n", { decr_misses: 1 }],
  [
    "incr with a bad delta",
    "incr there x\r\n",
    "CLIENT_ERROR invalid numeric delta argument\r\n",
    {},
  ],
  ["flush_all with a delay", "flush_all 1000\r\n", "OK\r\n", { cmd_flush: 1 }],
  [
    "flush_all with what is no delay",
    "flush_all x\r\n",
    "CLIENT_ERROR invalid exptime argument\r\n",
    { cmd_flush: 1 },
  ],
  ["mg, hit", "mg there v\r\n", "VA 1\r\n5\r\n", { cmd_get: 1, get_hits: 1 }],
  ["mg, miss", "mg absent\r\n", "EN\r\n", { cmd_get: 1, get_misses: 1 }],
  ["mg with T, hit", "mg there T0\r\n", "HD\r\n", { cmd_touch: 1, touch_hits: 1 }],
  ["md, miss", "md absent\r\n", "NF\r\n", { delete_misses: 1 }],
  ["ma, hit", "ma there\r\n", "HD\r\n", { incr_hits: 1 }],
  ["ms append with a wrong C", "ms there 1 MA C1\r\n6\r\n", "EX\r\n", { cmd_set: 1 }],
  ["md I, hit", "md there I\r\n", "HD\r\n", {}],
  ["md I, miss", "md absent I\r\n", "NF\r\n", { delete_misses: 1 }],
  ["md I with a wrong C", "md there I C1\r\n", "EX\r\n", { delete_misses: 1 }],
  ["me", "me absent\r\n", "EN\r\n", { cmd_meta: 1 }],
  ["mn and version", "mn\r\n", "MN\r\n", {}],
];

type Moves = Readonly<Record<string, number>>;

const COUNTED = `cmd_get cmd_set cmd_flush cmd_touch cmd_meta get_hits get_misses delete_misses
  delete_hits incr_misses incr_hits decr_misses decr_hits cas_misses cas_hits cas_badval touch_hits
  touch_misses store_too_large store_no_memory total_items`.split(/\s+/);

describe("stats: every name, in memcached's order, each with a value of its kind", () => {
  for (const cell of cells) {
    test(cell.label, async () => {
      const client = await WireClient.connect(cell.server);
      const stats = await statsOf(client, "stats");
      const names = [...stats.keys()].filter((name) => GENERAL.includes(name));
      expect(names).toEqual(GENERAL);
      for (const name of GENERAL) {
        if (!TEXTS.has(name)) expect(`${name} ${stats.get(name)}`).toMatch(/^\w+ \d+$/);
      }
      expect(stats.get("version")).toBe(cell.server.version);
      expect(stats.get("rusage_user")).toMatch(/^\d+\.\d{6}$/);
      expect(Number(stats.get("pid"))).toBe(cell.server.pid);
      expect(stats.get("pointer_size")).toBe("64");
      expect(stats.get("limit_maxbytes")).toBe("67108864");
      expect(stats.get("threads")).toBe(String(cell.spec.threads));
      expect(stats.get("max_connections")).toBe("1024");
      expect(Math.abs(Number(stats.get("time")) - Date.now() / 1000)).toBeLessThan(5);
      client.destroy();
    });
  }
});

describe("stats settings: every name, in memcached's order", () => {
  for (const cell of cells) {
    test(cell.label, async () => {
      const client = await WireClient.connect(cell.server);
      const stats = await statsOf(client, "stats settings");
      expect([...stats.keys()].filter((name) => SETTINGS.includes(name))).toEqual(SETTINGS);
      for (const [name, value] of [
        ["maxbytes", "67108864"],
        ["maxconns", "1024"],
        ["evictions", "on"],
        ["cas_enabled", "yes"],
        ["binding_protocol", "auto-negotiate"],
        ["item_size_max", "1048576"],
        ["reqs_per_event", "20"],
        ["flush_enabled", "yes"],
        ["inter", "127.0.0.1"],
        ["tcpport", "-1"],
        ["num_threads", String(cell.spec.threads)],
      ] as const) {
        expect(`${name} ${stats.get(name)}`).toBe(`${name} ${value}`);
      }
      client.destroy();
    });
  }
});

describe("stats: which counters move", () => {
  for (const cell of cells) {
    for (const [what, commands, reply, moves] of MOVES) {
      test(`${what}, ${cell.label}`, async () => {
        const client = await WireClient.connect(cell.server);
        await client.ask("flush_all\r\nset there 0 0 1\r\n5\r\n", "OK\r\nSTORED\r\n");
        const before = await statsOf(client, "stats");
        await client.ask(commands, reply);
        const after = await statsOf(client, "stats");
        const moved: Record<string, number> = {};
        for (const name of COUNTED) {
          const change = Number(after.get(name)) - Number(before.get(name));
          if (change !== 0) moved[name] = change;
        }
        expect(moved).toEqual(moves);
        client.destroy();
      });
    }
  }
});

describe("stats: gauges follow the items", () => {
  for (const cell of cells) {
    test(cell.label, async () => {
      const client = await WireClient.connect(cell.server);
      await client.ask("flush_all\r\n", "OK\r\n");
      const empty = await statsOf(client, "stats");
      await client.ask("set a 0 0 1\r\nA\r\nset b 0 0 1\r\nB\r\n", "STORED\r\nSTORED\r\n");
      const two = await statsOf(client, "stats");
      expect(Number(two.get("curr_items"))).toBeGreaterThanOrEqual(2);
      expect(Number(two.get("bytes"))).toBeGreaterThanOrEqual(cell.server.isOracle ? 122 : 64);
      expect(Number(two.get("bytes_read"))).toBeGreaterThan(Number(empty.get("bytes_read")));
      expect(Number(two.get("curr_connections"))).toBeGreaterThanOrEqual(1);
      client.destroy();
    });
  }
});

describe("stats items and stats slabs: memcached's names, so that its tools work", () => {
  for (const cell of cells) {
    test(cell.label, async () => {
      const client = await WireClient.connect(cell.server);
      await client.ask("set a 0 0 1\r\nA\r\n", "STORED\r\n");
      const items = await statsOf(client, "stats items");
      const numbers = [...items].filter(([name]) => name.endsWith(":number"));
      expect(numbers.length).toBeGreaterThan(0);
      for (const name of [
        "number",
        "age",
        "mem_requested",
        "evicted",
        "outofmemory",
        "reclaimed",
      ]) {
        expect(
          [...items.keys()].some((each) => /^items:\d+:/.test(each) && each.endsWith(name)),
        ).toBe(true);
      }
      const slabs = await statsOf(client, "stats slabs");
      expect(Number(slabs.get("active_slabs"))).toBeGreaterThan(0);
      expect(Number(slabs.get("total_malloced"))).toBeGreaterThan(0);
      for (const name of `chunk_size chunks_per_page total_pages total_chunks used_chunks free_chunks
        free_chunks_end get_hits cmd_set delete_hits incr_hits decr_hits cas_hits cas_badval
        touch_hits`.split(/\s+/)) {
        expect(
          [...slabs.keys()].filter((each) => new RegExp(`^\\d+:${name}$`).test(each)),
        ).not.toEqual([]);
      }
      client.destroy();
    });
  }
});

describe("stats conns shows this connection", () => {
  for (const cell of cells) {
    test(cell.label, async () => {
      const client = await WireClient.connect(cell.server);
      const conns = await statsOf(client, "stats conns");
      const { port } = cell.server;
      const listening = [...conns].filter(([, value]) => value === "conn_listening");
      expect(listening.length).toBeGreaterThanOrEqual(1);
      const mine = `tcp:127.0.0.1:${client.socket.localPort}`;
      const [name] = [...conns].find(([, value]) => value === mine) ?? [""];
      const number = name.split(":")[0] ?? "";
      expect(conns.get(`${number}:listen_addr`)).toBe(`tcp:127.0.0.1:${port}`);
      expect(conns.get(`${number}:state`)).toBe("conn_parse_cmd");
      expect(conns.get(`${number}:secs_since_last_cmd`)).toMatch(/^\d+$/);
      client.destroy();
    });
  }
});

describe("stats conns says what each connection is doing", () => {
  for (const cell of cells) {
    test(cell.label, async () => {
      const sent = {
        conn_nread: "set half 0 0 100\r\nbegun",
        conn_swallow: `set large 0 0 ${64 * 1024 * 1024}\r\nbegun`,
        conn_read: "get hal",
      };
      const others = await Promise.all(
        Object.entries(sent).map(async ([state, bytes]) => {
          const other = await WireClient.connect(cell.server);
          await other.send(bytes);
          return { state, other };
        }),
      );
      const client = await WireClient.connect(cell.server);
      await until(async () => {
        const conns = await statsOf(client, "stats conns");
        return others.every(({ state, other }) => {
          const mine = `tcp:127.0.0.1:${other.socket.localPort}`;
          const [name] = [...conns].find(([, value]) => value === mine) ?? [""];
          return conns.get(name.replace(":addr", ":state")) === state;
        });
      });
      for (const { other } of others) other.destroy();
      client.destroy();
    });
  }
});

describe("stats reset clears counters", () => {
  for (const cell of cells) {
    test(cell.label, async () => {
      const client = await WireClient.connect(cell.server);
      await client.ask("get absent\r\n", "END\r\n");
      await client.ask("stats reset\r\n", "RESET\r\n");
      const stats = await statsOf(client, "stats");
      for (const name of ["cmd_get", "get_misses", "cmd_set", "delete_hits", "total_items"]) {
        expect(`${name} ${stats.get(name)}`).toBe(`${name} 0`);
      }
      expect(stats.get("total_connections")).toBe("0");
      const later = await WireClient.connect(cell.server);
      expect((await statsOf(later, "stats")).get("total_connections")).toBe("1");
      later.destroy();
      client.destroy();
    });
  }
});

async function statsOf(client: WireClient, command: string): Promise<Map<string, string>> {
  await client.send(`${command}\r\n`);
  const text = await client.readThrough("END\r\n");
  const lines = text.split("\r\n").slice(0, -2);
  return new Map(
    lines.map((line) => {
      const [stat, name, ...rest] = line.split(" ");
      expect(stat).toBe("STAT");
      return [name ?? "", rest.join(" ")];
    }),
  );
}
