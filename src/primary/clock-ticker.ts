/**
 * The tick: moves the server's clock (memory/control.ts) on by whole seconds.
 *
 * Seconds are counted from the monotonic clock, so that a stepped wall clock neither kills nor
 * revives items, but they turn over where the wall clock's did at the start, so that `Clock.unix()`
 * is the Unix time. Over memory that a process before us served from, the clock goes on from its epoch:
 * the time between counts against exptimes, and a wall clock that was set back does not revive
 * what has expired.
 *
 * A late timer costs nothing: the next tick sets the second it is, not the one
 * after the last.
 */
import { SERVER_SECONDS_START, type ServerSeconds } from "../base/unit.ts";
import type { Control } from "../memory/control.ts";
import type { NodeHeader } from "../memory/node-header.ts";

/** Wakes this long after a second's turn, so that rounding never wakes it just before. */
const LATE_MILLISECONDS = 2;

export interface TimeSource {
  /** Milliseconds of Unix time, at the start. */
  readonly unixMilliseconds: number;
  /** Milliseconds that never go back. */
  monotonicMilliseconds(): number;
}

export class ClockTicker {
  readonly #control: Control;
  readonly #header: NodeHeader;
  readonly #source: TimeSource;
  /** What the monotonic clock read when the server's clock turned to its first second. */
  readonly #origin: number;
  /** What the server's clock read then. */
  readonly #first: ServerSeconds;
  #timer: NodeJS.Timeout | null = null;

  constructor(control: Control, header: NodeHeader, source: TimeSource) {
    this.#control = control;
    this.#header = header;
    this.#source = source;
    const unix = Math.floor(source.unixMilliseconds / 1000);
    if (header.epochUnix() === 0) header.setEpochUnix(unix - SERVER_SECONDS_START);
    this.#first = Math.max(header.lastSecond(), unix - header.epochUnix()) as ServerSeconds;
    header.setFirstSecond(this.#first);
    this.#origin = source.monotonicMilliseconds() - (source.unixMilliseconds % 1000);
    this.tick();
  }

  /** Sets the second it is; returns the milliseconds until the next one. */
  tick(): number {
    const elapsed = this.#source.monotonicMilliseconds() - this.#origin;
    const seconds = Math.floor(elapsed / 1000);
    if (!this.#control.isClockPaused()) {
      const now = (this.#first + seconds + this.#control.clockShift()) as ServerSeconds;
      this.#control.setNow(now);
      this.#header.setLastSecond(now);
    }
    return (seconds + 1) * 1000 - elapsed;
  }

  /** Ticks on its own until `stop`, and calls `ticked` after each. */
  start(ticked: () => void): void {
    const again = () => {
      const wait = this.tick();
      ticked();
      this.#timer = setTimeout(again, wait + LATE_MILLISECONDS);
    };
    this.#timer = setTimeout(again, this.tick() + LATE_MILLISECONDS);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
