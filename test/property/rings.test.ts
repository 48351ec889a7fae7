/**
 * Rings, step by step: a requester and an owner whose single steps interleave in any order, over
 * rings from 512 bytes, with records of any size; either may die between any two of its steps, and
 * its successor goes on from shared memory alone.
 *
 * What must hold, whatever the schedule:
 *  - records arrive whole, in order, none twice, none lost that was published;
 *  - each record is executed at most once; exactly once, when no owner died with it in hand;
 *  - a live requester gets one reply for each record, in order, saying what happened;
 *  - nobody is ever stuck: in the end, everything has been answered.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { NO_REPLY, type ReplyConsumer, type ReplyProducer } from "../../src/ring/reply-ring.ts";
import {
  NO_RECORD,
  RECORD_HEADER_BYTES,
  type RequestConsumer,
  type RequestProducer,
} from "../../src/ring/request-ring.ts";
import { TestLink } from "../unit/ring/ring-arena.ts";

const DONE = 1;
const LOST = 2;

/** The owner's thread: a small machine that does one step of Shard's work at a time. */
class Owner {
  readonly #link: TestLink;
  #requests!: RequestConsumer;
  #replies!: ReplyProducer;
  #step = 0;
  #position = NO_RECORD;
  /** Record number by how often it was executed. */
  readonly executed = new Map<number, number>();
  readonly lost = new Set<number>();

  constructor(link: TestLink) {
    this.#link = link;
    this.start();
  }

  /** A new thread in the place of the old: what shard.ts does in `recoverLinks`. */
  start(): void {
    this.#requests = this.#link.requestConsumer();
    this.#replies = this.#link.replyProducer();
    this.#step = 0;
    const position = this.#requests.peek();
    if (position === NO_RECORD || !this.#requests.isInFlight()) return;
    const sequence = this.#requests.sequence(position);
    if (((sequence + 1) | 0) !== this.#replies.answered()) this.#answer(position, LOST);
    this.#requests.advance();
  }

  step(): void {
    switch (this.#step) {
      case 0:
        this.#position = this.#requests.peek();
        if (this.#position !== NO_RECORD) this.#step = 1;
        break;
      case 1:
        this.#requests.begin();
        this.#step = 2;
        break;
      case 2:
        this.#execute();
        this.#step = 3;
        break;
      case 3:
        this.#answer(this.#position, DONE);
        this.#step = 4;
        break;
      default:
        this.#requests.advance();
        this.#step = 0;
    }
  }

  publish(): void {
    this.#replies.publish();
  }

  release(): void {
    this.#replies.publish();
    this.#requests.release();
  }

  #execute(): void {
    const word = this.#position >>> 2;
    const words = this.#link.arena.words;
    const record = words[word + 2] as number;
    const bytes = words[word] as number;
    const payload = this.#link.arena.bytes.subarray(this.#position + 12, this.#position + bytes);
    expect(payload.every((byte) => byte === (record & 0xff))).toBe(true);
    this.executed.set(record, (this.executed.get(record) ?? 0) + 1);
  }

  #answer(position: number, what: number): void {
    const { words } = this.#link.arena;
    const record = words[(position >>> 2) + 2] as number;
    const sequence = this.#requests.sequence(position);
    const slot = this.#replies.slot(sequence) >>> 2;
    words[slot + 1] = what;
    words[slot + 2] = record;
    if (what === LOST) this.lost.add(record);
    this.#replies.commit(sequence);
  }
}

/** The requester's thread. Records are numbered through, whoever sends them. */
class Requester {
  readonly #link: TestLink;
  #requests!: RequestProducer;
  #replies!: ReplyConsumer;
  #waiting: number[] = [];
  #unpublished: number[] = [];
  #first = 0;
  next = 0;
  readonly published: number[] = [];
  readonly answers = new Map<number, number>();

  constructor(link: TestLink) {
    this.#link = link;
    this.start();
  }

  /** A new thread in the place of the old: it knows nothing of what the old one waited for. */
  start(): void {
    this.#requests = this.#link.requestProducer();
    this.#replies = this.#link.replyConsumer();
    this.#waiting = [];
    this.#unpublished = [];
    this.#first = this.#requests.sequence();
  }

