/**
 * Reply ring: one 64-byte slot for each request, from one owner back to one requester.
 *
 *   slot   | sequence + 1 u32 | 60 bytes of reply (shard/reply-record.ts) |        slot index = sequence modulo slots
 *
 *      taken                    answered            sequence of the next request
 *   ─────┴─────────────────────────┴──────────────────────────┴─────────
 *        │  published, to be read  │   asked, not answered    │   free
 *        └──────────────── at most `slots` ───────────────────┘
 *
 * Why it cannot overflow, nor deadlock with the request ring: a requester sends request s only
 * while s - taken < slots (a credit), and each request is answered exactly once, in its own slot.
 * So when an owner has a request in hand, the slot of its reply is free: an owner never waits for a
 * requester, whatever that one does, and its request ring always drains. A requester that has no
 * credit or no room keeps the request, and stops reading the socket it came from; the replies that
 * give it credits need nobody's room. Every reply is of one size, whatever the request: values are
 * read from the shard's memory, not sent.
 *
 * Why the sequence lies in the slot too: the word is written last, so the successor of a crashed
 * owner sees which replies were complete, published or not. A sequence repeats after 2^32 requests,
 * a slot's last one after `slots`: no confusion.
 *
 * A requester's successor reads on at `taken`; what answers its predecessor's requests it counts
 * and drops (router/link.ts).
 */
import { assert } from "../base/assert.ts";
import type { Arena } from "../memory/arena.ts";
import {
  ANSWERED_OFFSET,
  LINK_HEADER_BYTES,
  type LinkPlan,
  REPLY_SLOT_BYTES,
  TAKEN_OFFSET,
} from "./link-plan.ts";

/** What `peek` returns when there is no reply. */
export const NO_REPLY = -1;

/** The owner's end. */
export class ReplyProducer {
  readonly #ints: Int32Array;
  readonly #answeredWord: number;
  readonly #slots: number;
  readonly #slotMask: number;
  #answered: number;
  #published: number;

  constructor(arena: Arena, link: number, plan: LinkPlan) {
    assert((plan.replySlots & (plan.replySlots - 1)) === 0, "slots are a power of two");
    this.#ints = arena.ints;
    this.#answeredWord = (link + ANSWERED_OFFSET) >>> 2;
    this.#slots = link + LINK_HEADER_BYTES + plan.ringBytes;
    this.#slotMask = plan.replySlots - 1;
    this.#published = Atomics.load(this.#ints, this.#answeredWord);
    this.#answered = this.#published;
    while (this.#isComplete(this.#answered)) this.#answered = (this.#answered + 1) | 0;
  }

  /**
   * How many replies lie complete in their slots, published or not: the sequence that is answered
   * next.
   */
  answered(): number {
    return this.#answered;
  }

  /** Byte offset of the slot that answers the request `sequence`. */
  slot(sequence: number): number {
    return this.#slots + (sequence & this.#slotMask) * REPLY_SLOT_BYTES;
  }

  /** The slot's fields are written: the reply is complete, and the next `publish` shows it. */
  commit(sequence: number): void {
    assert(sequence === this.#answered, "replies are written in the order of their requests");
    this.#answered = (sequence + 1) | 0;
    this.#ints[this.slot(sequence) >>> 2] = this.#answered;
  }

  /** Makes every reply committed visible. False when there is nothing new. */
  publish(): boolean {
    if (this.#answered === this.#published) return false;
    Atomics.store(this.#ints, this.#answeredWord, this.#answered);
    this.#published = this.#answered;
    return true;
  }

  #isComplete(sequence: number): boolean {
    if (((sequence - this.#published) | 0) > this.#slotMask) return false;
    return this.#ints[this.slot(sequence) >>> 2] === ((sequence + 1) | 0);
  }
}

/** The requester's end. */
export class ReplyConsumer {
  readonly #ints: Int32Array;
  readonly #answeredWord: number;
  readonly #takenWord: number;
  readonly #slots: number;
  readonly #slotMask: number;
  #taken: number;
  #answeredSeen: number;

  constructor(arena: Arena, link: number, plan: LinkPlan) {
    this.#ints = arena.ints;
    this.#answeredWord = (link + ANSWERED_OFFSET) >>> 2;
    this.#takenWord = (link + TAKEN_OFFSET) >>> 2;
    this.#slots = link + LINK_HEADER_BYTES + plan.ringBytes;
    this.#slotMask = plan.replySlots - 1;
    this.#taken = Atomics.load(this.#ints, this.#takenWord);
    this.#answeredSeen = Atomics.load(this.#ints, this.#answeredWord);
  }

  /** The sequence whose reply is taken next. */
  taken(): number {
    return this.#taken;
  }

  /** The next reply's byte offset, or NO_REPLY. Valid until `advance`. */
  peek(): number {
    if (this.#taken === this.#answeredSeen) {
      if (this.#ints[this.#answeredWord] === this.#answeredSeen) return NO_REPLY;
      this.#answeredSeen = Atomics.load(this.#ints, this.#answeredWord);
    }
    const slot = this.#slots + (this.#taken & this.#slotMask) * REPLY_SLOT_BYTES;
    assert(this.#ints[slot >>> 2] === ((this.#taken + 1) | 0), "a slot holds the reply expected");
    return slot;
  }

  /** Done with the reply: its slot is a credit again. */
  advance(): void {
    this.#taken = (this.#taken + 1) | 0;
    this.#ints[this.#takenWord] = this.#taken;
  }

  /** True when a reply waits: the look before going to sleep. */
  isReady(): boolean {
    return Atomics.load(this.#ints, this.#answeredWord) !== this.#taken;
  }
}
