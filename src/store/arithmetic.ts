/**
 * Arithmetic: incr, decr and ma on a value that is a decimal number.
 *
 *   10 decr 5 ─▶ "5 "    no longer than before: written in place, padded with spaces to the old length; stale stays stale
 *   99 incr 1 ─▶ "100"   longer: a new item of exact length
 *
 * Increments wrap at 2^64, decrements stop at 0. Client flags stay, and so does the exptime unless
 * the request has one; the CAS is new. A large item is never a number.
 */
import { DecimalReader, UINT64_DIGITS_MAX, writeUint64 } from "../base/decimal.ts";
import type { ItemRef } from "../base/unit.ts";
import { ArithmeticMode } from "../command/op.ts";
import { ItemMark, type Reply } from "../command/reply.ts";
import { Mark, type Request } from "../command/request.ts";
import { Status } from "../command/status.ts";
import { type Buckets, FETCHED, NONE } from "../memory/buckets.ts";
import { Counter, type Counters } from "../memory/counters.ts";
import { BINARY_KEY, type Items, STALE, TOKEN_SENT } from "../memory/items.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import { NO_SLAB } from "../memory/slab-table.ts";
import { Join, Wrote } from "./draft.ts";
import type { Residents } from "./residents.ts";
import { casEquals, type Storing, WRITE_ATTEMPTS } from "./storing.ts";
import { shownExptime, vivifiedExptime } from "./vivified.ts";
import type { Writer } from "./writer.ts";

const TWO_TO_32 = 0x1_0000_0000;

export class Arithmetic {
  readonly #items: Items;
  readonly #buckets: Buckets;
  readonly #bytes: Uint8Array;
  readonly #residents: Residents;
  readonly #writer: Writer;
  readonly #storing: Storing;
  readonly #counters: Counters;
  readonly #decimal = new DecimalReader();
  #named = false;
  readonly #digits = new Uint8Array(UINT64_DIGITS_MAX);

  constructor(
    memory: ShardMemory,
    parts: { residents: Residents; writer: Writer; storing: Storing },
    counters: Counters,
  ) {
    this.#items = memory.items;
    this.#buckets = memory.buckets;
    this.#bytes = memory.arena.bytes;
    this.#residents = parts.residents;
    this.#writer = parts.writer;
    this.#storing = parts.storing;
    this.#counters = counters;
  }

