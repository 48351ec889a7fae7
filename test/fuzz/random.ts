/**
 * A seeded source of choices: the same seed makes the same choices on every machine (mulberry32).
 */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  uint32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  }

  /** 0 … count - 1. */
  below(count: number): number {
    return this.uint32() % count;
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.below(times) === 0;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  /** Some of the choices, in an order of their own, each at most once. */
  some<T>(choices: readonly T[], countMax: number): T[] {
    const rest = [...choices];
    const taken: T[] = [];
    const count = this.below(Math.min(countMax, rest.length) + 1);
    for (let index = 0; index < count; index++) {
      taken.push(...rest.splice(this.below(rest.length), 1));
    }
    return taken;
  }

  /** Any bytes, as latin1. */
  bytes(count: number): string {
    let text = "";
    for (let index = 0; index < count; index++) text += String.fromCharCode(this.below(256));
    return text;
  }
}
