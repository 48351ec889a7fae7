/**
 * Counter deltas: how much each counter of each thread grew since the last look. Counters only
 * rise, but memory that is used again may restart them: after a fall, growth counts from 0.
 */
import type { Counter } from "../memory/counters.ts";
import type { NodeView } from "../stats/node-view.ts";

export class CounterDeltas {
  readonly #view: NodeView;
  readonly #counters: readonly Counter[];
  readonly #before: Float64Array;
  readonly #grown: Float64Array;

  constructor(view: NodeView, counters: readonly Counter[]) {
    this.#view = view;
    this.#counters = counters;
    const cells = (Math.max(...counters) + 1) * view.counters.length;
    this.#before = new Float64Array(cells);
    this.#grown = new Float64Array(cells);
    this.advance();
    this.#grown.fill(0);
  }

  /** Looks again. */
  advance(): void {
    const threads = this.#view.counters.length;
    for (const counter of this.#counters) {
      for (let thread = 0; thread < threads; thread++) {
        const cell = counter * threads + thread;
        const now = this.#view.counters[thread]?.value(counter) ?? 0;
        const before = this.#before[cell] as number;
        this.#grown[cell] = now >= before ? now - before : now;
        this.#before[cell] = now;
      }
    }
  }

  /** Growth of one thread's counter between the last two looks. */
  of(thread: number, counter: Counter): number {
    return this.#grown[counter * this.#view.counters.length + thread] as number;
  }

  /** Growth over all threads. */
  sum(counter: Counter): number {
    const threads = this.#view.counters.length;
    let sum = 0;
    for (let thread = 0; thread < threads; thread++) sum += this.of(thread, counter);
    return sum;
  }
}