  /** Executes Op.arithmetic. */
  count(request: Request, reply: Reply): void {
    for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
      const entry = this.#residents.find(request);
      if (attempt === 0) this.#named = false;
      const done =
        entry === NONE ? this.#create(request, reply) : this.#update(request, entry, reply);
      if (done) return;
    }
    this.#counters.add(Counter.outOfMemory, 1);
    reply.status = Status.outOfMemory;
  }

  /**
   * The key is absent: vivifies it, or says so. False when room was made and the key must be looked
   * up again.
   */
  #create(request: Request, reply: Reply): boolean {
    if ((request.marks & Mark.vivify) === 0) {
      reply.status = Status.notFound;
      return true;
    }
    this.#name(request);
    const draft = this.#writer.draft;
    draft.clientFlags = 0;
    draft.exptime = vivifiedExptime(request);
    draft.marks = 0; // a key in base64 too is shown as text
    const length = writeUint64(this.#digits, 0, request.initialHigh, request.initialLow);
    this.#decimal.high = request.initialHigh >>> 0;
    this.#decimal.low = request.initialLow >>> 0;
    if (!this.#write(NONE, length, 0, reply)) return false;
    reply.marks = ItemMark.created; // also when there was no room: its words say of what
    if (reply.status !== Status.stored) return true;
    this.#counters.add(Counter.totalItems, 1);
    reply.clientFlags = 0;
    reply.exptime = shownExptime(request);
    return true;
  }

  #update(request: Request, entry: number, reply: Reply): boolean {
    const item = this.#buckets.ref(entry);
    const items = this.#items;
    if (items.isLarge(item) || items.valueBytes(item) === 0) {
      reply.status = Status.nonNumeric; // what can be no number is that first, whatever its CAS
      return true;
    }
    if ((request.marks & Mark.compareCas) !== 0 && !casEquals(items, item, request)) {
      reply.status = Status.exists;
      return true;
    }
    if (!this.#read(item)) {
      reply.status = Status.nonNumeric;
      return true;
    }
    this.#compute(request);
    const exptime = items.exptime(item);
    const credit = this.#buckets.credit(entry);
    this.#name(request);
    const draft = this.#writer.draft;
    draft.clientFlags = items.clientFlags(item);
    draft.exptime = (request.marks & Mark.exptime) !== 0 ? request.exptime : exptime;
    const digits = writeUint64(this.#digits, 0, this.#decimal.high, this.#decimal.low);
    const valueBytes = items.valueBytes(item);
    const grows = digits > valueBytes;
    draft.marks = items.packed(item) & (grows ? BINARY_KEY : BINARY_KEY | STALE | TOKEN_SENT);
    if (!this.#write(entry, digits, grows ? 0 : valueBytes - digits, reply)) return false;
    if (reply.status !== Status.stored) return true;
    if (grows) this.#counters.add(Counter.totalItems, 1);
    else this.#keepReads(request, credit);
    reply.valueBytes = digits;
    reply.clientFlags = draft.clientFlags;
    reply.exptime = (request.marks & Mark.exptimeBefore) !== 0 ? exptime : draft.exptime;
    return true;
  }

  /** Names the draft, with one CAS for all rounds. */
  #name(request: Request): void {
    if (!this.#named) this.#storing.name(request);
    this.#named = true;
  }

  #read(item: ItemRef): boolean {
    const start = this.#items.valueStart(item);
    return this.#decimal.tryValue(this.#bytes, start, start + this.#items.valueBytes(item));
  }

  /** Adds or subtracts the delta; the result is in `#decimal`. */
  #compute(request: Request): void {
    const number = this.#decimal;
    const deltaLow = request.deltaLow >>> 0;
    const deltaHigh = request.deltaHigh >>> 0;
    if (request.mode === ArithmeticMode.increment) {
      const low = number.low + deltaLow;
      const carry = low >= TWO_TO_32 ? 1 : 0;
      number.low = low >>> 0;
      number.high = (number.high + deltaHigh + carry) >>> 0;
      return;
    }
    const below = number.high < deltaHigh || (number.high === deltaHigh && number.low < deltaLow);
    if (below) {
      number.high = 0;
      number.low = 0;
      return;
    }
    const borrow = number.low < deltaLow ? 1 : 0;
    number.low = (number.low - deltaLow) >>> 0;
    number.high = (number.high - deltaHigh - borrow) >>> 0;
  }

  /**
   * Writes the digits and spaces behind them; the draft has the rest. False when room was made and
   * the key must be looked up again.
   */
  #write(entry: number, length: number, spaces: number, reply: Reply): boolean {
    const draft = this.#writer.draft;
    draft.value = this.#digits;
    draft.valueStart = 0;
    draft.valueBytes = length;
    draft.chain = NO_SLAB;
    draft.join = Join.none;
    draft.spaces = spaces;
    const wrote = this.#writer.write(entry);
    draft.spaces = 0;
    if (wrote === Wrote.again) return false;
    reply.status = wrote === Wrote.done ? Status.stored : Status.outOfMemory;
    if (wrote === Wrote.noRoom) this.#counters.add(Counter.outOfMemory, 1);
    reply.casLow = draft.casLow;
    reply.casHigh = draft.casHigh;
    reply.numberLow = this.#decimal.low;
    reply.numberHigh = this.#decimal.high;
    reply.valueBytes = length;
    return true;
  }

  /**
   * Counting in place is no read and no store: an item that was fetched stays fetched. One that
   * grows is a new one.
   */
  #keepReads(request: Request, credit: number): void {
    if ((credit & FETCHED) === 0) return;
    const entry = this.#residents.find(request);
    if (entry !== NONE) this.#buckets.setCredit(entry, credit);
  }
}
