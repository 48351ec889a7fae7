/**
 * Random numbers from a seed: the same run twice sends the same requests. mulberry32 (Tommy
 * Ettinger, public domain): 32 bits of state, 3 ns a number, good enough to choose keys with.
 */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** The next 32 random bits, as an unsigned number. */
  bits(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let word = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    word = (word + Math.imul(word ^ (word >>> 7), 61 | word)) ^ word;
    return (word ^ (word >>> 14)) >>> 0;
  }

  /** In [0, 1). */
  unit(): number {
    return this.bits() / 0x1_0000_0000;
  }

  /** An integer in [0, limit). */
  below(limit: number): number {
    return Math.floor((this.bits() / 0x1_0000_0000) * limit);
  }

  /** An exponentially distributed number of mean 1: the gaps of independent arrivals. */
  exponential(): number {
    return -Math.log(1 - this.unit());
  }
}

/** A fixed random number in [0, 1) for each `index`: what is drawn once and must not change. */
export function unitOf(index: number, salt: number): number {
  let word = Math.imul(index ^ salt, 0x9e3779b1);
  word = Math.imul(word ^ (word >>> 15), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return ((word ^ (word >>> 16)) >>> 0) / 0x1_0000_0000;
}
