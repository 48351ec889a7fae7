/**
 * `npm run bench [-- target options]`: loads one server and reports. See options.ts for the
 * options.
 */
import { writeFileSync } from "node:fs";
import { residentBytesOf, userShareOf } from "../compare/server-process.ts";
import { describeMachine, ownVersion } from "../report/machine.ts";
import { runMain } from "../report/run-main.ts";
import { compactNumber, duration } from "../report/table.ts";
import { confirmRate, keeps, type Objective, parseObjective, searchRate } from "./find-max.ts";
import { type Histogram, percentile } from "./latency-counts.ts";
import { processCpuMicroseconds, type Target } from "./libc.ts";
import { LoadPool, type Measured, type Session } from "./load-pool.ts";
import { type LoadOptions, parseLoadOptions, resolveTarget } from "./options.ts";
import { htmlReport, type Report, type Search, type ServerUse, textReport } from "./report.ts";
import { findServerPid } from "./server-pid.ts";
import { Timeline } from "./timeline.ts";
import { loadTrace } from "./trace.ts";
import type { Workload } from "./workload.ts";

/** Looks at the boards: at most so many in a run, and not more often than so. */
const LOOKS = 120;
const LOOK_MILLISECONDS_MIN = 250;
/** A step of the search holds only when it reached its rate, nearly. */
const REACHED = 0.98;
/** Points of the plotted distribution. */
const DISTRIBUTION = [
  0, 10, 25, 50, 75, 90, 95, 97.5, 99, 99.5, 99.75, 99.9, 99.95, 99.99, 99.995, 99.999,
];

async function workloadOf(options: LoadOptions): Promise<Workload> {
  return {
    protocol: options.protocol,
    connections: options.connections,
    depth: options.depth,
    keysPerGet: options.mget,
    keyCount: options.keys,
    keySizes: options.keySize,
    valueSizes: options.valueSize,
    popularity: options.popularity,
    reads: options.reads,
    hitRatio: options.hitRatio,
    setOnMiss: options.setOnMiss,
    ttl: options.ttl,
    keyPrefix: options.keyPrefix,
    seed: options.seed,
    verify: options.verify,
    sockets: options.sockets,
    trace:
      options.trace === undefined ? null : await loadTrace(options.trace, options.traceRequests),
  };
}

/** The server's processor clocks, read before and after. */
class ServerClock {
  readonly #pid: number;
  #cpu = 0;
  #userTicks = 0;

  constructor(pid: number) {
    this.#pid = pid;
    this.start();
  }

  start(): void {
    this.#cpu = processCpuMicroseconds(this.#pid);
    this.#userTicks = userShareOf(this.#pid) * this.#cpu;
  }

