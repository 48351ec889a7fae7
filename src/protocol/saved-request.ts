/**
 * Saved requests: what is kept of a request while its reply is awaited from another shard, in the
 * hole the reply will fill. The same for every protocol, but for what one adds behind the key.
 *
 *  byte 0    1         2      3      4        8       9        10          11           12       16           20    28        32
 *       | op | dialect | mode | bits | marks  | error | opcode | key bytes | line bytes | opaque | valueBytes | CAS | exptime |
 *
 *  then, only for a fetch, which may have to be asked again:
 *       32        36        40             48            52         56          60
 *       | vivify… | recache…| newCas       | clientFlags | hash low | hash high |
 *
 *  then the key, where the reply repeats it, and what the reply needs of the line (meta: its flags).
 *
 * Little-endian, byte by byte: a hole begins anywhere. Its size is bounded, so a hole has room for
 * it (Encoder.bound).
 */
import { assert } from "../base/assert.ts";
import { copyBytes } from "../base/bytes.ts";
import type { ServerSeconds } from "../base/unit.ts";
import { KEY_BYTES_MAX } from "../command/limits.ts";
import { Op } from "../command/op.ts";
import type { Dialect, Request } from "../command/request.ts";
import type { WireError } from "../command/status.ts";

const BIT_NOREPLY = 1 << 0;
const BIT_QUIET = 1 << 1;
const BIT_FIRST_KEY = 1 << 2;
const BIT_LAST_KEY = 1 << 3;
const BIT_WITH_CAS = 1 << 4;
const BIT_CLOSE_AFTER = 1 << 5;

/** What every request takes, and what a fetch takes besides. */
export const SAVED_FIXED_BYTES = 32;
const SAVED_FETCH_BYTES = 28;
/** The most of a line that is kept. */
export const SAVED_LINE_BYTES_MAX = 64;
/** The most a saved request takes, its key and its line excepted. */
export const SAVED_BYTES_MAX_LESS_KEY = SAVED_FIXED_BYTES + SAVED_FETCH_BYTES;

const KEY_BYTES_AT = 10;
const LINE_BYTES_AT = 11;

assert(KEY_BYTES_MAX < 256 && SAVED_LINE_BYTES_MAX < 256, "lengths fit one byte each");

/** True when the reply to a read, or a second try of it, needs the key. */
export function readsKey(request: Request): boolean {
  return request.op === Op.get || request.op === Op.fetch || request.op === Op.inspect;
}

/**
 * Writes what the reply to `request` will need at out[at], its key where `keepsKey`. The new end:
 * a line may follow there (`noteSavedLine`).
 */
export function saveRequest(
  request: Request,
  keepsKey: boolean,
  out: Uint8Array,
  at: number,
): number {
  const keyBytes = keepsKey ? request.keyEnd - request.keyStart : 0;
  out[at] = request.op;
  out[at + 1] = request.dialect;
  out[at + 2] = request.mode;
  out[at + 3] =
    (request.noreply ? BIT_NOREPLY : 0) |
    (request.quiet ? BIT_QUIET : 0) |
    (request.firstKey ? BIT_FIRST_KEY : 0) |
    (request.lastKey ? BIT_LAST_KEY : 0) |
    (request.withCas ? BIT_WITH_CAS : 0) |
    (request.closeAfter ? BIT_CLOSE_AFTER : 0);
  writeWord(out, at + 4, request.marks);
  out[at + 8] = request.error;
  out[at + 9] = request.opcode;
  out[at + KEY_BYTES_AT] = keyBytes;
  out[at + LINE_BYTES_AT] = 0;
  writeWord(out, at + 12, request.opaque);
  writeWord(out, at + 16, request.valueBytes);
  writeWord(out, at + 20, request.casLow);
  writeWord(out, at + 24, request.casHigh);
  writeWord(out, at + 28, request.exptime);
  let to = at + SAVED_FIXED_BYTES;
  if (request.op === Op.fetch) {
    writeWord(out, to, request.vivifyExptime);
    writeWord(out, to + 4, request.recacheExptime);
    writeWord(out, to + 8, request.newCasLow);
    writeWord(out, to + 12, request.newCasHigh);
    writeWord(out, to + 16, request.clientFlags);
    writeWord(out, to + 20, request.hashLow);
    writeWord(out, to + 24, request.hashHigh);
    to += SAVED_FETCH_BYTES;
  }
  if (keyBytes > 0) copyBytes(out, to, request.keyBytes, request.keyStart, keyBytes);
  return to + keyBytes;
}

