/**
 * `npm run bench [-- target options]`: loads one server and reports. See options.ts for the
 * options.
 */
import { writeFileSync } from "node:fs";
import { residentBytesOf, userShareOf } from "../compare/server-process.ts";
import { describeMachine } from "../report/machine.ts";
import { compactNumber, duration } from "../report/table.ts";
import { keeps, parseObjective, searchRate } from "./find-max.ts";
import { type Histogram, percentile } from "./latency-counts.ts";
import { processCpuMicroseconds, type Target } from "./libc.ts";
import { LoadPool, type Measured, type Session } from "./load-pool.ts";
import { type LoadOptions, parseLoadOptions, resolveTarget } from "./options.ts";
import { htmlReport, type Report, type ServerUse, textReport } from "./report.ts";
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

/** Runs one window with a progress line and a timeline. */
async function watch(
  session: Session,
  options: LoadOptions,
): Promise<{ measured: Measured; timeline: Timeline }> {
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

async function search(session: Session, options: LoadOptions): Promise<Report["search"]> {
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
    const reached = measured.requests / options.step;
    const held =
      keeps(measured.latency, objective) &&
      measured.unanswered === 0 &&
      reached >= wanted * REACHED;
    const tail = duration(percentile(measured.latency, objective.percent));
    log(`${compactNumber(wanted)} requests/s: ${tail} ${held ? "holds" : "does not hold"}`);
    return held;
  });
  return { objective: options.slo, rate, steps };
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
  const measuring = found === null ? options : { ...options, rate: Math.max(1, found.rate) };
  const pid = options.pid ?? findServerPid(target);
  const clock = pid === null ? null : new ServerClock(pid);
  const { measured, timeline } = await watch(session, measuring);
  const server = clock?.use(measured) ?? null;
  await session.close();
  const { seconds, latency, hits, misses, cpuMicroseconds, ...counted } = measured;
  return {
    machine: describeMachine(),
    target: name,
    workload: { ...workload, trace: workload.trace?.name ?? null },
    rate: measuring.rate,
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

try {
  await main();
} catch (error) {
  process.stderr.write(`bench: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
