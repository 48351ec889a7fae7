/**
 * Who needs whom: the imports of every file, and the files it names in strings.
 *
 * Why strings: worker threads are started, pages served and clients of other languages run by the
 * name of their file, which no import shows.
 */
import { dirname, join } from "node:path/posix";
import { walk } from "./tree.mjs";

const PYTHON_IMPORT = /^\s*(?:from|import) (\w+)/gm;
const CODE_FOLDERS = /^(src|workers|bench|scripts|test)\//;

/** What a file imports by name: `{ to, names }`; names null is everything. */
export function importsOf(file, tree) {
  const found = [];
  walk(file.program, (node) => {
    const source = node.source ?? null;
    if (source?.type !== "Literal" && node.type !== "ImportExpression") return;
    const to = resolveImport(file.path, source?.value, tree);
    if (to === null) return;
    found.push({ to, names: namesIn(node), node });
  });
  return found;
}

function namesIn(node) {
  if (node.type === "ImportDeclaration") {
    const names = [];
    for (const each of node.specifiers) {
      if (each.type === "ImportNamespaceSpecifier") return null;
      names.push(each.type === "ImportDefaultSpecifier" ? "default" : nameOf(each.imported));
    }
    return names;
  }
  if (node.type === "ExportNamedDeclaration") return node.specifiers.map((s) => nameOf(s.local));
  return null;
}

export const nameOf = (node) => node.name ?? node.value;

function resolveImport(from, specifier, tree) {
  if (typeof specifier !== "string" || !specifier.startsWith(".")) return null;
  const path = join(dirname(from), specifier);
  for (const each of [path, sourceOf(path)]) if (tree.paths.has(each)) return each;
  return null;
}

/** The source of what is built: dist/server/src/main.js is src/main.ts. */
function sourceOf(path) {
  return path.replace(/^(\.\/)?dist\/(server\/)?/, "").replace(/\.js$/, ".ts");
}

/** The files a file needs: by import, and by strings that name them. */
function needsOf(file, tree) {
  const needs = new Set();
  const add = (text) => {
    for (const path of filesNamed(file.path, text, tree)) needs.add(path);
  };
  if (!file.isCode) {
    for (const [text] of file.text.matchAll(/[\w./-]+\.\w+/g)) add(text);
    for (const [, name] of file.text.matchAll(PYTHON_IMPORT)) add(`${name}.py`);
    return needs;
  }
  walk(file.program, (node) => {
    if (node.type === "Literal" && typeof node.value === "string") add(node.value);
    if (node.type === "TemplateElement") add(node.value.cooked ?? "");
  });
  return needs;
}

function filesNamed(from, text, tree) {
  const found = [];
  for (const [word] of text.matchAll(/[\w.@/-]+/g)) {
    const here = dirname(from);
    const whole = [word.replace(/^\.\//, ""), sourceOf(word)];
    for (const path of whole) if (tree.paths.has(path)) found.push(path);
    if (!word.includes(".")) continue;
    const relative = [join(here, word), sourceOf(join(here, word))];
    // A page's files are named without their folder: the server that reads them knows it.
    if (tree.paths.has(join(here, "dashboard", word))) found.push(join(here, "dashboard", word));
    for (const path of relative) if (tree.paths.has(path)) found.push(path);
  }
  return found;
}

/** All that `entries` need, and what that needs. */
function reachableFrom(entries, tree, needs = needsOfAll(tree)) {
  const reached = new Set(entries);
  const open = [...entries];
  while (open.length > 0) {
    for (const path of needs.get(open.pop()) ?? []) {
      if (reached.has(path)) continue;
      reached.add(path);
      open.push(path);
    }
  }
  return reached;
}

function needsOfAll(tree) {
  const needs = new Map();
  for (const file of tree.files.values()) {
    if (CODE_FOLDERS.test(file.path)) needs.set(file.path, needsOf(file, tree));
  }
  return needs;
}

const SERVER_ENTRIES = ["src/main.ts", "workers/shard.ts"];
/** What nobody imports: programs of package.json, tests, and what is found by its kind of name. */
const OTHER_ENTRIES = /\.(test|bench)\.ts$|^scripts\/run\.mjs$|\.d\.ts$/;

/** A program whose own header says how it is run: `node dist/bench/floor.js`. */
function isRunByHand({ path, text, isCode }) {
  return isCode && text.includes(`node dist/${path.replace(/\.ts$/, ".js")}`);
}

/** Files that nothing leads to: what serves from its entries, all else from programs and tests. */
export function deadFiles(tree) {
  const needs = needsOfAll(tree);
  const server = reachableFrom(SERVER_ENTRIES, tree, needs);
  const others = [...tree.paths].filter(
    (path) => OTHER_ENTRIES.test(path) || isRunByHand(tree.files.get(path)),
  );
  for (const root of [
    "package.json",
    "vitest.config.ts",
    "Dockerfile",
    ".dependency-cruiser.cjs",
  ]) {
    const file = tree.files.get(root);
    if (file !== undefined) others.push(...needsOf(file, tree));
  }
  const anything = reachableFrom([...SERVER_ENTRIES, ...others], tree, needs);
  const dead = [];
  for (const path of needs.keys()) {
    const isServer = path.startsWith("src/");
    if ((isServer ? server : anything).has(path)) continue;
    const why = isServer ? `not reached from ${SERVER_ENTRIES.join(" or ")}` : "nothing leads here";
    dead.push({ path, line: 1, message: why });
  }
  return dead;
}
