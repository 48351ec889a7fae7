/**
 * Tables of text: for a terminal (padded columns), and for a Markdown document. The first column is
 * left-aligned.
 */

/** Columns padded to their widest cell. */
export function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) =>
    Math.max(name.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]) =>
    widths
      .map((width, column) => {
        const cell = cells[column] ?? "";
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  return [line(head), rule, ...rows.map(line)].join("\n");
}

/** The same as a Markdown table; `|` in a cell is escaped. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const align = head.map((_, column) => (column === 0 ? "---" : "---:"));
  return [line(head), line(align), ...rows.map(line)].join("\n");
}

const SCALES = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
] as const;

/** 1234567 → "1.23 M": three significant digits. */
export function compactNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  for (const [scale, letter] of SCALES) {
    if (Math.abs(value) >= scale) return `${(value / scale).toPrecision(3)} ${letter}`;
  }
  return value === 0 || Math.abs(value) >= 1 ? String(Math.round(value)) : value.toPrecision(3);
}

/** Microseconds as a person reads them: "83.1 µs", "1.24 ms", "2.10 s". */
export function duration(microseconds: number): string {
  if (!Number.isFinite(microseconds)) return "–";
  if (microseconds < 999.5) return `${microseconds.toPrecision(3)} µs`;
  if (microseconds < 999_500) return `${(microseconds / 1e3).toPrecision(3)} ms`;
  return `${(microseconds / 1e6).toPrecision(3)} s`;
}
