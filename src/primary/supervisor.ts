/**
 * Supervisor: keeps one worker thread at work on each shard.
 *
 *   starting ──ready──▶ serving ──its thread ends──▶ pause ──▶ starting, incarnation + 1
 *      │                                               ▲
 *      └── does not come up: absent, and again ────────┘        absent too long: given up
 *
 * All a shard is lies in shared memory, so a thread that dies loses its connections and nothing
 * else; the next one repairs what was being changed and continues. Memory and rings are never
 * allocated again.
 *
 * Before everything serves, a worker that does not start is a failed start: `start` rejects.
 * Afterwards it is tried again, with growing pauses: what was missing, descriptors or memory, may
 * come back. Meanwhile its shard is absent, and somebody must answer for it (worker/stand-in.ts).
 *
 * Why no pool: a pool replaces threads that failed at their work and gives up on those that fail to
 * start, and reads what they run from a disk that may no longer have it.
 */
import { setFlagsFromString } from "node:v8";
import { SystemError } from "../base/errors.ts";
import type { WorkerData, WorkerMessage } from "../worker/messages.ts";
import { type StartThread, WorkerThread } from "./worker-thread.ts";

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
  /**
   * A worker's successor did not come up, or (null) takes its time: nobody has the shard until
   * `relieved`. It is tried again. Told for each attempt.
   */
  absent(self: number, incarnation: number, cause: Error | null): void;
  /** A thread is about to take over a shard that was absent: from here on nobody else may. */
  relieved(self: number): void;
  /** A worker serves: first start or successor. */
  ready(self: number, incarnation: number, itemsDropped: number): void;
  /** A shard has been absent for so long that only a new start may help. */
  givenUp(self: number, cause: Error | null): void;
  /** Anything else a worker says. */
  said(message: WorkerMessage): void;
}

/** How long a shard may be without a thread. */
export interface Patience {
  /** Then it is absent: its clients have waited long enough. */
  readonly absentMilliseconds: number;
  /** Then it does not come back by itself. */
  readonly giveUpMilliseconds: number;
}

/** What a worker is handed at its n-th incarnation. */
export type DataOf = (self: number, incarnation: number) => WorkerData;

const PATIENCE: Patience = { absentMilliseconds: 300, giveUpMilliseconds: 60_000 };

class Post {
  readonly self: number;
  /** The thread that waits for its task, or serves. */
  thread: WorkerThread;
  incarnation = 0;
  /** In a row, without having served for `HEALTHY_MILLISECONDS`. */
  failures = 0;
  readyAt = 0;
  isReady = false;
  isAbsent = false;
  /** Why it last did not come up. */
  problem: Error | null = null;
  /** The task of a thread that has none yet is not begun while the server stops. */
  hasTask = false;
  readonly timers: NodeJS.Timeout[] = [];

  constructor(self: number, thread: WorkerThread) {
    this.self = self;
    this.thread = thread;
  }

  clearTimers(): void {
    for (const timer of this.timers.splice(0)) clearTimeout(timer);
  }
}

/** Young generation of a worker's heap, from the start. */
const YOUNG_MEBIBYTES = 8;

export class Supervisor {
  readonly #startThread: StartThread;
  readonly #patience: Patience;
  #events: SupervisorEvents | null = null;
  readonly #posts: Post[] = [];
  readonly #tasks: Promise<void>[] = [];
  #isStopping = false;
  #resolveStart: () => void = () => {};
  #rejectStart: (cause: Error) => void = () => {};
  #isStarted = false;

  /** Starts the first threads with `first`, all later ones with `next`; they wait for `start`. */
  constructor(
    threadCount: number,
    first: StartThread,
    next: StartThread = first,
    patience = PATIENCE,
  ) {
    this.#startThread = next;
    this.#patience = patience;
    // A start makes some megabytes of garbage, serving next to none: with room for both there is no
    // collection in between.
    setFlagsFromString(`--min-semi-space-size=${YOUNG_MEBIBYTES}`);
    for (let self = 0; self < threadCount; self++) {
      this.#posts.push(new Post(self, this.#threadFor(self, first)));
    }
  }

