/**
 * Which key comes next: uniform, Zipfian, or a few hot keys and a cold rest.
 *
 *   "uniform"         every key alike
 *   "zipf:0.99"       the key of rank r with weight 1 / r^0.99; rank r is key r - 1
 *   "hot:10:0.9"      90 % of the requests to the first 10 keys, the rest uniform over the others
 */
import type { Random } from "./random.ts";

export interface Popularity {
  /** The index of the next key, below the key count it was built for. */
  next(random: Random): number;
}

class Uniform implements Popularity {
  readonly #count: number;

  constructor(count: number) {
    this.#count = count;
  }

  next(random: Random): number {
    return random.below(this.#count);
  }
}

class HotKeys implements Popularity {
  readonly #count: number;
  readonly #hot: number;
  readonly #share: number;

  constructor(count: number, hot: number, share: number) {
    this.#count = count;
    this.#hot = Math.min(hot, count);
    this.#share = this.#hot === count ? 1 : share;
  }

  next(random: Random): number {
    if (random.unit() < this.#share) return random.below(this.#hot);
    return this.#hot + random.below(this.#count - this.#hot);
  }
}

/**
 * Zipf's law by rejection inversion: any exponent above 0, no table, about 1.1 draws a number.
 * Source: Hörmann and Derflinger, "Rejection-inversion to generate variates from monotone discrete
 * distributions" (1996). H is the integral of x^-s; a point under the hull is drawn from its
 * inverse, and kept when it is under a bar.
 */
class Zipf implements Popularity {
  readonly #count: number;
  readonly #exponent: number;
  readonly #first: number;
  readonly #last: number;
  readonly #squeeze: number;

  constructor(count: number, exponent: number) {
    this.#count = count;
    this.#exponent = exponent;
    this.#first = this.#integral(1.5) - 1;
    this.#last = this.#integral(count + 0.5);
    this.#squeeze = 2 - this.#inverse(this.#integral(2.5) - this.#weight(2));
  }

  next(random: Random): number {
    for (;;) {
      const point = this.#last + random.unit() * (this.#first - this.#last);
      const x = this.#inverse(point);
      const rank = Math.min(this.#count, Math.max(1, Math.round(x)));
      if (rank - x <= this.#squeeze || point >= this.#integral(rank + 0.5) - this.#weight(rank)) {
        return rank - 1;
      }
    }
  }

  #weight(x: number): number {
    return x ** -this.#exponent;
  }

  #integral(x: number): number {
    const power = 1 - this.#exponent;
    return Math.abs(power) < 1e-9 ? Math.log(x) : (x ** power - 1) / power;
  }

  #inverse(area: number): number {
    const power = 1 - this.#exponent;
    return Math.abs(power) < 1e-9 ? Math.exp(area) : (1 + area * power) ** (1 / power);
  }
}

/** Builds the popularity a specification names. Throws when it names none. */
export function parsePopularity(spec: string, keyCount: number): Popularity {
  const [name, first, second] = spec.split(":");
  const a = Number(first);
  const b = Number(second);
  if (name === "uniform" && first === undefined) return new Uniform(keyCount);
  if (name === "zipf" && a > 0) return new Zipf(keyCount, a);
  if (name === "hot" && a >= 1 && b >= 0 && b <= 1) return new HotKeys(keyCount, a, b);
  throw new Error(`popularity "${spec}": uniform, zipf:EXPONENT or hot:KEYS:SHARE`);
}
