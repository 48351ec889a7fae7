import { describe, expect, test } from "vitest";
import { Arena } from "../../../src/memory/arena.ts";
import { Control, controlBytes } from "../../../src/memory/control.ts";
import { ClockTicker } from "../../../src/primary/clock-ticker.ts";

/** A ticker over a monotonic clock that the test moves. */
function ticking(unixMilliseconds: number) {
  const control = new Control(new Arena(new SharedArrayBuffer(controlBytes(1))), 0);
  const source = { unixMilliseconds, now: 5_000_000, monotonicMilliseconds: () => source.now };
  return { control, source, ticker: new ClockTicker(control, source) };
}

describe("ClockTicker", () => {
  test("starts at server second 2, so that 1 has passed and 0 can mean never", () => {
    const { control, ticker } = ticking(1_700_000_000_250);
    expect(control.now()).toBe(2);
    expect(ticker.epochUnix + control.now()).toBe(1_700_000_000);
  });

  test("seconds turn over with the wall clock's", () => {
    const { control, source, ticker } = ticking(1_700_000_000_250);
    source.now += 749;
    expect(ticker.tick()).toBe(1);
    expect(control.now()).toBe(2);
    source.now += 1;
    expect(ticker.tick()).toBe(1000);
    expect(control.now()).toBe(3);
  });

  test("a tick that comes late sets the second it is", () => {
    const { control, source, ticker } = ticking(1_700_000_000_000);
    source.now += 12_345;
    ticker.tick();
    expect(control.now()).toBe(14);
  });
});
