/** The command line of `npm run bench`. */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { Command, InvalidArgumentError, Option } from "commander";
import type { Target } from "./libc.ts";
import { type Protocol, WORKLOAD_DEFAULTS, type Workload } from "./workload.ts";

export interface LoadOptions {
  protocol: Protocol;
  connections: number;
  threads: number;
  depth: number;
  mget: number;
  keys: number;
  keySize: string;
  valueSize: string;
  keyPrefix: string;
  popularity: string;
  reads: number;
  hitRatio: number;
  setOnMiss: boolean;
  ttl: number;
  duration: number;
  requests?: number;
  warm: number;
  preload: boolean;
  rate: number;
  arrivals: "poisson" | "uniform";
  verify: boolean;
  trace?: string;
  traceRequests: number;
  findMax: boolean;
  slo: string;
  step: number;
  precision: number;
  sockets: Workload["sockets"];
  pin: string;
  pid?: number;
  seed: number;
  json?: string;
  html?: string;
  quiet: boolean;
}

const DEFAULT_TARGET = "127.0.0.1:11211";

function positive(text: string): number {
  const value = Number(text.replaceAll("_", ""));
  if (!(value > 0)) throw new InvalidArgumentError("a number above 0");
  return value;
}

function share(text: string): number {
  const value = text.endsWith("%") ? Number(text.slice(0, -1)) / 100 : Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError("0 to 1, or a percentage");
  return value;
}

function count(text: string): number {
  const value = Number(text.replaceAll("_", ""));
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError("a whole number");
  return value;
}

/** Reads the words of the command line; prints help and ends the process when they ask for it. */
export function parseLoadOptions(words: readonly string[]): {
  target: string;
  options: LoadOptions;
} {
  const defaults = WORKLOAD_DEFAULTS;
  const command = new Command("bench")
    .description("Loads a memcached or RESP server and reports what it did.")
    .argument("[target]", "HOST:PORT, or the path of a Unix socket", DEFAULT_TARGET)
    .addOption(
      new Option("-P, --protocol <name>", "what to speak")
        .choices(["text", "meta", "binary", "resp"])
        .default(defaults.protocol),
    )
    .option("-c, --connections <n>", "connections, all threads together", positive, 50)
    .option("-t, --threads <n>", "generator threads", positive, 1)
    .option("-d, --depth <n>", "requests on their way per connection", positive, 1)
    .option("--mget <n>", "keys of one get", positive, 1)
    .option("-k, --keys <n>", "how many different keys", positive, defaults.keyCount)
    .option("--key-size <sizes>", "N, LOW-HIGH, SIZE=SHARE,…, etc-key", defaults.keySizes)
    .option("--value-size <sizes>", "N, LOW-HIGH, SIZE=SHARE,…, etc-value", defaults.valueSizes)
    .option("--key-prefix <text>", "how every key begins", defaults.keyPrefix)
    .option("--popularity <name>", "uniform, zipf:0.99, hot:KEYS:SHARE", defaults.popularity)
    .option("-r, --reads <share>", "the share of gets; the rest are sets", share, defaults.reads)
    .option("--hit-ratio <share>", "the share of gets that ask for a key that was set", share, 1)
    .option("--set-on-miss", "set what a get did not find", false)
    .option("--ttl <seconds>", "expiry of what is set; 0: never", count, 0)
    .option("-s, --duration <seconds>", "how long to measure", positive, 10)
    .option("-n, --requests <n>", "end after so many requests, if that is sooner", positive)
    .option("--warm <seconds>", "load before the measurement", Number, 1)
    .option("--no-preload", "do not set every key first")
    .option("-R, --rate <n>", "open loop at so many requests a second; 0: closed loop", Number, 0)
    .addOption(
      new Option("--arrivals <kind>", "gaps of the open loop")
        .choices(["poisson", "uniform"])
        .default("poisson"),
    )
    .option(
      "--verify",
      "compare every returned key and value; exit code 1 when one is wrong",
      false,
    )
    .option("--trace <file>", "replay a recording: CSV, time_s,key_id,key_size,value_size,op,ttl")
    .option("--trace-requests <n>", "read only so many of its lines", positive, 10_000_000)
    .option("--find-max", "search the highest rate that keeps the objective", false)
    .option("--slo <objective>", "p99=1ms, p99.9=250us, max=5ms", "p99=1ms")
    .option("--step <seconds>", "length of a step of the search", positive, 2)
    .option("--precision <share>", "where the search ends", share, 0.03)
    .addOption(
      new Option("--sockets <kind>", "how the generator moves bytes")
        .choices(["auto", "epoll", "io_uring"])
        .default(defaults.sockets),
    )
    .option("--pin <cores>", "processors of the generator: 1 or 2,3", "")
    .option("--pid <n>", "the server's process, when it is not found by itself", positive)
    .option("--seed <n>", "seed of everything drawn", Number, 1)
    .option("--json <file>", "write the report as JSON; - for standard output")
    .option("--html <file>", "write the report as a page with plots")
    .option("-q, --quiet", "no progress", false);
  command.parse(words, { from: "user" });
  return { target: command.args[0] ?? DEFAULT_TARGET, options: command.opts<LoadOptions>() };
}

/** A target's address: a path is a Unix socket, a name is looked up. */
export async function resolveTarget(text: string): Promise<Target> {
  if (text.startsWith("/") || text.startsWith("@")) return { path: text };
  if (text.startsWith("unix:")) return { path: text.slice(5) };
  const [, bracketed, plain, port] = /^(?:\[(.+)\]|([^:]+)):(\d+)$/.exec(text) ?? [];
  const name = bracketed ?? plain;
  if (name === undefined) throw new Error(`target "${text}": HOST:PORT or a path`);
  const host = isIP(name) !== 0 ? name : (await lookup(name)).address;
  return { host, port: Number(port) };
}
