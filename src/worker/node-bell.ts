/**
 * Node bell: wakes threads under the node transport. Workers sleep in Atomics.wait and are notified; the primary is in libuv's
 * loop, which only a message gets it out of.
 */
import type { Control } from "../memory/control.ts";
import { type Bell, NotifyBell } from "../ring/wake.ts";

export class NodeBell implements Bell {
  readonly #workers: NotifyBell;
  readonly #primary: number;
  readonly #ringPrimary: () => void;

  constructor(ints: Int32Array, control: Control, primary: number, ringPrimary: () => void) {
    this.#workers = new NotifyBell(ints, control);
    this.#primary = primary;
    this.#ringPrimary = ringPrimary;
  }

  ring(thread: number): void {
    if (thread === this.#primary) this.#ringPrimary();
    else this.#workers.ring(thread);
  }
}
