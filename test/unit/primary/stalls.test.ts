import { describe, expect, test } from "vitest";
import { Arena } from "../../../src/memory/arena.ts";
import { COUNTERS_BYTES, Counter, Counters } from "../../../src/memory/counters.ts";
import { Stalls } from "../../../src/primary/stalls.ts";

describe("Stalls", () => {
  test("counts each stall, and its time once it is over", () => {
    const counters = new Counters(new Arena(new SharedArrayBuffer(COUNTERS_BYTES)), 0);
    const warnings: string[] = [];
    let now = 100;
    const stalls = new Stalls(counters, { warn: (text) => void warnings.push(text) }, () => now);
    const counted = () => [
      counters.since(Counter.listenDisabled),
      counters.since(Counter.listenDisabledMicroseconds),
    ];
    stalls.told("limit");
    now = 102.5;
    expect(counted()).toEqual([1, 0]);
    stalls.told(null);
    expect(counted()).toEqual([1, 2500]);
    now = 200;
    stalls.told("descriptors");
    now = 201;
    stalls.told(null);
    expect(counted()).toEqual([2, 3500]);
    expect(warnings).toEqual([
      "no more connections are accepted: as many are open as -c allows",
      "no more connections are accepted: the limit of open files is reached",
    ]);
  });

  test("stops when a stall ends that never began", () => {
    const counters = new Counters(new Arena(new SharedArrayBuffer(COUNTERS_BYTES)), 0);
    const stalls = new Stalls(counters, { warn: () => {} });
    expect(() => stalls.told(null)).toThrow("stalls begin and end in turns");
  });
});
