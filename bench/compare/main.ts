/**
 * `npm run bench:compare [-- options]`: shardcached beside every peer on this machine. Writes
 * bench/out/compare.json, the tables and plots of docs/performance.md with --document, and a line
 * of history with --record.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { describeMachine } from "../report/machine.ts";
import { runMain } from "../report/run-main.ts";
import { splitCores } from "./cores.ts";
import { writeDocument } from "./document.ts";
import { compareTables } from "./document-tables.ts";
import { recordHistory } from "./history.ts";
import { Measurement } from "./measure.ts";
import { findPeers, type Peer, projectRoot } from "./peers.ts";
import type { CompareResult } from "./results.ts";
import { ServerProcess } from "./server-process.ts";
import { MEMORY_ROW, ROWS } from "./workloads.ts";

interface Options {
  rounds: number;
  window: number;
  warm: number;
  rows: string[];
  servers: string[];
  peer: string[];
  reference: string;
  seed: number;
  memory: number;
  items: number;
  keys?: number;
  threadRounds: number;
  generatorThreads: number;
  document: boolean;
  record: boolean;
  quiet: boolean;
  out: string;
}

const EXIT_INTERRUPTED = 130;

const list = (text: string): string[] => text.split(",").filter((word) => word !== "");
const collect = (text: string, before: string[]): string[] => [...before, text];

function parse(words: readonly string[]): Options {
  const rowNames = [...ROWS.map(({ name }) => name), "threads", "memory"];
  const command = new Command("bench:compare")
    .description("Measures shardcached and its peers side by side.")
    .option("--rounds <n>", "windows of each server in each row", Number, 15)
    .option("--window <seconds>", "length of a window", Number, 0.2)
    .option("--warm <seconds>", "load before the first window", Number, 1)
    .option("--rows <names>", `which of ${rowNames.join(",")}`, list, rowNames)
    .option("--servers <names>", "which servers; all that are found", list, [])
    .option("--peer <name=command>", "one more server; {port} in the command", collect, [])
    .option("--reference <name>", "the server the ratios refer to", "memcached")
    .option("--memory <MiB>", "memory of each server", Number, 1024)
    .option("--items <n>", "items of the memory row", Number, MEMORY_ROW.items)
    .option("--keys <n>", "different keys of every row, instead of the row's own number", Number)
    .option("--thread-rounds <n>", "windows of each thread count", Number, 8)
    .option(
      "--generator-threads <n>",
      "threads of the generator; one for each of its cores",
      Number,
    )
    .option("--seed <n>", "seed of the order of the windows", Number, 1)
    .option("--document", "write docs/performance.md", false)
    .option("--record", "append to bench/history/results.ndjson", false)
    .option("--out <folder>", "where compare.json is written", join(projectRoot(), "bench/out"))
    .option("--quiet", "no progress on standard error", false);
  command.parse(words, { from: "user" });
  const options = command.opts<Options>();
  for (const name of options.rows) {
    if (!rowNames.includes(name)) {
      command.error(`error: --rows: there is no row ${name}; there are ${rowNames.join(", ")}`);
    }
    const from = ROWS.find((row) => row.name === name)?.rateFrom;
    if (from !== undefined && !options.rows.includes(from)) {
      command.error(`error: --rows: ${name} takes its rate from ${from}; name that row too`);
    }
  }
  return options;
}

/** The peers that start; what the others said goes to standard error. */
async function startable(peers: readonly Peer[]): Promise<Peer[]> {
  const list: Peer[] = [];
  for (const peer of peers) {
    try {
      const server = await ServerProcess.start(
        peer,
        { threads: 1, memoryMib: 64, valueBytes: 100 },
        [],
      );
      await server?.stop();
      list.push(peer);
    } catch (error) {
      process.stderr.write(`left out: ${(error as Error).message}\n`);
    }
  }
  return list;
}

async function main(): Promise<void> {
  const options = parse(process.argv.slice(2));
  const cores = splitCores();
  const log = (line: string) => {
    if (!options.quiet) process.stderr.write(`${line}\n`);
  };
  const found = findPeers(options.peer).filter(
    ({ name }) => options.servers.length === 0 || options.servers.includes(name),
  );
  const wanted = await startable(found);
  if (wanted.length === 0) throw new Error("no server starts: install memcached, or build first");
  const stored = wanted.find(({ stores }) => stores) ?? wanted[0];
  const reference = wanted.some(({ name }) => name === options.reference)
    ? options.reference
    : (stored as Peer).name;
  const measurement = new Measurement({
    peers: wanted,
    reference,
    rounds: options.rounds,
    windowSeconds: options.window,
    warmSeconds: options.warm,
    seed: options.seed,
    memoryMib: options.memory,
    serverCores: cores.server,
    generatorCores: cores.generator,
    generatorThreads: options.generatorThreads ?? Math.max(1, cores.generator.length),
    log,
  });
  try {
    const keyCount = options.keys;
    const rows = ROWS.filter(({ name }) => options.rows.includes(name)).map((row) =>
      keyCount === undefined ? row : { ...row, workload: { ...row.workload, keyCount } },
    );
    const result: CompareResult = {
      machine: describeMachine(),
      versions: Object.fromEntries(wanted.map(({ name, version }) => [name, version])),
      reference,
      rounds: options.rounds,
      windowSeconds: options.window,
      rows: await measurement.rows(rows),
      threads: options.rows.includes("threads")
        ? await measurement.threads(options.threadRounds)
        : [],
      memory: options.rows.includes("memory") ? await measurement.memory(options.items) : [],
    };
    mkdirSync(options.out, { recursive: true });
    writeFileSync(join(options.out, "compare.json"), `${JSON.stringify(result, null, 1)}\n`);
    console.log(compareTables(result, "text"));
    if (options.document) writeDocument(result);
    if (options.record) recordHistory(result);
  } finally {
    await measurement.close();
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => process.exit(EXIT_INTERRUPTED));
}
await runMain("bench:compare", main);
