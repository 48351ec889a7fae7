/**
 * FdMailbox: accepted descriptors on their way from the primary to one worker. A single-producer
 * single-consumer ring.
 *
 *  line 0  word 0  written   how many were ever posted (mod 2^32)    the primary
 *  line 1  word 0  taken     how many were ever taken                the worker
 *  line 2  fd+1 | listener   fd+1 | listener   …                     the primary
 *
 * The bytes are written, then `written` is published; `written` is read, then the bytes.
 *
 * A worker puts a descriptor in its FdTable first and takes it from here second, so that a death
 * between the two loses nothing: the successor sees it in both, and takes it from here without
 * adopting it.
 */
import { assert } from "../base/assert.ts";
import { CACHE_LINE_BYTES, powerOfTwoAtLeast } from "../base/unit.ts";
import type { Arena } from "../memory/arena.ts";

/** As many accepted connections can wait for one worker; a full mailbox stops the accepting. */
const POSTED_MAX = 1024;
const LINE_WORDS = CACHE_LINE_BYTES / 4;
const ENTRY_WORDS = 2;

/** Bytes of a mailbox for at most `connectionsMax` descriptors. */
export function fdMailboxBytes(connectionsMax: number): number {
  return 2 * CACHE_LINE_BYTES + Math.max(CACHE_LINE_BYTES, entryCount(connectionsMax) * 8);
}

function entryCount(connectionsMax: number): number {
  return powerOfTwoAtLeast(Math.min(connectionsMax, POSTED_MAX));
}

export class FdMailbox {
  readonly #ints: Int32Array;
  readonly #writtenWord: number;
  readonly #takenWord: number;
  readonly #entriesWord: number;
  readonly #mask: number;

  constructor(arena: Arena, base: number, connectionsMax: number) {
    assert(base % CACHE_LINE_BYTES === 0, "a mailbox starts a cache line");
    const end = base + fdMailboxBytes(connectionsMax);
    assert(end <= arena.buffer.byteLength, "a mailbox lies in its arena");
    this.#ints = arena.ints;
    this.#writtenWord = base >>> 2;
    this.#takenWord = this.#writtenWord + LINE_WORDS;
    this.#entriesWord = this.#takenWord + LINE_WORDS;
    this.#mask = entryCount(connectionsMax) - 1;
  }

  /** Descriptors posted and not yet taken. */
  waiting(): number {
    const written = Atomics.load(this.#ints, this.#writtenWord);
    return (written - Atomics.load(this.#ints, this.#takenWord)) | 0;
  }

  /** The primary: posts a descriptor. False when the mailbox is full. */
  tryPost(fd: number, listener: number): boolean {
    if (this.waiting() > this.#mask) return false;
    const written = this.#ints[this.#writtenWord] as number;
    const at = this.#entriesWord + (written & this.#mask) * ENTRY_WORDS;
    this.#ints[at] = fd + 1;
    this.#ints[at + 1] = listener;
    Atomics.store(this.#ints, this.#writtenWord, (written + 1) | 0);
    return true;
  }

  /** The worker: the oldest descriptor, -1 when there is none. It stays until `take`. */
  first(): number {
    if (this.waiting() === 0) return -1;
    return (this.#ints[this.#entry()] as number) - 1;
  }

  /** The listener of `first()`. */
  firstListener(): number {
    return this.#ints[this.#entry() + 1] as number;
  }

  /** The worker: removes `first()`. */
  take(): void {
    assert(this.waiting() > 0, "only what was posted is taken");
    const taken = this.#ints[this.#takenWord] as number;
    Atomics.store(this.#ints, this.#takenWord, (taken + 1) | 0);
  }

  #entry(): number {
    const taken = this.#ints[this.#takenWord] as number;
    return this.#entriesWord + (taken & this.#mask) * ENTRY_WORDS;
  }
}
