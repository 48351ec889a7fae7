import { beforeEach, describe, expect, test } from "vitest";
import { BUSY_POLL_LONE } from "../../../src/config/settings.ts";
import { BusyPoll } from "../../../src/connection/busy-poll.ts";
import { Arena } from "../../../src/memory/arena.ts";
import { COUNTERS_BYTES, Counter, Counters } from "../../../src/memory/counters.ts";

const MICROSECOND = 1000;
/** Near the end of the clock's 32 bits: it goes round in every test. */
const START = 0x7fff_ff00;
const SLOT = 3;

let now: number;
let poll: BusyPoll;
let counters: Counters;

beforeEach(() => {
  now = START;
  counters = new Counters(new Arena(new SharedArrayBuffer(COUNTERS_BYTES)), 0);
});

function pass(microseconds: number): void {
  now = (now + microseconds * MICROSECOND) | 0;
}

/** A turn with one request of each of these connections. */
function turn(...slots: number[]): boolean {
  for (const slot of slots) poll.heard(slot);
  return poll.goesOn();
}

/** Turns of one client until the thread polls; how many. */
function turnsUntilPoll(most = 5000): number {
  for (let turns = 1; turns <= most; turns++) if (turn(SLOT)) return turns;
  return Number.POSITIVE_INFINITY;
}

/** Lets a poll find nothing. */
function missPoll(): void {
  pass(101);
  expect(turn()).toBe(false);
}

describe("waiting for a lone client", () => {
  beforeEach(() => {
    poll = new BusyPoll(BUSY_POLL_LONE, counters, () => now);
  });

  test("begins after sixteen turns with one request of the same connection", () => {
    expect(turnsUntilPoll()).toBe(16);
  });

  test("goes on for a hundred microseconds, from each request anew", () => {
    turnsUntilPoll();
    for (let request = 0; request < 3; request++) {
      pass(99);
      expect(turn()).toBe(true);
      expect(poll.wasIdle).toBe(true);
      expect(turn(SLOT)).toBe(true);
      expect(poll.wasIdle).toBe(false);
    }
    missPoll();
    expect(turn()).toBe(false);
    expect(poll.wasIdle).toBe(false);
  });

  test("counts the time in which it found nothing", () => {
    turnsUntilPoll();
    pass(30);
    turn();
    pass(5); // the request that comes now takes so long
    turn(SLOT);
    expect(counters.value(Counter.polledNanoseconds)).toBe(30 * MICROSECOND);
    pass(99);
    turn();
    pass(2);
    turn();
    expect(counters.value(Counter.polledNanoseconds)).toBe((30 + 101) * MICROSECOND);
  });

  test("does not begin while two take turns, or one sends two at a time", () => {
    for (let turns = 0; turns < 100; turns++) {
      expect(turn(turns & 1)).toBe(false);
      expect(turn(SLOT, SLOT)).toBe(false);
      expect(turn(SLOT, SLOT + 1)).toBe(false);
    }
  });

  test("ends when another comes", () => {
    turnsUntilPoll();
    expect(turn(SLOT + 1)).toBe(false);
    expect(turnsUntilPoll()).toBe(16);
  });

  test("rests longer after each poll in vain, and no longer once one was not", () => {
    turnsUntilPoll();
    const rests: number[] = [];
    for (let miss = 0; miss < 12; miss++) {
      missPoll();
      rests.push(turnsUntilPoll() - 1);
    }
    expect(rests).toEqual([1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 1023, 1023]);
    expect(turn(SLOT)).toBe(true);
    missPoll();
    expect(turnsUntilPoll()).toBe(2);
  });
});

describe("-o busy_poll", () => {
  test("waits so long after every request, whoever sends it", () => {
    poll = new BusyPoll(40, counters, () => now);
    for (let request = 0; request < 50; request++) {
      expect(turn(request, request + 1)).toBe(true);
      pass(39);
      expect(turn()).toBe(true);
      pass(1);
      expect(turn()).toBe(false);
    }
  });

  test("0 never waits", () => {
    poll = new BusyPoll(0, counters, () => now);
    for (let request = 0; request < 50; request++) expect(turn(SLOT)).toBe(false);
  });
});
