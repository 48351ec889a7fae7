/**
 * Our own metrics, `shardcached_*`: what memcached has no stat for. Labels are workers, shards,
 * queues and ranks: their number is fixed, so a key never becomes a label.
 */
import { Counter } from "../memory/counters.ts";
import { BUCKET_COUNT, bucketOf, type Histogram } from "../memory/histogram.ts";
import { FAMILY_NAMES, SketchKind } from "../memory/observation.ts";
import { HOT_LISTS, hotKeys } from "../stats/hot-keys.ts";
import type { NodeView } from "../stats/node-view.ts";
import { QUEUE_CLASS_NAMES, type QueueGauges, type StoreGauges } from "../stats/shard-gauges.ts";
import type { Frame } from "./frame.ts";
import { counter, gauge, type MetricSpec, type Sample } from "./metric.ts";

/**
 * Latency buckets end at powers of two nanoseconds, where the fine buckets end too: 8 µs to 1.07 s.
 */
const LE_FIRST_POWER = 13;
const LE_LAST_POWER = 30;
const NANOSECONDS = 1e9;
const LATENCY_ENDS = Array.from({ length: LE_LAST_POWER - LE_FIRST_POWER + 1 }, (_, step) => {
  const nanoseconds = 2 ** (LE_FIRST_POWER + step);
  return { bucketEnd: bucketOf(nanoseconds), le: String(nanoseconds / NANOSECONDS) };
});
/** Ranks of hot keys that are told. */
const RANKS = 5;

const NODE_COUNTERS = [
  ["evictions_total", Counter.evictions, "Live items removed to make room."],
  [
    "ghost_hits_total",
    Counter.ghostHits,
    "Stores of keys evicted lately: misses more memory would serve.",
  ],
  ["promotions_total", Counter.promotions, "Items moved from the small to the main queue."],
  ["compactions_total", Counter.compactions, "Half-empty slabs rewritten."],
  ["compacted_bytes_total", Counter.bytesCompacted, "Bytes of items rewritten."],
  [
    "set_already_expired_total",
    Counter.setAlreadyExpired,
    "Stores whose TTL had passed: a Unix time meant as seconds?",
  ],
  ["store_too_large_total", Counter.storeTooLarge, "Stores refused for their size (-I)."],
  ["store_no_memory_total", Counter.storeNoMemory, "Stores that found no room."],
  ["auth_failures_total", Counter.authErrors, "Failed authentications."],
  ["idle_kicks_total", Counter.idleKicks, "Connections closed for being idle."],
  ["connections_rejected_total", Counter.rejectedConnections, "Connections refused (-c)."],
  ["stale_served_total", Counter.staleServed, "Stale items served while one client recached."],
  ["recache_wins_total", Counter.recacheWins, "Clients told to recache an item."],
  ["herds_prevented_total", Counter.herdsPrevented, "Clients told that another is recaching."],
] as const;

const WORKER_COUNTERS = [
  ["worker_turns_total", Counter.loopTurns, "Turns of a worker's loop."],
  ["worker_requests_sent_total", Counter.requestsSent, "Requests sent to other workers' shards."],
  [
    "worker_requests_on_loan_total",
    Counter.requestsOnLoan,
    "Requests done in other workers' shards while those slept.",
  ],
  ["worker_requests_served_total", Counter.requestsServed, "Requests served for other workers."],
  ["worker_reads_direct_total", Counter.readsDirect, "Reads served from shared memory."],
  ["worker_reads_retried_total", Counter.readsRetried, "Reads that met a writer and looked again."],
  [
    "worker_reads_behind_total",
    Counter.readsBehind,
    "Reads that waited for their connection's write.",
  ],
  ["worker_ring_full_total", Counter.ringFull, "Times a ring to another worker was full."],
  ["worker_wakes_total", Counter.wakesSent, "Sleeping threads woken."],
] as const;

/** Nanoseconds, shown as seconds. */
const WORKER_CLOCKS = [
  ["worker_busy_seconds_total", Counter.busyNanoseconds, "Processor time of a worker's thread."],
  [
    "worker_polled_seconds_total",
    Counter.polledNanoseconds,
    "Of its processor time, what a worker's thread spent looking for requests in vain.",
  ],
] as const;

const MEMORY_PARTS = ["items", "dead", "free", "index", "ghost", "heap", "other"] as const;

const MISS_CAUSES = [
  ["expired", "expired"],
  ["flushed", "flushed"],
  ["evicted", "evicted"],
  ["never_stored", "neverStored"],
  ["other", "other"],
] as const;

/** What the metrics are read from. `frame` gives the newest. */
export interface MetricSource {
  readonly view: NodeView;
  readonly frame: () => Frame;
  readonly version: string;
}

