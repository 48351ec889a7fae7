import { describe, expect, test } from "vitest";
import {
  DAY_ROWS,
  DAY_STEP_SECONDS,
  History,
  RECENT_SECONDS,
  type SeriesSpec,
} from "../../../src/admin/history.ts";

const SPECS: readonly SeriesSpec[] = [
  { name: "rate.a", fold: "mean" },
  { name: "rate.b", fold: "max" },
  { name: "gauge.c", fold: "last" },
];
const START = 1_700_000_000;

describe("History", () => {
  test("keeps the last five minutes by second", () => {
    const history = new History(SPECS);
    for (let second = 0; second < 400; second++) history.add(START + second, [second, 0, 0]);
    const { times, series, stepSeconds } = history.recent();
    expect(stepSeconds).toBe(1);
    expect(times).toHaveLength(RECENT_SECONDS);
    expect(times.at(-1)).toBe(START + 399);
    expect(series["rate.a"]?.at(-1)).toBe(399);
    expect(series["rate.a"]?.[0]).toBe(100);
  });

  test("folds ten seconds into mean, largest or last", () => {
    const history = new History(SPECS);
    for (let second = 0; second < 30; second++) {
      history.add(START + second, [second % 10, second % 10, second]);
    }
    const { series, times } = history.day();
    expect(times[0]).toBe(START);
    expect(series["rate.a"]?.[0]).toBe(4.5);
    expect(series["rate.b"]?.[0]).toBe(9);
    expect(series["gauge.c"]?.[0]).toBe(9);
  });

  test("keeps 24 hours, and returns no more rows than a chart is wide", () => {
    const history = new History(SPECS);
    const seconds = (DAY_ROWS + 500) * DAY_STEP_SECONDS;
    for (let second = 0; second < seconds; second += DAY_STEP_SECONDS) {
      history.add(START + second, [1, second, second]);
    }
    const { series, times, stepSeconds } = history.day();
    expect(times.length).toBeLessThanOrEqual(720);
    expect((times.length - 1) * stepSeconds).toBeGreaterThan(23.5 * 3600);
    expect(series["rate.a"]?.every((value) => value === 1)).toBe(true);
  });

  test("a late tick fills the seconds it missed, a long silence is a gap", () => {
    const history = new History(SPECS);
    history.add(START, [1, 1, 1]);
    history.add(START + 2, [3, 3, 3]);
    history.add(START + 20, [5, 5, 5]);
    const { series } = history.recent();
    expect(series["rate.a"]?.slice(0, 4)).toEqual([1, 3, 3, null]);
    expect(series["rate.a"]?.at(-1)).toBe(5);
  });

  test("a clock that was set back does not rewrite the past", () => {
    const history = new History(SPECS);
    history.add(START + 10, [1, 1, 1]);
    history.add(START, [9, 9, 9]);
    expect(history.recent().series["rate.a"]).toEqual([1]);
  });

  test("returns only the series of a prefix", () => {
    const history = new History(SPECS);
    history.add(START, [1, 2, 3]);
    expect(Object.keys(history.recent("rate.").series)).toEqual(["rate.a", "rate.b"]);
    expect(history.recent("no").series).toEqual({});
    expect(new History(SPECS).day()).toEqual({
      stepSeconds: 10,
      times: [],
      series: expect.anything(),
    });
  });
});
