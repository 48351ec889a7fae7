/**
 * Busy poll: whether a thread that has nothing left to do looks again at once, or sleeps.
 *
 *   client    ──request──▶           ──next request──▶
 *   thread              ■ reply, looks, looks, looks  ■ reply, looks, …      no sleep between them, and no wake-up
 *
 * To sleep and to be woken costs more processor time than most requests do, and tens of
 * microseconds of latency, most of all in a virtual machine. So where the next request comes sooner
 * than that, waiting for it awake is less work, not more.
 *
 * When that is, only a client can make sure that sends a request when it has its reply, and nothing
 * else: it is alone on the thread, one request a turn, LONE_TURNS in a row. It is waited for
 * LONE_POLL_NANOSECONDS; if nothing came, the thread sleeps after the next 1, 3, 7, … requests, and
 * looks again then: a client that takes its time costs a thousandth of it.
 *
 * `-o busy_poll=<microseconds>` polls after any request, always so long, for processors that have
 * nothing else to do; 0 never.
 */
import { Counter, type Counters } from "../memory/counters.ts";

/** Turns with one request of the same connection before that is taken for a client of its own. */
const LONE_TURNS = 16;
/** Some two wake-ups of a virtual machine's idle processor. */
const LONE_POLL_NANOSECONDS = 100_000;
/** After polls in vain, as many requests at most are followed by sleep. */
const REST_MAX = 1023;
const MICROSECOND = 1000;
const NO_SLOT = -1;

export class BusyPoll {
  /** True when the turn that `goesOn` ended had only looked, and found nothing. */
  wasIdle = false;
  readonly #isFixed: boolean;
  readonly #window: number;
  readonly #counters: Counters;
  readonly #nanoseconds: () => number;
  #heard = 0;
  #slot = NO_SLOT;
  /** Turns in a row with one receive of `#slot`, and no other's. */
  #loneTurns = 0;
  #isPolling = false;
  #since = 0;
  /** When the poll last looked in vain. */
  #looked = 0;
  /**
   * Requests still to be followed by sleep, and how many there will be after the next poll in vain.
   */
  #rest = 0;
  #restNext = 1;

  /**
   * `microseconds`: -o busy_poll; BUSY_POLL_LONE waits for lone clients. `nanoseconds`: a clock,
   * modulo 2^32.
   */
  constructor(microseconds: number, counters: Counters, nanoseconds: () => number) {
    this.#isFixed = microseconds >= 0;
    this.#window = this.#isFixed ? microseconds * MICROSECOND : LONE_POLL_NANOSECONDS;
    this.#counters = counters;
    this.#nanoseconds = nanoseconds;
  }

  /** Bytes came from a connection. */
  heard(slot: number): void {
    this.#heard++;
    if (slot === this.#slot) return;
    this.#slot = slot;
    this.#loneTurns = 0;
  }

  /** At a turn's end: true when the thread is to look again at once. */
  goesOn(): boolean {
    const heard = this.#heard;
    this.#heard = 0;
    this.wasIdle = heard === 0 && this.#isPolling;
    if (heard > 0) this.#isPolling = this.#begins(heard);
    else if (this.#isPolling) this.#isPolling = this.#lasts();
    return this.#isPolling;
  }

  #begins(heard: number): boolean {
    if (this.#window === 0) return false;
    if (this.#isPolling) {
      this.#restNext = 1; // what was waited for came
      this.#count();
    }
    this.#loneTurns = heard === 1 ? this.#loneTurns + 1 : 0;
    if (!this.#isFixed) {
      if (this.#loneTurns < LONE_TURNS) return false;
      if (this.#rest > 0) {
        this.#rest--;
        return false;
      }
    }
    this.#since = this.#nanoseconds();
    this.#looked = this.#since;
    return true;
  }

  #lasts(): boolean {
    this.#looked = this.#nanoseconds();
    if (((this.#looked - this.#since) | 0) < this.#window) return true;
    this.#count();
    this.#rest = this.#restNext;
    this.#restNext = Math.min(REST_MAX, 2 * this.#restNext + 1);
    return false;
  }

  #count(): void {
    this.#counters.add(Counter.polledNanoseconds, (this.#looked - this.#since) | 0);
  }
}
