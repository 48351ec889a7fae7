/**
 * PollHandle: a descriptor watched by this thread's libuv loop, by koffi's binding to uv_poll.
 *
 * Open ones are kept referenced here: koffi frees the handle of one that was collected while libuv
 * still uses it.
 */
import type Koffi from "koffi";

interface KoffiPoll {
  start(options: { readable: boolean }, ready: () => void): void;
  stop(): void;
  close(): void;
}

export class PollHandle {
  static readonly #open = new Set<PollHandle>();
  readonly #poll: KoffiPoll;
  readonly #ready: () => void;

  constructor(koffi: typeof Koffi, fd: number, ready: () => void) {
    this.#poll = koffi.node.poll(fd, { readable: true }, ready) as KoffiPoll;
    this.#ready = ready;
    PollHandle.#open.add(this);
  }

  /** Stops calling `ready`, until `start`. */
  stop(): void {
    this.#poll.stop();
  }

  start(): void {
    this.#poll.start({ readable: true }, this.#ready);
  }

  /** The end. To be called before the descriptor is closed. */
  close(): void {
    if (PollHandle.#open.delete(this)) this.#poll.close();
  }
}
