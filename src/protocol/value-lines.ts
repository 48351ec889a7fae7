/**
 * The lines around a value that was found, as the text dialects write them. Each function writes at
 * out[at] and returns the end of what it wrote.
 *
 *   classic   VALUE <key> <flags> <bytes>[ <cas>]\r\n <data> \r\n[END\r\n]
 *   meta      VA <bytes>[ <flags>]\r\n <data> \r\n
 *
 * Constants are written a word at a time: store by store they cost as much as the key does.
 */
import { copyBytes, viewOf } from "../base/bytes.ts";
import { UINT32_DIGITS_MAX, UINT64_DIGITS_MAX, writeUint32, writeUint64 } from "../base/decimal.ts";
import { SPACE, writeLineEnd } from "./ascii.ts";

const VALU = 0x554c_4156;
const E_AND_SPACE = 0x2045;
const NO_FLAGS = 0x0020_3020; // " 0 ", and a byte that is overwritten
const VA_AND_SPACE = 0x0020_4156; // the same
const EN_LINE = 0x0a0d_4e45;
const END = 0x0a0d_444e; // "ND\r\n"
const LINE_END_BYTES = 2;
/** All that stands around key and value of a classic hit. */
export const CLASSIC_HIT_BYTES_MAX =
  6 + 3 + 2 * UINT32_DIGITS_MAX + UINT64_DIGITS_MAX + 2 * LINE_END_BYTES + 5;

/** A classic hit's line up to the value's length: a CAS or the line's end follows. */
export function writeValueLine(
  out: Uint8Array,
  at: number,
  keys: Uint8Array,
  keyStart: number,
  keyBytes: number,
  clientFlags: number,
  valueBytes: number,
): number {
  const words = viewOf(out);
  words.setInt32(at, VALU, true);
  words.setInt16(at + 4, E_AND_SPACE, true);
  let to = at + 6;
  copyBytes(out, to, keys, keyStart, keyBytes);
  to += keyBytes;
  if (clientFlags === 0) {
    words.setInt32(to, NO_FLAGS, true);
    return writeUint32(out, to + 3, valueBytes);
  }
  out[to] = SPACE;
  to = writeUint32(out, to + 1, clientFlags);
  out[to] = SPACE;
  return writeUint32(out, to + 1, valueBytes);
}

/** What gets adds to that line. */
export function writeCas(out: Uint8Array, at: number, casHigh: number, casLow: number): number {
  out[at] = SPACE;
  return writeUint64(out, at + 1, casHigh, casLow);
}

/** A meta hit's line up to the value's length: flags or the line's end follow. */
export function writeMetaValueLine(out: Uint8Array, at: number, valueBytes: number): number {
  viewOf(out).setInt32(at, VA_AND_SPACE, true);
  return writeUint32(out, at + 3, valueBytes);
}

/** All of a meta get's answer without flags when nothing was found. */
export function writeMetaMiss(out: Uint8Array, at: number): number {
  viewOf(out).setInt32(at, EN_LINE, true);
  return at + 4;
}

/** The end of a list of values. */
export function writeEnd(out: Uint8Array, at: number): number {
  out[at] = 0x45;
  viewOf(out).setInt32(at + 1, END, true);
  return at + 5;
}

/** What stands behind a value: the end of its line, and of the list when it is the last. */
export function writeValueEnd(out: Uint8Array, at: number, last: boolean): number {
  const to = writeLineEnd(out, at);
  return last ? writeEnd(out, to) : to;
}
