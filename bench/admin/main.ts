/**
 * `npm run bench:admin [-- options]`: what looking at a node costs those it serves. One node serves
 * the cache's load all the time; beside it, in windows drawn in random order, its admin HTTP server
 * is left alone, watched, scraped, or asked as fast as it answers.
 *
 * The last row asks a second node just as fast, which does nothing else on the same processors:
 * what that costs, any busy neighbour would cost. Only the difference to it is the admin server's
 * own.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { splitCores } from "../compare/cores.ts";
import { interleave } from "../compare/interleave.ts";
import { projectRoot, shardcachedPeer } from "../compare/peers.ts";
import { freePort, ServerProcess } from "../compare/server-process.ts";
import { percentile } from "../load/latency-counts.ts";
import { pin } from "../load/libc.ts";
import { LoadPool } from "../load/load-pool.ts";
import { Random } from "../load/random.ts";
import { WORKLOAD_DEFAULTS } from "../load/workload.ts";
import { describeMachine } from "../report/machine.ts";
import { runMain } from "../report/run-main.ts";
import { compactNumber, duration, markdownTable, renderTable } from "../report/table.ts";
import { type AdminLoad, flatOutLoad, noLoad, pageLoad, scraperLoad } from "./admin-load.ts";
import { REFERENCE, type Sample, TABLE_HEAD, tableRows } from "./table.ts";

interface Options {
  rounds: number;
  window: number;
  warm: number;
  rate: number;
  threads: number;
  seed: number;
  markdown: boolean;
  quiet: boolean;
  out: string;
}

interface Row {
  name: string;
  load: AdminLoad;
  /** Whose admin server is asked. */
  node: "served" | "other";
}

const ROWS: readonly Row[] = [
  { name: REFERENCE, load: noLoad, node: "served" },
  { name: "one dashboard open", load: pageLoad, node: "served" },
  { name: "scraped: 1/s metrics, 10/s API", load: scraperLoad, node: "served" },
  { name: "flat out", load: flatOutLoad, node: "served" },
  { name: "flat out, on another node", load: flatOutLoad, node: "other" },
];
/** Between a load's start and the window: its connections are open by then. */
const SETTLE_MILLISECONDS = 150;
/** The admin server comes up a moment after the cache. */
const ADMIN_MILLISECONDS_MAX = 10_000;
const MEMORY_MIB = 256;

function parse(words: readonly string[]): Options {
  const command = new Command("bench:admin")
    .description("Measures what the admin HTTP server costs the cache's clients.")
    .option("--rounds <n>", "windows of each row", Number, 10)
    .option("--window <seconds>", "length of a window", Number, 2)
    .option("--warm <seconds>", "load before the first window", Number, 3)
    .option("--rate <n>", "requests a second of an open loop; 0: as many as are served", Number, 0)
    .option("--threads <n>", "worker threads of the node", Number, 1)
    .option("--seed <n>", "seed of the order of the windows", Number, 1)
    .option("--markdown", "print the table as Markdown", false)
    .option("--out <folder>", "where admin.json is written", join(projectRoot(), "bench/out"))
    .option("--quiet", "no progress on standard error", false);
  command.parse(words, { from: "user" });
  return command.opts<Options>();
}

function answers(url: string): Promise<boolean> {
  return fetch(`${url}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** A node with an admin server of its own. */
async function startNode(
  threads: number,
  cores: readonly number[],
): Promise<{ server: ServerProcess; url: string }> {
  const port = await freePort();
  const peer = shardcachedPeer(["--admin-listen", `127.0.0.1:${port}`]);
  if (peer === null) throw new Error("build first: npm run build");
  const start = { threads, memoryMib: MEMORY_MIB, valueBytes: 100 };
  const server = await ServerProcess.start(peer, start, cores);
  if (server === null) throw new Error("shardcached does not start");
  const url = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + ADMIN_MILLISECONDS_MAX;
  while (!(await answers(url))) {
    if (Date.now() < deadline) continue;
    await server.stop();
    throw new Error(`no admin HTTP on ${url}`);
  }
  return { server, url };
}

async function measure(
  options: Options,
  log: (line: string) => void,
): Promise<Map<string, Sample[]>> {
  const cores = splitCores();
  // autocannon runs in this thread: it shares the generator's processors, not the server's.
  if (cores.generator.length > 0) pin(0, cores.generator);
  const pool = new LoadPool(Math.max(1, cores.generator.length), cores.generator);
  const served = await startNode(options.threads, cores.server);
  const other = await startNode(1, cores.server);
  try {
    const session = await pool.open(served.server.target, WORKLOAD_DEFAULTS);
    await session.preload();
    const arrivals = "poisson" as const;
    const window = { seconds: options.window, rate: options.rate, arrivals };
    await session.window({ ...window, seconds: options.warm });
    const names = ROWS.map(({ name }) => name);
    const samples = await interleave(
      names,
      options.rounds,
      new Random(options.seed),
      async (name) => {
        const row = ROWS.find((each) => each.name === name) as Row;
        const load = await row.load(row.node === "served" ? served.url : other.url);
        const began = performance.now();
        await new Promise((resolve) => setTimeout(resolve, SETTLE_MILLISECONDS));
        const cpu = served.server.cpuMicroseconds();
        const measured = await session.window(window);
        const used = served.server.cpuMicroseconds() - cpu;
        const seconds = (performance.now() - began) / 1000;
        const admin = await load.stop();
        const errors = measured.refusals + measured.failures;
        if (errors > 0) throw new Error(`the cache failed ${errors} requests`);
        const sample: Sample = {
          throughput: measured.requests / measured.seconds,
          p50: percentile(measured.latency, 50),
          p99: percentile(measured.latency, 99),
          cpu: used / measured.requests,
          admin,
          adminPerSecond: admin.milliseconds.length / seconds,
        };
        log(
          `${name.padEnd(32)} ${compactNumber(sample.throughput)} requests/s  ` +
            `p99 ${duration(sample.p99)}  admin ${sample.adminPerSecond.toFixed(0)}/s`,
        );
        return sample;
      },
    );
    await session.close();
    return samples;
  } finally {
    await served.server.stop();
    await other.server.stop();
    await pool.close();
  }
}

async function main(): Promise<void> {
  const options = parse(process.argv.slice(2));
  const log = (line: string) => {
    if (!options.quiet) process.stderr.write(`${line}\n`);
  };
  const samples = await measure(options, log);
  const rows = tableRows(samples);
  console.log(options.markdown ? markdownTable(TABLE_HEAD, rows) : renderTable(TABLE_HEAD, rows));
  mkdirSync(options.out, { recursive: true });
  const result = { machine: describeMachine(), options, samples: Object.fromEntries(samples) };
  writeFileSync(join(options.out, "admin.json"), `${JSON.stringify(result)}\n`);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
await runMain("bench:admin", main);
