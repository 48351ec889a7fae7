/**
 * Counts the collections of this thread's garbage while something runs.
 *
 *   collect what was before ─▶ run ─▶ make garbage until its collection is reported ─▶ count
 *
 * Why the garbage at the end: Node reports collections late, when the thread is idle, in their
 * order. One that came after the run was seen, so all of the run were; no pause has to be long
 * enough, and a watch that sees nothing does not pass for a run without garbage.
 */
import { PerformanceObserver } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

const PLANTED_BYTES = 4096;
const PLANTED_PER_LOOK = 4096;
const LOOK_MILLISECONDS = 5;

/** Garbage on purpose, which no compiler can leave out: a test of the test. */
export class Planter {
  #kept: readonly number[] = [];

  /** One small array, that of the call before is garbage. */
  plant(value: number): void {
    this.#kept = [value, value, value, value];
  }

  plantMuch(): void {
    for (let i = 0; i < PLANTED_PER_LOOK; i++) this.#kept = new Array(PLANTED_BYTES / 8).fill(i);
  }

  last(): number {
    return this.#kept[0] ?? 0;
  }
}

/** How many collections there were while `run` ran. */
export async function collectionsDuring(run: () => void): Promise<number> {
  const starts: number[] = [];
  const observer = new PerformanceObserver((list) => {
    for (const { startTime } of list.getEntries()) starts.push(startTime);
  });
  collectGarbage();
  observer.observe({ entryTypes: ["gc"] });
  const began = performance.now();
  run();
  const ended = performance.now();
  const planter = new Planter();
  while (!starts.some((at) => at > ended)) {
    planter.plantMuch();
    await sleep(LOOK_MILLISECONDS);
  }
  observer.disconnect();
  return starts.filter((at) => at >= began && at <= ended).length;
}

/** What loading and compiling have left is not the run's. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
}
