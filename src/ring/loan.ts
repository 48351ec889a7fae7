/**
 * Loan: a sleeping owner's shard, changed by whoever needs it changed, for the length of one
 * request.
 *
 *   borrower                                    owner
 *   B1  ASLEEP becomes lent; anything else: no     sleeps
 *   B2  changes the shard                          a waker, or its own waking, makes lent wanted, and waits
 *   B3  lent becomes ASLEEP again                  sleeps on
 *       wanted becomes AWAKE, and the owner is woken       goes on, with the shard its own
 *
 * Why: a request handed to an owner that sleeps costs a wake-up and two changes of the processor's
 * mind, some 35 µs; what is asked takes less than one. With more workers than processors nearly
 * every owner sleeps (docs/adr/0011-loans.md).
 *
 * It is safe because all of an owner's state lies in shared memory, and because the word has one
 * holder at a time: B1 is a compare and exchange from ASLEEP, which an owner leaves only by the
 * same. What B2 writes comes before B3, which comes before the owner's S4: it finds the shard as
 * the borrower left it.
 *
 * A borrower that dies leaves the word lent. Its successor finds it so, repairs the shard, and
 * gives it back.
 */
import type { Bell } from "../base/bell.ts";
import type { Control } from "../memory/control.ts";
import { ASLEEP, AWAKE, lentTo, WANTED } from "./wake.ts";

export class Borrower {
  readonly #ints: Int32Array;
  readonly #control: Control;
  readonly #bell: Bell;
  readonly #lent: number;

  /** `self`: the thread that borrows. `bell`: as a Waker's. */
  constructor(ints: Int32Array, control: Control, bell: Bell, self: number) {
    this.#ints = ints;
    this.#control = control;
    this.#bell = bell;
    this.#lent = lentTo(self);
  }

  /**
   * B1. True when `owner` slept: until `giveBack`, its shard is the calling thread's. Never while
   * another loan lasts.
   */
  tryBorrow(owner: number): boolean {
    const at = this.#control.sleepWord(owner);
    if (Atomics.load(this.#ints, at) !== ASLEEP) return false;
    return Atomics.compareExchange(this.#ints, at, ASLEEP, this.#lent) === ASLEEP;
  }

  /** B3. True when the owner was wanted meanwhile, and was woken. */
  giveBack(owner: number): boolean {
    const ints = this.#ints;
    const at = this.#control.sleepWord(owner);
    if (Atomics.compareExchange(ints, at, this.#lent, ASLEEP) === this.#lent) return false;
    Atomics.store(ints, at, AWAKE);
    Atomics.notify(ints, at, 1); // it may wait in S4, whatever it sleeps in else
    this.#bell.ring(owner);
    return true;
  }

  /** True when a predecessor of the calling thread died with `owner`'s shard on loan. */
  holds(owner: number): boolean {
    return (Atomics.load(this.#ints, this.#control.sleepWord(owner)) & ~WANTED) === this.#lent;
  }
}
