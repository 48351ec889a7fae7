/**
 * The measurements of a comparison. All servers of a row live together and idle ones cost nothing;
 * each gets a short window in its turn. A server that fails a row loses that row, and the others go
 * on.
 */
import { assert } from "../../src/base/assert.ts";
import { emptyHistogram } from "../load/latency-counts.ts";
import { LoadPool, type Session } from "../load/load-pool.ts";
import { Random } from "../load/random.ts";
import { WORKLOAD_DEFAULTS } from "../load/workload.ts";
import { median, pairedRatios } from "../report/statistics.ts";
import { interleave } from "./interleave.ts";
import type { Peer } from "./peers.ts";
import {
  type Cell,
  type MemoryResult,
  type RowResult,
  type Sample,
  sampleOf,
  type ThreadsResult,
  tailOf,
} from "./results.ts";
import { ServerProcess } from "./server-process.ts";
import { crossings, workerStats } from "./server-stats.ts";
import { MEMORY_ROW, type Row, THREAD_COUNTS, THREADS_KEY_COUNT } from "./workloads.ts";

export interface MeasureOptions {
  peers: readonly Peer[];
  /** The peer the ratios are taken against. */
  reference: string;
  rounds: number;
  windowSeconds: number;
  warmSeconds: number;
  seed: number;
  memoryMib: number;
  /** Processors of the servers and of the generator; empty when there is nothing to choose. */
  serverCores: readonly number[];
  generatorCores: readonly number[];
  generatorThreads: number;
  log: (line: string) => void;
}

/** Keys of the load before the memory of the empty process is read. */
const MEMORY_WARM_KEYS = 1000;

/** A server with its connections for one row. */
interface Candidate {
  name: string;
  server: ServerProcess;
  session: Session;
  cell: Cell;
  latency: ReturnType<typeof emptyHistogram>;
}

export class Measurement {
  readonly #options: MeasureOptions;
  readonly #pool: LoadPool;
  readonly #servers = new Map<string, ServerProcess>();
  readonly #random: Random;
  readonly #loaded = new Set<string>();

  constructor(options: MeasureOptions) {
    this.#options = options;
    this.#pool = new LoadPool(options.generatorThreads, options.generatorCores);
    this.#random = new Random(options.seed);
  }

