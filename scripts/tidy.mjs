/**
 * Tidy: what lint and types do not see. Each rule is a file of scripts/tidy/, tested by a planted
 * fault in test/tidy/; all of them read the repository once and take a few seconds.
 *
 *   dead files        scripts/tidy/imports.mjs       nothing leads there from an entry
 *   dead exports      scripts/tidy/exports.mjs       nobody imports it, or tests alone
 *   unread members    scripts/tidy/members.mjs       settings, parts and fields nothing reads
 *   long files,       scripts/tidy/lines.mjs         500 lines, 100 columns
 *   wide lines
 *   dead paths,       scripts/tidy/mentions.mjs      comments and pages speak of what is there
 *   dead names
 *   false drawings    scripts/tidy/drawings.mjs      headers against their constants
 *   allocations       scripts/tidy/request-path.mjs  `// alloc: why`, or nothing
 *
 * Prints one line for each fault, `path:line rule: what`, and exits 1 when there is one.
 */
import { ROOT } from "./root.mjs";
import { verdictOn } from "./tidy/allowance.mjs";
import { falseDrawings } from "./tidy/drawings.mjs";
import { deadExports } from "./tidy/exports.mjs";
import { deadFiles } from "./tidy/imports.mjs";
import { longFiles, wideLines } from "./tidy/lines.mjs";
import { unreadMembers } from "./tidy/members.mjs";
import { deadNames, deadPaths } from "./tidy/mentions.mjs";
import { allocations } from "./tidy/request-path.mjs";
import { readTree } from "./tidy/tree.mjs";

const RULES = [
  ["dead file", deadFiles],
  ["dead export", deadExports],
  ["unread member", unreadMembers],
  ["long file", longFiles],
  ["wide line", wideLines],
  ["dead path", deadPaths],
  ["dead name", deadNames],
  ["false drawing", falseDrawings],
  ["allocation", allocations],
];
/**
 * Faults from before a rule was made: exactly these many. Whoever mends one lowers the number here,
 * so that it never grows again.
 */
const ALLOWED = {
  "wide line": 297,
  allocation: 123,
};

const tree = readTree(ROOT);
const listAll = process.argv.includes("--all");
let failed = false;
for (const [name, rule] of RULES) {
  const found = rule(tree);
  const verdict = verdictOn(name, found.length, ALLOWED[name] ?? 0);
  if (verdict.hasFailed) failed = true;
  if (verdict.listsFaults || listAll) {
    for (const { path, line, message } of found)
      console.error(`${path}:${line} ${name}: ${message}`);
  }
  if (verdict.message !== "") console.error(verdict.message);
}
process.exit(failed ? 1 : 0);
