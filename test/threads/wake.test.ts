/**
 * Wake-up: no signal is lost, however the two sides meet. Between real threads, and with the real
 * sleeper, waker and borrower in every order their steps can take.
 * SHARDCACHED_WAKE_RECORDS makes it longer.
 */
import { describe, expect, test } from "vitest";
import type { Bell } from "../../src/base/bell.ts";
import type { Arena } from "../../src/memory/arena.ts";
import { Control, controlBytes } from "../../src/memory/control.ts";
import { linkOffset, planLinks } from "../../src/ring/link-plan.ts";
import { Borrower } from "../../src/ring/loan.ts";
import { AWAKE, NotifyBell, Sleeper, Waker } from "../../src/ring/wake.ts";
import { runWorker } from "./built.ts";
import { everyInterleaving, type ThreadCode } from "./interleavings.ts";
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

/**
 * The words of one thread, 0, that sleeps; beside them, what these tests play with: the index of
 * its ring, the descriptor its bell makes readable, who is changing its shard.
 */
const CONTROL_WORDS = controlBytes(1) / 4;
const INDEX = CONTROL_WORDS;
const READABLE = CONTROL_WORDS + 1;
const INSIDE = CONTROL_WORDS + 2;
const OVERLAP = CONTROL_WORDS + 3;
const WORDS = CONTROL_WORDS + 4;
const OWNER = 0;

const controlOver = (ints: Int32Array) => new Control({ ints } as Arena, 0);
/** As an eventfd: readable from the ring on, until it is read. */
const descriptorBell = (ints: Int32Array): Bell => ({
  ring: () => {
    Atomics.store(ints, READABLE, 1);
    Atomics.notify(ints, READABLE, 1);
  },
});

function readDescriptor(ints: Int32Array): void {
  while (Atomics.exchange(ints, READABLE, 0) === 0) Atomics.wait(ints, READABLE, 0);
}

/** Somebody changes the shard, for two steps. */
function changeShard(ints: Int32Array): void {
  if (Atomics.add(ints, INSIDE, 1) !== 0) Atomics.store(ints, OVERLAP, 1);
  Atomics.sub(ints, INSIDE, 1);
}

/** Sleeps in `wait` until the index has moved. */
function sleepsByWait(ints: Int32Array): void {
  const sleeper = new Sleeper(ints, controlOver(ints), OWNER);
  while (Atomics.load(ints, INDEX) === 0) {
    sleeper.prepare();
    if (Atomics.load(ints, INDEX) === 0) sleeper.wait(Number.POSITIVE_INFINITY);
    else sleeper.cancel();
  }
  changeShard(ints);
}

/** The same in the loop of a transport, which waits in its descriptors. */
function sleepsByDescriptor(ints: Int32Array): void {
  const sleeper = new Sleeper(ints, controlOver(ints), OWNER);
  while (Atomics.load(ints, INDEX) === 0) {
    sleeper.prepare();
    if (Atomics.load(ints, INDEX) === 0) readDescriptor(ints);
    sleeper.cancel();
  }
  changeShard(ints);
}

const wakes =
  (bellOver: (ints: Int32Array) => Bell): ThreadCode =>
  (ints) => {
    const waker = new Waker(ints, controlOver(ints), bellOver(ints));
    Atomics.store(ints, INDEX, 1);
    waker.wake(OWNER);
  };

const borrows =
  (bellOver: (ints: Int32Array) => Bell, self: number): ThreadCode =>
  (ints) => {
    const borrower = new Borrower(ints, controlOver(ints), bellOver(ints), self);
    if (!borrower.tryBorrow(OWNER)) return;
    changeShard(ints);
    borrower.giveBack(OWNER);
  };

describe("every interleaving of a sleeper, its wakers and its borrowers", () => {
  const notifyBell = (ints: Int32Array) => new NotifyBell(ints, controlOver(ints));
  for (const [way, sleeps, bellOver] of [
    ["wait", sleepsByWait, notifyBell],
    ["a descriptor", sleepsByDescriptor, descriptorBell],
  ] as const) {
    const waker = wakes(bellOver);
    const borrower = borrows(bellOver, 1);
    for (const [others, threads] of [
      ["one waker", [sleeps, waker]],
      ["two wakers", [sleeps, waker, waker]],
      ["a waker and a borrower", [sleeps, waker, borrower]],
      ["a waker and two borrowers", [sleeps, waker, borrower, borrows(bellOver, 2)]],
    ] as const) {
      test(`asleep in ${way}, ${others}: all end, awake, one at a time in the shard`, () => {
        const { endings, states } = everyInterleaving(WORDS, threads);
        expect(states).toBeGreaterThan(30);
        expect(endings.length).toBeGreaterThan(0);
        for (const { words, waiting, order } of endings) {
          expect(waiting, `waits for ever after ${order}`).toEqual([]);
          expect(words[controlOver(new Int32Array(0)).sleepWord(OWNER)], order).toBe(AWAKE);
          expect(words[OVERLAP], `two in the shard after ${order}`).toBe(0);
        }
      });
    }
  }

  test("one that looks before it says that it sleeps is found waiting for ever", () => {
    const sleepsTooSoon: ThreadCode = (ints) => {
      const sleeper = new Sleeper(ints, controlOver(ints), OWNER);
      const isEmpty = Atomics.load(ints, INDEX) === 0;
      sleeper.prepare();
      if (isEmpty) sleeper.wait(Number.POSITIVE_INFINITY);
      else sleeper.cancel();
    };
    const { endings } = everyInterleaving(WORDS, [sleepsTooSoon, wakes(notifyBell)]);
    expect(endings.some(({ waiting }) => waiting.length > 0)).toBe(true);
  });

  test("one that changes its shard before it is awake is found beside a borrower", () => {
    const changesTooSoon: ThreadCode = (ints) => {
      const sleeper = new Sleeper(ints, controlOver(ints), OWNER);
      sleeper.prepare();
      changeShard(ints);
      sleeper.cancel();
    };
    const { endings } = everyInterleaving(WORDS, [changesTooSoon, borrows(notifyBell, 1)]);
    expect(endings.some(({ words }) => words[OVERLAP] === 1)).toBe(true);
  });
});
