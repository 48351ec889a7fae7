/**
 * The other end of the ring benchmark: a thread that answers every record at once, and sleeps when
 * none comes for long.
 */
import { workerData } from "node:worker_threads";
import { Arena } from "../../src/memory/arena.ts";
import { Control } from "../../src/memory/control.ts";
import type { LinkPlan } from "../../src/ring/link-plan.ts";
import { ReplyProducer } from "../../src/ring/reply-ring.ts";
import { NO_RECORD, RequestConsumer } from "../../src/ring/request-ring.ts";
import { NotifyBell, Sleeper, Waker } from "../../src/ring/wake.ts";

export interface RingPeerData {
  readonly buffer: SharedArrayBuffer;
  readonly link: number;
  readonly plan: LinkPlan;
  /** Looks at an empty ring before going to sleep. */
  readonly looks: number;
}

export const ASKER = 0;
export const PEER = 1;
/** Longer than any pause between two runs; what ends the thread is the end of its process. */
const SLEEP_MILLISECONDS = 3_600_000;

if (workerData !== null) {
  const { buffer, link, plan, looks } = workerData as RingPeerData;
  const arena = new Arena(buffer);
  const control = new Control(arena, 0);
  const sleeper = new Sleeper(arena.ints, control, PEER);
  const waker = new Waker(arena.ints, control, new NotifyBell(arena.ints, control));
  const requests = new RequestConsumer(arena, link, plan.ringBytes);
  const replies = new ReplyProducer(arena, link, plan);
  for (let empty = 0; ; empty++) {
    for (let at = requests.peek(); at !== NO_RECORD; at = requests.peek()) {
      const sequence = requests.sequence(at);
      requests.begin();
      arena.words[(replies.slot(sequence) >>> 2) + 1] = arena.words[(at >>> 2) + 2] as number;
      replies.commit(sequence);
      requests.advance();
      empty = 0;
    }
    if (replies.publish()) {
      requests.release();
      waker.wake(ASKER);
    }
    if (empty < looks) continue;
    sleeper.prepare();
    if (requests.isReady()) sleeper.cancel();
    else sleeper.wait(SLEEP_MILLISECONDS);
    empty = 0;
  }
}
