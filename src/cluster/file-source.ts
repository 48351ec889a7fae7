/**
 * A file of nodes, looked at once a second.
 *
 *   # the web tier's cache
 *   version = 12              optional; else nodes agree on one (version.ts)
 *   cache-0.example:11211     one node a line; the order counts for clients that hash modulo n
 *   cache-1.example
 *
 * It is read whole each time instead of watched: files are replaced by rename, by a changed link
 * (Kubernetes), on network disks, and a watch misses some of that. A file that has become wrong
 * changes nothing and is told once.
 */
import { readFileSync } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { ConfigError } from "../base/errors.ts";
import type { ListHandler, ListSource, SourcedList } from "./list-source.ts";
import { type NodeAddress, nodeAddressFrom, nodesProblem } from "./node-list.ts";

const LOOK_MILLISECONDS = 1000;
/** A longer file is none of ours: NODES_MAX lines of the longest host, and comments. */
const FILE_BYTES_MAX = 1_048_576;
const EXIT_USAGE = 64;
const VERSION_LINE = /^version\s*=\s*(.*)$/;
const VERSION = /^[1-9]\d{0,14}$/;

export interface NodeFile {
  readonly nodes: readonly NodeAddress[];
  readonly version: number | null;
}

/** Reads a file's text. A string says what is wrong, and in which line. */
export function nodeFileFrom(text: string): NodeFile | string {
  const nodes: NodeAddress[] = [];
  let version: number | null = null;
  for (const [index, whole] of text.split("\n").entries()) {
    const line = whole.replace(/#.*$/, "").trim();
    if (line === "") continue;
    const versionText = VERSION_LINE.exec(line)?.[1];
    if (versionText !== undefined) {
      if (!VERSION.test(versionText)) {
        return `line ${index + 1}: "${versionText}" is no version: a whole number above 0`;
      }
      if (version !== null) return `line ${index + 1}: a second version`;
      version = Number(versionText);
      continue;
    }
    const node = nodeAddressFrom(line);
    if (typeof node === "string") return `line ${index + 1}: ${node}`;
    nodes.push(node);
  }
  return nodesProblem(nodes) ?? { nodes, version };
}

/** Reads the file once. Throws a ConfigError that says what is wrong with it. */
export function checkNodeFile(path: string): void {
  const problem = problemOf(path);
  if (problem !== null) throw refusalOf(path, problem);
}

function problemOf(path: string): string | null {
  try {
    const file = nodeFileFrom(readFileSync(path, "utf8"));
    return typeof file === "string" ? file : null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function refusalOf(path: string, problem: string): ConfigError {
  return new ConfigError(`--cluster file://${path}: ${problem}`, EXIT_USAGE);
}

export class FileSource implements ListSource {
  readonly #path: string;
  readonly #lookMilliseconds: number;
  #timer: NodeJS.Timeout | null = null;
  /** What was read last, right or wrong. */
  #text = "";
  /** The problem told last; empty when there is none. */
  #problem = "";
  #version = 0;
  #nodesText = "";

  constructor(path: string, lookMilliseconds = LOOK_MILLISECONDS) {
    this.#path = path;
    this.#lookMilliseconds = lookMilliseconds;
  }

  /** Throws a ConfigError when the file is not there or wrong. */
  async start(handler: ListHandler): Promise<void> {
    const list = await this.#look();
    if (typeof list === "string") throw refusalOf(this.#path, list);
    if (list !== null) handler.listed(list);
    this.#lookAgain(handler);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #lookAgain(handler: ListHandler): void {
    this.#timer = setTimeout(async () => {
      const list = await this.#look();
      if (typeof list === "string") {
        if (list !== this.#problem) handler.failed(`${this.#path}: ${list}`);
        this.#problem = list;
      } else {
        this.#problem = "";
        if (list !== null) handler.listed(list);
      }
      this.#lookAgain(handler);
    }, this.#lookMilliseconds);
    this.#timer.unref();
  }

  /** The list when it is another, null when it is the same, a string when it is wrong. */
  async #look(): Promise<SourcedList | string | null> {
    try {
      const { mtimeMs, size } = await stat(this.#path);
      if (size > FILE_BYTES_MAX) return `it is larger than ${FILE_BYTES_MAX} bytes`;
      const text = await readFile(this.#path, "utf8");
      if (text === this.#text) return this.#problem === "" ? null : this.#problem;
      this.#text = text;
      return this.#read(text, Math.floor(mtimeMs / 1000));
    } catch (error) {
      this.#text = "";
      return error instanceof Error ? error.message : String(error);
    }
  }

  #read(text: string, seed: number): SourcedList | string | null {
    const file = nodeFileFrom(text);
    if (typeof file === "string") return file;
    const nodesText = JSON.stringify(file.nodes);
    const isSame = nodesText === this.#nodesText;
    const { version } = file;
    if (isSame && (version === null || version === this.#version)) return null;
    if (version !== null && version <= this.#version) {
      return `version must grow with each change: it was ${this.#version} and is ${version}`;
    }
    this.#version = version ?? this.#version;
    this.#nodesText = nodesText;
    return { nodes: file.nodes, version, seed };
  }
}
