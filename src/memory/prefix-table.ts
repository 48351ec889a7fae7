/**
 * Prefix table: what `stats detail` counts, exactly, for each key prefix, one table a thread.
 *
 *   slot   0 hash | 4 prefix bytes | 8 – | 16 get | 24 hit | 32 set | 40 delete | 48 prefix, to 80 bytes       128 bytes
 *
 * Open addressing, never deleting: a prefix stays until the table is cleared, as in memcached.
 * Bounded, unlike memcached: when the table is full a new prefix is counted by nobody, and
 * `dropped` says how often that happened.
 *
 * A slot is written before its hash is published, so a reader that sees a hash sees its prefix.
 */
import { copyBytes, equalBytes } from "../base/bytes.ts";
import type { Arena } from "./arena.ts";

/** Prefixes one thread can tell apart. A power of two. */
export const PREFIX_SLOTS = 2048;
/** Slots looked at before a prefix counts as not fitting. */
const PROBES_MAX = 16;
/** Longer prefixes are cut here. */
export const PREFIX_BYTES_MAX = 80;

const SLOT_BYTES = 128;
const HEADER_BYTES = 64;
const HASH = 0;
const LENGTH = 1;
const COUNTS = 2;
const PREFIX_OFFSET = 48;

/** Bytes of one table. */
export const PREFIX_TABLE_BYTES = HEADER_BYTES + PREFIX_SLOTS * SLOT_BYTES;

/** What is counted for a prefix, in the order `stats detail dump` prints it. */
export const PrefixCount = { get: 0, hit: 1, set: 2, delete: 3 } as const;
export type PrefixCount = (typeof PrefixCount)[keyof typeof PrefixCount];
const COUNT_KINDS = 4;

export class PrefixTable {
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #ints: Int32Array;
  readonly #doubles: Float64Array;
  readonly #base: number;

  constructor(arena: Arena, base: number) {
    this.#bytes = arena.bytes;
    this.#words = arena.words;
    this.#ints = arena.ints;
    this.#doubles = arena.doubles;
    this.#base = base;
  }

  /**
   * Counts one request of the prefix bytes[start, end). False when the table has no room for a new
   * prefix. The writer only.
   */
  tryCount(kind: PrefixCount, bytes: Uint8Array, start: number, end: number): boolean {
    const length = Math.min(end - start, PREFIX_BYTES_MAX);
    const hash = hashOf(bytes, start, start + length);
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const slot = this.#base + HEADER_BYTES + ((hash + probe) & (PREFIX_SLOTS - 1)) * SLOT_BYTES;
      const word = slot >>> 2;
      const found = this.#words[word + HASH] as number;
      if (found === 0) {
        copyBytes(this.#bytes, slot + PREFIX_OFFSET, bytes, start, length);
        this.#words[word + LENGTH] = length;
        this.#doubles[slot / 8 + COUNTS + kind] = 1;
        Atomics.store(this.#ints, word + HASH, hash | 0); // publishes the prefix
        return true;
      }
      if (
        found === hash &&
        this.#words[word + LENGTH] === length &&
        equalBytes(this.#bytes, slot + PREFIX_OFFSET, bytes, start, length)
      ) {
        const at = slot / 8 + COUNTS + kind;
        this.#doubles[at] = (this.#doubles[at] as number) + 1;
        return true;
      }
    }
    this.#words[this.#base >>> 2] = ((this.#words[this.#base >>> 2] as number) + 1) >>> 0;
    return false;
  }

  /** Requests whose prefix found no room. */
  dropped(): number {
    return this.#words[this.#base >>> 2] as number;
  }

  /**
   * Calls `visit(prefix, counts)` for every prefix; `counts` has one number per `PrefixCount`. Any
   * thread.
   */
  forEach(visit: (prefix: string, counts: readonly number[]) => void): void {
    for (let index = 0; index < PREFIX_SLOTS; index++) {
      const slot = this.#base + HEADER_BYTES + index * SLOT_BYTES;
      if (Atomics.load(this.#ints, (slot >>> 2) + HASH) === 0) continue;
      const length = this.#words[(slot >>> 2) + LENGTH] as number;
      const prefix = this.#bytes.slice(slot + PREFIX_OFFSET, slot + PREFIX_OFFSET + length);
      const at = slot / 8 + COUNTS;
      visit(
        Buffer.from(prefix).toString("latin1"),
        Array.from(this.#doubles.subarray(at, at + COUNT_KINDS)),
      );
    }
  }

  /** Forgets every prefix. The writer only. */
  clear(): void {
    const first = this.#base >>> 2;
    if (this.#words.subarray(first, first + PREFIX_TABLE_BYTES / 4).every((word) => word === 0)) {
      return; // untouched pages stay untouched
    }
    this.#words.fill(0, first, first + PREFIX_TABLE_BYTES / 4);
  }
}

/**
 * FNV-1a; never 0, which marks an empty slot. Prefixes are few and the probes bounded: no secret is
 * needed here.
 */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let at = start; at < end; at++) {
    hash = Math.imul(hash ^ (bytes[at] as number), 0x01000193);
  }
  return (hash ^ (hash >>> 15)) >>> 0 || 1;
}
