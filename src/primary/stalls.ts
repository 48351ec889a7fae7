/**
 * Stalls: how often and how long nobody was accepted, counted and logged. memcached calls it
 * listen_disabled_num and time_in_listen_disabled_us; the time of a stall counts once it is over.
 */
import { assert } from "../base/assert.ts";
import type { StallReason } from "../listen/acceptor.ts";
import { Counter, type Counters } from "../memory/counters.ts";
import type { Log } from "./log.ts";

const WORDS: Readonly<Record<StallReason, string>> = {
  limit: "no more connections are accepted: as many are open as -c allows",
  descriptors: "no more connections are accepted: the limit of open files is reached",
  workers: "no more connections are accepted: no worker can take one",
};

const NOT_STALLED = -1;

export class Stalls {
  readonly #counters: Counters;
  readonly #log: Pick<Log, "warn">;
  readonly #milliseconds: () => number;
  #begunAt = NOT_STALLED;

  /** `counters` are the primary's. */
  constructor(
    counters: Counters,
    log: Pick<Log, "warn">,
    milliseconds: () => number = () => performance.now(),
  ) {
    this.#counters = counters;
    this.#log = log;
    this.#milliseconds = milliseconds;
  }

  /** A stall begins for a reason, or ends (null): in turns. */
  told(reason: StallReason | null): void {
    assert((reason === null) === (this.#begunAt !== NOT_STALLED), "stalls begin and end in turns");
    if (reason === null) {
      const milliseconds = this.#milliseconds() - this.#begunAt;
      this.#counters.add(Counter.listenDisabledMicroseconds, Math.round(1000 * milliseconds));
      this.#begunAt = NOT_STALLED;
      return;
    }
    this.#begunAt = this.#milliseconds();
    this.#counters.add(Counter.listenDisabled, 1);
    this.#log.warn(WORDS[reason]);
  }
}
