import { beforeEach, describe, expect, test } from "vitest";
import { Arena } from "../../../src/memory/arena.ts";
import { Control, controlBytes } from "../../../src/memory/control.ts";
import { Borrower } from "../../../src/ring/loan.ts";
import { Sleeper, Waker } from "../../../src/ring/wake.ts";

const OWNER = 1;
const BORROWER = 0;

let rung: number[];
let sleeper: Sleeper;
let waker: Waker;
let borrower: Borrower;
let other: Borrower;
/** The thread that comes after the borrower has died. */
let successor: Borrower;

beforeEach(() => {
  const arena = new Arena(new SharedArrayBuffer(controlBytes(3)));
  const control = new Control(arena, 0);
  rung = [];
  const bell = { ring: (thread: number) => rung.push(thread) };
  sleeper = new Sleeper(arena.ints, control, OWNER);
  waker = new Waker(arena.ints, control, bell);
  borrower = new Borrower(arena.ints, control, bell, BORROWER);
  successor = new Borrower(arena.ints, control, bell, BORROWER);
  other = new Borrower(arena.ints, control, bell, 2);
});

describe("Borrower.tryBorrow()", () => {
  test("has nothing of an owner that is awake", () => {
    expect(borrower.tryBorrow(OWNER)).toBe(false);
    sleeper.prepare();
    sleeper.cancel();
    expect(borrower.tryBorrow(OWNER)).toBe(false);
  });

  test("takes a sleeper's shard, and nobody else gets it before it is given back", () => {
    sleeper.prepare();
    expect(borrower.tryBorrow(OWNER)).toBe(true);
    expect(other.tryBorrow(OWNER)).toBe(false);
    expect(borrower.tryBorrow(OWNER)).toBe(false);
    expect(borrower.giveBack(OWNER)).toBe(false);
    expect(rung).toEqual([]);
    expect(other.tryBorrow(OWNER)).toBe(true);
    expect(other.giveBack(OWNER)).toBe(false);
  });

  test("has nothing of an owner that was woken and has not noticed yet", () => {
    sleeper.prepare();
    waker.wake(OWNER);
    expect(borrower.tryBorrow(OWNER)).toBe(false);
  });
});

describe("Borrower.giveBack()", () => {
  test("wakes an owner that was wanted meanwhile, once", () => {
    sleeper.prepare();
    borrower.tryBorrow(OWNER);
    expect(waker.wake(OWNER)).toBe(false);
    expect(waker.wake(OWNER)).toBe(false);
    expect(rung).toEqual([]);
    expect(borrower.giveBack(OWNER)).toBe(true);
    expect(rung).toEqual([OWNER]);
    expect(other.tryBorrow(OWNER)).toBe(false);
    sleeper.cancel();
    expect(waker.wake(OWNER)).toBe(false);
  });
});

describe("Borrower.holds()", () => {
  test("knows a loan a predecessor died with, wanted or not", () => {
    sleeper.prepare();
    expect(successor.holds(OWNER)).toBe(false);
    borrower.tryBorrow(OWNER);
    expect(successor.holds(OWNER)).toBe(true);
    expect(other.holds(OWNER)).toBe(false);
    waker.wake(OWNER);
    expect(successor.holds(OWNER)).toBe(true);
    expect(successor.giveBack(OWNER)).toBe(true);
    expect(successor.holds(OWNER)).toBe(false);
  });
});
