/**
 * FlagScan: walks the flags of a meta line, which the parser has checked.
 *
 *    mg key v t O123 k
 *           ^ ^ ^--´ ^      start: the letter; end: behind its token
 *
 * A reply returns flags in the order the client wrote them, so the line is the list of them: the
 * encoder walks it, and so does who keeps the returning ones for a reply that comes later.
 */
import { OPAQUE_BYTES_MAX } from "../../command/limits.ts";
import { SPACE } from "../ascii.ts";

const OPAQUE = 0x4f;
const LOWER_FIRST = 0x61;

/** Flags that return something, as bits of their letter's low five bits. */
export const ReturnFlag = {
  c: 1 << 3,
  f: 1 << 6,
  h: 1 << 8,
  k: 1 << 11,
  l: 1 << 12,
  s: 1 << 19,
  t: 1 << 20,
} as const;
const RETURNING = Object.values(ReturnFlag).reduce((all, bit) => all | bit, 0);
/** All of them with a space each, and O with its token. */
export const RETURNING_BYTES_MAX = Object.keys(ReturnFlag).length * 2 + 2 + OPAQUE_BYTES_MAX;

export class FlagScan {
  /** Where the flag's letter is, and where its token ends. */
  start = 0;
  end = 0;
  /** The letter's bit, when it is a lower-case one; 0 otherwise. */
  bit = 0;
  /** Whether it is O, which is returned with its token. */
  isOpaque = false;
  #bytes: Uint8Array = new Uint8Array(0);
  #next = 0;
  #lineEnd = 0;

  /** Goes to the start of the flags in bytes[start, end). */
  begin(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#next = start;
    this.#lineEnd = end;
  }

  /** Goes to the next flag. False when there is none. */
  next(): boolean {
    const bytes = this.#bytes;
    const end = this.#lineEnd;
    let at = this.#next;
    while (at < end && bytes[at] === SPACE) at += 1;
    if (at >= end) return false;
    const letter = bytes[at] as number;
    this.start = at;
    this.bit = letter >= LOWER_FIRST ? 1 << (letter & 31) : 0;
    this.isOpaque = letter === OPAQUE;
    while (at < end && bytes[at] !== SPACE) at += 1;
    this.end = at;
    this.#next = at + 1;
    return true;
  }
}

/** Copies the flags that return something to out[at], a space before each. The new end. */
export function saveReturningFlags(
  scan: FlagScan,
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): number {
  let to = at;
  scan.begin(bytes, start, end);
  while (scan.next()) {
    const returns = (scan.bit & RETURNING) !== 0;
    if (!returns && !scan.isOpaque) continue;
    const kept = returns ? 1 : scan.end - scan.start;
    out[to] = SPACE;
    for (let i = 0; i < kept; i++) out[to + 1 + i] = bytes[scan.start + i] as number;
    to += 1 + kept;
  }
  return to;
}