  /**
   * Since the start: the split into user and system comes from the kernel's shares of the whole.
   */
  use(measured: Measured): ServerUse {
    const now = processCpuMicroseconds(this.#pid);
    const spent = now - this.#cpu;
    const user = userShareOf(this.#pid) * now - this.#userTicks;
    return {
      pid: this.#pid,
      cpuPerKey: spent / measured.keys,
      userShare: Math.min(1, Math.max(0, user / spent)),
      utilization: spent / (measured.seconds * 1e6),
      residentBytes: residentBytesOf(this.#pid),
    };
  }
}

interface Watched {
  measured: Measured;
  timeline: Timeline;
}

/** Runs one window with a progress line and a timeline. */
async function watch(session: Session, options: LoadOptions): Promise<Watched> {
  const timeline = new Timeline(session);
  const running = session.window({
    seconds: options.duration,
    rate: options.rate,
    arrivals: options.arrivals,
    ...(options.requests === undefined ? {} : { requests: options.requests }),
  });
  const show = process.stderr.isTTY && !options.quiet;
  const every = Math.max(LOOK_MILLISECONDS_MIN, (options.duration * 1000) / LOOKS);
  const timer = setInterval(() => {
    const { seconds, throughput, p50, p99, errors } = timeline.look();
    if (!show) return;
    const trouble = errors > 0 ? `  ${errors} errors` : "";
    const line =
      `${seconds.toFixed(1)} s  ${compactNumber(throughput)} keys/s  ` +
      `p50 ${duration(p50)}  p99 ${duration(p99)}${trouble}`;
    process.stderr.write(`\r\x1b[K${line}`);
  }, every);
  try {
    const measured = await running;
    return { measured, timeline };
  } finally {
    clearInterval(timer);
    if (show) process.stderr.write("\r\x1b[K");
  }
}

/** True when a window of `seconds` kept the promise at the rate that was wanted. */
function holds(measured: Measured, wanted: number, seconds: number, promise: Objective): boolean {
  const reached = measured.requests / seconds;
  return (
    keeps(measured.latency, promise) && measured.unanswered === 0 && reached >= wanted * REACHED
  );
}

/** The highest rate that keeps the objective in short windows. Throws when none does. */
async function search(session: Session, options: LoadOptions): Promise<Search> {
  const objective = parseObjective(options.slo);
  const log = (line: string) => {
    if (!options.quiet) process.stderr.write(`${line}\n`);
  };
  const closed = await session.window({ seconds: options.step, rate: 0, arrivals: "uniform" });
  const limit = closed.requests / closed.seconds;
  log(`closed loop: ${compactNumber(limit)} requests/s`);
  const { rate, steps } = await searchRate(limit, options.precision, async (wanted) => {
    const window = { seconds: options.step, rate: wanted, arrivals: options.arrivals };
    const measured = await session.window(window);
    const held = holds(measured, wanted, options.step, objective);
    const tail = duration(percentile(measured.latency, objective.percent));
    log(`${compactNumber(wanted)} requests/s: ${tail} ${held ? "holds" : "does not hold"}`);
    return held;
  });
  if (rate === 0) throw new Error(`no rate keeps ${options.slo}, not even ${lowest(steps)}`);
  return { objective: options.slo, rate, steps, held: true };
}

function lowest(steps: readonly { rate: number }[]): string {
  return `${compactNumber(Math.min(...steps.map(({ rate }) => rate)))} requests/s`;
}

/** The measurement that is reported; of a search, one that kept the promise, if any did. */
async function measure(
  session: Session,
  options: LoadOptions,
  found: Search | null,
  clock: ServerClock | null,
): Promise<Watched> {
  const once = (rate: number) => {
    clock?.start();
    return watch(session, { ...options, rate });
  };
  if (found === null) return once(options.rate);
  const promise = parseObjective(options.slo);
  const confirmed = await confirmRate(found.rate, options.precision, async (rate) => {
    const result = await once(rate);
    return { held: holds(result.measured, rate, result.measured.seconds, promise), result };
  });
  found.rate = confirmed.rate;
  found.held = confirmed.held;
  return confirmed.result;
}

function latencyOf(histogram: Histogram): Report["latency"] {
  return {
    p50: percentile(histogram, 50),
    p90: percentile(histogram, 90),
    p99: percentile(histogram, 99),
    p999: percentile(histogram, 99.9),
    max: histogram.totalCount === 0 ? Number.NaN : histogram.maxValue / 1e3,
    mean: histogram.mean / 1e3,
  };
}

async function run(
  pool: LoadPool,
  target: Target,
  name: string,
  options: LoadOptions,
): Promise<Report> {
  const workload = await workloadOf(options);
  const session = await pool.open(target, workload);
  process.once("SIGINT", () => session.stop());
  if (options.preload && workload.trace === null) await session.preload();
  if (options.warm > 0) {
    await session.window({ seconds: options.warm, rate: options.rate, arrivals: options.arrivals });
  }
  const found = options.findMax ? await search(session, options) : null;
  const pid = options.pid ?? findServerPid(target);
  const clock = pid === null ? null : new ServerClock(pid);
  const { measured, timeline } = await measure(session, options, found, clock);
  const server = clock?.use(measured) ?? null;
  await session.close();
  const { seconds, latency, hits, misses, cpuMicroseconds, ...counted } = measured;
  return {
    machine: describeMachine(),
    command: ["npm run bench --", ...process.argv.slice(2)].join(" "),
    version: ownVersion(),
    target: name,
    workload: { ...workload, trace: workload.trace?.name ?? null },
    rate: found?.rate ?? options.rate,
    seconds,
    ...counted,
    keysPerSecond: measured.keys / seconds,
    requestsPerSecond: measured.requests / seconds,
    hitRatio: hits / (hits + misses),
    latency: latencyOf(latency),
    distribution: DISTRIBUTION.map((percent) => [percent, percentile(latency, percent)]),
    generatorCpuPerKey: cpuMicroseconds / measured.keys,
    generatorUtilization: cpuMicroseconds / (seconds * 1e6),
    server,
    moments: timeline.moments,
    search: found,
  };
}

async function main(): Promise<void> {
  const { target: name, options } = parseLoadOptions(process.argv.slice(2));
  const target = await resolveTarget(name);
  const cores = options.pin === "" ? [] : options.pin.split(",").map(Number);
  const pool = new LoadPool(options.threads, cores);
  try {
    const report = await run(pool, target, name, options);
    const json = `${JSON.stringify(report, null, 2)}\n`;
    if (options.json === "-") process.stdout.write(json);
    else console.log(textReport(report));
    if (options.json !== undefined && options.json !== "-") writeFileSync(options.json, json);
    if (options.html !== undefined) writeFileSync(options.html, htmlReport(report));
    if (report.lies > 0) process.exitCode = 1;
  } finally {
    await pool.close();
  }
}

await runMain("bench", main);
