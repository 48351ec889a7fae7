/**
 * The generator threads, seen from the main thread: a piscina pool of long tasks, one a thread,
 * each with a port for orders and, for every session, a board that shows what it counts.
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { Piscina } from "piscina";
import { Board, Meter } from "./board.ts";
import { addCounts, emptyHistogram, type Histogram } from "./latency-counts.ts";
import type { Target } from "./libc.ts";
import type { Answer, Order, ThreadTask } from "./thread.ts";
import type { Window } from "./window.ts";
import { checkWorkload, type Workload } from "./workload.ts";

/** What all threads together have counted. */
export interface Measured {
  requests: number;
  keys: number;
  hits: number;
  misses: number;
  refusals: number;
  lies: number;
  failures: number;
  unanswered: number;
  sentBytes: number;
  receivedBytes: number;
  seconds: number;
  /** Processor time of the generator threads. */
  cpuMicroseconds: number;
  latency: Histogram;
}

class Thread {
  readonly #port: MessagePort;
  readonly #waiting: { resolve: () => void; reject: (error: Error) => void }[] = [];

  constructor(port: MessagePort) {
    this.#port = port;
    port.on("message", (answer: Answer) => {
      const waiter = this.#waiting.shift();
      if (answer === null) waiter?.resolve();
      else waiter?.reject(new Error(answer));
    });
  }

  order(order: Order): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#port.postMessage(order);
    });
  }

  /** Ends the task; nobody waits for the answer, since the task's own end closes the port. */
  quit(): void {
    this.#port.postMessage({ do: "quit" } satisfies Order);
  }

  /** The task has ended: nobody will answer any more. */
  fail(error: Error): void {
    for (const waiter of this.#waiting.splice(0)) waiter.reject(error);
  }
}

/** One target under one workload, with its connections open on every thread. */
export class Session {
  readonly boards: readonly Board[];
  readonly #threads: readonly Thread[];
  readonly #id: number;
  readonly #connections: number;

  constructor(
    id: number,
    threads: readonly Thread[],
    boards: readonly Board[],
    connections: number,
  ) {
    this.#id = id;
    this.#connections = connections;
    this.#threads = threads;
    this.boards = boards;
  }

  /** Sets every key once. */
  async preload(): Promise<Measured> {
    await this.#all(() => ({ do: "preload", session: this.#id }));
    return this.measured();
  }

  /** Sends load for a while; `rate` and `requests` are those of all threads together. */
  async window(window: Window): Promise<Measured> {
    const active = Math.min(this.#threads.length, this.#connections);
    const each = { ...window, rate: window.rate / active };
    if (window.requests !== undefined) each.requests = Math.ceil(window.requests / active);
    await this.#all(() => ({ do: "window", session: this.#id, window: each }));
    return this.measured();
  }

  /** What is on the boards now, also while a window runs. */
  measured(): Measured {
    const latency = emptyHistogram();
    const sum = (meter: number) =>
      this.boards.reduce((total, board) => total + (board.meters[meter] as number), 0);
    for (const board of this.boards) addCounts(latency, board.counts);
    return {
      requests: sum(Meter.requests),
      keys: sum(Meter.keys),
      hits: sum(Meter.hits),
      misses: sum(Meter.misses),
      refusals: sum(Meter.refusals),
      lies: sum(Meter.lies),
      failures: sum(Meter.failures),
      unanswered: sum(Meter.unanswered),
      sentBytes: sum(Meter.sentBytes),
      receivedBytes: sum(Meter.receivedBytes),
      seconds: Math.max(...this.boards.map((board) => board.meters[Meter.seconds] as number)),
      cpuMicroseconds: sum(Meter.cpuMicroseconds),
      latency,
    };
  }

  /** Ends the running window soon. */
  stop(): void {
    for (const board of this.boards) board.stop();
  }

  async close(): Promise<void> {
    await this.#all(() => ({ do: "close", session: this.#id }));
  }

  async #all(order: (thread: number) => Order): Promise<void> {
    await Promise.all(this.#threads.map((thread, index) => thread.order(order(index))));
  }
}

/**
 * workers/load.js: beside the compiled harness, or in dist when the harness runs from its sources.
 */
function workerFile(): string {
  const beside = fileURLToPath(new URL("../../workers/load.js", import.meta.url));
  if (existsSync(beside)) return beside;
  return fileURLToPath(new URL("../../dist/workers/load.js", import.meta.url));
}

export class LoadPool {
  readonly #pool: Piscina;
  /** Settles when all tasks have ended. */
  readonly #ended: Promise<unknown>;
  readonly #threads: readonly Thread[];
  #sessions = 0;

  /** Starts `threads` generator threads, bound to `cores` when there are any. */
  constructor(threads: number, cores: readonly number[] = []) {
    this.#pool = new Piscina({
      filename: workerFile(),
      minThreads: threads,
      maxThreads: threads,
      concurrentTasksPerWorker: 1,
    });
    const tasks: Promise<unknown>[] = [];
    this.#threads = Array.from({ length: threads }, (_, index) => {
      const { port1, port2 } = new MessageChannel();
      const thread = new Thread(port1);
      const task: ThreadTask = { port: port2, share: { thread: index, threads }, cores };
      const ended = this.#pool
        .run(task, { transferList: [port2] })
        .catch((error: Error) => thread.fail(error))
        .finally(() => port1.close());
      tasks.push(ended);
      return thread;
    });
    this.#ended = Promise.all(tasks);
  }

  /** Connects to a target. Throws when it refuses, or when the workload makes no sense. */
  async open(target: Target, workload: Workload): Promise<Session> {
    checkWorkload(workload);
    const id = this.#sessions++;
    const boards = this.#threads.map(() => new Board());
    const open = (thread: Thread, index: number) =>
      thread.order({
        do: "open",
        session: id,
        target,
        workload,
        board: (boards[index] as Board).buffer,
      });
    await Promise.all(this.#threads.map(open));
    return new Session(id, this.#threads, boards, workload.connections);
  }

  async close(): Promise<void> {
    for (const thread of this.#threads) thread.quit();
    await this.#ended;
    await this.#pool.destroy();
  }
}
