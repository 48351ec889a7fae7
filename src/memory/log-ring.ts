/**
 * Log ring: the lines one thread writes for watchers and for -vv, read by any thread at its own
 * pace.
 *
 *   line 0   word 0 bytes written   word 1 lines written          the writing thread
 *   line 1…  LOG_RING_BYTES of text, lines ended by \n            it overwrites what is oldest
 *
 * Why overwriting: a watcher must never slow a cache down. A reader that was lapped is told how
 * many lines it missed; memcached says `skipped=<n>` then.
 *
 * Order: the writer stores the text, then publishes `lines`, then `bytes`. A reader loads `bytes`,
 * copies, and loads `bytes` again: when more than the ring's size has been written since its
 * cursor, what it copied is worthless.
 */
import { CACHE_LINE_BYTES, KIB } from "../base/unit.ts";
import type { Arena } from "./arena.ts";

const LOG_RING_BYTES = 64 * KIB;
const LINES_WORD = 1;
/** What a line begins with that -vv shows; a watcher's begins with `ts=`. */
export const VERBOSE_PREFIX = "v ";
export const WATCHED_PREFIX = "ts=";

/** Bytes of one thread's log ring. */
export function logRingBytes(): number {
  return CACHE_LINE_BYTES + LOG_RING_BYTES;
}

/** The writing thread's side. */
export class LogWriter {
  readonly #bytes: Uint8Array;
  readonly #ints: Int32Array;
  readonly #word: number;
  readonly #text: number;

  constructor(arena: Arena, base: number) {
    this.#bytes = arena.bytes;
    this.#ints = arena.ints;
    this.#word = base >>> 2;
    this.#text = base + CACHE_LINE_BYTES;
  }

  /** Appends one line, its end included. */
  write(line: Uint8Array): void {
    const written = this.#ints[this.#word] as number;
    for (let i = 0; i < line.length; i++) {
      this.#bytes[this.#text + ((written + i) & (LOG_RING_BYTES - 1))] = line[i] as number;
    }
    const lines = this.#ints[this.#word + LINES_WORD] as number;
    Atomics.store(this.#ints, this.#word + LINES_WORD, (lines + 1) | 0);
    Atomics.store(this.#ints, this.#word, (written + line.length) | 0);
  }
}

/** One watcher's side: begins with what is written after it was made. */
export class LogReader {
  readonly #bytes: Uint8Array;
  readonly #ints: Int32Array;
  readonly #word: number;
  readonly #text: number;
  #cursor: number;
  #lines: number;
  /** Lines missed since the last look at this number, which the caller sets back. */
  skipped = 0;

  constructor(arena: Arena, base: number) {
    this.#bytes = arena.bytes;
    this.#ints = arena.ints;
    this.#word = base >>> 2;
    this.#text = base + CACHE_LINE_BYTES;
    this.#cursor = Atomics.load(this.#ints, this.#word);
    this.#lines = Atomics.load(this.#ints, this.#word + LINES_WORD);
  }

  /** Forgets what has been written so far. */
  skip(): void {
    this.#cursor = Atomics.load(this.#ints, this.#word);
    this.#lines = Atomics.load(this.#ints, this.#word + LINES_WORD);
    this.skipped = 0;
  }

  /**
   * The next lines, whole ones, at most `bytesMax` bytes; empty when there are none. Allocates:
   * watchers are rare.
   */
  read(bytesMax: number): Buffer {
    const written = Atomics.load(this.#ints, this.#word);
    const behind = (written - this.#cursor) | 0;
    if (behind === 0) return Buffer.alloc(0);
    if (behind > LOG_RING_BYTES) return this.#lapped(written);
    const length = Math.min(behind, bytesMax);
    const lines = Buffer.alloc(length);
    for (let i = 0; i < length; i++) {
      lines[i] = this.#bytes[this.#text + ((this.#cursor + i) & (LOG_RING_BYTES - 1))] as number;
    }
    const since = Atomics.load(this.#ints, this.#word);
    if (((since - this.#cursor) | 0) > LOG_RING_BYTES) return this.#lapped(since);
    const whole = lines.subarray(0, lines.lastIndexOf(0x0a) + 1);
    this.#cursor = (this.#cursor + whole.length) | 0;
    for (const byte of whole) if (byte === 0x0a) this.#lines = (this.#lines + 1) | 0;
    return whole;
  }

  #lapped(written: number): Buffer {
    const lines = Atomics.load(this.#ints, this.#word + LINES_WORD);
    this.skipped += (lines - this.#lines) | 0;
    this.#lines = lines;
    this.#cursor = written;
    return Buffer.alloc(0);
  }
}
