/**
 * `npm run bench:confirm [-- options]`: the comparison once more, with a load generator that is not
 * ours: memcslap of libmemcached-tools. It opens a connection a thread, asks one request at a time,
 * and knows nothing of us; what is taken is the server's processor time for each operation the
 * server itself says it has done.
 *
 *   round 1   memcslap at A · at B      each run some hundred milliseconds, all servers alive, order drawn anew
 *   round 2   memcslap at B · at A      …
 */
import { spawnSync } from "node:child_process";
import { connect } from "node:net";
import { Command } from "commander";
import { splitCores } from "../compare/cores.ts";
import { interleave } from "../compare/interleave.ts";
import { findPeers, findProgram } from "../compare/peers.ts";
import { ServerProcess } from "../compare/server-process.ts";
import { Random } from "../load/random.ts";
import { describeMachine } from "../report/machine.ts";
import { runMain } from "../report/run-main.ts";
import { pairedRatios, summarize } from "../report/statistics.ts";
import { markdownTable, renderTable } from "../report/table.ts";

interface Options {
  rounds: number;
  connections: number;
  requests: number;
  servers: string;
  peer: string[];
  seed: number;
  markdown: boolean;
}

const TESTS = ["get", "set", "mget"] as const;
const REFERENCE = "memcached";
const MEMORY_MIB = 512;
/** What memcslap sends as a value: it has no option for a shorter one. */
const VALUE_BYTES = 2560;
const COUNTED = /^STAT (?:cmd_get|cmd_set) (\d+)\r$/gm;

function parse(words: readonly string[]): Options {
  const command = new Command("bench:confirm")
    .description("Compares servers with libmemcached's memcslap instead of our own generator.")
    .option("--rounds <n>", "runs of each server and test", Number, 9)
    .option("--connections <n>", "connections, a thread of memcslap each", Number, 50)
    .option("--requests <n>", "requests of each connection and run", Number, 200)
    .option("--servers <names>", "peers, comma separated", "shardcached,memcached")
    .option("--peer <peer>", 'another: "name=command {port} {threads} {memory}"', collect, [])
    .option("--seed <n>", "seed of the order of the runs", Number, 1)
    .option("--markdown", "print the tables as Markdown", false);
  command.parse(words, { from: "user" });
  return command.opts<Options>();
}

function collect(value: string, values: string[]): string[] {
  return [...values, value];
}

/** Gets and sets a server has done. */
function operations(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(port, "127.0.0.1", () => socket.write("stats\r\n"));
    socket.on("error", reject);
    socket.on("data", (data) => {
      text += data.toString("latin1");
      if (!text.endsWith("END\r\n")) return;
      socket.destroy();
      let sum = 0;
      for (const [, count] of text.matchAll(COUNTED)) sum += Number(count);
      resolve(sum);
    });
  });
}

function portOf({ target }: ServerProcess): number {
  if (!("port" in target)) throw new Error("memcslap connects by TCP");
  return target.port;
}

/** One run of memcslap: the server's microseconds of processor time for each operation it did. */
async function measure(
  server: ServerProcess,
  test: string,
  options: Options,
  cores: readonly number[],
): Promise<number> {
  const port = portOf(server);
  const words = ["memcslap", `--servers=127.0.0.1:${port}`, `--test=${test}`, "--tcp-nodelay"];
  words.push(`--concurrency=${options.connections}`, `--execute-number=${options.requests}`);
  words.push(`--initial-load=${options.requests}`);
  const pinned = cores.length > 0 && findProgram("taskset") !== null;
  const [program, ...rest] = pinned ? ["taskset", "-c", cores.join(","), ...words] : words;
  const before = { cpu: server.cpuMicroseconds(), done: await operations(port) };
  const run = spawnSync(program as string, rest, { encoding: "utf8" });
  if (run.status !== 0) throw new Error(`memcslap failed: ${run.stdout}${run.stderr}`);
  const done = (await operations(port)) - before.done;
  return (server.cpuMicroseconds() - before.cpu) / done;
}

async function main(words: readonly string[]): Promise<void> {
  const options = parse(words);
  if (findProgram("memcslap") === null) {
    throw new Error("memcslap is not installed: it is in Debian's libmemcached-tools");
  }
  const cores = splitCores();
  const names = options.servers.split(",");
  const peers = findPeers(options.peer).filter(
    ({ name, protocol }) => names.includes(name) && protocol !== "resp",
  );
  const servers = new Map<string, ServerProcess>();
  const start = { threads: 1, memoryMib: MEMORY_MIB, valueBytes: VALUE_BYTES };
  try {
    for (const peer of peers) {
      const server = await ServerProcess.start(peer, start, cores.server);
      if (server !== null) servers.set(peer.name, server);
    }
    const rows: string[][] = [];
    for (const test of TESTS) {
      for (const server of servers.values()) await measure(server, test, options, cores.generator);
      const random = new Random(options.seed);
      const results = await interleave([...servers.keys()], options.rounds, random, (name) =>
        measure(servers.get(name) as ServerProcess, test, options, cores.generator),
      );
      for (const [name, costs] of results) {
        const cost = summarize(costs);
        const ratio = summarize(pairedRatios(costs, results.get(REFERENCE) ?? []));
        rows.push([
          test,
          name,
          `${cost.median.toFixed(2)} ± ${cost.mad.toFixed(2)}`,
          name === REFERENCE ? "1" : `${ratio.median.toFixed(3)} ± ${ratio.mad.toFixed(3)}`,
        ]);
      }
    }
    const head = ["test", "server", "µs an operation", `÷ ${REFERENCE}`];
    console.log(describeMachine().line);
    console.log(options.markdown ? markdownTable(head, rows) : renderTable(head, rows));
  } finally {
    for (const server of servers.values()) await server.stop();
  }
}

await runMain("bench:confirm", () => main(process.argv.slice(2)));
