/**
 * Output: where the replies of the connection being served are written, and how they leave.
 *
 *   usual     scratch   | reply | reply | reply |        written, sent with one call, forgotten
 *   blocked   block     |#####| rest             |        the socket took only part: the rest waits in a block of its own
 *   holes     block     | reply | hole | reply | hole |   other shards have not answered: nothing behind the first hole may
 *                                                         leave, so all of it waits in a block, and closes up in `settle`
 *
 * Why one object for all connections of a thread: only one is served at a time, so the scratch is
 * shared; a connection costs a block only while it has something that must outlive its turn.
 *
 * Invariants:
 *  - `at` is where the next byte goes, and `reserve` was asked for it;
 *  - a connection without a block has neither holes nor unsent bytes once `close` returned;
 *  - what one connection may keep is bounded by the largest block, and who pays when there are none
 *    left is block-budget.ts' to say.
 */
import { assert } from "../base/assert.ts";
import { copyBytes } from "../base/bytes.ts";
import type { Reply } from "../command/reply.ts";
import type { Request } from "../command/request.ts";
import type { Arena } from "../memory/arena.ts";
import { BLOCK_BYTES_MAX, type BlockPool, NO_BLOCK } from "../memory/block-pool.ts";
import { Counter, type Counters } from "../memory/counters.ts";
import { RECEIVE_BYTES, SCRATCH_BYTES } from "../memory/io-region.ts";
import type { Encoder } from "../protocol/protocol.ts";
import type { Transport } from "../transport/transport.ts";
import type { BlockBudget } from "./block-budget.ts";
import type { Connection } from "./connection.ts";
import { NO_PENDING, PendingKind, type PendingTable } from "./pending-table.ts";

export class Output {
  readonly arena: Arena;
  readonly bytes: Uint8Array;
  /** Where the next byte of the open connection's output goes. */
  at = 0;
  readonly #scratch: number;
  readonly #pool: BlockPool;
  readonly #budget: BlockBudget<Connection>;
  readonly #pendings: PendingTable;
  readonly #transport: Transport;
  readonly #counters: Counters;
  #base = 0;
  #limit = 0;

  constructor(parts: {
    arena: Arena;
    ioBase: number;
    budget: BlockBudget<Connection>;
    pendings: PendingTable;
    transport: Transport;
    counters: Counters;
  }) {
    this.arena = parts.arena;
    this.bytes = parts.arena.bytes;
    this.#scratch = parts.ioBase + RECEIVE_BYTES;
    this.#pool = parts.budget.pool;
    this.#budget = parts.budget;
    this.#pendings = parts.pendings;
    this.#transport = parts.transport;
    this.#counters = parts.counters;
  }

  /** Aims at `connection`: what is written from now on is its output, until `close`. */
  open(connection: Connection): void {
    if (connection.outBlock === NO_BLOCK) {
      this.#base = this.#scratch;
      this.at = this.#scratch;
      this.#limit = this.#scratch + SCRATCH_BYTES;
    } else {
      this.#base = connection.outBlock;
      this.at = connection.outEnd;
      this.#limit = connection.outBlock + this.#pool.blockBytes(connection.outBlock);
    }
  }