/** Notes in the request saved at out[at] that `lineBytes` of its line stand behind its key. */
export function noteSavedLine(out: Uint8Array, at: number, lineBytes: number): void {
  assert(lineBytes <= SAVED_LINE_BYTES_MAX, "what is kept of a line is bounded");
  out[at + LINE_BYTES_AT] = lineBytes;
}

/**
 * Restores requests. The last one's key and line lie in memory of its own, since the hole is about
 * to be overwritten.
 */
export class RequestRestorer {
  readonly #bytes = new Uint8Array(KEY_BYTES_MAX + SAVED_LINE_BYTES_MAX);

  /** Fills `request` from what `saveRequest` wrote at from[at]. Valid until the next call. */
  restore(request: Request, from: Uint8Array, at: number): void {
    const bits = from[at + 3] as number;
    request.begin(from[at] as Op, from[at + 1] as Dialect, this.#bytes);
    request.mode = from[at + 2] as Request["mode"];
    request.noreply = (bits & BIT_NOREPLY) !== 0;
    request.quiet = (bits & BIT_QUIET) !== 0;
    request.firstKey = (bits & BIT_FIRST_KEY) !== 0;
    request.lastKey = (bits & BIT_LAST_KEY) !== 0;
    request.withCas = (bits & BIT_WITH_CAS) !== 0;
    request.closeAfter = (bits & BIT_CLOSE_AFTER) !== 0;
    request.marks = readWord(from, at + 4);
    request.error = from[at + 8] as WireError;
    request.opcode = from[at + 9] as number;
    request.opaque = readWord(from, at + 12);
    request.valueBytes = readWord(from, at + 16) >>> 0;
    request.casLow = readWord(from, at + 20) >>> 0;
    request.casHigh = readWord(from, at + 24) >>> 0;
    request.exptime = (readWord(from, at + 28) >>> 0) as ServerSeconds;
    let text = at + SAVED_FIXED_BYTES;
    if (request.op === Op.fetch) {
      request.vivifyExptime = (readWord(from, text) >>> 0) as ServerSeconds;
      request.recacheExptime = (readWord(from, text + 4) >>> 0) as ServerSeconds;
      request.newCasLow = readWord(from, text + 8) >>> 0;
      request.newCasHigh = readWord(from, text + 12) >>> 0;
      request.clientFlags = readWord(from, text + 16) >>> 0;
      request.hashLow = readWord(from, text + 20);
      request.hashHigh = readWord(from, text + 24);
      text += SAVED_FETCH_BYTES;
    }
    const keyBytes = from[at + KEY_BYTES_AT] as number;
    const lineBytes = from[at + LINE_BYTES_AT] as number;
    copyBytes(this.#bytes, 0, from, text, keyBytes + lineBytes);
    request.keyStart = 0;
    request.keyEnd = keyBytes;
    request.lineStart = keyBytes;
    request.metaFlagsStart = keyBytes;
    request.lineEnd = keyBytes + lineBytes;
  }
}

function writeWord(out: Uint8Array, at: number, word: number): void {
  out[at] = word;
  out[at + 1] = word >>> 8;
  out[at + 2] = word >>> 16;
  out[at + 3] = word >>> 24;
}

function readWord(from: Uint8Array, at: number): number {
  return (
    (from[at] as number) |
    ((from[at + 1] as number) << 8) |
    ((from[at + 2] as number) << 16) |
    ((from[at + 3] as number) << 24)
  );
}
