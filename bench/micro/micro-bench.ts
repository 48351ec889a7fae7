/**
 * The shape of a micro-benchmark, and how one is measured.
 *
 * A file `bench/micro/<area>/<noun>.bench.ts` (or bench/micro/<noun>.bench.ts) has a default
 * export: one MicroBench, or an array of them when they share their preparation. `npm run
 * bench:micro` measures each in a process of its own, so that no case is compiled with another's
 * types in mind; the tests run every one of them once at its smoke size.
 *
 *   export default {
 *     name: "store: get of 16-byte keys",
 *     iterations: { smoke: 100, full: 200_000 },
 *     prepare() { … },                 // optional, once, not measured
 *     run(iterations) { … return checksum; },
 *   } satisfies MicroBench;
 *
 * The checksum keeps the compiler from dropping the work, and shows that two versions did the same
 * work: draw from a fixed seed, never from Math.random.
 */
import { type Summary, summarize } from "../report/statistics.ts";

export interface MicroBench {
  /** "area: what one iteration does". */
  readonly name: string;
  /** Iterations of one measured run: a size for the tests, and one that takes 10 to 50 ms. */
  readonly iterations: { readonly smoke: number; readonly full: number };
  /**
   * Operations in one iteration, when it does several. The result is per operation. 1 when absent.
   */
  readonly operations?: number;
  /** Allocates and fills what `run` needs. */
  prepare?(): void;
  /** Does the work `iterations` times and returns a number that depends on all of it. */
  run(iterations: number): number;
}

export interface MicroResult {
  name: string;
  /** Nanoseconds an operation, over the measured runs. */
  nanoseconds: Summary;
  /** Heap bytes an operation leaves behind; 0 is what the request path must show. */
  heapBytes: number;
  checksum: number;
}

export type MicroSize = keyof MicroBench["iterations"];

/** Measured runs of a case, after two that let the compiler settle. */
const RUNS = { smoke: 1, full: 11 } as const;
const WARM_UP_RUNS = { smoke: 0, full: 2 } as const;

/** Runs `bench` and returns its nanoseconds an operation. */
export function measureMicro(bench: MicroBench, size: MicroSize): MicroResult {
  const iterations = bench.iterations[size];
  const operations = iterations * (bench.operations ?? 1);
  bench.prepare?.();
  for (let run = 0; run < WARM_UP_RUNS[size]; run++) bench.run(iterations);
  const nanoseconds: number[] = [];
  const heapBytes: number[] = [];
  let checksum = 0;
  for (let run = 0; run < RUNS[size]; run++) {
    const heapStart = process.memoryUsage().heapUsed;
    const start = performance.now();
    checksum = bench.run(iterations);
    nanoseconds.push(((performance.now() - start) * 1e6) / operations);
    heapBytes.push((process.memoryUsage().heapUsed - heapStart) / operations);
  }
  const heap = summarize(heapBytes).median;
  return {
    name: bench.name,
    nanoseconds: summarize(nanoseconds),
    heapBytes: heap < 0.5 ? 0 : heap,
    checksum,
  };
}

/** The cases of a bench file's module. */
export function casesOf(module: {
  default: MicroBench | readonly MicroBench[];
}): readonly MicroBench[] {
  return "name" in module.default ? [module.default] : module.default;
}