  /** Measures the rows, in order. An open row takes its rate from a row before it. */
  async rows(rows: readonly Row[]): Promise<RowResult[]> {
    const results: RowResult[] = [];
    for (const row of rows) {
      const rate = row.rateShare === undefined ? 0 : row.rateShare * this.#maximum(results, row);
      results.push(await this.#row(row, rate));
    }
    return results;
  }

  /**
   * Processor time per operation of one request at a time, for several thread counts of each
   * server.
   */
  async threads(rounds: number): Promise<ThreadsResult[]> {
    const { peers, memoryMib } = this.#options;
    const workload = { ...WORKLOAD_DEFAULTS, keyCount: THREADS_KEY_COUNT };
    const row: Row = { name: "threads", workload, lines: [] };
    const results: ThreadsResult[] = [];
    for (const peer of peers) {
      if (!peer.stores || peer.command({ ...this.#start(8), port: 1 }) === null) continue;
      const started: Candidate[] = [];
      for (const threads of THREAD_COUNTS) {
        const server = await ServerProcess.start(
          peer,
          { ...this.#start(threads), memoryMib },
          this.#options.serverCores,
        );
        if (server === null) continue;
        started.push(await this.#candidate(`${threads}`, server, row));
      }
      const portOf = ({ server }: Candidate) => ("port" in server.target ? server.target.port : 0);
      const before = await Promise.all(started.map((one) => workerStats(portOf(one))));
      await this.#windows(row, started, 0, rounds);
      const after = await Promise.all(started.map((one) => workerStats(portOf(one))));
      const one = started[0]?.cell.samples.map((sample) => sample.cpu) ?? [];
      for (const [i, { name, cell, server, session }] of started.entries()) {
        const crossed = crossings(before[i] ?? new Map(), after[i] ?? new Map());
        const cpu = cell.samples.map((sample) => sample.cpu);
        const ratios = pairedRatios(cpu, one);
        results.push({ server: peer.name, threads: Number(name), cpu, ratios, crossings: crossed });
        await session.close();
        await server.stop();
      }
      const line = results.filter(({ server }) => server === peer.name);
      const shown = line.map(({ threads, cpu }) => `${threads}: ${median(cpu).toFixed(2)} µs`);
      this.#options.log(`threads    ${peer.name}  ${shown.join("  ")}`);
    }
    return results;
  }

  /** Resident memory per item, beyond the empty process. */
  async memory(items: number): Promise<MemoryResult[]> {
    const results: MemoryResult[] = [];
    const workload = {
      ...WORKLOAD_DEFAULTS,
      keyCount: items,
      keyPrefix: "memory-",
      keySizes: "16",
      valueSizes: "100",
    };
    for (const peer of this.#options.peers.filter(({ stores }) => stores)) {
      const start = { ...this.#start(1), memoryMib: MEMORY_ROW.memoryMib };
      const server = await ServerProcess.start(peer, start, this.#options.serverCores);
      if (server === null) continue;
      const { protocol } = peer;
      // Load on a few keys first: buffers, compiled code and the like are not the items' memory.
      const few = { ...workload, protocol, keyCount: MEMORY_WARM_KEYS, keyPrefix: "warm-" };
      const warm = await this.#pool.open(server.target, { ...few, reads: 0.5 });
      await warm.window({ seconds: this.#options.warmSeconds, rate: 0, arrivals: "uniform" });
      await warm.close();
      const session = await this.#pool.open(server.target, { ...workload, protocol });
      const emptyBytes = server.residentBytes();
      const stored = await session.preload();
      if (stored.refusals > 0) throw new Error(`${peer.name} refused ${stored.refusals} items`);
      const bytesPerItem = (server.residentBytes() - emptyBytes) / items;
      results.push({ server: peer.name, emptyBytes, bytesPerItem });
      this.#options.log(`memory     ${peer.name}  ${bytesPerItem.toFixed(0)} bytes an item`);
      await session.close();
      await server.stop();
    }
    return results;
  }

  async close(): Promise<void> {
    for (const server of this.#servers.values()) await server.stop();
    await this.#pool.close();
  }

  #start(threads: number): { threads: number; memoryMib: number; valueBytes: number } {
    return { threads, memoryMib: this.#options.memoryMib, valueBytes: 100 };
  }

  /** The throughput the reference reached in the row an open loop takes its rate from. */
  #maximum(results: readonly RowResult[], row: Row): number {
    const from = results.find(({ name }) => name === row.rateFrom);
    const cell =
      from?.cells.find(({ server }) => server === this.#options.reference) ?? from?.cells[0];
    const rates = (cell?.samples ?? []).map(({ throughput }) => throughput);
    assert(rates.length > 0, "an open loop is measured after the row it takes its rate from");
    return median(rates);
  }

  async #row(row: Row, rate: number): Promise<RowResult> {
    const { peers, rounds, log } = this.#options;
    const candidates: Candidate[] = [];
    const failed: Cell[] = [];
    for (const peer of peers) {
      try {
        const server = await this.#server(peer, row);
        if (server !== null) candidates.push(await this.#candidate(peer.name, server, row));
      } catch (error) {
        failed.push({ ...emptyCell(peer.name), problem: problemOf(error) });
      }
    }
    await this.#windows(row, candidates, rate, rounds);
    const cells = [...candidates.map(({ cell }) => cell), ...failed];
    for (const { session } of candidates) await session.close().catch(() => undefined);
    for (const cell of cells) {
      const figure = row.lines[0]?.figure ?? "cpu";
      const middle = median(cell.samples.map((sample) => sample[figure]));
      const speed = median(cell.samples.map((sample) => sample.throughput));
      const generator = median(cell.samples.map((sample) => sample.generatorCpu));
      log(
        `${row.name.padEnd(10)} ${cell.server.padEnd(12)} ${figure} ${middle.toFixed(2)} µs  ` +
          `${(speed / 1000).toFixed(0)} k/s  generator ${generator.toFixed(2)} µs` +
          `${cell.problem === null ? "" : `  ${cell.problem}`}`,
      );
    }
    return { name: row.name, lines: row.lines, rate, cells };
  }

  /** The peer's server, started with the first row that needs it. */
  async #server(peer: Peer, row: Row): Promise<ServerProcess | null> {
    const valueBytes = Number(row.workload.valueSizes) || 100;
    const name = peer.stores ? peer.name : `${peer.name} ${valueBytes}`;
    const running = this.#servers.get(name);
    if (running !== undefined) return running;
    const cores = this.#options.serverCores.slice(0, 1);
    const server = await ServerProcess.start(peer, { ...this.#start(1), valueBytes }, cores);
    if (server !== null) this.#servers.set(name, server);
    return server;
  }

  async #candidate(name: string, server: ServerProcess, row: Row): Promise<Candidate> {
    const { protocol, stores } = server.peer;
    const session = await this.#pool.open(server.target, { ...row.workload, protocol });
    const { keyPrefix, keyCount, valueSizes } = row.workload;
    const load = `${server.pid} ${keyPrefix} ${keyCount} ${valueSizes}`;
    if (stores && !this.#loaded.has(load)) {
      await session.preload();
      this.#loaded.add(load);
    }
    return { name, server, session, cell: emptyCell(name), latency: emptyHistogram() };
  }

  /** Warms every candidate up, then measures all of them in every round. */
  async #windows(
    row: Row,
    candidates: readonly Candidate[],
    rate: number,
    rounds: number,
  ): Promise<void> {
    const { windowSeconds, warmSeconds } = this.#options;
    const seconds = windowSeconds * (row.windowScale ?? 1);
    const measure = async (name: string, warm: boolean): Promise<void> => {
      const candidate = candidates.find((one) => one.name === name);
      if (candidate === undefined || candidate.cell.problem !== null) return;
      try {
        const sample = await this.#window(candidate, warm ? warmSeconds : seconds, rate, !warm);
        if (!warm) candidate.cell.samples.push(sample);
      } catch (error) {
        candidate.cell.samples.length = 0;
        candidate.cell.problem = problemOf(error);
      }
    };
    const names = candidates.map(({ name }) => name);
    // Every thread of a server compiles for itself, so servers of many threads need longer.
    for (const name of names) {
      for (let turn = 0; turn < Math.max(1, Number(name) || 1); turn++) await measure(name, true);
    }
    await interleave(names, rounds, this.#random, (name) => measure(name, false));
    for (const { cell, latency } of candidates) cell.tail = tailOf(latency);
  }

  async #window(
    { server, session, latency }: Candidate,
    seconds: number,
    rate: number,
    keep: boolean,
  ): Promise<Sample> {
    const start = server.cpuMicroseconds();
    const measured = await session.window({ seconds, rate, arrivals: "poisson" });
    const sample = sampleOf(measured, server.cpuMicroseconds() - start);
    if (measured.requests === 0) throw new Error(`${server.peer.name} answers nothing`);
    if (server.peer.stores && measured.refusals > 0) {
      throw new Error(`${server.peer.name} refused ${measured.refusals} requests`);
    }
    if (keep) latency.add(measured.latency);
    return sample;
  }
}

/** The first line of an error: cells are narrow. */
function problemOf(error: unknown): string {
  return (error as Error).message.split("\n")[0] as string;
}

function emptyCell(server: string): Cell {
  const tail = { p50: 0, p90: 0, p99: 0, p999: 0, max: 0 };
  return { server, samples: [], tail, problem: null };
}
