/**
 * Supervisor: keeps one worker thread at work on each shard.
 *
 *   starting ──ready──▶ serving ──task or thread ends──▶ pause ──▶ starting, incarnation + 1
 *
 * Piscina runs the threads: a pool of exactly one thread a shard, one task on each that lasts as
 * long as the server. All a shard is lies in shared memory, so a thread that dies loses its
 * connections and nothing else; the next one repairs what was being changed and serves on. Memory
 * and rings are never allocated anew.
 *
 * Before everything serves, a worker that does not start is a failed start: `start` rejects.
 * Afterwards it is tried again for ever, with growing pauses: a shard that comes back late is
 * better than none.
 */
import { setFlagsFromString } from "node:v8";
import { Piscina } from "piscina";
import { SystemError } from "../base/errors.ts";
import type { WorkerData, WorkerMessage } from "../config/worker-data.ts";

/**
 * The pause before a worker's second restart in a row; it doubles up to the longest. The first has
 * none.
 */
const PAUSE_MILLISECONDS_MIN = 50;
const PAUSE_MILLISECONDS_MAX = 2000;
/** A worker that has served this long before it died starts over with no pause. */
const HEALTHY_MILLISECONDS = 10_000;

export interface SupervisorEvents {
  /** A worker died while serving, and another will take its shard. */
  died(self: number, cause: Error): void;
  /** A worker serves: first start or successor. */
  ready(self: number, incarnation: number, itemsDropped: number): void;
  /** Anything else a worker says. */
  said(message: WorkerMessage): void;
}

/** What a worker is handed at its n-th incarnation. */
export type DataOf = (self: number, incarnation: number) => WorkerData;

interface Post {
  incarnation: number;
  /** In a row, without having served for `HEALTHY_MILLISECONDS`. */
  failures: number;
  readyAt: number;
  isReady: boolean;
}

/** Young generation of a worker's heap, from the start. */
const YOUNG_MEBIBYTES = 8;

export class Supervisor {
  readonly #pool: Piscina<WorkerData, void>;
  #events: SupervisorEvents | null = null;
  readonly #posts: Post[];
  readonly #tasks: Promise<void>[] = [];
  #isStopping = false;
  #resolveStart: () => void = () => {};
  #rejectStart: (cause: Error) => void = () => {};
  #isStarted = false;

  /**
   * Starts the threads; they wait for `start`. `filename` is the module whose default export is the
   * task.
   */
  constructor(filename: string, threadCount: number) {
    this.#posts = Array.from({ length: threadCount }, () => ({
      incarnation: 0,
      failures: 0,
      readyAt: 0,
      isReady: false,
    }));
    // A start makes some megabytes of garbage, serving next to none: with room for both there is no
    // collection in between.
    setFlagsFromString(`--min-semi-space-size=${YOUNG_MEBIBYTES}`);
    this.#pool = new Piscina({
      filename,
      minThreads: threadCount,
      maxThreads: threadCount,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 1,
      atomics: "disabled", // its Atomics.wait would hold up the worker's own messages
      recordTiming: false,
    });
    this.#pool.on("message", (message: WorkerMessage) => this.#heard(message));
    this.#pool.on("error", () => {}); // the task that it ended says the same
  }

  /** Resolves when every worker serves. Rejects with SystemError when one cannot start. */
  start(events: SupervisorEvents, dataOf: DataOf): Promise<void> {
    this.#events = events;
    return new Promise((resolve, reject) => {
      this.#resolveStart = resolve;
      this.#rejectStart = reject;
      for (let self = 0; self < this.#posts.length; self++) {
        this.#tasks.push(this.#keep(self, dataOf));
      }
    });
  }

  /**
   * Waits until every task has ended, at most `milliseconds`. False when some had to be left
   * behind.
   */
  async stop(milliseconds: number): Promise<boolean> {
    this.#isStopping = true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), milliseconds);
    });
    const ended = Promise.all(this.#tasks).then(() => true);
    const isClean = await Promise.race([ended, late]);
    clearTimeout(timer);
    return isClean;
  }

  /** Runs the worker of one shard, again and again, until the server stops. */
  async #keep(self: number, dataOf: DataOf): Promise<void> {
    const post = this.#posts[self] as Post;
    while (!this.#isStopping) {
      const cause = await this.#runOnce(dataOf(self, post.incarnation));
      if (this.#isStopping) return;
      if (!this.#isStarted) {
        const message = `worker ${self} could not start: ${cause.message}`;
        this.#rejectStart(new SystemError(message, 71, { cause }));
        return;
      }
      this.#events?.died(self, cause);
      const wasHealthy = post.isReady && performance.now() - post.readyAt > HEALTHY_MILLISECONDS;
      post.failures = wasHealthy ? 1 : post.failures + 1;
      post.isReady = false;
      post.incarnation++;
      await pause(pauseMilliseconds(post.failures));
    }
  }

  /** Runs a task to its end and says why it ended. */
  async #runOnce(data: WorkerData): Promise<Error> {
    try {
      await this.#pool.run(data);
      return new Error("its task ended");
    } catch (cause) {
      return cause instanceof Error ? cause : new Error(String(cause));
    }
  }

  #heard(message: WorkerMessage): void {
    if (message.kind !== "ready") {
      this.#events?.said(message);
      return;
    }
    const post = this.#posts[message.self] as Post;
    post.isReady = true;
    post.readyAt = performance.now();
    this.#events?.ready(message.self, post.incarnation, message.itemsDropped);
    if (!this.#isStarted && this.#posts.every(({ isReady }) => isReady)) {
      this.#isStarted = true;
      this.#resolveStart();
    }
  }
}

/** How long to wait before the n-th restart in a row. */
export function pauseMilliseconds(failures: number): number {
  if (failures <= 1) return 0;
  return Math.min(PAUSE_MILLISECONDS_MAX, PAUSE_MILLISECONDS_MIN * 2 ** (failures - 2));
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
