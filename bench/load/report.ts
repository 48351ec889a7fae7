/** The report of one run: as a table for a terminal, as JSON, as a page with plots. */
import type { Machine } from "../report/machine.ts";
import { escapeXml, lineChart } from "../report/svg.ts";
import { compactNumber, duration, renderTable } from "../report/table.ts";
import type { Step } from "./find-max.ts";
import type { Moment } from "./timeline.ts";
import type { Workload } from "./workload.ts";

export interface ServerUse {
  pid: number;
  /** Microseconds of processor time per key, and the share of it in user mode. */
  cpuPerKey: number;
  userShare: number;
  utilization: number;
  residentBytes: number;
}

export interface Report {
  machine: Machine;
  /** How to take it again, and the generator's version. */
  command: string;
  version: string;
  target: string;
  workload: Omit<Workload, "trace"> & { trace: string | null };
  /** Wanted requests a second; 0 in a closed loop. */
  rate: number;
  seconds: number;
  requests: number;
  keys: number;
  keysPerSecond: number;
  requestsPerSecond: number;
  hitRatio: number;
  latency: { p50: number; p90: number; p99: number; p999: number; max: number; mean: number };
  /** [percent, microseconds], for the plot of the distribution. */
  distribution: [number, number][];
  refusals: number;
  lies: number;
  failures: number;
  unanswered: number;
  sentBytes: number;
  receivedBytes: number;
  generatorCpuPerKey: number;
  /** Processors the generator threads kept busy. */
  generatorUtilization: number;
  server: ServerUse | null;
  moments: Moment[];
  search: Search | null;
}

/** What --find-max found. */
export interface Search {
  objective: string;
  rate: number;
  steps: Step[];
  /** False: no confirming run has kept the objective, and `rate` is what the last one tried. */
  held: boolean;
}

function rowsOf(report: Report): [string, string][] {
  const { latency, server } = report;
  const microseconds = (value: number) => `${value.toFixed(2)} µs`;
  const rows: [string, string][] = [
    ["throughput", `${compactNumber(report.requestsPerSecond)} requests/s`],
  ];
  if (report.keys !== report.requests) {
    rows.push(["keys", `${compactNumber(report.keysPerSecond)} keys/s`]);
  }
  if (report.rate > 0) rows.push(["wanted", `${compactNumber(report.rate)} requests/s`]);
  rows.push(
    ["latency p50", duration(latency.p50)],
    ["p90", duration(latency.p90)],
    ["p99", duration(latency.p99)],
    ["p99.9", duration(latency.p999)],
    ["max", duration(latency.max)],
    ["hit ratio", Number.isNaN(report.hitRatio) ? "–" : report.hitRatio.toFixed(4)],
    ["refusals", String(report.refusals)],
    ["connections lost", String(report.failures)],
    ["unanswered", String(report.unanswered)],
  );
  if (report.workload.verify) rows.push(["wrong values", String(report.lies)]);
  if (server !== null) {
    const user = server.cpuPerKey * server.userShare;
    rows.push(
      ["server CPU per key", microseconds(server.cpuPerKey)],
      ["user, system", `${microseconds(user)}, ${microseconds(server.cpuPerKey - user)}`],
      ["server processors", server.utilization.toFixed(2)],
      ["server memory", `${compactNumber(server.residentBytes)}B`],
    );
  }
  rows.push(
    ["generator CPU per key", microseconds(report.generatorCpuPerKey)],
    ["generator processors", report.generatorUtilization.toFixed(2)],
  );
  if (report.search !== null) {
    const { rate, objective, held } = report.search;
    const shown = held ? `${compactNumber(rate)} requests/s` : "none confirmed";
    rows.push([`highest rate, ${objective}`, shown]);
  }
  return rows;
}

/** The table for a terminal. */
export function textReport(report: Report): string {
  return `${report.machine.line}\n${renderTable(["", report.target], rowsOf(report))}`;
}

/** Places of the distribution's x axis: 90 %, 99 %, 99.9 %, … at equal distances. */
const PLACES = [0, 90, 99, 99.9, 99.99, 99.999];

function place(percent: number): number {
  return Math.min(PLACES.length - 1, -Math.log10(Math.max(1e-9, 1 - percent / 100)));
}

/** One page with the table and the plots, in one file. */
export function htmlReport(report: Report): string {
  const over = (pick: (moment: Moment) => number) =>
    report.moments
      .map((moment) => [moment.seconds, pick(moment)] as const)
      .filter(([, value]) => Number.isFinite(value));
  const charts = [
    lineChart({
      title: "Throughput over time",
      xUnit: "seconds",
      yUnit: "keys/s",
      logarithmic: false,
      series: [{ name: "keys/s", points: over((moment) => moment.throughput) }],
    }),
    lineChart({
      title: "Latency over time",
      xUnit: "seconds",
      yUnit: "µs",
      logarithmic: true,
      series: [
        { name: "p50", points: over((moment) => moment.p50) },
        { name: "p99", points: over((moment) => moment.p99) },
        { name: "max", points: over((moment) => moment.max) },
      ],
    }),
    lineChart({
      title: "Distribution of latency",
      xUnit: "percent of the requests",
      yUnit: "µs",
      logarithmic: true,
      xNames: PLACES.map(String),
      series: [
        {
          name: "latency",
          points: report.distribution.map(([percent, value]) => [place(percent), value] as const),
        },
      ],
    }),
  ];
  const table = rowsOf(report)
    .map(([name, value]) => `<tr><th>${escapeXml(name)}<td>${escapeXml(value)}`)
    .join("\n");
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Load on ${escapeXml(report.target)}</title>
<style>
:root { color-scheme: light dark; font: 15px system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
th { text-align: left; font-weight: 400; padding-right: 2rem; }
td { text-align: right; font-variant-numeric: tabular-nums; }
svg { width: 100%; height: auto; }
pre { overflow: auto; }
</style>
<h1>Load on ${escapeXml(report.target)}</h1>
<p>${escapeXml(report.machine.line)}; shardcached's generator ${escapeXml(report.version)}</p>
<pre>${escapeXml(report.command)}</pre>
<table>
${table}
</table>
${charts.join("\n")}
<h2>Workload</h2>
<pre>${escapeXml(JSON.stringify(report.workload, null, 2))}</pre>
</html>
`;
}
