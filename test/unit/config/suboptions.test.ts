import { describe, expect, test } from "vitest";
import type { ExtendedSettings } from "../../../src/config/settings.ts";
import { SUBOPTIONS } from "../../../src/config/suboptions.ts";
import { loadFrom, refusalOf } from "./load-from.ts";

describe("-o takes every suboption memcached has", () => {
  const rows: [string, Partial<ExtendedSettings>][] = [
    ["maxconns_fast", { maxconnsFast: true }],
    ["no_maxconns_fast", { maxconnsFast: false }],
    ["hashpower=12", { hashpower: 12 }],
    ["hashpower=32", { hashpower: 32 }],
    ["no_hashexpand", {}],
    ["no_slab_reassign", { slabReassign: false }],
    ["slab_automove", { slabAutomove: 1 }],
    ["slab_automove=2", { slabAutomove: 2 }],
    ["no_slab_automove", { slabAutomove: 0 }],
    ["slab_automove_ratio=0.5", { slabAutomoveRatio: 0.5 }],
    ["slab_automove_window=30", { slabAutomoveWindow: 30 }],
    ["slab_automove_freeratio=0.1", {}],
    ["slab_sizes=100-200-300", {}],
    ["slab_chunk_max=256", { slabChunkBytesMax: 256 * 1024 }],
    ["no_chunked_items", { slabChunkBytesMax: 1024 * 1024 }],
    ["tail_repair_time=10", { tailRepairSeconds: 10 }],
    ["hash_algorithm=xxh3", { hashAlgorithm: "xxh3" }],
    ["no_lru_crawler", { lruCrawler: false }],
    ["lru_crawler_sleep=0", { lruCrawlerSleepMicroseconds: 0 }],
    ["lru_crawler_tocrawl=5", { lruCrawlerToCrawl: 5 }],
    ["no_lru_maintainer", { lruMaintainer: false, lruSegmented: false }],
    ["hot_lru_pct=10,warm_lru_pct=70", { hotLruPercent: 10, warmLruPercent: 70 }],
    ["hot_max_factor=0.5,warm_max_factor=3", { hotMaxFactor: 0.5, warmMaxFactor: 3 }],
    ["temporary_ttl=20", { temporaryTtl: true, temporaryTtlSeconds: 20 }],
    ["watcher_logbuf_size=512", { watcherLogBytes: 512 * 1024 }],
    ["worker_logbuf_size=128", { workerLogBytes: 128 * 1024 }],
    ["socket_threads=3", { socketThreads: 3 }],
    ["no_lending", { lending: false }],
    ["busy_poll=50", { busyPollMicroseconds: 50 }],
    ["read_buf_mem_limit=8", { readBufferBytesMax: 8 * 1024 * 1024 }],
    ["track_sizes", { trackSizes: true }],
    ["modern", {}],
    ["no_modern", { maxconnsFast: false, slabReassign: false, hashAlgorithm: "jenkins" }],
    ["inline_ascii_resp,no_inline_ascii_resp", {}],
    ["drop_privileges,no_drop_privileges", {}],
    ["modern,,track_sizes", { trackSizes: true }],
  ];
  for (const [list, expected] of rows) {
    test(list, () => {
      expect(loadFrom({ args: ["-o", list] }).settings.extended).toMatchObject(expected);
    });
  }

  test("each name stands in the table once", () => {
    const names = SUBOPTIONS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });
});

describe("-o refuses in memcached's words", () => {
  const rows: [string, string, number][] = [
    ["foo", 'Illegal suboption "foo"', 1],
    ["proxy_config=x", 'Illegal suboption "proxy_config=x"', 1],
    ["hashpower=11", "Initial hashtable multiplier of 11 is too low", 1],
    ["hashpower=33", "Initial hashtable multiplier of 33 is too high", 1],
    ["hashpower", "Missing numeric argument for hashpower", 1],
    ["tail_repair_time", "Missing numeric argument for tail_repair_time", 1],
    ["idle_timeout", "Missing numeric argument for idle_timeout", 1],
    ["lru_crawler_sleep", "Missing lru_crawler_sleep value", 1],
    ["lru_crawler_tocrawl", "Missing lru_crawler_tocrawl value", 1],
    ["hot_lru_pct", "Missing hot_lru_pct argument", 1],
    ["slab_automove=3", "slab_automove must be between 0 and 2", 1],
    ["slab_automove_ratio=1", "slab_automove_ratio must be > 0 and < 1", 1],
    ["slab_automove_freeratio=1", "slab_automove_freeratio must be > 0 and < 1", 1],
    ["slab_automove_window=2", "slab_automove_window must be > 2 and < 1800", 1],
    ["slab_automove_window=1800", "slab_automove_window must be > 2 and < 1800", 1],
    ["slab_sizes=1", "slab size 1 is out of valid range", 64],
    [
      "slab_sizes=100-90",
      "slab size 90 cannot be lower than or equal to a previous class size",
      64,
    ],
    ["slab_sizes=100-104", "slab size 104 must be at least 8 bytes larger than previous class", 64],
    ["slab_chunk_max=0", "slab_chunk_max must be >= 0", 1],
    ["slab_chunk_max=2048", "slab_chunk_max must be specified in kilobytes.", 1],
    ["tail_repair_time=9", "Cannot set tail_repair_time to less than 10 seconds", 1],
    ["hash_algorithm=md5", "Unknown hash_algorithm option (jenkins, murmur3, xxh3)", 1],
    ["lru_crawler_sleep=1000001", "LRU crawler sleep must be between 0 and 1 second", 1],
    ["lru_crawler_tocrawl=x", "lru_crawler_tocrawl takes a numeric 32bit value", 1],
    ["hot_lru_pct=0", "hot_lru_pct must be > 1 and < 80", 1],
    ["warm_lru_pct=80", "warm_lru_pct must be > 1 and < 80", 1],
    [
      "hot_lru_pct=50,warm_lru_pct=50",
      "hot_lru_pct + warm_lru_pct cannot be more than 80% combined",
      64,
    ],
    [
      "temporary_ttl=10,no_lru_maintainer",
      "temporary_ttl requires lru_maintainer to be enabled",
      64,
    ],
    ["hot_max_factor=0", "hot_max_factor must be > 0", 1],
    ["worker_logbuf_size=abc", "could not parse argument to worker_logbuf_size", 1],
    ["socket_threads=256", "could not parse argument to socket_threads", 1],
    ["busy_poll=1000001", "could not parse argument to busy_poll", 1],
    ["read_buf_mem_limit=x", "could not parse argument to read_buf_mem_limit", 1],
  ];
  for (const [list, complaint, exitCode] of rows) {
    test(list, () => {
      const refusal = refusalOf({ args: ["-o", list] });
      expect(refusal.message.startsWith(`${complaint} (-o, --extended: `)).toBe(true);
      expect(refusal.message).not.toContain("\n");
      expect(refusal.exitCode).toBe(exitCode);
    });
  }
});
