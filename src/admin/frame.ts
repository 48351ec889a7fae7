/**
 * Frame: everything the live page shows of one second, as plain JSON. The sampler makes one a
 * second; the newest is kept, streamed to whoever watches, and folded into the history.
 */

/** Events a second in the second that ended. */
export interface Rates {
  readonly hits: number;
  readonly misses: number;
  readonly sets: number;
  readonly deletes: number;
  readonly arithmetic: number;
  readonly touches: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly evictions: number;
  readonly expired: number;
  readonly connections: number;
  readonly rejected: number;
  readonly flushes: number;
  /** Requests that crossed to another worker's shard. */
  readonly hops: number;
  readonly staleServed: number;
  readonly herdsPrevented: number;
  readonly outOfMemory: number;
  readonly tooLarge: number;
}

export interface LatencyFrame {
  /** Requests the second's samples stand for. */
  readonly count: number;
  /** Microseconds. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  /** Requests by latency: bucket i ends at 2^(i/2) µs (admin/heat.ts). */
  readonly heat: readonly number[];
}

export interface WorkerFrame {
  /** By number; the primary, where it serves connections, comes behind the workers. */
  readonly id: number;
  readonly isPrimary: boolean;
  /** Share of a core its thread used, less what went into looking for requests in vain. */
  readonly busy: number;
  /** Processor time of a mean turn of its loop, microseconds. */
  readonly turnMicroseconds: number;
  readonly turns: number;
  readonly requests: number;
  readonly connections: number;
  readonly items: number;
  readonly bytes: number;
  /** Requests sent to, and served for, other workers. */
  readonly sent: number;
  readonly served: number;
  /** Done in other workers' shards while those slept. */
  readonly onLoan: number;
  readonly evictions: number;
  readonly ringFull: number;
}

export interface QueueFrame {
  readonly name: string;
  readonly items: number;
  readonly bytes: number;
  readonly slabs: number;
  readonly ageSeconds: number;
}

export interface MemoryFrame {
  readonly limit: number;
  readonly items: number;
  /** Written, overwritten or deleted since, not reclaimed yet. */
  readonly dead: number;
  /** Slabs that were in use and are free again. */
  readonly free: number;
  readonly index: number;
  readonly ghost: number;
  /** The primary's own heap. */
  readonly heap: number;
  readonly rss: number;
  /** RSS that none of the above explains: code, the workers' heaps, socket buffers of ours. */
  readonly other: number;
  readonly cgroupLimit: number;
}

export type HealthLevel = "ok" | "notice" | "bad";

export interface HealthFrame {
  readonly level: HealthLevel;
  readonly sentence: string;
  /** Why it is not well, and what to do; empty when it is. */
  readonly cause: string;
}

export interface HotKeyFrame {
  /** base64url of the key's bytes: its name in the API. */
  readonly id: string;
  /** The key as text, with unprintable bytes escaped. */
  readonly text: string;
  readonly rate: number;
  readonly requests: number;
  readonly bytes: number;
  readonly misses: number;
  readonly writes: number;
  /** Length of the value as seen last; null when only changes that tell none were seen. */
  readonly valueBytes: number | null;
  /** Among the misses: nobody stores it. */
  readonly neverStored: boolean;
  /** Seconds since a request named it. */
  readonly seenAgo: number;
}

/** Why reads missed, a second, over the last minute. What is known of none of the others is `other`. */
export interface MissFrame {
  /** The item's time was over. */
  readonly expired: number;
  /** It had been flushed. */
  readonly flushed: number;
  /** It had been evicted a moment ago, as its being stored again shows: more memory would have kept it. */
  readonly evicted: number;
  /** Nobody stores it: the keys that are missed most, and only missed. */
  readonly neverStored: number;
  /** A first read, a deleted key, one evicted long ago. */
  readonly other: number;
}

export interface AgeFrame {
  /**
   * Seconds since the last use of what is evicted: the mean over the last minute, the one figure
   * that the sentence, the page and the metrics tell. 0 when nothing is evicted.
   */
  readonly evicted: number;
  /**
   * Histograms over 2^(i/2) seconds: TTLs given by stores, and ages at eviction, since the start.
   */
  readonly ttl: readonly number[];
  readonly evictions: readonly number[];
  /** Seconds since the oldest slab of each queue was opened. */
  readonly oldest: readonly number[];
}

export interface Frame {
  /** Unix time, seconds. */
  readonly time: number;
  readonly uptime: number;
  readonly health: HealthFrame;
  readonly rates: Rates;
  readonly hitRatio: number;
  readonly misses: MissFrame;
  readonly latency: LatencyFrame;
  readonly workers: readonly WorkerFrame[];
  readonly queues: readonly QueueFrame[];
  readonly slabs: { readonly total: number; readonly free: number; readonly bytes: number };
  readonly memory: MemoryFrame;
  readonly ages: AgeFrame;
  readonly items: number;
  readonly connections: number;
  readonly connectionsMax: number;
  /** CPU seconds a second, of the whole process. */
  readonly cpu: number;
}
