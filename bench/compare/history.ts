/**
 * The history: one line of JSON for every recorded comparison, and the rule what a regression is. A
 * line holds ratios to the reference, which travel between machines, and the machine and commit
 * they were taken on.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Machine } from "../report/machine.ts";
import { median, medianDeviation } from "../report/statistics.ts";
import { ratioSummary } from "./interleave.ts";
import { projectRoot } from "./peers.ts";
import { type CompareResult, figures } from "./results.ts";

/** A ratio to the reference, less is better: its median and spread. */
export interface RecordedRatio {
  ratio: number;
  mad: number;
}

export interface HistoryLine {
  machine: Machine;
  reference: string;
  versions: Record<string, string>;
  /** By server, then by row and figure ("single cpu", "threads 8", "memory"). */
  ratios: Record<string, Record<string, RecordedRatio>>;
}

/**
 * bench/tolerances.json: how much a ratio may grow before it counts as a regression, by row and
 * figure.
 */
export type Tolerances = Record<string, number>;

export function historyLine(result: CompareResult): HistoryLine {
  const ratios: HistoryLine["ratios"] = {};
  const put = (server: string, key: string, ratio: number, mad: number) => {
    if (!Number.isFinite(ratio)) return;
    ratios[server] ??= {};
    (ratios[server] as Record<string, RecordedRatio>)[key] = {
      ratio: Number(ratio.toPrecision(4)),
      mad: Number(mad.toPrecision(3)),
    };
  };
  for (const row of result.rows) {
    const reference = row.cells.find(({ server }) => server === result.reference);
    for (const cell of row.cells) {
      for (const { figure } of row.lines) {
        const summary = ratioSummary(figures(cell, figure), figures(reference, figure));
        put(cell.server, `${row.name} ${figure}`, summary.median, summary.mad);
      }
    }
  }
  for (const { server, threads, ratios: list } of result.threads) {
    put(server, `threads ${threads}`, median(list), medianDeviation(list));
  }
  const empty = result.memory.find(({ server }) => server === result.reference)?.bytesPerItem;
  for (const { server, bytesPerItem } of result.memory) {
    put(server, "memory", bytesPerItem / (empty ?? Number.NaN), 0);
  }
  const { machine, reference, versions } = result;
  return { machine, reference, versions, ratios };
}

/**
 * What has become worse than the tolerances allow, and by more than its own spread, in words; empty
 * when nothing has.
 */
export function regressions(
  before: HistoryLine,
  after: HistoryLine,
  tolerances: Tolerances,
  server = "shardcached",
): string[] {
  const found: string[] = [];
  for (const [key, { ratio, mad }] of Object.entries(after.ratios[server] ?? {})) {
    const old = before.ratios[server]?.[key];
    if (old === undefined) continue;
    const allowed = tolerances[key] ?? tolerances["default"] ?? 0.1;
    if (ratio - mad > old.ratio * (1 + allowed)) {
      found.push(`${key}: ${old.ratio} → ${ratio}, allowed ${(100 * allowed).toFixed(0)} % more`);
    }
  }
  return found;
}

function read<T>(path: string, parse: (text: string) => T, otherwise: T): T {
  const full = join(projectRoot(), path);
  return existsSync(full) ? parse(readFileSync(full, "utf8")) : otherwise;
}

/**
 * Appends the result to bench/history/results.ndjson, and says what has become worse than the line
 * before it.
 */
export function recordHistory(result: CompareResult): void {
  const path = "bench/history/results.ndjson";
  const line = historyLine(result);
  const last = read(path, (text) => text.trim().split("\n").pop() ?? "", "");
  const tolerances = read("bench/tolerances.json", (text) => JSON.parse(text) as Tolerances, {});
  mkdirSync(dirname(join(projectRoot(), path)), { recursive: true });
  appendFileSync(join(projectRoot(), path), `${JSON.stringify(line)}\n`);
  if (last === "") return;
  for (const words of regressions(JSON.parse(last) as HistoryLine, line, tolerances)) {
    console.log(`REGRESSION ${words}`);
    process.exitCode = 1;
  }
}
