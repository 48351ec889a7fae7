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
 * That can be expected of one kind of client only: it is alone on the thread and sends its next
 * request as soon as it has the reply. A thread takes it for one after LONE_TURNS turns in a row
 * with one request each, and then polls for LONE_POLL_NANOSECONDS after a reply. When a poll finds
 * nothing, the thread sleeps at once after the next request, and polls again after the one that
 * follows; after further such polls it sleeps for 3, 7, … REST_MAX requests. So a slow client costs
 * one poll in a thousand requests.
 *
 * `-o busy_poll=<microseconds>` polls that long after every request, for processors that have
 * nothing else to do; 0 never polls.
 */
import { Counter, type Counters } from "../memory/counters.ts";

/** Turns in a row with one request of the same connection: then its client is alone. */
const LONE_TURNS = 16;
/** Some two wake-ups of a virtual machine's idle processor. */
const LONE_POLL_NANOSECONDS = 100_000;
/** The most requests in a row after which a thread sleeps at once, as its polls found nothing. */
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
  /** Requests after which it still sleeps at once, and how many after the next poll in vain. */
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
