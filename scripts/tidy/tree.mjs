/**
 * The repository as the rules see it: every source and page, read once; code is parsed when a rule
 * first asks for it.
 *
 *   path ─▶ { text, lines, program, comments }      paths are relative to the root, with "/"
 *
 * Why a tree of its own: a rule then takes any map of paths to texts, so that its test plants a
 * fault in three lines and needs no files.
 */
import { readdirSync, readFileSync } from "node:fs";
import { basename, extname, join, relative } from "node:path";
import { parseSync } from "rolldown/utils";

const FOLDERS = ["src", "workers", "scripts", "bench", "test", "docs", "config", ".github", ".ci"];
const ROOT_FILES = /\.(md|json|cjs|ts)$|^(Dockerfile|LICENSE|\.[a-z-]+)$/;
/** Written by programs. */
const PASSED_OVER = new Set(["node_modules", "out", "history", "__pycache__"]);
const CODE = new Set([".ts", ".mjs", ".cjs", ".js"]);
/** What is only ever asked whether it is there. */
const BINARY = new Set([".png", ".ico", ".svg", ".gz"]);

/** One file. */
class SourceFile {
  constructor(path, text) {
    this.path = path;
    this.text = text;
    this.extension = extname(path);
    this.isCode = CODE.has(this.extension);
  }

  get lines() {
    this._lines ??= this.text.split("\n");
    return this._lines;
  }

  get program() {
    return this.#parsed().program;
  }

  get comments() {
    return this.#parsed().comments;
  }

  /** The line of an offset, from 1. */
  lineAt(offset) {
    this._starts ??= lineStarts(this.text);
    let low = 0;
    let high = this._starts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this._starts[middle] <= offset) low = middle;
      else high = middle;
    }
    return low + 1;
  }

  #parsed() {
    if (this._parsed === undefined) {
      this._parsed = parseSync(this.path, this.text);
      const [error] = this._parsed.errors;
      if (error !== undefined) throw new Error(`${this.path}: ${error.message}`);
    }
    return this._parsed;
  }
}

function lineStarts(text) {
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return starts;
}

/** All files, by path. */
class Tree {
  constructor(files) {
    this.files = files;
    this.paths = new Set(files.keys());
    this.folders = new Set();
    this.names = new Set();
    for (const path of this.paths) {
      this.names.add(basename(path));
      const parts = path.split("/");
      for (let depth = 1; depth < parts.length; depth++) {
        this.folders.add(parts.slice(0, depth).join("/"));
      }
    }
  }

  /** Those that are code, in order of their paths; with a pattern, those whose path fits. */
  code(pattern = /./) {
    return [...this.files.values()].filter(({ path, isCode }) => isCode && pattern.test(path));
  }

  has(path) {
    return this.paths.has(path) || this.folders.has(path);
  }
}

/** A tree of texts: path ─▶ text. */
export function treeOf(texts) {
  const files = new Map();
  for (const [path, text] of Object.entries(texts)) files.set(path, new SourceFile(path, text));
  return new Tree(files);
}

/** The tree of a folder. */
export function readTree(root) {
  const texts = {};
  const add = (path) => {
    const name = relative(root, path).replaceAll("\\", "/");
    texts[name] = BINARY.has(extname(path)) ? "" : readFileSync(path, "utf8");
  };
  const addFolder = (folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (PASSED_OVER.has(entry.name)) continue;
      if (entry.isDirectory()) addFolder(path);
      else add(path);
    }
  };
  for (const entry of readdirSync(root, { withFileTypes: true })) {
    if (entry.isDirectory() && FOLDERS.includes(entry.name)) addFolder(join(root, entry.name));
    if (entry.isFile() && ROOT_FILES.test(entry.name)) add(join(root, entry.name));
  }
  return treeOf(Object.fromEntries(Object.entries(texts).sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** Goes through a node and all below it; `see` gets each with those above it, nearest last. */
export function walk(node, see, above = []) {
  if (node === null || typeof node !== "object") return;
  if (Array.isArray(node)) {
    for (const each of node) walk(each, see, above);
    return;
  }
  if (typeof node.type !== "string") return;
  see(node, above);
  above.push(node);
  for (const value of Object.values(node)) {
    if (value !== null && typeof value === "object") walk(value, see, above);
  }
  above.pop();
}
