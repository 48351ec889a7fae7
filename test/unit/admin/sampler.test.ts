/** The sampler's frames: workers, and what they did before anybody looked. */
import { describe, expect, test } from "vitest";
import { Sampler } from "../../../src/admin/sampler.ts";
import { Counter } from "../../../src/memory/counters.ts";
import { observedNode } from "../../support/observed-node.ts";

const LANE_SECONDS = 120;

describe("Sampler", () => {
  test("remembers two minutes of how busy a worker was, the oldest first", () => {
    const { view } = observedNode();
    const sampler = new Sampler(view, 0);
    for (let second = 1; second <= LANE_SECONDS + 10; second++) {
      view.counters[0]?.add(Counter.busyNanoseconds, second * 1e6);
      sampler.tick(second * 1000, second);
    }
    const [worker] = sampler.workers();
    expect(worker?.busyPast).toHaveLength(LANE_SECONDS);
    expect(worker?.busyPast[0]).toBeCloseTo(0.011);
    expect(worker?.busyPast.at(-1)).toBeCloseTo(0.13);
    expect(worker?.busyPast.at(-1)).toBeCloseTo(worker?.busy ?? Number.NaN);
  });

  test("shows the primary only where it serves connections", () => {
    const { view } = observedNode();
    const sampler = new Sampler(view, 0);
    const primaries = () => sampler.frame().workers.filter(({ isPrimary }) => isPrimary);
    expect(primaries()).toEqual([]);
    view.counters[view.threadCount]?.add(Counter.loopTurns, 1);
    sampler.tick(1000, 1);
    expect(primaries().map(({ id }) => id)).toEqual([view.threadCount]);
  });
});
