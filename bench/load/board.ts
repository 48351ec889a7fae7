/**
 * The board: what a generator thread has counted, in shared memory. The thread writes while it
 * runs, the main thread reads whenever it likes: progress every second costs the generator nothing,
 * and a finished window has no results to send.
 *
 *   words    stop                                written by the main thread
 *   doubles  meters, one each of `Meter`         written by the generator thread
 *   doubles  latency counts                      written by the generator thread
 */
import { LATENCY_COUNTS } from "./latency-counts.ts";

export const Meter = {
  /** Requests answered, and the keys they named. */
  requests: 0,
  keys: 1,
  hits: 2,
  misses: 3,
  /** Replies that refuse: ERROR, SERVER_ERROR, a status. */
  refusals: 4,
  /** Keys or values that are not what was stored. */
  lies: 5,
  /** Connections that broke, and requests that never got their answer. */
  failures: 6,
  unanswered: 7,
  sentBytes: 8,
  receivedBytes: 9,
  /** Of the window: its length, to the last reply, and the thread's own processor time. */
  seconds: 10,
  cpuMicroseconds: 11,
} as const;

const METERS = 16;
const STOP_BYTES = 64;

export class Board {
  readonly buffer: SharedArrayBuffer;
  readonly meters: Float64Array;
  readonly counts: Float64Array;
  readonly #stop: Int32Array;

  /** A new board, or another thread's. */
  constructor(buffer?: SharedArrayBuffer) {
    this.buffer = buffer ?? new SharedArrayBuffer(STOP_BYTES + 8 * (METERS + LATENCY_COUNTS));
    this.#stop = new Int32Array(this.buffer, 0, 1);
    this.meters = new Float64Array(this.buffer, STOP_BYTES, METERS);
    this.counts = new Float64Array(this.buffer, STOP_BYTES + 8 * METERS, LATENCY_COUNTS);
  }

  /** Asks the running window to end early. */
  stop(): void {
    Atomics.store(this.#stop, 0, 1);
  }

  get stopped(): boolean {
    return Atomics.load(this.#stop, 0) !== 0;
  }

  /** Adds to a meter; the generator thread alone does. */
  add(meter: number, amount: number): void {
    this.meters[meter] = (this.meters[meter] as number) + amount;
  }

  reset(): void {
    this.meters.fill(0);
    this.counts.fill(0);
  }
}
