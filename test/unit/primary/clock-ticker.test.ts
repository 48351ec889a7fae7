import { describe, expect, test } from "vitest";
import { Arena } from "../../../src/memory/arena.ts";
import { Control, controlBytes } from "../../../src/memory/control.ts";
import { NODE_HEADER_BYTES, NodeHeader } from "../../../src/memory/node-header.ts";
import { ClockTicker } from "../../../src/primary/clock-ticker.ts";

/** A ticker over a monotonic clock that the test moves. */
function ticking(unixMilliseconds: number) {
  const arena = new Arena(new SharedArrayBuffer(NODE_HEADER_BYTES));
  NodeHeader.format(arena, 0, { shardCount: 1, hashSeedLow: 3, hashSeedHigh: 4 });
  return tickingOver(new NodeHeader(arena, 0), unixMilliseconds);
}

/** A process that begins to serve from memory that has such a header. */
function tickingOver(header: NodeHeader, unixMilliseconds: number) {
  const control = new Control(new Arena(new SharedArrayBuffer(controlBytes(1))), 0);
  const source = { unixMilliseconds, now: 5_000_000, monotonicMilliseconds: () => source.now };
  return { control, header, source, ticker: new ClockTicker(control, header, source) };
}

describe("ClockTicker", () => {
  test("starts at server second 2, so that 1 has passed and 0 can mean never", () => {
    const { control, header } = ticking(1_700_000_000_250);
    expect(control.now()).toBe(2);
    expect(header.epochUnix() + control.now()).toBe(1_700_000_000);
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

  for (const [between, now] of [
    [60, 72],
    [0, 12],
    [-3600, 12],
  ] as const) {
    test(`a successor ${between} seconds later, by the wall clock, goes on at second ${now}`, () => {
      const { header, source, ticker } = ticking(1_700_000_000_000);
      source.now += 10_000;
      ticker.tick();
      const next = tickingOver(header, 1_700_000_010_000 + between * 1000);
      expect(next.control.now()).toBe(now);
      expect(header.epochUnix()).toBe(1_699_999_998);
      next.source.now += 5000;
      next.ticker.tick();
      expect(next.control.now()).toBe(now + 5);
    });
  }
});
