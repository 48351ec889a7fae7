import { describe, expect, test } from "vitest";
import { Op, StoreMode } from "../../../src/command/op.ts";
import { Mark, Request } from "../../../src/command/request.ts";
import { Counter } from "../../../src/memory/counters.ts";
import { BUCKET_COUNT, totalOf } from "../../../src/memory/histogram.ts";
import { Family, type Observation, SketchKind } from "../../../src/memory/observation.ts";
import { hotKeys } from "../../../src/stats/hot-keys.ts";
import { NO_VALUE, Observer, SAMPLES_PER_SECOND } from "../../../src/stats/observer.ts";
import { StatsOutcome } from "../../../src/stats/render.ts";
import { type ObservedNode, observedNode, statsOf } from "../../support/observed-node.ts";

class Bench {
  readonly node: ObservedNode = observedNode();
  readonly observer: Observer;
  readonly observation: Observation;
  readonly request = new Request(new Uint8Array(0));
  nanoseconds = 0;

  /** `threadNanoseconds`: the thread's own clock, if it has one. */
  constructor(threadNanoseconds: (() => number) | null = null) {
    const { view, clock } = this.node;
    this.observation = view.observations[0] as Observation;
    this.observer = new Observer({
      observation: this.observation,
      counters: view.counters[0] as never,
      control: view.control,
      clock,
      prefixDelimiter: ":",
      seed: 42,
      nanoseconds: () => this.nanoseconds,
      threadNanoseconds,
    });
  }

  key(key: string, op: Op = Op.get): Request {
    const bytes = Buffer.from(key);
    const { request, node } = this;
    Object.assign(request, { op, keyBytes: bytes, keyStart: 0, keyEnd: bytes.length });
    node.hash.update(bytes, 0, bytes.length);
    request.hashLow = node.hash.low;
    request.hashHigh = node.hash.high;
    return request;
  }

  /** One turn of `requests` reads of `key`, which takes `nanoseconds`. */
  turn(key: string, requests: number, nanoseconds: number): void {
    this.observer.turnBegan();
    for (let i = 0; i < requests; i++) {
      this.nanoseconds += nanoseconds / requests;
      if (this.observer.due()) this.observer.sampled(this.key(key), false, 100);
    }
    this.observer.turnEnded();
  }

  latencies(family: Family): number {
    const merged = new Float64Array(BUCKET_COUNT);
    this.observation.latency[family]?.addTo(merged);
    return totalOf(merged);
  }
}

