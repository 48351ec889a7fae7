/**
 * One of two threads that pass records to and fro through a link: thread 0 asks, thread 1 answers.
 * Both sleep whenever they find nothing, after a random number of looks, so that every moment of
 * the wake-up protocol is met sooner or later.
 */
import { parentPort, workerData } from "node:worker_threads";
import { Arena } from "../../src/memory/arena.ts";
import { Control } from "../../src/memory/control.ts";
import type { LinkPlan } from "../../src/ring/link-plan.ts";
import { NO_REPLY, ReplyConsumer, ReplyProducer } from "../../src/ring/reply-ring.ts";
import { NO_RECORD, RequestConsumer, RequestProducer } from "../../src/ring/request-ring.ts";
import { NotifyBell, Sleeper, Waker } from "../../src/ring/wake.ts";

export interface PeerTask {
  readonly buffer: SharedArrayBuffer;
  readonly link: number;
  readonly plan: LinkPlan;
  readonly thread: 0 | 1;
  readonly records: number;
  readonly batchMax: number;
  readonly seed: number;
}

export interface PeerResult {
  readonly passed: number;
  readonly sleeps: number;
  /** Sleeps that nobody ended: each is a lost signal. */
  readonly lost: number;
  /** Records or replies that were not the ones expected. */
  readonly wrong: number;
}

/** Far longer than any machine needs to wake a thread. */
const LOST_MILLISECONDS = 20_000;
const LOOKS_MAX = 200;

const task = workerData as PeerTask;
const arena = new Arena(task.buffer);
const control = new Control(arena, 0);
const sleeper = new Sleeper(arena.ints, control, task.thread);
const waker = new Waker(arena.ints, control, new NotifyBell(arena.ints, control));
let random = task.seed;
let sleeps = 0;
let lost = 0;
let wrong = 0;

/** Sleeps unless `isReady`; a few looks first, a different number each time. */
function idle(isReady: () => boolean): void {
  random = (Math.imul(random, 1664525) + 1013904223) | 0;
  for (let look = (random >>> 16) % LOOKS_MAX; look > 0; look--) if (isReady()) return;
  sleeper.prepare();
  if (isReady()) {
    sleeper.cancel();
    return;
  }
  sleeps++;
  if (!sleeper.wait(LOST_MILLISECONDS)) lost++;
}

function ask(): number {
  const requests = new RequestProducer(arena, task.link, task.plan.ringBytes);
  const replies = new ReplyConsumer(arena, task.link, task.plan);
  let asked = 0;
  let answered = 0;
  while (answered < task.records) {
    const batch = 1 + ((random >>> 8) % task.batchMax);
    for (let i = 0; i < batch && asked < task.records; i++) {
      if (asked - answered >= task.plan.replySlots) break;
      const bytes = 16 + 8 * (asked % 7);
      const position = requests.reserve(bytes);
      if (position === NO_RECORD) break;
      arena.words[(position >>> 2) + 2] = asked;
      requests.commit(bytes);
      asked++;
    }
    if (requests.publish()) waker.wake(1);
    idle(() => replies.isReady());
    for (let slot = replies.peek(); slot !== NO_REPLY; slot = replies.peek()) {
      if (arena.words[(slot >>> 2) + 1] !== answered) wrong++;
      answered++;
      replies.advance();
    }
  }
  return answered;
}

function answer(): number {
  const requests = new RequestConsumer(arena, task.link, task.plan.ringBytes);
  const replies = new ReplyProducer(arena, task.link, task.plan);
  let served = 0;
  while (served < task.records) {
    idle(() => requests.isReady());
    for (let at = requests.peek(); at !== NO_RECORD; at = requests.peek()) {
      const sequence = requests.sequence(at);
      if (arena.words[(at >>> 2) + 2] !== served) wrong++;
      arena.words[(replies.slot(sequence) >>> 2) + 1] = served;
      replies.commit(sequence);
      requests.advance();
      served++;
    }
    const shown = replies.publish();
    if (requests.release() || shown) waker.wake(0);
  }
  return served;
}

const passed = task.thread === 0 ? ask() : answer();
parentPort?.postMessage({ passed, sleeps, lost, wrong } satisfies PeerResult);
