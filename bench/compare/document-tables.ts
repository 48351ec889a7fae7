/** A comparison as tables: for a terminal and for docs/performance.md. */

import { median, medianDeviation } from "../report/statistics.ts";
import { compactNumber, markdownTable, renderTable } from "../report/table.ts";
import { ratioSummary } from "./interleave.ts";
import { type CompareResult, figures, type RowResult } from "./results.ts";
import {
  type Line,
  MEMORY_ROW,
  OLD_MEMCACHED_PIPELINE,
  THREADS_AIM,
  THREADS_MUST,
} from "./workloads.ts";

type Style = "text" | "markdown";

/** The server whose targets are checked. */
const SUBJECT = "shardcached";

/** The limits of a line, adapted to the version of the reference. */
function limitsOf(result: CompareResult, row: RowResult, line: Line): [number, number] {
  const old = result.versions["memcached"] === OLD_MEMCACHED_PIPELINE.version;
  if (row.name === "pipe32" && result.reference === "memcached" && old) {
    return [OLD_MEMCACHED_PIPELINE.must, OLD_MEMCACHED_PIPELINE.aim];
  }
  return [line.must, line.aim];
}

function verdict(ratio: number, must: number, aim: number): string {
  if (!Number.isFinite(ratio)) return "–";
  if (ratio <= aim) return "aim";
  return ratio <= must ? "pass" : "MISS";
}

function number(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : "–";
}

/** Figures of all servers, and the ratio of the subject to the reference. */
function resultRows(result: CompareResult): { head: string[]; rows: string[][] } {
  const servers = serversOf(result);
  const others = servers.filter((name) => name !== result.reference);
  const head = [
    "workload",
    ...servers.map((name) => `${name} µs`),
    ...others.map((name) => `${name} ÷ ${result.reference}`),
    "must, aim",
    SUBJECT,
  ];
  const rows: string[][] = [];
  for (const row of result.rows) {
    for (const line of row.lines) {
      const [must, aim] = limitsOf(result, row, line);
      const of = (server: string) =>
        figures(
          row.cells.find((cell) => cell.server === server),
          line.figure,
        );
      const ratios = new Map(
        others.map((name) => [name, ratioSummary(of(name), of(result.reference))]),
      );
      rows.push([
        line.title,
        ...servers.map((name) => number(median(of(name)), 2)),
        ...others.map((name) => {
          const ratio = ratios.get(name);
          if (ratio === undefined || !Number.isFinite(ratio.median)) return "–";
          return `${ratio.median.toFixed(3)} ± ${ratio.mad.toFixed(3)}`;
        }),
        `${must}, ${aim}`,
        verdict(ratios.get(SUBJECT)?.median ?? Number.NaN, must, aim),
      ]);
    }
  }
  return { head, rows };
}

/** Throughput, use of the processor and tails of every cell. */
function detailRows(result: CompareResult): { head: string[]; rows: string[][] } {
  const head = [
    "workload, server",
    "keys/s",
    "server CPU",
    "µs/op ± MAD",
    "generator µs/op",
    "p50 µs",
    "p99 µs",
    "p99.9 µs",
    "errors",
  ];
  const rows = result.rows.flatMap((row) =>
    row.cells.map((cell) => {
      const of = (pick: (sample: (typeof cell.samples)[number]) => number) =>
        cell.samples.map(pick);
      const cpu = of((sample) => sample.cpu);
      return [
        `${row.name}, ${cell.server}`,
        compactNumber(median(of((sample) => sample.throughput))),
        `${number(100 * median(of((sample) => sample.utilization)), 0)} %`,
        `${number(median(cpu), 2)} ± ${number(medianDeviation(cpu), 2)}`,
        number(median(of((sample) => sample.generatorCpu)), 2),
        number(cell.tail.p50, 0),
        number(cell.tail.p99, 0),
        number(cell.tail.p999, 0),
        cell.problem ?? String(of((sample) => sample.errors).reduce((sum, one) => sum + one, 0)),
      ];
    }),
  );
  return { head, rows };
}

