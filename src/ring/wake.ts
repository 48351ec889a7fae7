/**
 * Wake-up without a lost signal. One word a thread (`Control.sleepWord`): 1 while it sleeps or is about to, else 0.
 *
 *   sleeper                               waker
 *   S1  sleepWord = 1                     W1  publish the ring's index
 *   S2  look at all rings once more       W2  look at sleepWord; when it is 1, exchange it with 0
 *   S3  nothing there: wait               W3  the exchange gave 1: ring the bell
 *   S4  sleepWord = 0
 *
 * All four of S1, S2, W1, W2 are sequentially consistent, so they have one order. If W2 reads 0, it came before S1, so W1
 * came before S2, and the sleeper sees the index and does not sleep. If W2 reads 1, the bell is rung, and a bell rung before
 * the sleeper waits is not lost: an eventfd stays readable, `Atomics.wait` returns at once when the word is no longer 1.
 *
 * At load nobody sleeps: a waker pays one `Atomics.load` a batch, and no system call.
 */
import type { Control } from "../memory/control.ts";

/** Wakes one thread out of its wait. How depends on what it waits in. */
export interface Bell {
  ring(thread: number): void;
}

const AWAKE = 0;
const ASLEEP = 1;

/** A thread's own side: it alone goes to sleep. */
export class Sleeper {
  readonly #ints: Int32Array;
  readonly #word: number;

  constructor(ints: Int32Array, control: Control, thread: number) {
    this.#ints = ints;
    this.#word = control.sleepWord(thread);
  }

  /** S1. After this, look at every ring again; when one has something, `cancel`, else wait. */
  prepare(): void {
    Atomics.store(this.#ints, this.#word, ASLEEP);
  }

  /** S4: awake again, whether it slept or not. */
  cancel(): void {
    Atomics.store(this.#ints, this.#word, AWAKE);
  }

  /** S3 for a thread that waits for nothing else: at most `milliseconds`. Ends awake. False when nobody woke it. */
  wait(milliseconds: number): boolean {
    const result = Atomics.wait(this.#ints, this.#word, ASLEEP, milliseconds);
    this.cancel();
    return result !== "timed-out";
  }
}

/** Everybody else's side. */
export class Waker {
  readonly #ints: Int32Array;
  readonly #control: Control;
  readonly #bell: Bell;

  constructor(ints: Int32Array, control: Control, bell: Bell) {
    this.#ints = ints;
    this.#control = control;
    this.#bell = bell;
  }

  /** Call after publishing something for `thread`. True when it slept and the bell was rung. */
  wake(thread: number): boolean {
    const word = this.#control.sleepWord(thread);
    if (Atomics.load(this.#ints, word) === AWAKE) return false;
    if (Atomics.exchange(this.#ints, word, AWAKE) !== ASLEEP) return false;
    this.#bell.ring(thread);
    return true;
  }
}

/** The bell of threads that sleep in `Sleeper.wait`. */
export class NotifyBell implements Bell {
  readonly #ints: Int32Array;
  readonly #control: Control;

  constructor(ints: Int32Array, control: Control) {
    this.#ints = ints;
    this.#control = control;
  }

  ring(thread: number): void {
    Atomics.notify(this.#ints, this.#control.sleepWord(thread), 1);
  }
}
