/**
 * Plots as SVG text: grouped bars, and lines over a linear or logarithmic axis. No scripts,
 * readable in light and dark.
 */
import { compactNumber } from "./table.ts";

const COLORS = ["#2f6fde", "#d9662b", "#3a9a5b", "#9a4fc4", "#c23a5c", "#7a7a7a", "#1f9aa8"];
const TEXT = 'font-family="system-ui,sans-serif" font-size="12" fill="#808080"';

/** `text` with what XML reserves replaced. */
export function escapeXml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

export interface Bars {
  title: string;
  unit: string;
  groups: readonly string[];
  /** values[g] belongs to groups[g]; NaN draws nothing. */
  series: readonly { name: string; values: readonly number[] }[];
}

const WIDTH = 860;
const MARGIN = { left: 60, right: 40, top: 44, bottom: 56 };

function colorOf(index: number): string {
  return COLORS[index % COLORS.length] as string;
}

function legend(names: readonly string[]): string {
  let x = MARGIN.left;
  return names
    .map((name, index) => {
      const at = x;
      x += 28 + name.length * 7.5;
      return (
        `<rect x="${at}" y="26" width="10" height="10" rx="2" fill="${colorOf(index)}"/>` +
        `<text x="${at + 14}" y="35" ${TEXT}>${escapeXml(name)}</text>`
      );
    })
    .join("");
}

function frame(height: number, title: string, body: string): string {
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" ` +
    `aria-label="${escapeXml(title)}"><text x="${MARGIN.left}" y="16" ${TEXT} ` +
    `font-weight="600">${escapeXml(title)}</text>${body}</svg>`
  );
}

/** Round steps that divide [0, max] into four to eight parts. */
export function ticks(max: number): number[] {
  if (!(max > 0)) return [0];
  const rough = max / 6;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * magnitude).find((s) => s >= rough) ?? rough;
  const list: number[] = [];
  for (let i = 0; i * step <= max * 1.0001; i++) list.push(Number((i * step).toPrecision(12)));
  return list;
}

export function barChart({ title, unit, groups, series }: Bars): string {
  const height = 320;
  const plot = { width: WIDTH - MARGIN.left - MARGIN.right, height: height - 100 };
  const all = series.flatMap(({ values }) => values.filter(Number.isFinite));
  const max = Math.max(1e-9, ...all);
  const y = (value: number) => MARGIN.top + plot.height * (1 - value / max);
  const parts = [legend(series.map(({ name }) => name))];
  for (const tick of ticks(max)) {
    parts.push(
      `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(tick)}" y2="${y(tick)}" ` +
        `stroke="#80808040"/><text x="${MARGIN.left - 8}" y="${y(tick) + 4}" ` +
        `text-anchor="end" ${TEXT}>${tickText(tick)}</text>`,
    );
  }
  const groupWidth = plot.width / Math.max(1, groups.length);
  const barWidth = (groupWidth * 0.8) / Math.max(1, series.length);
  for (const [g, group] of groups.entries()) {
    const left = MARGIN.left + g * groupWidth;
    for (const [s, { name, values }] of series.entries()) {
      const value = values[g] ?? Number.NaN;
      if (!Number.isFinite(value)) continue;
      const x = left + groupWidth * 0.1 + s * barWidth;
      parts.push(
        `<rect x="${x.toFixed(1)}" y="${y(value).toFixed(1)}" width="${(barWidth * 0.9).toFixed(1)}" ` +
          `height="${(plot.height + MARGIN.top - y(value)).toFixed(1)}" fill="${colorOf(s)}">` +
          `<title>${escapeXml(`${name}, ${group}: ${value.toPrecision(3)} ${unit}`)}</title></rect>`,
      );
    }
    parts.push(
      `<text x="${left + groupWidth / 2}" y="${height - 36}" text-anchor="middle" ${TEXT}>` +
        `${escapeXml(group)}</text>`,
    );
  }
  parts.push(`<text x="8" y="35" ${TEXT}>${escapeXml(unit)}</text>`);
  return frame(height, title, parts.join(""));
}

export interface Lines {
  title: string;
  xUnit: string;
  yUnit: string;
  /** Draws y on a logarithmic axis. */
  logarithmic: boolean;
  /** Names of x positions, instead of numbers. */
  xNames?: readonly string[];
  series: readonly { name: string; points: readonly (readonly [x: number, y: number])[] }[];
}

export function lineChart(lines: Lines): string {
  const { title, xUnit, yUnit, logarithmic, xNames, series } = lines;
  const height = 320;
  const plot = { width: WIDTH - MARGIN.left - MARGIN.right, height: height - 100 };
  const points = series.flatMap((one) => one.points);
  const xMax = Math.max(1e-9, ...points.map(([x]) => x));
  const yValues = points.map(([, y]) => y).filter((y) => y > 0);
  const yMax = Math.max(1e-9, ...yValues);
  const yMin = logarithmic ? Math.min(yMax / 10, ...yValues) : 0;
  const scale = (value: number) =>
    logarithmic
      ? Math.log(Math.max(value, yMin) / yMin) / Math.log(yMax / yMin)
      : (value - yMin) / (yMax - yMin);
  const x = (value: number) => MARGIN.left + (plot.width * value) / xMax;
  const y = (value: number) => MARGIN.top + plot.height * (1 - scale(value));
  const parts = [legend(series.map(({ name }) => name))];
  for (const tick of logarithmic ? decades(yMin, yMax) : ticks(yMax)) {
    parts.push(
      `<line x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${y(tick)}" y2="${y(tick)}" ` +
        `stroke="#80808040"/><text x="${MARGIN.left - 8}" y="${y(tick) + 4}" ` +
        `text-anchor="end" ${TEXT}>${tickText(tick)}</text>`,
    );
  }
  const names = xNames?.map((name, i) => [i, name] as const) ?? ticks(xMax).map((t) => [t, `${t}`]);
  for (const [at, name] of names) {
    parts.push(
      `<text x="${x(Number(at))}" y="${height - 36}" text-anchor="middle" ${TEXT}>` +
        `${escapeXml(String(name))}</text>`,
    );
  }
  for (const [index, one] of series.entries()) {
    const path = one.points.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`).join(" ");
    parts.push(
      `<polyline points="${path}" fill="none" stroke="${colorOf(index)}" stroke-width="2"/>`,
    );
  }
  parts.push(
    `<text x="8" y="35" ${TEXT}>${escapeXml(yUnit)}</text>`,
    `<text x="${WIDTH - MARGIN.right}" y="${height - 16}" text-anchor="end" ${TEXT}>` +
      `${escapeXml(xUnit)}</text>`,
  );
  return frame(height, title, parts.join(""));
}

/** A tick's number, short enough for the margin. */
function tickText(tick: number): string {
  return tick < 10_000 ? String(tick) : compactNumber(tick);
}

/** 1, 2, 5 of every decade between the two. */
function decades(min: number, max: number): number[] {
  const list: number[] = [];
  for (let power = Math.floor(Math.log10(min)); 10 ** power <= max; power++) {
    for (const step of [1, 2, 5]) {
      const tick = Number((step * 10 ** power).toPrecision(6));
      if (tick >= min && tick <= max) list.push(tick);
    }
  }
  return list;
}