function threadRows(result: CompareResult): { head: string[]; rows: string[][] } {
  const percent = (share: number | undefined) =>
    share === undefined ? "" : `${(100 * share).toFixed(1)} %`;
  const rows = result.threads.map(({ server, threads, cpu, ratios, crossings }) => [
    `${server} --threads ${threads}`,
    `${number(median(cpu), 2)} ± ${number(medianDeviation(cpu), 2)}`,
    `${number(median(ratios), 3)} ± ${number(medianDeviation(ratios), 3)}`,
    server === SUBJECT ? verdict(median(ratios), THREADS_MUST, THREADS_AIM) : "",
    percent(crossings?.direct),
    percent(crossings?.onLoan),
    percent(crossings?.sent),
    percent(crossings?.woken),
  ]);
  const limits = `must ${THREADS_MUST}, aim ${THREADS_AIM}`;
  const crossed = ["read direct", "on loan", "handed over", "wake-ups"];
  return { head: ["server", "µs/op", "÷ one thread", limits, ...crossed], rows };
}

function memoryRows(result: CompareResult): { head: string[]; rows: string[][] } {
  const reference = result.memory.find(({ server }) => server === result.reference);
  const rows = result.memory.map(({ server, emptyBytes, bytesPerItem }) => {
    const ratio = bytesPerItem / (reference?.bytesPerItem ?? Number.NaN);
    return [
      server,
      `${(emptyBytes / 2 ** 20).toFixed(0)} MiB`,
      bytesPerItem.toFixed(0),
      number(ratio, 3),
      server === SUBJECT ? verdict(ratio, MEMORY_ROW.must, MEMORY_ROW.aim) : "",
    ];
  });
  const limits = `must ${MEMORY_ROW.must}, aim ${MEMORY_ROW.aim}`;
  return {
    head: ["server", "empty process", "bytes an item", `÷ ${result.reference}`, limits],
    rows,
  };
}

/** The servers of a result, in the order they were found. */
export function serversOf(result: CompareResult): string[] {
  const seen = new Set(result.rows.flatMap((row) => row.cells.map(({ server }) => server)));
  return Object.keys(result.versions).filter((name) => seen.has(name));
}

/**
 * In a closed loop server or generator is busy all the time, unless others take their processors.
 */
const BUSY_SHARE_MIN = 0.8;

/**
 * The share of the time the busier of server and generator had a processor, in the closed loops of
 * many connections.
 */
export function busyShare(result: CompareResult): number {
  const rows = result.rows.filter(({ name, rate }) => rate === 0 && name !== "roundtrip");
  const samples = rows.flatMap(({ cells }) => cells.flatMap((cell) => cell.samples));
  return median(
    samples.map(({ utilization, generatorCpu, throughput }) =>
      Math.max(utilization, (generatorCpu * throughput) / 1e6),
    ),
  );
}

/** All tables of a result, with headings. */
export function compareTables(result: CompareResult, style: Style): string {
  const render = style === "text" ? renderTable : markdownTable;
  const heading = (text: string) => (style === "text" ? `\n${text}` : `\n### ${text}\n`);
  const versions = Object.entries(result.versions)
    .map(([name, version]) => `${name} ${version}`.trim())
    .join(", ");
  const parts = [
    result.machine.line,
    `${versions}; ${result.rounds} rounds of ${result.windowSeconds} s windows`,
  ];
  const add = (title: string, table: { head: string[]; rows: string[][] }) => {
    if (table.rows.length > 0) parts.push(heading(title), render(table.head, table.rows));
  };
  if (style === "markdown") parts.splice(1, 0, "");
  const busy = busyShare(result);
  if (busy < BUSY_SHARE_MIN) {
    const share = `${(100 * busy).toFixed(0)} %`;
    parts.push(
      "",
      `Others kept this machine busy: server and generator ran ${share} of the time. ` +
        "Microseconds are too high and ratios uncertain; measure again when it is quiet.",
    );
  }
  add("Against the peers", resultRows(result));
  add("Threads: processor time per operation", threadRows(result));
  add("Memory per item", memoryRows(result));
  add("Every cell", detailRows(result));
  return parts.join("\n");
}
