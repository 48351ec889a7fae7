/**
 * The names and rules of prometheus/memcached_exporter (its page of metrics and pkg/exporter), written
 * down here as the expectation: a dashboard made for it must not be able to tell the difference.
 */
import { describe, expect, test } from "vitest";
import { memcachedMetrics, ScrapedStats } from "../../../src/admin/memcached-metrics.ts";
import { registryOf } from "../../../src/admin/metric.ts";
import { ownMetrics } from "../../../src/admin/own-metrics.ts";
import { processMetrics } from "../../../src/admin/process-metrics.ts";
import { Sampler } from "../../../src/admin/sampler.ts";
import { Counter } from "../../../src/memory/counters.ts";
import { Family } from "../../../src/memory/observation.ts";
import { type ObservedNode, observedNode } from "../../support/observed-node.ts";
import { SimulatedNode } from "../../support/simulated-node.ts";

const GENERAL =
  `up uptime_seconds time_seconds version current_bytes limit_bytes malloced_bytes current_items items_total
items_evicted_total items_reclaimed_total read_bytes_total written_bytes_total current_connections connections_total
max_connections connections_rejected_total connections_listener_disabled_total connections_yielded_total
accepting_connections accepting_conns direct_reclaims_total item_too_large_total item_no_memory_total
commands_total lru_crawler_enabled lru_crawler_sleep lru_crawler_to_crawl lru_crawler_starts_total
lru_crawler_items_checked_total lru_crawler_reclaimed_total lru_crawler_moves_to_cold_total
lru_crawler_moves_to_warm_total lru_crawler_moves_within_lru_total lru_crawler_hot_percent lru_crawler_warm_percent
lru_crawler_hot_max_factor lru_crawler_warm_max_factor lru_crawler_maintainer_thread`.split(/\s+/);

const SLAB =
  `chunk_size_bytes chunks_per_page current_pages current_chunks chunks_used chunks_free chunks_free_end
mem_requested_bytes commands_total current_items hot_items warm_items cold_items hot_age_seconds warm_age_seconds
items_age_seconds items_evicted_total items_evicted_nonzero_total items_evicted_time_seconds
items_evicted_unfetched_total items_expired_unfetched_total items_outofmemory_total items_reclaimed_total
items_crawler_reclaimed_total items_tailrepairs_total items_moves_to_cold items_moves_to_warm
items_moves_within_lru lru_hits_total`.split(/\s+/);

const PROCESS = `cpu_seconds_total resident_memory_bytes virtual_memory_bytes open_fds max_fds
start_time_seconds user_cpu_seconds_total system_cpu_seconds_total`.split(/\s+/);

/** Sample lines by name and labels, and the type of each name. */
function parse(text: string): { samples: Map<string, number>; types: Map<string, string> } {
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  for (const line of text.split("\n")) {
    const type = /^# TYPE (\S+) (\S+)$/.exec(line);
    if (type !== null) types.set(type[1] as string, type[2] as string);
    const sample = /^([a-z_]+(?:\{[^}]*\})?) (\S+)$/.exec(line);
    if (sample !== null) samples.set(sample[1] as string, Number(sample[2]));
  }
  return { samples, types };
}

async function scrape(node: ObservedNode): Promise<ReturnType<typeof parse>> {
  const sampler = new Sampler(node.view, 0);
  const source = { view: node.view, frame: () => sampler.frame(), version: "1.2.3" };
  const registry = registryOf([
    ...memcachedMetrics(new ScrapedStats(node.view)),
    ...processMetrics(),
    ...ownMetrics(source),
  ]);
  return parse(await registry.metrics());
}

