/**
 * Guard: what keeps a fault of the admin side from being the cache's.
 *
 *   timer ──┐
 *   event ──┼─▶ guard ─▶ the admin's code        throws, or rejects?  one line in the log, and the node serves on
 *   stream ─┘
 *
 * The admin interface lives in the primary, where an exception that nobody catches ends the process,
 * and with it the cache. Out of descriptors, memory or disk, half of what Node offers throws
 * (`process.memoryUsage()` opens a file), and a bug of ours may throw anywhere. So nothing in
 * src/admin is called by Node's loop but through here, or as a route's handler, whose errors
 * fastify answers: test/unit/admin/guard.test.ts holds the sources to it.
 *
 * A line of one place is written once in `QUIET_MILLISECONDS`, with how often it happened meanwhile:
 * a full disk must not be filled with complaints about it.
 */
import type { EventEmitter } from "node:events";

const QUIET_MILLISECONDS = 60_000;

/** Told what failed where, and how often that was not told before. */
export type GuardReport = (where: string, error: Error, untold: number) => void;

interface Told {
  at: number;
  untold: number;
}

export class Guard {
  readonly #report: GuardReport;
  readonly #now: () => number;
  readonly #fault: (where: string) => void;
  readonly #told = new Map<string, Told>();

  /** `fault` is called before all guarded work: tests throw there. `now`: milliseconds that rise. */
  constructor(
    report: GuardReport,
    now: () => number = () => performance.now(),
    fault: (where: string) => void = () => {},
  ) {
    this.#report = report;
    this.#now = now;
    this.#fault = fault;
  }

  /** Does `work`; what it throws, or rejects with, is reported. False when it threw. */
  run(where: string, work: () => unknown): boolean {
    try {
      this.#fault(where);
      const result = work();
      if (result instanceof Promise) result.catch((error) => this.failed(where, error));
      return true;
    } catch (error) {
      this.failed(where, error);
      return false;
    }
  }

  /** Does `work` after `milliseconds`, unless the returned function is called before. */
  after(where: string, milliseconds: number, work: () => unknown): () => void {
    const timer = setTimeout(() => this.run(where, work), milliseconds);
    timer.unref();
    return () => clearTimeout(timer);
  }

  /**
   * Does `work` again and again, each time after the milliseconds that `wait` says, whatever becomes
   * of it; until the returned function is called.
   */
  every(where: string, wait: () => number, work: () => unknown): () => void {
    let timer: NodeJS.Timeout;
    const again = (): void => {
      timer = setTimeout(() => {
        again();
        this.run(where, work);
      }, wait());
      timer.unref();
    };
    again();
    return () => clearTimeout(timer);
  }

  /** Listens to an event. An "error" is reported even when there is nothing to do about it. */
  on<Arguments extends unknown[]>(
    emitter: EventEmitter,
    event: string,
    where: string,
    listener: (...given: Arguments) => unknown = () => {},
  ): void {
    emitter.on(event, (...given: unknown[]) => {
      this.run(where, () => listener(...(given as Arguments)));
    });
  }

  /** Listens to a stream's or server's "error": it is reported, and `recover` is called. */
  onError(
    emitter: EventEmitter,
    where: string,
    recover: (error: Error) => unknown = () => {},
  ): void {
    emitter.on("error", (error: Error) => {
      this.failed(where, error);
      this.run(where, () => recover(error));
    });
  }

  /** Reports an error that was caught elsewhere. Never throws. */
  failed(where: string, error: unknown): void {
    const now = this.#now();
    const told = this.#told.get(where);
    if (told !== undefined && now - told.at < QUIET_MILLISECONDS) {
      told.untold++;
      return;
    }
    const untold = told?.untold ?? 0;
    this.#told.set(where, { at: now, untold: 0 });
    try {
      this.#report(where, error instanceof Error ? error : new Error(String(error)), untold);
    } catch {
      // The log itself fails: there is nobody left to tell.
    }
  }
}
