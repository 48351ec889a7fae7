/**
 * Request ring: records of any size from one requester to one owner, first in, first out.
 *
 *   record   | bytes u32 | sequence u32 | whatever the codec puts here … |      bytes: all of it, a multiple of 8
 *   pad      | bytes u32 + 1 |            …                                     up to the ring's end
 *
 *       consumed          at             written (published)      written (own)
 *   ────────┴──────────────┴────────────────────┴─────────────────────┴────────────
 *    free   │ read, not yet │   to be executed   │  not yet visible   │   free
 *           │  given back   │                    │                    │
 *
 * A record is contiguous, so that key and value can be used where they are. What does not fit
 * before the ring's end goes to its beginning, behind a pad. The pad is published even when the
 * record behind it is refused: it moves `written` to the ring's beginning, the only place from
 * which a record as large as the ring can find all of it free.
 * The consumer skips the pad, gives it back and wakes the producer like for any record.
 *
 * Publishing: write the bytes, then `Atomics.store` the index; load the index, then read the bytes.
 * Giving back is the same the other way round. Both once a batch. The consumer looks at `written`
 * with a plain load first: a look that finds nothing costs half a nanosecond, and one that finds
 * something is followed by the `Atomics.load` that orders the reads behind it.
 *
 * What survives its thread:
 *  - The consumer notes `started = at | 1` before it executes a record and moves `at` behind it
 *    once the reply lies in its slot: two plain stores. A successor that finds `started === (at |
 *    1)` knows the record at `at` may or may not have taken effect (shard/shard.ts answers it, and
 *    does not execute it again).
 *  - The producer's successor goes on at `written`; what had not been published never existed. The
 *    next sequence follows the last record still in the ring; in an empty ring, where all is
 *    answered, it is the number of replies published: the owner publishes replies before it gives
 *    their records back.
 */
import { assert } from "../base/assert.ts";
import type { Arena } from "../memory/arena.ts";
import {
  ANSWERED_OFFSET,
  AT_OFFSET,
  CONSUMED_OFFSET,
  LINK_HEADER_BYTES,
  STARTED_OFFSET,
  WRITTEN_OFFSET,
} from "./link-plan.ts";

/** Every record begins with its size and its sequence, the codec's come behind. Tests only. */
export const RECORD_HEADER_BYTES = 8;
export const RECORD_ALIGN_BYTES = 8;
/** What `reserve` and `peek` return when there is nothing. */
export const NO_RECORD = -1;

const PAD_BIT = 1;
const STARTED_BIT = 1;

assert(PAD_BIT < RECORD_ALIGN_BYTES, "a size leaves its low bits to the pad mark");
assert(STARTED_BIT < RECORD_ALIGN_BYTES, "a position leaves its low bits to the started mark");

/** The requester's end. */
export class RequestProducer {
  readonly #ints: Int32Array;
  readonly #words: Uint32Array;
  readonly #writtenWord: number;
  readonly #consumedWord: number;
  readonly #data: number;
  readonly #ringBytes: number;
  /** Own position, ahead of the published one. */
  #written: number;
  #published: number;
  /** The consumer's index when last looked at: it may have moved on since. */
  #consumedSeen: number;
  #sequence: number;

  constructor(arena: Arena, link: number, ringBytes: number) {
    assert((ringBytes & (ringBytes - 1)) === 0, "a ring's size is a power of two");
    this.#ints = arena.ints;
    this.#words = arena.words;
    this.#writtenWord = (link + WRITTEN_OFFSET) >>> 2;
    this.#consumedWord = (link + CONSUMED_OFFSET) >>> 2;
    this.#data = link + LINK_HEADER_BYTES;
    this.#ringBytes = ringBytes;
    this.#consumedSeen = Atomics.load(this.#ints, this.#consumedWord);
    this.#written = Atomics.load(this.#ints, this.#writtenWord);
    this.#published = this.#written;
    this.#sequence = this.#resume((link + ANSWERED_OFFSET) >>> 2);
  }

  /** The sequence the next record will carry. */
  sequence(): number {
    return this.#sequence;
  }

