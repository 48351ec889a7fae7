/**
 * Wake-up without a lost signal. One word a thread (`Control.sleepWord`) says whether it sleeps,
 * and who has its shard:
 *
 *   | borrower + 1, 30 bits | wanted | asleep |
 *
 *   AWAKE   0                 the owner alone changes its shard
 *   ASLEEP  1                 it sleeps, or is about to: its shard lies still, and may be borrowed (ring/loan.ts)
 *   lent    borrower, asleep  `borrower` is changing the shard in its stead
 *   wanted  lent, and more    the same, and somebody wants the owner: who gives the loan back wakes it
 *
 *   sleeper                               waker
 *   S1  ASLEEP                            W1  publish the ring's index
 *   S2  look at all rings once more       W2  look at the word; ASLEEP becomes AWAKE, lent becomes wanted
 *   S3  nothing there: wait               W3  it was ASLEEP: ring the bell
 *   S4  ASLEEP becomes AWAKE; lent: wanted, and wait until it is given back
 *
 * All four of S1, S2, W1, W2 are sequentially consistent, so they have one order. If W2 reads
 * AWAKE, it came before S1, so W1 came before S2, and the sleeper sees the index and does not
 * sleep. If W2 reads ASLEEP, the bell is rung; if it reads lent, the borrower rings it, and if
 * wanted, somebody has seen to that before. A bell rung before the sleeper waits is not lost: an
 * eventfd stays readable, `Atomics.wait` returns at once when the word is no longer what it was.
 *
 * At load nobody sleeps: a waker pays one `Atomics.load` a batch, and no system call.
 */
import type { Bell } from "../base/bell.ts";
import type { Control } from "../memory/control.ts";

export const AWAKE = 0;
export const ASLEEP = 1;
export const WANTED = 2;
const BORROWER_SHIFT = 2;
/**
 * How often an owner that waits for the end of a loan looks by itself: a borrower may die before it
 * says so.
 */
const LOAN_LOOK_MS = 100;

/** The word of a thread whose shard `borrower` has. */
export function lentTo(borrower: number): number {
  return ((borrower + 1) << BORROWER_SHIFT) | ASLEEP;
}

/** A thread's own side: it alone goes to sleep. */
export class Sleeper {
  readonly #ints: Int32Array;
  readonly #word: number;

  constructor(ints: Int32Array, control: Control, thread: number) {
    this.#ints = ints;
    this.#word = control.sleepWord(thread);
  }

  /**
   * S1. After this, look at every ring again; when one has something, `cancel`, else wait. The
   * shard is not to be touched.
   */
  prepare(): void {
    Atomics.store(this.#ints, this.#word, ASLEEP);
  }

  /** S4: awake again, whether it slept or not. A loan is waited for: it lasts for one request. */
  cancel(): void {
    const ints = this.#ints;
    const at = this.#word;
    while (true) {
      const word = Atomics.compareExchange(ints, at, ASLEEP, AWAKE);
      if (word === ASLEEP || word === AWAKE) return;
      const wanted = word | WANTED;
      if (Atomics.compareExchange(ints, at, word, wanted) !== word) continue;
      Atomics.wait(ints, at, wanted, LOAN_LOOK_MS);
    }
  }

  /**
   * S3 for a thread that waits for nothing else: at most `milliseconds`. Ends awake. False when
   * nobody woke it.
   */
  wait(milliseconds: number): boolean {
    const ints = this.#ints;
    const at = this.#word;
    let result = "not-equal";
    let word = Atomics.load(ints, at);
    while (word !== AWAKE && result === "not-equal") {
      // A word lent when the wait begins is as good as ASLEEP: giving back wakes nobody who is not
      // wanted.
      result = Atomics.wait(ints, at, word, milliseconds);
      word = Atomics.load(ints, at);
    }
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
    const at = this.#control.sleepWord(thread);
    let word = Atomics.load(this.#ints, at);
    while (word !== AWAKE && (word & WANTED) === 0) {
      const next = word === ASLEEP ? AWAKE : word | WANTED;
      const found = Atomics.compareExchange(this.#ints, at, word, next);
      if (found === word) {
        if (next !== AWAKE) return false;
        this.#bell.ring(thread);
        return true;
      }
      word = found;
    }
    return false;
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
