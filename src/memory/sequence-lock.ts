/**
 * Sequence lock: how any thread reads what one thread writes, without either waiting for the other.
 *
 *   version word:   even = at rest     odd = the owner is writing
 *
 *   owner   begin (odd) · plain writes · end (even)
 *   reader  see an even version · plain reads · the version is still the same: what was read is not torn
 *
 * The technique is Linux's seqlock; why a reader needs the fence it has: Boehm, "Can seqlocks get along
 * with programming language memory models?", MSPC 2012.
 *
 * Memory order. On x86-64 a load never passes an earlier load, nor a store an earlier store, so the
 * Atomics alone (which also stop the compiler) are enough. On arm64 a plain access may pass an
 * Atomics operation in one direction:
 *  - begin: the store of the odd version is a release: what follows could move up before it. An
 *    `Atomics.load` of it comes next, an acquire: no later store moves up past that, and it cannot
 *    be served before the store it reads.
 *  - end: the store of the even version is a release: no earlier store moves down past it.
 *  - reader: the first load is an acquire: no read moves up past it. The second is an acquire too,
 *    which lets earlier plain loads move down past it; an `Atomics.store` to a word of the reader's
 *    own (a release: no earlier load passes it) stands between, and a release store and a later
 *    acquire load stay in order.
 *
 * Invariant: there is one writer, so a version needs no compare and exchange. A writer that died
 * leaves it odd; readers give up after a bounded number of tries, and the next owner makes it even
 * (store/recovery.ts).
 */
import type { Arena } from "./arena.ts";

/** True where the hardware keeps loads in order among loads, and stores among stores. */
const TOTAL_STORE_ORDER = process.arch === "x64" || process.arch === "ia32";

export class SequenceLock {
  readonly #ints: Int32Array;
  /** The word of the reader's own that orders its loads. */
  readonly #fence = new Int32Array(1);

  constructor(arena: Arena) {
    this.#ints = arena.ints;
  }

  /** The owner: before its first write. `word` is the index of the version in `arena.ints`. */
  beginWrite(word: number): void {
    Atomics.store(this.#ints, word, ((this.#ints[word] as number) + 1) | 0);
    if (!TOTAL_STORE_ORDER) Atomics.load(this.#ints, word);
  }

  /** The owner: after its last write. */
  endWrite(word: number): void {
    Atomics.store(this.#ints, word, ((this.#ints[word] as number) + 1) | 0);
  }

  /**
   * A reader: the version before its first read. Odd: the owner is writing, nothing can be read.
   */
  beginRead(word: number): number {
    return Atomics.load(this.#ints, word);
  }

  /** A reader: true when nothing was written since `beginRead` gave `version`. */
  unchanged(word: number, version: number): boolean {
    if (!TOTAL_STORE_ORDER) Atomics.store(this.#fence, 0, version);
    return Atomics.load(this.#ints, word) === version;
  }

  /** The owner: true when a previous owner died while it wrote. */
  isHeld(word: number): boolean {
    return ((this.#ints[word] as number) & 1) !== 0;
  }
}
