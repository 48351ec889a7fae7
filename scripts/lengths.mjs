/**
 * No source file is longer than what one reads in one go. Names those that are; plain Node, no
 * packages.
 */
import { readdirSync, readFileSync } from "node:fs";
import { extname, join, relative } from "node:path";
import { ROOT } from "./prepare.mjs";

const LINES_MAX = 400;
const FOLDERS = ["src", "workers", "scripts", "bench", "test"];
const KINDS = new Set([".ts", ".mjs", ".cjs", ".js", ".css", ".html", ".c", ".py", ".rb", ".php"]);
/** Written by programs. */
const PASSED_OVER = new Set(["node_modules", "out", "history", "__pycache__"]);

function sourcesIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (PASSED_OVER.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sourcesIn(path);
    return KINDS.has(extname(entry.name)) ? [path] : [];
  });
}

const linesOf = (path) => readFileSync(path, "utf8").split("\n").length - 1;

const sources = FOLDERS.flatMap((folder) => sourcesIn(join(ROOT, folder)));
const tooLong = sources.filter((path) => linesOf(path) > LINES_MAX);
for (const path of tooLong) {
  console.error(`${relative(ROOT, path)}: ${linesOf(path)} lines, ${LINES_MAX} are allowed`);
}
process.exit(tooLong.length === 0 ? 0 : 1);