describe("Observer", () => {
  test("stands for every request though it looks at few", () => {
    const bench = new Bench();
    for (let second = 0; second < 20; second++) {
      for (let turn = 0; turn < 2000; turn++) bench.turn(`k:${turn % 3}`, 32, 50_000);
      bench.observer.tick();
    }
    const requests = 20 * 2000 * 32;
    expect(bench.latencies(Family.get) / requests).toBeGreaterThan(0.95);
    expect(bench.latencies(Family.get) / requests).toBeLessThan(1.05);
    expect(bench.observation.samples()).toBeLessThan(20 * 1.3 * SAMPLES_PER_SECOND);
    expect(bench.observation.samples()).toBeGreaterThan(20 * 0.5 * SAMPLES_PER_SECOND);
    const busy = bench.node.view.total(Counter.busyNanoseconds);
    expect(busy / (20 * 2000 * 50_000)).toBeGreaterThan(0.9);
    expect(busy / (20 * 2000 * 50_000)).toBeLessThan(1.1);
    expect(bench.node.view.total(Counter.loopTurns)).toBe(40_000);
  });

  test("takes how busy the thread is from its own clock, which also runs between turns", () => {
    let used = 7_000_000;
    const bench = new Bench(() => used);
    for (let turn = 0; turn < 1000; turn++) {
      bench.turn("k:1", 1, 1000);
      used += 5000;
    }
    bench.observer.tick();
    expect(bench.node.view.total(Counter.busyNanoseconds)).toBe(1000 * 5000);
  });

  test("looks at every request when there are few", () => {
    const bench = new Bench();
    for (let second = 0; second < 3; second++) bench.observer.tick();
    for (let turn = 0; turn < 100; turn++) bench.turn("few", 1, 1000);
    expect(bench.observation.samples()).toBe(100);
    expect(bench.observation.period()).toBe(1);
  });

  test("bounds its own work when the load jumps between two ticks", () => {
    const bench = new Bench();
    for (let second = 0; second < 3; second++) bench.observer.tick();
    for (let turn = 0; turn < 10_000; turn++) bench.turn("flood", 100, 1000);
    expect(bench.observation.samples()).toBeLessThan(20 * SAMPLES_PER_SECOND);
  });

  test("measures from the start of the turn to the sample", () => {
    const bench = new Bench();
    for (let second = 0; second < 3; second++) bench.observer.tick();
    bench.observer.turnBegan();
    bench.nanoseconds += 20_000;
    expect(bench.observer.due()).toBe(true);
    bench.observer.sampled(bench.key("a"), false, 1);
    expect(bench.observation.latency[Family.get]?.max()).toBe(20_000);
  });

  test("measures a request to another shard until its reply", () => {
    const bench = new Bench();
    for (let second = 0; second < 3; second++) bench.observer.tick();
    bench.observer.turnBegan();
    expect(bench.observer.due()).toBe(true);
    bench.observer.sent(bench.key("a", Op.delete), 77);
    bench.observer.turnEnded();
    bench.nanoseconds += 90_000;
    bench.observer.replied(76);
    expect(bench.latencies(Family.delete)).toBe(0);
    bench.observer.replied(77);
    bench.observer.replied(77);
    expect(bench.latencies(Family.delete)).toBe(1);
    expect(bench.observation.latency[Family.delete]?.max()).toBe(90_000);
  });

  test("finds hot keys, missed keys, large values and prefixes", () => {
    const bench = new Bench();
    for (let second = 0; second < 3; second++) bench.observer.tick();
    bench.observer.turnBegan();
    const look = (key: string, missed: boolean, bytes: number): void => {
      expect(bench.observer.due()).toBe(true);
      bench.observer.sampled(bench.key(key), missed, bytes);
    };
    for (let i = 0; i < 5; i++) look("user:1", false, 10);
    for (let i = 0; i < 3; i++) look("user:2", true, 0);
    look("blob9", false, 90_000);
    const names = (kind: SketchKind): string[] =>
      hotKeys(bench.node.view, kind, 10).map((hot) => hot.key.toString());
    expect(names(SketchKind.requests)).toEqual(["user:1", "user:2", "blob9"]);
    expect(names(SketchKind.bytes)[0]).toBe("blob9");
    expect(names(SketchKind.misses)).toEqual(["user:2"]);
    expect(names(SketchKind.largest)).toEqual(["blob9"]);
    expect(names(SketchKind.prefixes)).toEqual(["user:", "blob"]);
  });

  describe("takes the bytes of a request from that request alone", () => {
    const LEFT_OVER = 40_000;
    const table: readonly (readonly [string, Op, Partial<Request>, number, number | null])[] = [
      ["incr", Op.arithmetic, {}, 0, null],
      ["touch", Op.touch, {}, 0, null],
      ["delete", Op.delete, {}, 0, null],
      ["a read that sends no value", Op.get, {}, 0, null],
      ["set", Op.store, { valueBytes: 7 }, 7, 7],
      ["add", Op.store, { valueBytes: 7, mode: StoreMode.add }, 7, null],
      ["append", Op.store, { valueBytes: 7, mode: StoreMode.append }, 7, null],
      ["cas", Op.store, { valueBytes: 7, marks: Mark.compareCas }, 7, null],
    ];
    for (const [name, op, fields, bytes, valueBytes] of table) {
      for (const where of ["own shard", "another shard", "upload"] as const) {
        test(`${name}, ${where}`, () => {
          const bench = new Bench();
          for (let second = 0; second < 3; second++) bench.observer.tick();
          bench.observer.turnBegan();
          const request = Object.assign(bench.key("tiny", op), { valueBytes: LEFT_OVER }, fields);
          if (where === "own shard") bench.observer.sampled(request, true, NO_VALUE);
          else if (where === "another shard") bench.observer.sent(request, 1);
          else bench.observer.uploading(request);
          const [hot] = hotKeys(bench.node.view, SketchKind.requests, 1);
          expect((hot?.bytes ?? -1) / (hot?.requests ?? 0)).toBeCloseTo(bytes, 5);
          expect(hot?.valueBytes).toBe(valueBytes);
          expect(hotKeys(bench.node.view, SketchKind.bytes, 1)).toHaveLength(bytes > 0 ? 1 : 0);
          expect(hotKeys(bench.node.view, SketchKind.largest, 1)).toEqual([]);
          // Only a read can miss.
          const misses = op === Op.get && where === "own shard" ? 1 : 0;
          expect(hotKeys(bench.node.view, SketchKind.misses, 1)).toHaveLength(misses);
        });
      }
    }
  });

  test("a missed read has no bytes, whatever its caller says", () => {
    const bench = new Bench();
    for (let second = 0; second < 3; second++) bench.observer.tick();
    bench.observer.sampled(bench.key("absent"), true, 90_000);
    expect(hotKeys(bench.node.view, SketchKind.bytes, 1)).toEqual([]);
    expect(hotKeys(bench.node.view, SketchKind.largest, 1)).toEqual([]);
  });

  test("tells keys that nobody stores from those that are missed, stored and read", () => {
    const bench = new Bench();
    for (let second = 0; second < 3; second++) bench.observer.tick();
    bench.observer.turnBegan();
    for (let round = 0; round < 40; round++) {
      const look = (key: string, op: Op, missed: boolean): void => {
        expect(bench.observer.due()).toBe(true);
        bench.observer.sampled(bench.key(key, op), missed, missed ? NO_VALUE : 10);
      };
      look("never", Op.get, true);
      look("refilled", Op.get, true);
      look("refilled", Op.store, false);
      look("sometimes", Op.get, round % 2 === 0);
    }
    bench.observer.sampled(bench.key("once"), true, NO_VALUE);
    const rows = hotKeys(bench.node.view, SketchKind.misses, 10);
    const named = rows.filter(({ neverStored }) => neverStored).map(({ key }) => key.toString());
    expect(rows).toHaveLength(4);
    expect(named).toEqual(["never"]);
  });

  test("notes lifetimes and lengths of stores", () => {
    const bench = new Bench();
    for (let second = 0; second < 3; second++) bench.observer.tick();
    bench.observer.turnBegan();
    const store = (ttl: number, mode: StoreMode): void => {
      const request = bench.key("s", Op.store);
      request.mode = mode;
      request.marks = Mark.exptime;
      request.exptime = (ttl === 0 ? 0 : 1000 + ttl) as typeof request.exptime;
      request.valueBytes = 500;
      expect(bench.observer.due()).toBe(true);
      bench.observer.sampled(request, false, 500);
    };
    store(60, StoreMode.set);
    store(0, StoreMode.set);
    store(60, StoreMode.append);
    expect(bench.observation.ttl.sum()).toBe(60);
    expect(bench.observation.valueBytes.sum()).toBe(1500);
  });

  test("tells a steady rate right from the first seconds on, and after a reset", () => {
    const bench = new Bench();
    const { clock, view } = bench.node;
    const steady = (seconds: number): number => {
      for (let second = 0; second < seconds; second++) {
        clock.now = (clock.now + 1) as typeof clock.now;
        view.control.setNow(clock.now);
        bench.observer.tick();
        for (let turn = 0; turn < 100; turn++) bench.turn("steady", 1, 1000);
      }
      return hotKeys(view, SketchKind.requests, 1)[0]?.rate ?? 0;
    };
    steady(2); // until every request is looked at
    view.reset();
    for (const seconds of [4, 6, 200]) {
      const rate = steady(seconds);
      expect(rate, `after ${seconds} s more`).toBeGreaterThan(95);
      expect(rate, `after ${seconds} s more`).toBeLessThan(105);
    }
  });

  test("obeys stats reset at its next tick", () => {
    const bench = new Bench();
    for (let second = 0; second < 3; second++) bench.observer.tick();
    bench.turn("a:b", 4, 100);
    bench.node.view.reset();
    bench.observer.tick();
    expect(bench.latencies(Family.get)).toBe(0);
    expect(hotKeys(bench.node.view, SketchKind.requests, 5)).toEqual([]);
  });
});

