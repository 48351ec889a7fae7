/**
 * Request record: a Request as it lies in a request ring, and the only code that knows its fields.
 *
 *   word  0 bytes · 1 sequence                        the ring's (ring/request-ring.ts)
 *         2 op u8 | mode u8 | key bytes u8 | wide, bit 31   3 value bytes in the record
 *         4 hash low · 5 hash high                    6 marks · 7 client flags · 8 exptime · 9 handle
 *        10 declared value bytes, low · 11 high
 *  wide: 12 CAS low, high · 14 new CAS low, high · 16 delta low, high · 18 initial low, high
 *        20 vivify exptime · 21 recache exptime
 *        then the key, padded to 8, then the value, padded to 8
 *
 * Why two widths: a set or a delete, most of what is sent, needs 48 bytes of head and not 88; a
 * record's lines all travel from one core to the other.
 *
 * Key and value of a decoded Request lie in the ring: valid until the consumer releases the record.
 */
import { assert } from "../base/assert.ts";
import { copyBytes } from "../base/bytes.ts";
import type { ServerSeconds } from "../base/unit.ts";
import { KEY_BYTES_MAX } from "../command/limits.ts";
import { Op } from "../command/op.ts";
import { Mark, type Request } from "../command/request.ts";
import type { Arena } from "../memory/arena.ts";
import { RING_BYTES_MIN } from "../ring/link-plan.ts";
import { RECORD_ALIGN_BYTES } from "../ring/request-ring.ts";

const HEAD_BYTES = 48;
const WIDE_HEAD_BYTES = 88;
const WIDE_MARKS = Mark.compareCas | Mark.explicitCas | Mark.vivify | Mark.recache;
const WIDE_BIT = 1 << 31;
const WORD_RANGE = 2 ** 32;

assert(KEY_BYTES_MAX < 256, "a key's length fits a byte");

/** The largest value that fits one record of a ring, whatever else the request carries. */
export function recordValueBytesMax(ringBytes: number): number {
  return ringBytes - WIDE_HEAD_BYTES - padded(KEY_BYTES_MAX);
}

assert(
  recordValueBytesMax(RING_BYTES_MIN) > 0,
  "the smallest ring takes every request without a value",
);

/** Bytes of the record for this request; a multiple of 8. */
export function requestRecordBytes(request: Request): number {
  const head = isWide(request) ? WIDE_HEAD_BYTES : HEAD_BYTES;
  const keyBytes = request.keyEnd - request.keyStart;
  return head + padded(keyBytes) + padded(request.valueEnd - request.valueStart);
}

/** Writes the request's fields behind the ring's own at `position`. */
export function writeRequest(arena: Arena, position: number, request: Request): void {
  const words = arena.words;
  const word = position >>> 2;
  const wide = isWide(request);
  const keyBytes = request.keyEnd - request.keyStart;
  const valueBytes = request.valueEnd - request.valueStart;
  assert(keyBytes >= 0 && keyBytes <= KEY_BYTES_MAX, "keys end at 250 bytes");
  assert(valueBytes >= 0, "a value's range is not inverted");
  words[word + 2] = request.op | (request.mode << 8) | (keyBytes << 16) | (wide ? WIDE_BIT : 0);
  words[word + 3] = valueBytes;
  words[word + 4] = request.hashLow;
  words[word + 5] = request.hashHigh;
  words[word + 6] = request.marks;
  words[word + 7] = request.clientFlags;
  words[word + 8] = request.exptime;
  words[word + 9] = request.handle;
  words[word + 10] = request.valueBytes;
  words[word + 11] = request.valueBytes / WORD_RANGE;
  if (wide) writeWide(words, word, request);
  const key = position + (wide ? WIDE_HEAD_BYTES : HEAD_BYTES);
  copyBytes(arena.bytes, key, request.keyBytes, request.keyStart, keyBytes);
  if (valueBytes === 0) return;
  copyBytes(arena.bytes, key + padded(keyBytes), request.bytes, request.valueStart, valueBytes);
}

function writeWide(words: Uint32Array, word: number, request: Request): void {
  words[word + 12] = request.casLow;
  words[word + 13] = request.casHigh;
  words[word + 14] = request.newCasLow;
  words[word + 15] = request.newCasHigh;
  words[word + 16] = request.deltaLow;
  words[word + 17] = request.deltaHigh;
  words[word + 18] = request.initialLow;
  words[word + 19] = request.initialHigh;
  words[word + 20] = request.vivifyExptime;
  words[word + 21] = request.recacheExptime;
}

/** Fills `request` from the record at `position`. What a narrow record does not carry is 0. */
export function readRequest(arena: Arena, position: number, request: Request): void {
  const words = arena.words;
  const ints = arena.ints;
  const word = position >>> 2;
  const kinds = words[word + 2] as number;
  const wide = (kinds & WIDE_BIT) !== 0;
  const keyBytes = (kinds >>> 16) & 0xff;
  request.op = (kinds & 0xff) as Request["op"];
  request.mode = ((kinds >>> 8) & 0xff) as Request["mode"];
  request.hashLow = ints[word + 4] as number;
  request.hashHigh = ints[word + 5] as number;
  request.marks = words[word + 6] as number;
  request.clientFlags = words[word + 7] as number;
  request.exptime = words[word + 8] as ServerSeconds;
  request.handle = words[word + 9] as number;
  request.valueBytes = (words[word + 10] as number) + (words[word + 11] as number) * WORD_RANGE;
  if (wide) readWide(words, word, request);
  else clearWide(request);
  const key = position + (wide ? WIDE_HEAD_BYTES : HEAD_BYTES);
  request.bytes = arena.bytes;
  request.keyBytes = arena.bytes;
  request.keyStart = key;
  request.keyEnd = key + keyBytes;
  request.valueStart = key + padded(keyBytes);
  request.valueEnd = request.valueStart + (words[word + 3] as number);
  assert(keyBytes <= KEY_BYTES_MAX, "a record's key has a key's length");
  assert(requestRecordBytes(request) === words[word], "a record is as long as its fields say");
}

function readWide(words: Uint32Array, word: number, request: Request): void {
  request.casLow = words[word + 12] as number;
  request.casHigh = words[word + 13] as number;
  request.newCasLow = words[word + 14] as number;
  request.newCasHigh = words[word + 15] as number;
  request.deltaLow = words[word + 16] as number;
  request.deltaHigh = words[word + 17] as number;
  request.initialLow = words[word + 18] as number;
  request.initialHigh = words[word + 19] as number;
  request.vivifyExptime = words[word + 20] as ServerSeconds;
  request.recacheExptime = words[word + 21] as ServerSeconds;
}

/** A mark forgotten in `WIDE_MARKS` must not meet another client's CAS. */
function clearWide(request: Request): void {
  request.casLow = 0;
  request.casHigh = 0;
  request.newCasLow = 0;
  request.newCasHigh = 0;
  request.deltaLow = 0;
  request.deltaHigh = 0;
  request.initialLow = 0;
  request.initialHigh = 0;
  request.vivifyExptime = 0 as ServerSeconds;
  request.recacheExptime = 0 as ServerSeconds;
}

function isWide(request: Request): boolean {
  return request.op === Op.arithmetic || (request.marks & WIDE_MARKS) !== 0;
}

function padded(bytes: number): number {
  return (bytes + RECORD_ALIGN_BYTES - 1) & -RECORD_ALIGN_BYTES;
}