  /**
   * Makes room for `bytes` more bytes. False: the connection must wait, until its socket or its
   * holes have drained.
   */
  reserve(connection: Connection, bytes: number): boolean {
    if (this.at + bytes <= this.#limit) return true;
    assert(bytes <= SCRATCH_BYTES, "a reply that is copied fits the scratch");
    if (connection.isBlocked) return false;
    if (connection.holes === 0) {
      this.#sendAll(connection);
      if (connection.isBroken || connection.isBlocked) return false;
      this.open(connection);
      return this.at + bytes <= this.#limit;
    }
    return this.#grow(connection, bytes);
  }

  /**
   * Writes head, value and tail of a hit at `at`; returns the end, for the caller to take or to
   * forget.
   */
  writeHit(request: Request, reply: Reply, encoder: Encoder): number {
    const bytes = this.bytes;
    const value = encoder.encodeHead(request, reply, bytes, this.at);
    copyBytes(bytes, value, reply.value, reply.valueStart, reply.valueBytes);
    return encoder.encodeTail(request, bytes, value + reply.valueBytes);
  }

  /** How far `at` is from the start of the output that is kept: where a hole is said to be. */
  position(): number {
    return this.at - this.#base;
  }

  /** Ends what `open` began: sends what may leave, keeps the rest. */
  close(connection: Connection): void {
    if (connection.holes > 0) {
      if (connection.outBlock === NO_BLOCK) this.#keep(connection, this.#base, this.at);
      else connection.outEnd = this.at;
      return;
    }
    if (connection.isBlocked) {
      connection.outEnd = this.at;
      return;
    }
    this.#sendAll(connection);
  }

  /** The socket takes more: sends what was kept. True when nothing is left. */
  drain(connection: Connection): boolean {
    connection.isBlocked = false;
    if (connection.outBlock === NO_BLOCK) return true;
    this.open(connection);
    if (connection.holes > 0) return true;
    this.#sendAll(connection);
    return !connection.isBlocked;
  }

  /**
   * Every hole is filled: moves the bytes together, frees the list, and leaves the output open for
   * `close`.
   */
  settle(connection: Connection): void {
    const base = connection.outBlock;
    let from = 0;
    let to = 0;
    let pending = connection.pendingFirst;
    while (pending !== NO_PENDING) {
      const next = this.#pendings.next(pending);
      if (this.#pendings.kind(pending) === PendingKind.hole) {
        const hole = this.#pendings.holeAt(pending);
        to = this.#move(base, from, to, hole - from);
        to = this.#move(base, hole, to, this.#pendings.filledBytes(pending));
        from = hole + this.#pendings.holeBytes(pending);
      }
      this.#pendings.give(pending);
      pending = next;
    }
    connection.pendingFirst = NO_PENDING;
    connection.pendingLast = NO_PENDING;
    connection.pendingCount = 0;
    if (connection.holes === 0) return;
    assert(base !== NO_BLOCK, "holes lie in a block");
    connection.holes = 0;
    to = this.#move(base, from, to, connection.outEnd - base - from);
    connection.outStart = base;
    connection.outEnd = base + to;
  }

  /** Gives back what the connection kept. */
  release(connection: Connection): void {
    if (connection.outBlock === NO_BLOCK) return;
    this.#pool.give(connection.outBlock);
    connection.outBlock = NO_BLOCK;
  }

  /** Moves bytes down inside a block; returns where they end. */
  #move(base: number, from: number, to: number, bytes: number): number {
    if (from !== to) this.bytes.copyWithin(base + to, base + from, base + from + bytes);
    return to + bytes;
  }

  #sendAll(connection: Connection): void {
    const start = connection.outBlock === NO_BLOCK ? this.#base : connection.outStart;
    const end = this.at;
    if (start === end) {
      this.release(connection);
      return;
    }
    const sent = this.#transport.send(connection.slot, this.arena, start, end, false);
    if (sent < 0) {
      connection.isBroken = true;
      this.release(connection);
      return;
    }
    this.#counters.add(Counter.bytesWritten, sent);
    if (start + sent === end) {
      this.release(connection);
      return;
    }
    connection.isBlocked = true;
    if (connection.outBlock === NO_BLOCK) this.#keep(connection, start + sent, end);
    else {
      connection.outStart = start + sent;
      connection.outEnd = end;
    }
    this.open(connection); // what is written next goes behind what is kept
  }

  /** Moves [start, end) of the scratch into a block of the connection's own. */
  #keep(connection: Connection, start: number, end: number): void {
    const block = this.#budget.takeForOutput(connection, end - start);
    if (block === NO_BLOCK) {
      connection.isBroken = true;
      return;
    }
    this.bytes.copyWithin(block, start, end);
    connection.outBlock = block;
    connection.outStart = block;
    connection.outEnd = block + end - start;
  }

  /**
   * A larger place for output that has holes. False when there is none: the connection waits until
   * they close.
   */
  #grow(connection: Connection, bytes: number): boolean {
    const used = this.at - this.#base;
    const wanted = Math.max(used + bytes, 2 * used);
    if (used + bytes > BLOCK_BYTES_MAX) return false;
    const block = this.#pool.take(Math.min(wanted, BLOCK_BYTES_MAX)); // it can wait: nobody pays
    if (block === NO_BLOCK) return false;
    this.bytes.copyWithin(block, this.#base, this.at);
    if (connection.outBlock !== NO_BLOCK) this.#pool.give(connection.outBlock);
    connection.outBlock = block;
    connection.outStart = block;
    connection.outEnd = block + used;
    this.open(connection);
    return true;
  }
}