describe("stats detail", () => {
  test("counts prefixes while it is on, and keys with a delimiter only", () => {
    const bench = new Bench();
    const { view } = bench.node;
    expect(bench.observer.detailEnabled()).toBe(false);
    expect(statsOf(view, "detail", "on").outcome).toBe(StatsOutcome.ok);
    expect(bench.observer.detailEnabled()).toBe(true);
    bench.observer.detail(bench.key("user:1"), true);
    bench.observer.detail(bench.key("user:2"), false);
    bench.observer.detail(bench.key("user:2", Op.store), false);
    bench.observer.detail(bench.key("user:2", Op.delete), true);
    bench.observer.detail(bench.key("plain"), true);
    const { names, outcome } = statsOf(view, "detail", "dump");
    expect(outcome).toBe(StatsOutcome.lines);
    expect(names).toEqual(["PREFIX user get 2 hit 1 set 1 del 1"]);
    statsOf(view, "detail", "off");
    expect(bench.observer.detailEnabled()).toBe(false);
  });

  test("says how it is used, or that it is not allowed", () => {
    const { view } = observedNode();
    expect(statsOf(view, "detail").outcome).toBe(StatsOutcome.detailUsage);
    const closed = observedNode({ dumpEnabled: false }).view;
    expect(statsOf(closed, "detail", "dump").outcome).toBe(StatsOutcome.detailNotAllowed);
  });
});
