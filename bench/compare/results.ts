/**
 * What a comparison has measured, as plain data: bench/out/compare.json, the history, the document
 * are made from it.
 */
import { type Histogram, percentile } from "../load/latency-counts.ts";
import type { Measured } from "../load/load-pool.ts";
import type { Machine } from "../report/machine.ts";
import type { Crossings } from "./server-stats.ts";
import type { Figure, Line } from "./workloads.ts";

/** Latencies in microseconds. */
export interface Tail {
  p50: number;
  p90: number;
  p99: number;
  p999: number;
  max: number;
}

/**
 * One window of one server. Times in microseconds; `cpu` and `generatorCpu` are per key read or
 * written.
 */
export interface Sample extends Tail {
  cpu: number;
  generatorCpu: number;
  /** Keys a second. */
  throughput: number;
  /** Share of one processor the server used. */
  utilization: number;
  /** Replies that were refusals, lies or never came. */
  errors: number;
}

export interface Cell {
  server: string;
  samples: Sample[];
  /** Over all windows together. */
  tail: Tail;
  /** Why there are no samples, when there are none. */
  problem: string | null;
}

export interface RowResult {
  name: string;
  lines: readonly Line[];
  /** Requests a second of an open loop; 0 in a closed one. */
  rate: number;
  cells: Cell[];
}

export interface ThreadsResult {
  server: string;
  threads: number;
  cpu: number[];
  /** cpu[round] divided by that of one thread in the same round. */
  ratios: number[];
  /** Null for servers that do not say. */
  crossings: Crossings | null;
}

export interface MemoryResult {
  server: string;
  emptyBytes: number;
  bytesPerItem: number;
}

export interface CompareResult {
  machine: Machine;
  versions: Record<string, string>;
  reference: string;
  rounds: number;
  windowSeconds: number;
  rows: RowResult[];
  threads: ThreadsResult[];
  memory: MemoryResult[];
}

export function tailOf(latency: Histogram): Tail {
  return {
    p50: percentile(latency, 50),
    p90: percentile(latency, 90),
    p99: percentile(latency, 99),
    p999: percentile(latency, 99.9),
    max: latency.totalCount === 0 ? Number.NaN : latency.maxValue / 1e3,
  };
}

/** A window's figures: `serverCpu` is the server's processor time in it. */
export function sampleOf(measured: Measured, serverCpu: number): Sample {
  const { keys, seconds } = measured;
  return {
    ...tailOf(measured.latency),
    cpu: serverCpu / keys,
    generatorCpu: measured.cpuMicroseconds / keys,
    throughput: keys / seconds,
    utilization: serverCpu / (seconds * 1e6),
    errors: measured.refusals + measured.lies + measured.failures + measured.unanswered,
  };
}

/** The compared figure of every window. */
export function figures(cell: Cell | undefined, figure: Figure): number[] {
  return (cell?.samples ?? []).map((sample) => sample[figure]);
}