/** All metrics of our own. */
export function ownMetrics(source: MetricSource): MetricSpec[] {
  const { view } = source;
  const of = (name: string): string => `shardcached_${name}`;
  return [
    gauge(of("info"), "What runs.", () => [
      {
        labels: {
          version: source.version,
          node: process.version,
          threads: String(view.threadCount),
        },
        value: 1,
      },
    ]),
    {
      name: of("request_duration_seconds"),
      help: "Time in the server from its loop noticing a request to its reply being written (sampled and weighted).",
      type: "histogram",
      read: () => latencySamples(view),
    },
    ...NODE_COUNTERS.map(([name, id, help]) => counter(of(name), help, () => view.total(id))),
    ...WORKER_COUNTERS.map(([name, id, help]) =>
      counter(of(name), help, () => byThread(view, (thread) => thread.value(id))),
    ),
    ...WORKER_CLOCKS.map(([name, id, help]) =>
      counter(of(name), help, () => byThread(view, (thread) => thread.value(id) / NANOSECONDS)),
    ),
    gauge(of("worker_connections"), "Open connections of a worker.", () =>
      byThread(view, (thread) =>
        Math.max(
          0,
          thread.value(Counter.connectionsOpened) - thread.value(Counter.connectionsClosed),
        ),
      ),
    ),
    gauge(of("shard_items"), "Items of a shard.", () => byShard(view, "items")),
    gauge(of("shard_bytes"), "Bytes of a shard's items.", () => byShard(view, "bytes")),
    ...queueMetrics(view, of),
    gauge(
      of("evicted_age_seconds"),
      "Seconds since its last use of what is evicted, mean of the last minute; 0 without evictions.",
      () => source.frame().ages.evicted,
    ),
    gauge(
      of("misses_per_second"),
      "Why reads missed in the last minute; other: first reads, deleted, evicted long ago.",
      () =>
        MISS_CAUSES.map(([cause, field]) => ({
          labels: { cause },
          value: source.frame().misses[field],
        })),
    ),
    gauge(of("memory_bytes"), "Resident memory by what it is for.", () =>
      MEMORY_PARTS.map((part) => ({ labels: { part }, value: source.frame().memory[part] })),
    ),
    gauge(
      of("hotkey_rate"),
      "Rate of the heaviest keys by rank; stats hotkeys has their names.",
      () => hotKeyRates(view),
    ),
  ];
}

/** By worker; the primary only where it serves connections, and is not 0 for ever. */
function byThread(
  view: NodeView,
  read: (counters: NodeView["counters"][number]) => number,
): Sample[] {
  return view.counters.flatMap((counters, thread) => {
    const isPrimary = thread === view.threadCount;
    if (isPrimary && counters.value(Counter.loopTurns) === 0) return [];
    return [{ labels: { worker: isPrimary ? "primary" : String(thread) }, value: read(counters) }];
  });
}

function byShard(view: NodeView, field: "items" | "bytes"): Sample[] {
  return view.shards.map((shard, index) => ({
    labels: { shard: String(index) },
    value: shard.items()[field],
  }));
}

function queueMetrics(view: NodeView, of: (name: string) => string): MetricSpec[] {
  const each = (read: (queue: QueueGauges) => number) => (): Sample[] =>
    view.store().queues.map((queue, index) => ({
      labels: { queue: QUEUE_CLASS_NAMES[index] as string },
      value: read(queue),
    }));
  const store = (read: (gauges: StoreGauges) => number) => (): number => read(view.store());
  return [
    gauge(
      of("queue_items"),
      "Items by queue.",
      each((queue) => queue.items),
    ),
    gauge(
      of("queue_bytes"),
      "Bytes of items by queue.",
      each((queue) => queue.bytes),
    ),
    gauge(
      of("queue_slabs"),
      "Slabs by queue.",
      each((queue) => queue.slabs),
    ),
    gauge(
      of("queue_age_seconds"),
      "Age of a queue's oldest slab.",
      each((queue) => queue.ageSeconds),
    ),
    gauge(
      of("slabs_free"),
      "Slabs in no queue.",
      store((gauges) => gauges.slabsFree),
    ),
    gauge(
      of("index_bytes"),
      "Bytes of the index in use.",
      store((gauges) => gauges.indexBytes),
    ),
  ];
}

function latencySamples(view: NodeView): Sample[] {
  const samples: Sample[] = [];
  view.observations.forEach((observation, thread) => {
    const worker = thread === view.threadCount ? "primary" : String(thread);
    observation.latency.forEach((histogram, family) => {
      const command = FAMILY_NAMES[family] as string;
      samples.push(...histogramSamples(histogram, { command, worker }));
    });
  });
  return samples;
}

function histogramSamples(
  histogram: Histogram,
  labels: Readonly<Record<string, string>>,
): Sample[] {
  const samples: Sample[] = [];
  let count = 0;
  let bucket = 0;
  for (const { bucketEnd, le } of LATENCY_ENDS) {
    for (; bucket < bucketEnd; bucket++) count += histogram.count(bucket);
    samples.push({ labels: { ...labels, le }, value: count, suffix: "_bucket" });
  }
  for (; bucket < BUCKET_COUNT; bucket++) count += histogram.count(bucket);
  if (count === 0) return [];
  samples.push(
    { labels: { ...labels, le: "+Inf" }, value: count, suffix: "_bucket" },
    { labels, value: histogram.sum() / NANOSECONDS, suffix: "_sum" },
    { labels, value: count, suffix: "_count" },
  );
  return samples;
}

function hotKeyRates(view: NodeView): Sample[] {
  const kinds = [SketchKind.requests, SketchKind.bytes, SketchKind.misses] as const;
  return kinds.flatMap((kind) =>
    hotKeys(view, kind, RANKS).map((hot, rank) => ({
      labels: { by: HOT_LISTS[kind] as string, rank: String(rank + 1) },
      value: hot.rate,
    })),
  );
}
