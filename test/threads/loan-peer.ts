/**
 * One of several threads that meet over one shard, which here is a plain counter: whoever may
 * change it adds one, slowly, so that two at a time would lose a count. Thread 0 owns it and sleeps
 * whenever it has nothing to do; the others borrow it, and what they cannot borrow they ask the
 * owner for.
 */
import { parentPort, workerData } from "node:worker_threads";
import { Arena } from "../../src/memory/arena.ts";
import { Control } from "../../src/memory/control.ts";
import { Borrower } from "../../src/ring/loan.ts";
import { NotifyBell, Sleeper, Waker } from "../../src/ring/wake.ts";

export interface LoanTask {
  readonly buffer: SharedArrayBuffer;
  /** Index of the first of four words: counted, asked, finished, begun. */
  readonly word: number;
  readonly thread: number;
  readonly borrowers: number;
  /** Counts each borrower makes. */
  readonly counts: number;
  readonly seed: number;
}

export interface LoanResult {
  readonly onLoan: number;
  readonly sleeps: number;
  /** Sleeps that nobody ended: each is a lost signal. */
  readonly lost: number;
}

/** Far longer than any machine needs to wake a thread. */
const LOST_MILLISECONDS = 20_000;
const PAUSES_MAX = 64;
/** What a borrower asks the owner for though it might have done it by itself. */
const ASKED_ONE_IN = 64;
const ASKED_PAUSE_MILLISECONDS = 0.1;
const OWNER = 0;

type Words = [counted: number, asked: number, finished: number, begun: number];

const task = workerData as LoanTask;
const arena = new Arena(task.buffer);
const { ints } = arena;
const control = new Control(arena, 0);
const bell = new NotifyBell(ints, control);
const waker = new Waker(ints, control, bell);
const [counted, asked, finished, begun] = [0, 1, 2, 3].map((at) => task.word + at) as Words;
let random = task.seed;

function pause(): void {
  random = (Math.imul(random, 1664525) + 1013904223) | 0;
  for (let left = (random >>> 16) % PAUSES_MAX; left > 0; left--) Atomics.load(ints, finished);
}

function count(): void {
  const before = ints[counted] as number;
  pause();
  ints[counted] = before + 1;
}

function borrow(): LoanResult {
  const borrower = new Borrower(ints, control, bell, task.thread);
  let onLoan = 0;
  Atomics.wait(ints, begun, 0);
  for (let made = 0; made < task.counts; made++) {
    if (random % ASKED_ONE_IN !== 0 && borrower.tryBorrow(OWNER)) {
      count();
      borrower.giveBack(OWNER);
      onLoan++;
    } else {
      Atomics.add(ints, asked, 1);
      waker.wake(OWNER);
      // Asking without a pause, four threads would keep the owner awake for good.
      Atomics.wait(ints, begun, 1, ASKED_PAUSE_MILLISECONDS);
    }
    pause();
  }
  Atomics.add(ints, finished, 1);
  waker.wake(OWNER);
  return { onLoan, sleeps: 0, lost: 0 };
}

function own(): LoanResult {
  const sleeper = new Sleeper(ints, control, OWNER);
  let served = 0;
  let sleeps = 0;
  let lost = 0;
  Atomics.store(ints, begun, 1);
  Atomics.notify(ints, begun);
  const isOver = () => Atomics.load(ints, finished) === task.borrowers;
  const isReady = () => Atomics.load(ints, asked) !== served || isOver();
  while (!isOver() || Atomics.load(ints, asked) !== served) {
    for (; served !== Atomics.load(ints, asked); served++) count();
    pause();
    sleeper.prepare();
    if (isReady()) {
      sleeper.cancel();
      continue;
    }
    sleeps++;
    if (!sleeper.wait(LOST_MILLISECONDS)) lost++;
  }
  return { onLoan: 0, sleeps, lost };
}

parentPort?.postMessage(task.thread === OWNER ? own() : borrow());