  /**
   * Room for a record of `bytes` bytes: its byte offset in the arena, or NO_RECORD when the ring is
   * full. Until `commit` nothing has happened, so a caller may leave it.
   */
  reserve(bytes: number): number {
    assert(bytes > 0 && bytes % RECORD_ALIGN_BYTES === 0, "records keep the ring aligned");
    assert(bytes <= this.#ringBytes, "a record is at most as large as the ring");
    const at = this.#written & (this.#ringBytes - 1);
    const tail = this.#ringBytes - at;
    if (bytes <= tail) return this.#hasRoom(bytes) ? this.#data + at : NO_RECORD;
    if (!this.#hasRoom(tail)) return NO_RECORD;
    this.#words[(this.#data + at) >>> 2] = tail | PAD_BIT;
    this.#written = (this.#written + tail) | 0;
    return this.#hasRoom(bytes) ? this.#data : NO_RECORD;
  }

  /** Completes the record last reserved; the next `publish` shows it. */
  commit(bytes: number): void {
    const at = this.#written & (this.#ringBytes - 1);
    assert(at + bytes <= this.#ringBytes, "a record lies in one piece");
    const word = (this.#data + at) >>> 2;
    this.#words[word] = bytes;
    this.#ints[word + 1] = this.#sequence;
    this.#written = (this.#written + bytes) | 0;
    this.#sequence = (this.#sequence + 1) | 0;
  }

  /** Makes everything committed visible. False when there is nothing new. */
  publish(): boolean {
    if (this.#written === this.#published) return false;
    Atomics.store(this.#ints, this.#writtenWord, this.#written);
    this.#published = this.#written;
    return true;
  }

  /** True when the consumer has given bytes back since the ring last looked full. */
  hasMoved(): boolean {
    return Atomics.load(this.#ints, this.#consumedWord) !== this.#consumedSeen;
  }

  #hasRoom(bytes: number): boolean {
    if (this.#free() >= bytes) return true;
    this.#consumedSeen = Atomics.load(this.#ints, this.#consumedWord);
    return this.#free() >= bytes;
  }

  #free(): number {
    return this.#ringBytes - ((this.#written - this.#consumedSeen) | 0);
  }

  /**
   * The sequence to go on with: one behind the last record in the ring, else the replies published.
   */
  #resume(answeredWord: number): number {
    let found = false;
    let sequence = 0;
    let at = this.#consumedSeen;
    while (at !== this.#written) {
      const word = (this.#data + (at & (this.#ringBytes - 1))) >>> 2;
      const head = this.#words[word] as number;
      if ((head & PAD_BIT) === 0) {
        found = true;
        sequence = ((this.#ints[word + 1] as number) + 1) | 0;
      }
      at = (at + (head & ~PAD_BIT)) | 0;
    }
    return found ? sequence : Atomics.load(this.#ints, answeredWord);
  }
}

/** The owner's end. */
export class RequestConsumer {
  readonly #ints: Int32Array;
  readonly #words: Uint32Array;
  readonly #writtenWord: number;
  readonly #consumedWord: number;
  readonly #atWord: number;
  readonly #startedWord: number;
  readonly #data: number;
  readonly #ringBytes: number;
  #at: number;
  #consumed: number;
  #writtenSeen: number;

  constructor(arena: Arena, link: number, ringBytes: number) {
    assert((ringBytes & (ringBytes - 1)) === 0, "a ring's size is a power of two");
    this.#ints = arena.ints;
    this.#words = arena.words;
    this.#writtenWord = (link + WRITTEN_OFFSET) >>> 2;
    this.#consumedWord = (link + CONSUMED_OFFSET) >>> 2;
    this.#atWord = (link + AT_OFFSET) >>> 2;
    this.#startedWord = (link + STARTED_OFFSET) >>> 2;
    this.#data = link + LINK_HEADER_BYTES;
    this.#ringBytes = ringBytes;
    this.#at = Atomics.load(this.#ints, this.#atWord);
    this.#consumed = Atomics.load(this.#ints, this.#consumedWord);
    this.#writtenSeen = Atomics.load(this.#ints, this.#writtenWord);
  }

  /**
   * The next record's byte offset in the arena, or NO_RECORD. Skips pads. Valid until `release`.
   */
  peek(): number {
    for (;;) {
      if (this.#at === this.#writtenSeen) {
        if (this.#ints[this.#writtenWord] === this.#writtenSeen) return NO_RECORD;
        this.#writtenSeen = Atomics.load(this.#ints, this.#writtenWord);
      }
      const position = this.#data + (this.#at & (this.#ringBytes - 1));
      const head = this.#words[position >>> 2] as number;
      if ((head & PAD_BIT) === 0) return position;
      this.#moveTo((this.#at + head - PAD_BIT) | 0);
    }
  }

  /** The sequence of the record `peek` found. */
  sequence(position: number): number {
    return this.#ints[(position >>> 2) + 1] as number;
  }

  /** Notes that the record `peek` found is about to take effect. */
  begin(): void {
    this.#ints[this.#startedWord] = this.#at | STARTED_BIT;
  }

  /** Done with the record: its reply lies in its slot. */
  advance(): void {
    const position = this.#data + (this.#at & (this.#ringBytes - 1));
    const bytes = this.#words[position >>> 2] as number;
    assert(bytes > 0 && bytes % RECORD_ALIGN_BYTES === 0, "a record has a size");
    assert(bytes <= ((this.#writtenSeen - this.#at) | 0), "a record was published whole");
    this.#moveTo((this.#at + bytes) | 0);
  }

  /**
   * Gives the bytes read back to the producer. False when there are none: then nobody need be
   * woken.
   */
  release(): boolean {
    if (this.#at === this.#consumed) return false;
    Atomics.store(this.#ints, this.#consumedWord, this.#at);
    this.#consumed = this.#at;
    return true;
  }

  /** True when a record (or a pad) waits: the look before going to sleep. */
  isReady(): boolean {
    return Atomics.load(this.#ints, this.#writtenWord) !== this.#at;
  }

  /**
   * After a crash: true when the record at `peek` was begun by the predecessor and not advanced
   * over.
   */
  isInFlight(): boolean {
    return this.#ints[this.#startedWord] === (this.#at | STARTED_BIT);
  }

  #moveTo(at: number): void {
    this.#at = at;
    this.#ints[this.#atWord] = at;
  }
}
