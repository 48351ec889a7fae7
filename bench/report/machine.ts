/** Where and of what a measurement was taken: every report begins with it. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";
import { GIB } from "../../src/base/unit.ts";

export interface Machine {
  cpu: string;
  cores: number;
  memoryGib: number;
  kernel: string;
  node: string;
  /** The commit of the working tree, with a `+` when it has changes. */
  commit: string;
  date: string;
  /** All of it in one line. */
  line: string;
}

/** What `git` says in the current directory, or "" where there is none. */
function git(...words: string[]): string {
  const run = spawnSync("git", words, { encoding: "utf8" });
  return run.status === 0 ? run.stdout.trim() : "";
}

/** The version of this package. */
export function ownVersion(): string {
  let folder = new URL(".", import.meta.url);
  while (!existsSync(new URL("package.json", folder))) folder = new URL("..", folder);
  return JSON.parse(readFileSync(new URL("package.json", folder), "utf8")).version as string;
}

export function describeMachine(): Machine {
  const processors = cpus();
  const cpu = (processors[0]?.model ?? "unknown processor").replace(/\s+/g, " ").trim();
  const dirty = git("status", "--porcelain", "--untracked-files=no") === "" ? "" : "+";
  const commit = `${git("rev-parse", "--short=10", "HEAD") || "no commit"}${dirty}`;
  const machine = {
    cpu,
    cores: processors.length,
    memoryGib: Math.round(totalmem() / GIB),
    kernel: `${process.platform} ${release().replace(/-.*/, "")}`,
    node: process.version,
    commit,
    date: new Date().toISOString().slice(0, 10),
  };
  const line =
    `${machine.cpu} × ${machine.cores}, ${machine.memoryGib} GiB, ${machine.kernel}, ` +
    `Node ${machine.node}, commit ${machine.commit}, ${machine.date}`;
  return { ...machine, line };
}
