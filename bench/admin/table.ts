/**
 * What `bench:admin` prints: medians, and ratios to the window of the same round in which nobody
 * asked.
 */
import { ratioSummary } from "../compare/interleave.ts";
import { median, quantile } from "../report/statistics.ts";
import { compactNumber, duration } from "../report/table.ts";
import type { AdminUse } from "./admin-load.ts";

/** The row the others are compared with. */
export const REFERENCE = "nobody asks";

/** One window of the cache under one admin load. Times in microseconds. */
export interface Sample {
  throughput: number;
  p50: number;
  p99: number;
  /** Processor time of the whole server for each request of the cache. */
  cpu: number;
  admin: AdminUse;
  adminPerSecond: number;
}

type Figure = Exclude<keyof Sample, "admin">;

export const TABLE_HEAD = [
  "admin server",
  "cache requests/s",
  "÷",
  "cache p50",
  "÷",
  "cache p99",
  "÷",
  "CPU a request",
  "÷",
  "admin requests/s",
  "admin p50",
  "admin p99",
  "failures",
];

/**
 * Median and spread of a figure's ratios to the windows of the same rounds without anybody asking.
 */
function against(figure: Figure, samples: readonly Sample[], reference: readonly Sample[]): string {
  if (samples === reference) return "1";
  const values = (list: readonly Sample[]): number[] => list.map((sample) => sample[figure]);
  const { median, mad } = ratioSummary(values(samples), values(reference));
  return `${median.toFixed(2)} ± ${mad.toFixed(2)}`;
}

/** One row for each load, in order. */
export function tableRows(samples: ReadonlyMap<string, readonly Sample[]>): string[][] {
  const reference = samples.get(REFERENCE) ?? [];
  return [...samples].map(([name, list]) => {
    const of = (figure: Figure): number => median(list.map((sample) => sample[figure]));
    const times = list.flatMap(({ admin }) => admin.milliseconds);
    const asked = (text: string): string => (times.length > 0 ? text : "–");
    const failures = list.reduce((sum, { admin }) => sum + admin.failures, 0);
    return [
      name,
      compactNumber(of("throughput")),
      against("throughput", list, reference),
      duration(of("p50")),
      against("p50", list, reference),
      duration(of("p99")),
      against("p99", list, reference),
      duration(of("cpu")),
      against("cpu", list, reference),
      asked(compactNumber(of("adminPerSecond"))),
      asked(duration(quantile(times, 0.5) * 1000)),
      asked(duration(quantile(times, 0.99) * 1000)),
      asked(String(failures)),
    ];
  });
}
