/**
 * Dealer: gives each accepted descriptor to the worker that holds the fewest connections, of those
 * that serve sockets, and wakes it.
 *
 *   acceptor ─ deal(fd) ─▶ mailbox of the least-loaded worker, bell
 *
 * Load is what a worker holds (its FdTable) and what waits in its mailbox. A tie goes to the worker
 * after the last one, so that short-lived connections go round. A worker that is down is skipped
 * until it is back; its mailbox keeps what it was given.
 */

import type { Bell } from "../base/bell.ts";
import type { NativeParts } from "../transport/native-plan.ts";

export class Dealer {
  readonly #workers: readonly NativeParts[];
  readonly #bell: Bell;
  readonly #down: boolean[];
  #last = 0;

  constructor(workers: readonly NativeParts[], bell: Bell) {
    this.#workers = workers;
    this.#bell = bell;
    this.#down = workers.map(() => false);
  }

  /**
   * A worker that is down is dealt nothing, unless all are. One that is dealt nothing anyhow may be
   * told of too.
   */
  setDown(worker: number, down: boolean): void {
    if (worker < this.#workers.length) this.#down[worker] = down;
  }

  /**
   * Hands `fd` over. False when no worker can take it now: the acceptor keeps it and tries again.
   */
  deal(fd: number, listener: number): boolean {
    const worker = this.#leastLoaded();
    if (worker === -1) return false;
    if (!(this.#workers[worker] as NativeParts).mailbox.tryPost(fd, listener)) return false;
    this.#last = worker;
    this.#bell.ring(worker);
    return true;
  }

  #leastLoaded(): number {
    const allDown = this.#down.every((down) => down);
    const count = this.#workers.length;
    let best = -1;
    let bestLoad = Number.POSITIVE_INFINITY;
    for (let step = 1; step <= count; step++) {
      const worker = (this.#last + step) % count;
      if (this.#down[worker] && !allDown) continue;
      const { table, mailbox } = this.#workers[worker] as NativeParts;
      const load = table.open() + mailbox.waiting();
      if (load >= table.slotCount || load >= bestLoad) continue;
      best = worker;
      bestLoad = load;
    }
    return best;
  }
}
