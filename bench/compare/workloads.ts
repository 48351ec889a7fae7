/**
 * What is compared: the rows of the table in docs/performance.md, each a workload, the figure that
 * counts, and what shardcached has to reach against memcached.
 */
import { WORKLOAD_DEFAULTS, type Workload } from "../load/workload.ts";

/** The figure a row compares; less is better in all of them. */
export type Figure = "cpu" | "p50" | "p99" | "p999";

/** One line of the table: a figure of a row, and its limits as ratios to the reference. */
export interface Line {
  figure: Figure;
  title: string;
  /** The largest ratio that passes, and the one aimed at. */
  must: number;
  aim: number;
}

export interface Row {
  name: string;
  workload: Workload;
  lines: readonly Line[];
  /**
   * An open loop at this share of the reference's throughput in row `rateFrom`; a closed loop
   * without.
   */
  rateShare?: number;
  rateFrom?: string;
  /** Length of the windows relative to the others: tails need more requests. */
  windowScale?: number;
}

const base = WORKLOAD_DEFAULTS;
const small = { ...base, keyPrefix: "s" };

export const ROWS: readonly Row[] = [
  {
    name: "single",
    workload: small,
    lines: [
      {
        figure: "cpu",
        title: "50 connections, 90 % get, 100 B, one request at a time",
        must: 0.9,
        aim: 0.8,
      },
    ],
  },
  {
    name: "pipe32",
    workload: { ...small, depth: 32 },
    lines: [{ figure: "cpu", title: "the same, pipelined 32", must: 0.4, aim: 0.25 }],
  },
  {
    name: "mget50",
    workload: { ...small, keysPerGet: 50, reads: 1 },
    lines: [{ figure: "cpu", title: "multi-get of 50 keys, per key", must: 0.5, aim: 0.33 }],
  },
  {
    name: "4k",
    workload: { ...base, keyPrefix: "b", valueSizes: "4096", keyCount: 20_000 },
    lines: [{ figure: "cpu", title: "4 KiB values, 90 % get", must: 1, aim: 0.8 }],
  },
  {
    name: "set",
    workload: { ...small, reads: 0 },
    lines: [{ figure: "cpu", title: "100 % set, 100 B", must: 0.95, aim: 0.85 }],
  },
  {
    name: "roundtrip",
    workload: { ...small, connections: 1 },
    lines: [{ figure: "p50", title: "one connection, round trip, p50", must: 1.05, aim: 1 }],
  },
  {
    name: "open",
    workload: small,
    rateShare: 0.5,
    rateFrom: "single",
    windowScale: 2,
    lines: [
      { figure: "p99", title: "open loop at half of memcached's maximum, p99", must: 1, aim: 0.5 },
      { figure: "p999", title: "the same, p99.9", must: 1, aim: 0.5 },
    ],
  },
];

/**
 * memcached 1.6.18, Debian's, pipelines worse than later ones: against it the row asks for more.
 */
export const OLD_MEMCACHED_PIPELINE = { version: "1.6.18", must: 0.2, aim: 0.13 } as const;

/** Thread counts whose processor time per operation is compared with one thread's. */
export const THREAD_COUNTS = [1, 2, 4, 8] as const;
export const THREADS_KEY_COUNT = 20_000;
export const THREADS_MUST = 1.25;
export const THREADS_AIM = 1.1;

/** Items of the memory row: 16-byte keys, 100-byte values. */
export const MEMORY_ROW = { items: 1_000_000, memoryMib: 1024, must: 1, aim: 0.8 } as const;
