/**
 * docs/performance.md: the measured part between two marks is rewritten, what people wrote around
 * it stays. The plots beside it are SVG files of their own.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { median } from "../report/statistics.ts";
import { barChart, lineChart } from "../report/svg.ts";
import { compareTables, serversOf } from "./document-tables.ts";
import { projectRoot } from "./peers.ts";
import { type CompareResult, figures } from "./results.ts";

const BEGIN = "<!-- measured: begin; written by `npm run bench:compare -- --document` -->";
const END = "<!-- measured: end -->";

const SKELETON = `# Performance

How shardcached compares with other servers on one machine, and how that was measured.

${BEGIN}
${END}
`;

/**
 * `text` with what stands between the marks replaced; the marks are added at its end when it has
 * none.
 */
export function replaceMeasured(text: string, measured: string): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  const block = `${BEGIN}\n\n${measured}\n\n${END}`;
  if (begin < 0 || end < begin) return `${text.trimEnd()}\n\n${block}\n`;
  return text.slice(0, begin) + block + text.slice(end + END.length);
}

/** The plots of a result: file name and SVG text. */
export function plotsOf(result: CompareResult): [name: string, svg: string][] {
  const servers = serversOf(result);
  const plots: [string, string][] = [];
  const cpuRows = result.rows.filter(({ lines }) => lines.some(({ figure }) => figure === "cpu"));
  if (cpuRows.length > 0) {
    const series = servers.map((name) => ({
      name,
      values: cpuRows.map((row) =>
        median(
          figures(
            row.cells.find(({ server }) => server === name),
            "cpu",
          ),
        ),
      ),
    }));
    const groups = cpuRows.map(({ name }) => name);
    const title = "Processor time of the server per key (less is better)";
    plots.push(["cpu.svg", barChart({ title, unit: "µs", groups, series })]);
  }
  const open = result.rows.find(({ rate }) => rate > 0);
  if (open !== undefined) {
    const names = ["p50", "p90", "p99", "p99.9", "max"];
    const series = open.cells
      .filter(({ samples }) => samples.length > 0)
      .map(({ server, tail }) => ({
        name: server,
        points: [tail.p50, tail.p90, tail.p99, tail.p999, tail.max].map(
          (value, at) => [at, value] as const,
        ),
      }));
    const title = `Latency of an open loop at ${Math.round(open.rate / 1000)} k requests/s`;
    const chart = { title, xUnit: "", yUnit: "µs", logarithmic: true, xNames: names, series };
    plots.push(["latency.svg", lineChart(chart)]);
  }
  if (result.threads.length > 0) {
    const names = [...new Set(result.threads.map(({ server }) => server))];
    const counts = [...new Set(result.threads.map(({ threads }) => threads))];
    const series = names.map((name) => ({
      name,
      values: counts.map((count) =>
        median(
          result.threads.find((one) => one.server === name && one.threads === count)?.cpu ?? [],
        ),
      ),
    }));
    const groups = counts.map((count) => `${count} threads`);
    const title = "Processor time per operation by number of threads (less is better)";
    plots.push(["threads.svg", barChart({ title, unit: "µs", groups, series })]);
  }
  return plots;
}

/** Writes docs/performance.md and the plots in docs/performance/. */
export function writeDocument(result: CompareResult): void {
  const docs = join(projectRoot(), "docs");
  const folder = join(docs, "performance");
  mkdirSync(folder, { recursive: true });
  const plots = plotsOf(result);
  for (const [name, svg] of plots) writeFileSync(join(folder, name), `${svg}\n`);
  const images = plots.map(([name]) => `![${name}](performance/${name})`).join("\n\n");
  const path = join(docs, "performance.md");
  const text = existsSync(path) ? readFileSync(path, "utf8") : SKELETON;
  writeFileSync(path, replaceMeasured(text, `${compareTables(result, "markdown")}\n\n${images}`));
}