describe("memcached_exporter's metrics", () => {
  test("are all there, typed as the exporter types them", async () => {
    const simulated = new SimulatedNode({ seed: 3, threads: 2 });
    simulated.second(5000);
    const { samples, types } = await scrape(simulated.node);
    const names = new Set([...samples.keys()].map((name) => name.replace(/\{.*/, "")));
    for (const name of GENERAL) expect(names).toContain(`memcached_${name}`);
    for (const name of SLAB) expect(names).toContain(`memcached_slab_${name}`);
    for (const name of PROCESS) expect(names).toContain(`memcached_process_${name}`);
    for (const name of names) {
      if (name.endsWith("_total")) expect(types.get(name)).toBe("counter");
    }
    expect(types.get("memcached_uptime_seconds")).toBe("counter");
    expect(types.get("memcached_current_items")).toBe("gauge");
  });

  test("count commands by the exporter's rule: cas is taken out of set", async () => {
    const node = observedNode();
    const counters = node.view.counters[0];
    counters?.add(Counter.cmdSet, 10);
    counters?.add(Counter.casHits, 2);
    counters?.add(Counter.casBadval, 1);
    counters?.add(Counter.casMisses, 1);
    counters?.add(Counter.getHits, 7);
    counters?.add(Counter.cmdFlush, 3);
    const { samples } = await scrape(node);
    const commands = (command: string, status: string): number | undefined =>
      samples.get(`memcached_commands_total{command="${command}",status="${status}"}`);
    expect(commands("set", "hit")).toBe(6);
    expect(commands("cas", "hit")).toBe(2);
    expect(commands("cas", "badval")).toBe(1);
    expect(commands("cas", "miss")).toBe(1);
    expect(commands("get", "hit")).toBe(7);
    expect(commands("flush", "hit")).toBe(3);
    for (const command of ["delete", "incr", "decr", "touch"]) {
      expect(commands(command, "hit")).toBe(0);
      expect(commands(command, "miss")).toBe(0);
    }
  });

  test("count a queue's commands by the same rule, and its hits by the exporter's names", async () => {
    const simulated = new SimulatedNode({ seed: 3, threads: 1 });
    simulated.second(2000);
    const before = (await scrape(simulated.node)).samples;
    const counters = simulated.node.view.counters[0];
    counters?.add(Counter.cmdSet, 10);
    counters?.add(Counter.casHits, 2);
    counters?.add(Counter.casBadval, 1);
    const { samples } = await scrape(simulated.node);
    const grown = (labels: string): number => {
      const name = `memcached_slab_commands_total{slab="1",${labels}}`;
      return (samples.get(name) ?? Number.NaN) - (before.get(name) ?? Number.NaN);
    };
    expect(grown('command="set",status="hit"')).toBe(7);
    expect(grown('command="cas",status="hit"')).toBe(2);
    expect(grown('command="cas",status="badval"')).toBe(1);
    for (const lru of ["hot", "warm", "cold", "temporary"]) {
      expect([...samples.keys()]).toContain(`memcached_slab_lru_hits_total{slab="1",lru="${lru}"}`);
    }
  });

  test("show settings as numbers, and the version as a label", async () => {
    const { samples } = await scrape(observedNode());
    expect(samples.get("memcached_lru_crawler_enabled")).toBe(1);
    expect(samples.get("memcached_lru_crawler_hot_max_factor")).toBe(0.2);
    expect(samples.get('memcached_version{version="1.6.45"}')).toBe(1);
    expect(samples.get("memcached_limit_bytes")).toBe(64 * 2 ** 20);
  });

  test("an empty cache has no slab series, as the exporter has none", async () => {
    const { samples } = await scrape(observedNode());
    const slabs = [...samples.keys()].filter((name) => name.startsWith("memcached_slab_"));
    expect(slabs).toEqual([]);
  });
});

describe("our own metrics", () => {
  test("the latency histogram is cumulative, and ends with all of it", async () => {
    const node = observedNode();
    const histogram = node.view.observations[1]?.latency[Family.get];
    for (const nanoseconds of [5000, 50_000, 500_000, 5_000_000, 5_000_000_000]) {
      histogram?.record(nanoseconds, 2);
    }
    const { samples, types } = await scrape(node);
    const name = "shardcached_request_duration_seconds";
    expect(types.get(name)).toBe("histogram");
    const buckets = [...samples].filter(([key]) => key.startsWith(`${name}_bucket`));
    const counts = buckets.map(([, count]) => count);
    expect([...counts].sort((a, b) => a - b)).toEqual(counts);
    expect(counts[0]).toBe(2);
    expect(counts.at(-1)).toBe(10);
    expect(samples.get(`${name}_count{command="get",worker="1"}`)).toBe(10);
    const sum = samples.get(`${name}_sum{command="get",worker="1"}`) as number;
    expect(sum).toBeGreaterThan(8);
  });

  test("no label is a key, whatever keys there are", async () => {
    const simulated = new SimulatedNode({ seed: 5, threads: 2 });
    simulated.second(4000);
    const { samples } = await scrape(simulated.node);
    expect(samples.get('shardcached_hotkey_rate{by="requests",rank="1"}')).toBeGreaterThan(0);
    for (const name of samples.keys()) expect(name).not.toMatch(/user:|session:|flag:/);
  });

  test("the parts of memory are those of the dashboard's bar", async () => {
    const { samples } = await scrape(observedNode());
    const parts = [...samples.keys()].filter((name) => name.startsWith("shardcached_memory_bytes"));
    expect(parts).toHaveLength(7);
  });
});
