/**
 * GetScanner: finds the plain gets at the head of a connection's input, and hashes their keys.
 *
 *   plain     get|gets <key>[ <key>]*\r\n    the word in lower case, single spaces, keys of at most 250 bytes, the line whole
 *             mg <key> v\r\n
 *
 * Anything else ends the batch and is left to TextParser, which knows every rule and every error;
 * so nothing is refused here. In a cluster, so is the key that asks for the list of nodes. A line of
 * more keys than a batch holds is served a batch at a time: its whole length is checked first, then
 * WireState.keysOp says that the input is inside a line, and the next scan resumes there.
 */
import { viewOf } from "../../base/bytes.ts";
import type { KeyHash } from "../../base/key-hash.ts";
import { BATCH_KEYS_MAX, BatchMark, type GetBatch } from "../../command/get-batch.ts";
import { KEY_BYTES_MAX } from "../../command/limits.ts";
import { Op } from "../../command/op.ts";
import { CR, LF, SPACE } from "../ascii.ts";
import { WireProtocol, type WireState } from "../wire-state.ts";
import { holdsLongKey } from "./line-search.ts";
import { isListKey } from "./list-question.ts";

const GET_AND_SPACE = 0x20746567; // "get " as a little-endian word
const GETS_WORD = 0x73746567;
const MG_AND_SPACE = 0x20676d;
const THREE_BYTES = 0xff_ffff;
/** " v\r\n" */
const ASKS_VALUE = 0x0a0d_7620;
/** "get k\r\n" is no shorter. */
const REQUEST_BYTES_MIN = 7;
const LINE_END_BYTES = 2;
const META_GET = BatchMark.first | BatchMark.last | BatchMark.meta;
/** Bytes below 0x21 end a key: spaces, line ends, and what must not be in one. */
const BELOW_PRINTABLE = 0x2121_2121;
const HIGH_BITS = 0x8080_8080;

export class GetScanner {
  readonly #hash: KeyHash;
  readonly #listsNodes: boolean;

  constructor(hash: KeyHash, listsNodes = false) {
    this.#hash = hash;
    this.#listsNodes = listsNodes;
  }

  /**
   * Fills `batch` with at most `requestsMax` requests of bytes[start, end). Its count is 0 when
   * none is plain.
   */
  scan(
    state: WireState,
    bytes: Uint8Array,
    start: number,
    end: number,
    requestsMax: number,
    batch: GetBatch,
  ): void {
    batch.origin = start;
    batch.count = 0;
    batch.end = start;
    if (state.protocol !== WireProtocol.text || state.searchedBytes > 0) return;
    let left = requestsMax;
    if (state.keysOp !== Op.none) {
      if (state.keysOp !== Op.get) return;
      const marks = state.keysWithCas ? BatchMark.withCas : 0;
      if (!this.#keys(bytes, start, start, end, marks, batch)) return;
      left -= 1;
    } else if (!state.authenticated) {
      return;
    }
    const words = viewOf(bytes);
    while (left > 0 && end - batch.end >= REQUEST_BYTES_MIN) {
      const line = batch.end;
      const word = words.getInt32(line, true);
      let taken = false;
      if (word === GET_AND_SPACE) {
        if (this.#listsNodes && isListKey(bytes, line + 4, end)) return;
        taken = this.#keys(bytes, line, line + 4, end, BatchMark.first, batch);
      } else if (word === GETS_WORD && bytes[line + 4] === SPACE) {
        taken = this.#keys(bytes, line, line + 5, end, BatchMark.first | BatchMark.withCas, batch);
      } else if ((word & THREE_BYTES) === MG_AND_SPACE) {
        taken = this.#metaGet(bytes, line, end, batch);
      }
      if (!taken) return;
      left -= 1;
    }
  }

  /**
   * Takes in the keys from `keyStart` to the end of their line, which began at `begin`. True when
   * the line is at its end; false when it is not plain (then none of its keys is taken, unless they
   * stand in the middle of a line that was begun before), or has more keys than there is room for.
   */
  #keys(
    bytes: Uint8Array,
    begin: number,
    keyStart: number,
    end: number,
    marks: number,
    batch: GetBatch,
  ): boolean {
    const kept = batch.count;
    const inside = (marks & BatchMark.first) === 0;
    let begins = begin;
    let at = keyStart;
    let mark = marks;
    for (let count = kept; count < BATCH_KEYS_MAX; count++) {
      const keyEnd = endOfKey(bytes, at, end);
      const isLast = keyEnd + 1 < end && bytes[keyEnd] === CR && bytes[keyEnd + 1] === LF;
      const isKey = keyEnd > at && keyEnd - at <= KEY_BYTES_MAX;
      const goesOn = keyEnd + 1 < end && bytes[keyEnd] === SPACE;
      if (!isKey || !(isLast || goesOn)) {
        if (!inside) batch.count = kept;
        return false;
      }
      this.#add(batch, bytes, begins, at, keyEnd, isLast ? mark | BatchMark.last : mark);
      if (isLast) {
        batch.end = keyEnd + LINE_END_BYTES;
        return true;
      }
      mark &= ~BatchMark.first;
      at = keyEnd + 1;
      begins = at;
      if (inside) batch.end = at;
    }
    if (inside) return false;
    if (kept > 0 || !isWholeLine(bytes, at, end)) batch.count = kept;
    else batch.end = at;
    return false;
  }

  /** Takes in the meta get that begins at `line`. False when it asks for anything but the value. */
  #metaGet(bytes: Uint8Array, line: number, end: number, batch: GetBatch): boolean {
    const keyStart = line + 3;
    const keyEnd = endOfKey(bytes, keyStart, end);
    if (batch.count === BATCH_KEYS_MAX || keyEnd + 4 > end) return false;
    if (keyEnd === keyStart || keyEnd - keyStart > KEY_BYTES_MAX) return false;
    if (viewOf(bytes).getInt32(keyEnd, true) !== ASKS_VALUE) return false;
    this.#add(batch, bytes, line, keyStart, keyEnd, META_GET);
    batch.end = keyEnd + 4;
    return true;
  }

  #add(
    batch: GetBatch,
    bytes: Uint8Array,
    begin: number,
    keyStart: number,
    keyEnd: number,
    marks: number,
  ): void {
    const at = batch.count;
    this.#hash.update(bytes, keyStart, keyEnd);
    batch.begins[at] = begin - batch.origin;
    batch.starts[at] = keyStart - batch.origin;
    batch.ends[at] = keyEnd - batch.origin;
    batch.lows[at] = this.#hash.low;
    batch.highs[at] = this.#hash.high;
    batch.marks[at] = marks;
    batch.count = at + 1;
  }
}

/** Where the key at bytes[start] ends: at the first byte below 0x21, or at `end`. */
function endOfKey(bytes: Uint8Array, start: number, end: number): number {
  const words = viewOf(bytes);
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word = words.getInt32(at, true);
    const below = (word - BELOW_PRINTABLE) & ~word & HIGH_BITS;
    // The lowest bit set is right; a borrow may have set those above it.
    if (below !== 0) return at + ((31 - Math.clz32(below & -below)) >>> 3);
  }
  while (at < end && (bytes[at] as number) > SPACE) at += 1;
  return at;
}

/** True when the rest of a line of keys from `start` on is here, and none of them is too long. */
function isWholeLine(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && bytes[at] !== LF) at += 1;
  return at < end && !holdsLongKey(bytes, start, at);
}