  /** Resolves when every thread is up and waits for its task, or has failed to. */
  async booted(): Promise<void> {
    await Promise.all(this.#posts.map(({ thread }) => thread.booted));
  }

  /** Resolves when every worker serves. Rejects with SystemError when one cannot start. */
  start(events: SupervisorEvents, dataOf: DataOf): Promise<void> {
    this.#events = events;
    return new Promise((resolve, reject) => {
      this.#resolveStart = resolve;
      this.#rejectStart = reject;
      for (const post of this.#posts) this.#tasks.push(this.#keep(post, dataOf));
    });
  }

  /**
   * Waits until every thread has ended, at most `milliseconds`. False when some had to be left
   * behind.
   */
  async stop(milliseconds: number): Promise<boolean> {
    this.#isStopping = true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), milliseconds);
    });
    for (const post of this.#posts) {
      post.clearTimers();
      if (!post.hasTask) void post.thread.terminate();
    }
    const ended = Promise.all(this.#tasks).then(() => true);
    const isClean = await Promise.race([ended, late]);
    clearTimeout(timer);
    return isClean;
  }

  #threadFor(self: number, start: StartThread): WorkerThread {
    return new WorkerThread(start, (message) => this.#heard(self, message));
  }

  /** Runs the worker of one shard, again and again, until the server stops. */
  async #keep(post: Post, dataOf: DataOf): Promise<void> {
    const { self } = post;
    while (!this.#isStopping) {
      const cause = await this.#runOnce(post, dataOf);
      if (this.#isStopping) return;
      if (!this.#isStarted) {
        const message = `worker ${self} could not start: ${cause.message}`;
        this.#rejectStart(new SystemError(message, 71, { cause }));
        return;
      }
      post.incarnation++;
      if (post.isReady) this.#mourn(post, cause);
      else this.#leave(post, cause);
      await pause(pauseMilliseconds(post.failures));
      if (!this.#isStopping) post.thread = this.#threadFor(self, this.#startThread);
    }
  }

  /** Runs a thread to its end and says why it ended. */
  async #runOnce(post: Post, dataOf: DataOf): Promise<Error> {
    const { thread } = post;
    const problem = await thread.booted;
    if (problem !== null) return problem;
    if (!this.#isStopping) {
      post.hasTask = true;
      if (post.isAbsent) this.#events?.relieved(post.self);
      post.isAbsent = false;
      thread.post(dataOf(post.self, post.incarnation));
    }
    const cause = await thread.ended;
    post.hasTask = false;
    return cause;
  }

  /** A worker died that had served. */
  #mourn(post: Post, cause: Error): void {
    const wasHealthy = performance.now() - post.readyAt > HEALTHY_MILLISECONDS;
    post.failures = wasHealthy ? 1 : post.failures + 1;
    post.isReady = false;
    this.#events?.died(post.self, cause);
    const { absentMilliseconds, giveUpMilliseconds } = this.#patience;
    this.#watch(post, absentMilliseconds, () => {
      if (!post.hasTask && !post.isAbsent) this.#tellAbsent(post, null);
    });
    this.#watch(post, giveUpMilliseconds, () => {
      this.#events?.givenUp(post.self, post.problem);
    });
  }

  /** A successor did not come up. */
  #leave(post: Post, cause: Error): void {
    post.failures++;
    post.problem = cause;
    this.#tellAbsent(post, cause);
  }

  #tellAbsent(post: Post, cause: Error | null): void {
    post.isAbsent = true;
    this.#events?.absent(post.self, post.incarnation, cause);
  }

  #watch(post: Post, milliseconds: number, act: () => void): void {
    post.timers.push(setTimeout(act, milliseconds));
  }

  #heard(self: number, message: WorkerMessage): void {
    if (message.kind !== "ready") {
      this.#events?.said(message);
      return;
    }
    const post = this.#posts[self] as Post;
    post.isReady = true;
    post.readyAt = performance.now();
    post.clearTimers();
    this.#events?.ready(self, post.incarnation, message.itemsDropped);
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
