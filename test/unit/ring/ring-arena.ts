/** A link between requester 0 and owner 0 in fresh memory, for the tests of both rings. */
import { Arena } from "../../../src/memory/arena.ts";
import { type LinkPlan, linkOffset, planLinks } from "../../../src/ring/link-plan.ts";
import { ReplyConsumer, ReplyProducer } from "../../../src/ring/reply-ring.ts";
import { RequestConsumer, RequestProducer } from "../../../src/ring/request-ring.ts";

/** The link does not begin at byte 0, so that a forgotten base is seen. */
const BASE = 4096;

export class TestLink {
  readonly arena: Arena;
  readonly plan: LinkPlan;
  readonly link: number;

  constructor(ringBytes: number) {
    this.plan = planLinks(2, 1, ringBytes);
    this.arena = new Arena(new SharedArrayBuffer(BASE + this.plan.regionBytes));
    this.link = BASE + linkOffset(this.plan, 1, 0);
  }

  requestProducer(): RequestProducer {
    return new RequestProducer(this.arena, this.link, this.plan.ringBytes);
  }

  requestConsumer(): RequestConsumer {
    return new RequestConsumer(this.arena, this.link, this.plan.ringBytes);
  }

  replyProducer(): ReplyProducer {
    return new ReplyProducer(this.arena, this.link, this.plan);
  }

  replyConsumer(): ReplyConsumer {
    return new ReplyConsumer(this.arena, this.link, this.plan);
  }

  /** Moves every index and sequence of the fresh link to just before they wrap. */
  startAt(bytes: number, sequence: number): void {
    const word = this.link >>> 2;
    for (const line of [0, 1, 2]) this.arena.ints[word + line * 16] = bytes;
    for (const line of [3, 4]) this.arena.ints[word + line * 16] = sequence;
  }
}
