/**
 * NotifyWatch: hears, in libuv's loop, what other threads say by Atomics.notify. The primary's bell
 * under node:net.
 *
 *   sleeper: word = 1 ─▶ look once more ─▶ arm() ─▶ Atomics.waitAsync(word, 1) ─▶ heard()
 *   waker:   exchange(word, 0) was 1 ─▶ Atomics.notify(word)
 *
 * Why not a MessagePort: hearing costs the same (both wake libuv through its async handle), but a
 * notify costs the sender 50 ns where a posted message costs microseconds and garbage.
 *
 * None is lost: a word that is no longer 1 is heard at once, and a waiter from an earlier sleep is
 * still in line.
 */
export class NotifyWatch {
  readonly #ints: Int32Array;
  readonly #word: number;
  readonly #heard: () => void;
  #isWaiting = false;

  constructor(ints: Int32Array, word: number, heard: () => void) {
    this.#ints = ints;
    this.#word = word;
    this.#heard = heard;
  }

  /** Waits for the next notify, unless it already does. Call it whenever the thread may sleep. */
  arm(): void {
    if (this.#isWaiting) {
      if (Atomics.load(this.#ints, this.#word) !== 1) this.#heard();
      return;
    }
    const waiting = Atomics.waitAsync(this.#ints, this.#word, 1);
    if (!waiting.async) {
      this.#heard();
      return;
    }
    this.#isWaiting = true;
    void waiting.value.then(() => {
      this.#isWaiting = false;
      this.#heard();
    });
  }
}
