/**
 * Distributions of sizes. A key keeps the size it has drawn: the size is a function of the key's
 * index.
 *
 *   "100"                  all alike
 *   "50-2000"              uniform between the two, both included
 *   "64=0.5,1024=0.4,4096=0.1"   shares; they need not add up to 1
 *   "etc-value"            generalized Pareto, as measured in a large memcached pool ("Workload Analysis of a Large-Scale
 *                          Key-Value Store", Atikoglu et al., 2012): median about 170, a long tail
 *   "etc-key"              generalized extreme value, from the same paper: about 20 to 70
 */
import { unitOf } from "./random.ts";

export interface Sizes {
  /** The size of index's key or value. */
  of(index: number): number;
  readonly max: number;
}

/** Tails of the named distributions end here. */
const ETC_VALUE_BYTES_MAX = 16_384;
const ETC_KEY_BYTES_MAX = 250;

class Quantiles implements Sizes {
  readonly max: number;
  readonly #salt: number;
  readonly #quantile: (share: number) => number;

  constructor(max: number, salt: number, quantile: (share: number) => number) {
    this.max = max;
    this.#salt = salt;
    this.#quantile = quantile;
  }

  of(index: number): number {
    return Math.min(this.max, Math.max(1, Math.round(this.#quantile(unitOf(index, this.#salt)))));
  }
}

class Fixed implements Sizes {
  readonly max: number;

  constructor(size: number) {
    this.max = size;
  }

  of(_index: number): number {
    return this.max;
  }
}

function shares(spec: string): [size: number, share: number][] {
  return spec.split(",").map((part) => {
    const [size, share] = part.split("=").map(Number);
    return [size ?? Number.NaN, share ?? Number.NaN];
  });
}

/** Builds the sizes a specification names; `salt` keeps the sizes of keys and of values apart. */
export function parseSizes(spec: string, salt: number): Sizes {
  if (/^\d+$/.test(spec)) return new Fixed(Number(spec));
  const range = /^(\d+)-(\d+)$/.exec(spec);
  if (range !== null && Number(range[1]) <= Number(range[2])) {
    const low = Number(range[1]);
    const high = Number(range[2]);
    return new Quantiles(high, salt, (share) => low - 0.5 + share * (high - low + 1));
  }
  if (spec === "etc-value") {
    const quantile = (share: number) => (214.476 / 0.348238) * ((1 - share) ** -0.348238 - 1);
    return new Quantiles(ETC_VALUE_BYTES_MAX, salt, quantile);
  }
  if (spec === "etc-key") {
    const quantile = (share: number) =>
      30.7984 + (8.20449 / 0.078688) * ((-Math.log(Math.max(share, 1e-9))) ** -0.078688 - 1);
    return new Quantiles(ETC_KEY_BYTES_MAX, salt, quantile);
  }
  const parts = spec.includes("=") ? shares(spec) : [];
  const total = parts.reduce((sum, [, share]) => sum + share, 0);
  if (parts.length === 0 || !(total > 0) || parts.some(([size]) => !(size >= 0))) {
    throw new Error(`sizes "${spec}": N, LOW-HIGH, SIZE=SHARE,…, etc-value or etc-key`);
  }
  const max = Math.max(...parts.map(([size]) => size));
  return new Quantiles(max, salt, (share) => {
    let rest = share * total;
    for (const [size, weight] of parts) {
      rest -= weight;
      if (rest < 0) return size;
    }
    return max;
  });
}