  /** False when refused: no credit, or no room. */
  trySend(bytes: number): boolean {
    const outstanding = (this.#requests.sequence() - this.#replies.taken()) | 0;
    if (outstanding >= this.#link.plan.replySlots) return false;
    const position = this.#requests.reserve(bytes);
    if (position === NO_RECORD) return false;
    const record = this.next++;
    const { arena } = this.#link;
    arena.bytes.fill(record & 0xff, position + RECORD_HEADER_BYTES, position + bytes);
    arena.words[(position >>> 2) + 2] = record;
    this.#requests.commit(bytes);
    this.#waiting.push(record);
    this.#unpublished.push(record);
    return true;
  }

  publish(): void {
    this.#requests.publish();
    this.published.push(...this.#unpublished.splice(0));
  }

  take(): boolean {
    const slot = this.#replies.peek();
    if (slot === NO_REPLY) return false;
    const stale = ((this.#replies.taken() - this.#first) | 0) < 0;
    const { words } = this.#link.arena;
    if (!stale) {
      expect(words[(slot >>> 2) + 2]).toBe(this.#waiting.shift());
      this.answers.set(words[(slot >>> 2) + 2] as number, words[(slot >>> 2) + 1] as number);
    }
    this.#replies.advance();
    return true;
  }

  isIdle(): boolean {
    return this.#waiting.length === 0;
  }
}

type Step =
  | { do: "send"; bytes: number }
  | {
      do: "publish" | "take" | "own" | "ownPublish" | "ownRelease" | "ownerDies" | "requesterDies";
    };

function stepsFor(deaths: boolean): fc.Arbitrary<Step[]> {
  const quiet = ["publish", "take", "own", "own", "own", "ownPublish", "ownRelease"] as const;
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant("send" as const), bytes: fc.nat({ max: 1 << 20 }) }),
    },
    { weight: 10, arbitrary: fc.record({ do: fc.constantFrom(...quiet) }) },
    {
      weight: deaths ? 1 : 0,
      arbitrary: fc.record({ do: fc.constantFrom("ownerDies" as const, "requesterDies" as const) }),
    },
  );
  return fc.array(step, { minLength: 20, maxLength: 600 });
}

function play(ringBytes: number, start: number, steps: readonly Step[]): [Owner, Requester] {
  const link = new TestLink(ringBytes);
  link.startAt(start & -8, start);
  const owner = new Owner(link);
  const requester = new Requester(link);
  for (const step of steps) {
    switch (step.do) {
      case "send": {
        // Small records and ones as large as the ring, in equal shares.
        const share = step.bytes % 2 === 0 ? 96 : ringBytes - 8;
        requester.trySend(16 + 8 * ((step.bytes >>> 1) % (share / 8)));
        break;
      }
      case "publish":
        requester.publish();
        break;
      case "take":
        requester.take();
        break;
      case "own":
        owner.step();
        break;
      case "ownPublish":
        owner.publish();
        break;
      case "ownRelease":
        owner.release();
        break;
      case "ownerDies":
        owner.start();
        break;
      default:
        requester.start();
    }
  }
  // Nobody is stuck: a few turns end everything, and the largest record still passes.
  for (let turn = 0; turn < 400; turn++) {
    requester.publish();
    owner.step();
    owner.release();
    while (requester.take()) {}
  }
  expect(requester.isIdle()).toBe(true);
  for (let turn = 0; !requester.trySend(ringBytes); turn++) {
    expect(turn).toBeLessThan(3);
    requester.publish();
    owner.step();
    owner.release();
  }
  return [owner, requester];
}

for (const deaths of [false, true]) {
  test(`rings ${deaths ? "with deaths at any step" : "without deaths"} lose and repeat nothing`, () => {
    fc.assert(
      fc.property(
        fc.constantFrom(512, 1024, 4096),
        fc.constantFrom(0, -4096, 0x7fff_f000),
        stepsFor(deaths),
        (ringBytes, start, steps) => {
          const [owner, requester] = play(ringBytes, start, steps);
          for (const record of requester.published) {
            const times = owner.executed.get(record) ?? 0;
            expect(times).toBeLessThanOrEqual(1);
            if (!owner.lost.has(record)) expect(times).toBe(1);
          }
          expect(owner.executed.size).toBeLessThanOrEqual(requester.published.length);
          if (!deaths) expect(owner.lost.size).toBe(0);
          for (const [record, what] of requester.answers) {
            if (what === DONE) expect(owner.executed.get(record)).toBe(1);
            else expect(owner.lost.has(record)).toBe(true);
          }
          const order = [...owner.executed.keys()];
          expect(order).toEqual(order.toSorted((a, b) => a - b));
        },
      ),
      { numRuns: 400 },
    );
  });
}
