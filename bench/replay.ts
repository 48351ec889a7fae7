/**
 * `npm run bench:replay -- <traces…> [options]`: the miss ratio of recorded traces, read, and set
 * on a miss.
 *
 *   default            starts every server named, one after the other, each with the same memory,
 *                      and replays through a socket
 *   --store            the store alone, in this process; time passes as in the trace
 *   --server H:P       any memcached server that runs already
 *
 * A trace is `FILE.csv.gz`, or `FILE.csv.gz:16` for values sixteen times as large
 * (bench/replay/trace.ts).
 */
import { basename } from "node:path";
import { Command } from "commander";
import { MIB } from "../src/base/unit.ts";
import { findPeers } from "./compare/peers.ts";
import { ServerProcess } from "./compare/server-process.ts";
import { replaySocket } from "./replay/socket-target.ts";
import { replayStore } from "./replay/store-target.ts";
import { readTrace, type Trace } from "./replay/trace.ts";
import { describeMachine } from "./report/machine.ts";
import { runMain } from "./report/run-main.ts";
import { markdownTable, renderTable } from "./report/table.ts";

interface Options {
  memory: number;
  threads: number;
  servers: string;
  store: boolean;
  server?: string;
  requests: number;
  itemSizeMax: number;
  promoteHits: number;
  markdown: boolean;
}

const REQUESTS_MAX = 1_000_000_000;
const DIGITS = 4;

function parse(words: readonly string[]): { traces: string[]; options: Options } {
  const command = new Command("bench:replay")
    .description("Replays cache traces and tells what share of the reads missed.")
    .argument("<traces...>", "FILE.csv.gz, or FILE.csv.gz:16 for values 16 times as large")
    .option("-m, --memory <mib>", "memory for items", Number, 64)
    .option("-t, --threads <n>", "worker threads, and shards of --store", Number, 1)
    .option("--servers <names>", "servers to start, comma separated", "shardcached,memcached")
    .option("--store", "the store alone, without a server", false)
    .option("--server <host:port>", "a server that runs already")
    .option("--requests <n>", "read only so many of a trace's lines", Number, REQUESTS_MAX)
    .option("--item-size-max <bytes>", "larger values are not stored", Number, MIB)
    .option("--promote-hits <n>", "reads that keep an item in the store", Number, 1)
    .option("--markdown", "print the table as Markdown", false);
  command.parse(words, { from: "user" });
  return { traces: command.args, options: command.opts<Options>() };
}

/** Miss ratios of one trace, by what it was replayed at. */
async function replay(trace: Trace, options: Options): Promise<Map<string, number>> {
  const { memory, threads, itemSizeMax, promoteHits, server } = options;
  const ratios = new Map<string, number>();
  if (options.store) {
    const plan = { mib: memory, threads, itemBytesMax: itemSizeMax, promoteHits };
    const { misses, requests } = replayStore(trace, plan);
    ratios.set("store", misses / requests);
    return ratios;
  }
  if (server !== undefined) {
    const { misses, requests } = await replaySocket(trace, server, itemSizeMax);
    ratios.set(server, misses / requests);
    return ratios;
  }
  const names = options.servers.split(",");
  for (const peer of findPeers().filter(({ name }) => names.includes(name))) {
    const start = { threads, memoryMib: memory, valueBytes: 0 };
    const running = await ServerProcess.start(peer, start, []);
    if (running === null || !("port" in running.target)) continue;
    const { host, port } = running.target;
    try {
      const { misses, requests } = await replaySocket(trace, `${host}:${port}`, itemSizeMax);
      ratios.set(peer.name, misses / requests);
    } finally {
      await running.stop();
    }
  }
  return ratios;
}

async function main(words: readonly string[]): Promise<void> {
  const { traces, options } = parse(words);
  const rows: string[][] = [];
  let names: string[] = [];
  for (const text of traces) {
    const [, path, times] = /^(.*?)(?::(\d+))?$/.exec(text) as unknown as [string, string, string?];
    const trace = readTrace(path, Number(times ?? 1), options.requests);
    const ratios = await replay(trace, options);
    names = [...ratios.keys()];
    const name = basename(path).replace(/\.csv(\.gz)?$/, "");
    const shown = [...ratios.values()].map((ratio) => ratio.toFixed(DIGITS).slice(1));
    rows.push([times === undefined ? name : `${name}, values × ${times}`, ...shown]);
  }
  const head = [`misses, -m ${options.memory}`, ...names];
  console.log(describeMachine().line);
  console.log(options.markdown ? markdownTable(head, rows) : renderTable(head, rows));
}

await runMain("bench:replay", () => main(process.argv.slice(2)));
