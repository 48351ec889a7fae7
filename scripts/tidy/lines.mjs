/**
 * Lines and lengths: a file is one idea, read in one go; a line is read without moving the eyes.
 * What a program lays out (Biome) is within the width already; comments, drawings and strings are
 * held to it here. A text that a program prints stays in one piece, so that it can be searched for.
 */
import { walk } from "./tree.mjs";

const LINES_MAX = 500;
const COLUMNS_MAX = 100;
/** Brackets, commas and the like behind a text. */
const CLOSING_MAX = 8;
const KINDS = new Set([".ts", ".mjs", ".cjs", ".js", ".css", ".c", ".py", ".rb", ".php"]);

/** A letter is a column, whatever its bytes. */
const columnsOf = (line) => [...line].length;

/** Files longer than `LINES_MAX`. */
export function longFiles(tree) {
  return sources(tree)
    .filter(({ lines }) => lines.length - 1 > LINES_MAX)
    .map(({ path, lines }) => ({
      path,
      line: LINES_MAX,
      message: `${lines.length - 1} lines; a file is one idea, ${LINES_MAX} at most`,
    }));
}

/** Lines wider than `COLUMNS_MAX`. */
export function wideLines(tree) {
  return sources(tree).flatMap((file) => {
    const wide = file.lines.flatMap((line, index) =>
      line.length > COLUMNS_MAX && columnsOf(line) > COLUMNS_MAX ? [index + 1] : [],
    );
    if (wide.length === 0) return [];
    const texts = linesOfTexts(file);
    return wide
      .filter((line) => !texts.has(line))
      .map((line) => ({
        path: file.path,
        line,
        message: `${columnsOf(file.lines[line - 1])} columns, ${COLUMNS_MAX} at most`,
      }));
  });
}

/** The lines that end in a string, a template or a pattern. */
function linesOfTexts(file) {
  const lines = new Set();
  if (!file.isCode) return lines;
  walk(file.program, (node) => {
    if (node.type !== "Literal" && node.type !== "TemplateElement") return;
    if (file.text.slice(node.start, node.end).includes("\n")) {
      for (let line = file.lineAt(node.start); line <= file.lineAt(node.end); line++)
        lines.add(line);
      return;
    }
    const line = file.lineAt(node.end);
    const column = node.end - file.text.lastIndexOf("\n", node.end) - 1;
    if (column >= COLUMNS_MAX - CLOSING_MAX) lines.add(line);
  });
  return lines;
}

function sources(tree) {
  return [...tree.files.values()].filter(
    ({ path, extension }) => KINDS.has(extension) && !path.startsWith("docs/"),
  );
}
