/**
 * Files and names that comments and pages speak of: all are there.
 *
 *   ring/wake.ts, src/ring, docs/tuning.md     a file or folder, of the root, of src or of test
 *   wake.ts                                    a file of that name, anywhere
 *   `Sleeper.wait`, StoreReader, LINES_MAX     a name of the code
 *
 * Pages that tell what was (the changelog, decisions) may name what is gone.
 */
import { dirname, join } from "node:path/posix";
import { walk } from "./tree.mjs";

const PAGES = /\.(md|conf)$/;
const HISTORY = /^(CHANGELOG\.md|docs\/adr\/|docs\/faults-of-others\.md)/;
const ROOTS = ["", "src/", "test/", "docs/", "scripts/", "bench/", "config/"];
const KINDS = ["", ".js", ".ts", ".mjs", ".test.ts", ".bench.ts", ".md"];
const PATH = /(?<![\w.@/:$<~-])(?:\.{1,2}\/)?[\w.-]+(?:\/[\w.-]+)+\/?/g;
const FILE_NAME = /(?<![\w./@-])[a-z0-9]+(?:-[a-z0-9]+)*\.(?:ts|mjs|md)\b/g;
const CODE_NAME = /^[A-Za-z_$][\w$]*(?:\.#?[A-Za-z_$][\w$]*)?(?:\(\))?$/;
/** A member of a class, named with it. */
const MEMBER = /(?<![\w./-])[A-Z][A-Za-z]+\.[a-z]\w+(?!\.\w|\w)/g;
/** Two humps, or capitals with a low line: no word of English. */
const IS_NAME = /^(?:[A-Z][a-z0-9]+(?:[A-Z][a-z0-9]*)+|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)$/;
/** Made by programs, kept out of the tree. */
const MADE = /^(dist|bench\/(out|history))\//;
/** Folders of the repository; a path that begins otherwise is the system's, or a fraction. */
const OURS = /^(src|workers|bench|scripts|test|docs|config|\.github|\.ci)\//;

/** Paths that lead nowhere. */
export function deadPaths(tree) {
  const layers = [...tree.folders].filter((path) => /^src\/[\w-]+$/.test(path));
  const rooms = new Set(layers.map((path) => path.slice("src/".length)));
  return texts(tree).flatMap(({ file, text, line }) =>
    pathsIn(text, rooms)
      .filter((path) => !leadsSomewhere(path, file, tree))
      .map((path) => ({ path: file.path, line, message: `no such file: ${path}` })),
  );
}

function pathsIn(text, rooms) {
  const paths = (text.match(PATH) ?? []).filter((path) => {
    const [first] = path.split("/");
    return OURS.test(path) || (rooms.has(first) && /\/[a-z][\w-]+(\.ts)?$/.test(trimmed(path)));
  });
  return [...paths, ...(text.match(FILE_NAME) ?? [])].map(trimmed);
}

const trimmed = (path) => path.replace(/[./]+$/, "");

function leadsSomewhere(path, file, tree) {
  if (MADE.test(path) || tree.names.has(path)) return true;
  const starts = [join(dirname(file.path), path), ...ROOTS.map((root) => join(root, path))];
  return starts.some((start) => KINDS.some((kind) => tree.has(start.replace(/\.js$/, "") + kind)));
}

/** Names of the code that the code does not have. */
export function deadNames(tree) {
  const known = namesOf(tree);
  return texts(tree).flatMap(({ file, text, line, isComment }) => {
    if (!isComment) return [];
    const named = [...text.matchAll(/`([^`\n]+)`/g)].map(([, name]) => name);
    const dotted = named.filter((name) => CODE_NAME.test(name) && /[.(]/.test(name));
    const words = (text.match(/[A-Za-z_$][\w$]*/g) ?? []).filter((word) => IS_NAME.test(word));
    const members = text.match(MEMBER) ?? [];
    return [...new Set([...dotted.map((name) => name.replace(/\(\)$/, "")), ...words, ...members])]
      .filter((name) => !name.split(/\.#?/).every((part) => known.has(part)))
      .map((name) => ({ path: file.path, line, message: `no such name in the code: ${name}` }));
  });
}

/** Everything the code calls something, the globals of Node, and words that look like names. */
function namesOf(tree) {
  const known = new Set([...Object.getOwnPropertyNames(globalThis), ...OTHERS_NAMES]);
  for (const file of tree.code()) {
    walk(file.program, (node) => {
      if (node.type === "Identifier" || node.type === "PrivateIdentifier") known.add(node.name);
      if (node.type === "Literal" && typeof node.value === "string") addWords(known, node.value);
      if (node.type === "TemplateElement") addWords(known, node.value.raw);
    });
  }
  for (const file of tree.files.values()) if (!file.isCode) addWords(known, file.text);
  return known;
}

function addWords(known, text) {
  for (const word of text.match(/[\w$]+/g) ?? []) known.add(word);
}

/** Names that are not ours: of C and the system, of other programs. Add those you need. */
const OTHERS_NAMES = [
  "ArrayBuffers",
  "CacheLib",
  "EX_NOUSER",
  "EX_SOFTWARE",
  "EX_USAGE",
  "GitHub",
  "HdrHistogram",
  "INT_MAX",
  "LONG_NAME",
  "MEMCACHED_POINTS_PER_SERVER",
  "MEMCACHED_POINTS_PER_SERVER_KETAMA",
  "MurmurHash3",
  "RLIM_INFINITY",
  "SipHash",
  "hashCode",
];

/** What is written for people: comments line by line, and pages. */
function texts(tree) {
  const found = [];
  for (const file of tree.files.values()) {
    if (HISTORY.test(file.path)) continue;
    if (PAGES.test(file.path)) {
      file.lines.forEach((text, index) => {
        found.push({ file, text, line: index + 1, isComment: false });
      });
    }
    if (!file.isCode) continue;
    for (const { value, start } of file.comments) {
      const first = file.lineAt(start);
      value.split("\n").forEach((text, index) => {
        found.push({ file, text, line: first + index, isComment: true });
      });
    }
  }
  return found;
}
