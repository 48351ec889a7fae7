/**
 * What seeing into the node costs a request: nothing taken, a sample taken, and the mean of a
 * loaded worker, where the observer keeps its own number of samples a second. Compare with 500 to
 * 5000 ns for the request itself.
 */
import { Clock } from "../../src/base/clock.ts";
import { KeyHash } from "../../src/base/key-hash.ts";
import { CACHE_LINE_BYTES } from "../../src/base/unit.ts";
import { Op } from "../../src/command/op.ts";
import { Request } from "../../src/command/request.ts";
import { Arena } from "../../src/memory/arena.ts";
import { Control, controlBytes } from "../../src/memory/control.ts";
import { COUNTERS_BYTES, Counters } from "../../src/memory/counters.ts";
import { OBSERVATION_BYTES, Observation } from "../../src/memory/observation.ts";
import { Observer } from "../../src/stats/observer.ts";
import type { MicroBench } from "./micro-bench.ts";

const KEYS = 4096;
const KEY_BYTES = 16;

class Bench {
  readonly observation: Observation;
  readonly observer: Observer;
  readonly request: Request;
  readonly #hashes = new Int32Array(KEYS * 2);
  #random = 7;

  constructor() {
    const control = controlBytes(1);
    const counters = control + COUNTERS_BYTES;
    const bytes = counters + OBSERVATION_BYTES + CACHE_LINE_BYTES;
    const arena = new Arena(new SharedArrayBuffer(bytes));
    this.observation = new Observation(arena, counters);
    this.observer = new Observer({
      observation: this.observation,
      counters: new Counters(arena, control),
      control: new Control(arena, 0),
      clock: new Clock(1_700_000_000),
      prefixDelimiter: ":",
      seed: 42,
    });
    const keys = new Uint8Array(KEYS * KEY_BYTES);
    const hash = new KeyHash(1, 2);
    for (let key = 0; key < KEYS; key++) {
      const start = key * KEY_BYTES;
      keys.set(Buffer.from(`user:${key}`.padEnd(KEY_BYTES, "x")), start);
      hash.update(keys, start, start + KEY_BYTES);
      this.#hashes[2 * key] = hash.low;
      this.#hashes[2 * key + 1] = hash.high;
    }
    this.request = new Request(keys);
    this.request.op = Op.get;
  }

  /** The next key: log-uniform, so that a few are hot. */
  next(): Request {
    this.#random = (Math.imul(this.#random, 1103515245) + 12345) >>> 0;
    const key = this.#random >>> (20 + ((this.#random >>> 8) & 7));
    this.request.keyStart = key * KEY_BYTES;
    this.request.keyEnd = this.request.keyStart + KEY_BYTES;
    this.request.hashLow = this.#hashes[2 * key] as number;
    this.request.hashHigh = this.#hashes[2 * key + 1] as number;
    return this.request;
  }
}

let bench: Bench;
const prepare = (): void => {
  bench = new Bench();
};
const ITERATIONS = { smoke: 200, full: 400_000 } as const;
/**
 * Requests in the seconds of a worker that is asked request by request, and of one that is sent
 * pipelines.
 */
const RATES = [
  { perSecond: 200_000, perTurn: 16 },
  { perSecond: 1_500_000, perTurn: 256 },
] as const;

function loaded({ perSecond, perTurn }: (typeof RATES)[number]): MicroBench {
  return {
    name: `observe: the mean request of a worker at ${perSecond} a second, ${perTurn} a turn`,
    iterations: { smoke: 512, full: 3_000_000 },
    prepare,
    run(iterations) {
      let taken = 0;
      for (let i = 0; i < iterations; i++) {
        if (i % perTurn === 0) bench.observer.turnBegan();
        const request = bench.next();
        if (bench.observer.due()) {
          bench.observer.sampled(request, (i & 7) === 0, 100);
          taken++;
        }
        if (i % perTurn === perTurn - 1) bench.observer.turnEnded();
        if (i % perSecond === perSecond - 1) bench.observer.tick();
      }
      return taken;
    },
  };
}

export default [
  {
    name: "observe: base line, choosing a key",
    iterations: ITERATIONS,
    prepare,
    run(iterations) {
      let sum = 0;
      for (let i = 0; i < iterations; i++) sum += bench.next().keyStart;
      return sum;
    },
  },
  {
    name: "observe: a request of an untimed turn",
    iterations: ITERATIONS,
    prepare,
    run(iterations) {
      let taken = 0;
      for (let i = 0; i < iterations; i++) {
        if (bench.observer.due()) taken++;
        bench.observer.replied(i);
      }
      return taken;
    },
  },
  {
    name: "observe: one sample, clock and three sketches",
    iterations: ITERATIONS,
    prepare,
    run(iterations) {
      for (let i = 0; i < iterations; i++) bench.observer.sampled(bench.next(), false, 100);
      return bench.observation.samples();
    },
  },
  ...RATES.map(loaded),
] satisfies MicroBench[];
