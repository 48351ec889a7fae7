/**
 * What a hop costs: a record of 160 bytes (a set of 16 + 90 bytes) to its owner, a reply back.
 *
 *   one thread    the instructions of both ends: what the two workers' CPUs pay together
 *   two threads   the round trip, cache lines travelling; both awake, alone and in batches; and with both asleep
 */
import { Worker } from "node:worker_threads";
import { Arena } from "../../src/memory/arena.ts";
import { Control, controlBytes } from "../../src/memory/control.ts";
import { sharePages } from "../../src/memory/shared-pages.ts";
import { linkOffset, planLinks } from "../../src/ring/link-plan.ts";
import { NO_REPLY, ReplyConsumer, ReplyProducer } from "../../src/ring/reply-ring.ts";
import { NO_RECORD, RequestConsumer, RequestProducer } from "../../src/ring/request-ring.ts";
import { NotifyBell, Sleeper, Waker } from "../../src/ring/wake.ts";
import type { MicroBench } from "./micro-bench.ts";
import { ASKER, PEER, type RingPeerData } from "./ring-peer.ts";

const RECORD_BYTES = 160;
const RING_BYTES = 64 * 1024;
const SPIN_LOOKS = 1_000_000;
const SLEEP_MILLISECONDS = 1000;

class Ends {
  readonly #arena: Arena;
  readonly #requests: RequestProducer;
  readonly #replies: ReplyConsumer;
  readonly #sleeper: Sleeper;
  readonly #waker: Waker;
  readonly #looks: number;
  /** The owner's ends; null when a thread of its own has them. */
  readonly #served: RequestConsumer | null;
  readonly #answers: ReplyProducer | null;
  #sum = 0;

  constructor(threads: 1 | 2, looks: number) {
    const plan = planLinks(1, 1, RING_BYTES);
    const link = controlBytes(1) + linkOffset(plan, 0, 0);
    const { buffer } = sharePages(controlBytes(1) + plan.regionBytes);
    this.#arena = new Arena(buffer);
    this.#looks = looks;
    const control = new Control(this.#arena, 0);
    const { ints } = this.#arena;
    this.#sleeper = new Sleeper(ints, control, ASKER);
    this.#waker = new Waker(ints, control, new NotifyBell(ints, control));
    this.#requests = new RequestProducer(this.#arena, link, plan.ringBytes);
    this.#replies = new ReplyConsumer(this.#arena, link, plan);
    const alone = threads === 1;
    this.#served = alone ? new RequestConsumer(this.#arena, link, plan.ringBytes) : null;
    this.#answers = alone ? new ReplyProducer(this.#arena, link, plan) : null;
    if (alone) return;
    const workerData: RingPeerData = { buffer, link, plan, looks };
    new Worker(new URL("./ring-peer.js", distOf(import.meta.url)), { workerData }).unref();
  }

  /** Sends `batch` records, has them answered, takes the replies. */
  round(batch: number): void {
    const { words } = this.#arena;
    for (let i = 0; i < batch; i++) {
      const at = this.#requests.reserve(RECORD_BYTES);
      words[(at >>> 2) + 2] = i;
      this.#requests.commit(RECORD_BYTES);
    }
    this.#requests.publish();
    if (this.#served === null) this.#waker.wake(PEER);
    else this.#serve();
    for (let left = batch, looks = 0; left > 0; ) {
      const slot = this.#replies.peek();
      if (slot === NO_REPLY) {
        if (++looks > this.#looks) this.#sleep();
        continue;
      }
      this.#sum += words[(slot >>> 2) + 1] as number;
      this.#replies.advance();
      left--;
    }
  }

  #serve(): void {
    const { words } = this.#arena;
    const requests = this.#served as RequestConsumer;
    const replies = this.#answers as ReplyProducer;
    for (let at = requests.peek(); at !== NO_RECORD; at = requests.peek()) {
      const sequence = requests.sequence(at);
      requests.begin();
      words[(replies.slot(sequence) >>> 2) + 1] = words[(at >>> 2) + 2] as number;
      replies.commit(sequence);
      requests.advance();
    }
    replies.publish();
    requests.release();
  }

  #sleep(): void {
    this.#sleeper.prepare();
    if (this.#replies.isReady()) this.#sleeper.cancel();
    else this.#sleeper.wait(SLEEP_MILLISECONDS);
  }

  get sum(): number {
    return this.#sum;
  }
}

/** The compiled form of this file's folder: tests run the sources, threads need dist. */
function distOf(url: string): string {
  return url.includes("/dist/") ? url : url.replace("/bench/micro/", "/dist/bench/micro/");
}

function hop(name: string, threads: 1 | 2, batch: number, looks: number, full: number): MicroBench {
  let ends: Ends;
  return {
    name: `ring: ${name}`,
    iterations: { smoke: 10, full },
    operations: batch,
    prepare() {
      ends = new Ends(threads, looks);
      ends.round(batch); // the peer has started
    },
    run(iterations) {
      const before = ends.sum;
      for (let i = 0; i < iterations; i++) ends.round(batch);
      return ends.sum - before;
    },
  };
}

export default [
  hop("hop in one thread, each published alone", 1, 1, 0, 200_000),
  hop("hop in one thread, in batches of 32", 1, 32, 0, 20_000),
  hop("hop to another thread, each alone, both awake", 2, 1, SPIN_LOOKS, 20_000),
  hop("hop to another thread, in batches of 32, both awake", 2, 32, SPIN_LOOKS, 5_000),
  hop("hop to another thread, each alone, both asleep", 2, 1, 0, 1_000),
] satisfies MicroBench[];
