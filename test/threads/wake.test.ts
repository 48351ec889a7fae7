/**
 * Wake-up between real threads: no signal is lost, however the two sides meet.
 * SHARDCACHED_WAKE_RECORDS makes it longer.
 */
import { describe, expect, test } from "vitest";
import { controlBytes } from "../../src/memory/control.ts";
import { linkOffset, planLinks } from "../../src/ring/link-plan.ts";
import { runWorker } from "./built.ts";
import type { PeerResult, PeerTask } from "./ring-peer.ts";

const RECORDS = Number(process.env["SHARDCACHED_WAKE_RECORDS"] ?? 100_000);

describe("two threads that sleep whenever they can", () => {
  for (const [ringBytes, batchMax] of [
    [512, 1],
    [512, 16],
    [4096, 16],
  ] as const) {
    test(`pass records in batches to ${batchMax} through a ring of ${ringBytes} bytes`, async () => {
      const plan = planLinks(1, 1, ringBytes);
      const link = controlBytes(1) + linkOffset(plan, 0, 0);
      const buffer = new SharedArrayBuffer(controlBytes(1) + plan.regionBytes);
      const task = { buffer, link, plan, records: RECORDS, batchMax };
      const run = (thread: 0 | 1) =>
        runWorker<PeerResult>("test/threads/ring-peer.ts", {
          ...task,
          thread,
          seed: 12345 + thread,
        } satisfies PeerTask);
      const results = await Promise.all([run(0), run(1)]);
      for (const result of results) {
        expect(result).toMatchObject({ passed: RECORDS, lost: 0, wrong: 0 });
      }
      expect(results[0].sleeps + results[1].sleeps).toBeGreaterThan(0);
    });
  }
});

test("every interleaving of a sleeper and a waker ends with the thread awake or the bell rung", () => {
  // The steps of ring/wake.ts, one by one, in each of the orders two threads can take them.
  const orders = (sleeper: number, waker: number): string[] => {
    if (sleeper === 0 && waker === 0) return [""];
    return [
      ...(sleeper > 0 ? orders(sleeper - 1, waker).map((rest) => `s${rest}`) : []),
      ...(waker > 0 ? orders(sleeper, waker - 1).map((rest) => `w${rest}`) : []),
    ];
  };
  for (const order of orders(3, 4)) {
    const shared = { word: 0, index: 0, bell: false };
    let seen = false;
    let read = 0;
    let exchanged = 0;
    const sleeper = [
      () => (shared.word = 1),
      () => (seen = shared.index === 1),
      () => {}, // waits, unless it has seen the index
    ];
    const waker = [
      () => (shared.index = 1),
      () => (read = shared.word),
      () => {
        if (read === 1) [exchanged, shared.word] = [shared.word, 0];
      },
      () => (shared.bell = exchanged === 1),
    ];
    for (const turn of order) (turn === "s" ? sleeper : waker).shift()?.();
    expect(seen || shared.bell, order).toBe(true);
  }
});
