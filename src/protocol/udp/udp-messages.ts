/**
 * Replies over UDP: where one message ends and the next begins, and what is said instead of a reply
 * that is refused.
 *
 *   VALUE a 0 1 ⏎ A ⏎ │ VALUE b 0 1 ⏎ B ⏎ END ⏎ │ STORED ⏎ │ STAT … ⏎ STAT … ⏎ END ⏎
 *
 * A message is what memcached makes one response object of: a hit with its value, a line, a list of
 * statistics up to its END. The reply is cut here, after it was written, so that encoders know
 * nothing of datagrams.
 */
import { bytesOf, LF, SPACE, ZERO } from "../ascii.ts";
import {
  MAGIC_RESPONSE,
  Opcode,
  PACKET_HEADER_BYTES,
  readWord,
  writeWord,
} from "../binary/binary-packet.ts";

const LINE_END_BYTES = 2;
const OPAQUE_OFFSET = 12;
const BODY_BYTES_OFFSET = 8;
const STATUS_OFFSET = 6;
const STATUS_TOO_LARGE = 3;

/** Lines that belong to the one that follows: statistics and dumps. */
const CONTINUED = ["STAT ", "ITEM ", "PREFIX ", "key=", "mg "].map(bytesOf);
/** What only servers say. */
const REFUSALS = ["ERROR", "CLIENT_ERROR", "SERVER_ERROR"].map(bytesOf);
const VALUE = bytesOf("VALUE ");
const META_VALUE = bytesOf("VA ");
const END = bytesOf("END\r\n");

const REFUSED_LINE = "SERVER_ERROR reply too large for one datagram\r\n";
const REFUSED_TEXT = "Too large.";

/** Where the message that begins at bytes[start] ends, at most at `end`. */
export function udpMessageEnd(bytes: Uint8Array, start: number, end: number): number {
  const at = bytes[start] === MAGIC_RESPONSE ? packetsEnd : linesEnd;
  return Math.min(end, at(bytes, start, end));
}

/**
 * True when a request is another server's refusal: answering it with one of ours would keep two
 * servers, or one that was made to talk to itself by a forged address, busy for ever.
 */
export function isServersWord(bytes: Uint8Array, start: number, end: number): boolean {
  if (bytes[start] === MAGIC_RESPONSE) return true;
  return REFUSALS.some((word) => startsWith(bytes, start, end, word));
}

/**
 * Says in `reply`'s own protocol that it was too large. `reply` is as much of it as is known, a
 * header at least.
 */
export function udpRefusal(reply: Uint8Array): Uint8Array {
  if (reply[0] !== MAGIC_RESPONSE || reply.length < PACKET_HEADER_BYTES) {
    return Buffer.from(REFUSED_LINE, "latin1");
  }
  const packet = Buffer.alloc(PACKET_HEADER_BYTES + REFUSED_TEXT.length);
  packet[0] = MAGIC_RESPONSE;
  packet[1] = reply[1] as number;
  packet.writeUInt16BE(STATUS_TOO_LARGE, STATUS_OFFSET);
  writeWord(packet, BODY_BYTES_OFFSET, REFUSED_TEXT.length);
  packet.set(reply.subarray(OPAQUE_OFFSET, OPAQUE_OFFSET + 4), OPAQUE_OFFSET);
  packet.write(REFUSED_TEXT, PACKET_HEADER_BYTES, "latin1");
  return packet;
}

/** One packet, or the packets of `stat` up to the empty one. */
function packetsEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (end - at >= PACKET_HEADER_BYTES) {
    const bodyBytes = readWord(bytes, at + BODY_BYTES_OFFSET) >>> 0;
    const isMore = bytes[at + 1] === Opcode.stat && bodyBytes > 0;
    const isRefused = bytes[at + STATUS_OFFSET + 1] !== 0;
    at += PACKET_HEADER_BYTES + bodyBytes;
    if (!isMore || isRefused) return at;
  }
  return end;
}

/** One line and what belongs to it: a value, the lines of a list, the END of a get. */
function linesEnd(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && CONTINUED.some((word) => startsWith(bytes, at, end, word))) {
    at = lineEnd(bytes, at, end);
  }
  const line = at;
  at = lineEnd(bytes, at, end);
  const isClassic = startsWith(bytes, line, end, VALUE);
  if (isClassic || startsWith(bytes, line, end, META_VALUE)) {
    at += numberAt(bytes, line, at, isClassic ? 3 : 1) + LINE_END_BYTES;
  }
  if (isClassic && startsWith(bytes, at, end, END)) at = lineEnd(bytes, at, end);
  return at;
}

function lineEnd(bytes: Uint8Array, start: number, end: number): number {
  const found = bytes.indexOf(LF, start);
  return found < 0 || found >= end ? end : found + 1;
}

/** The decimal that is word `index` of a line, counted from 0. */
function numberAt(bytes: Uint8Array, start: number, end: number, index: number): number {
  let at = start;
  for (let word = 0; word < index; word++) at = bytes.indexOf(SPACE, at) + 1;
  let value = 0;
  for (; at < end; at++) {
    const digit = (bytes[at] as number) - ZERO;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  return value;
}

function startsWith(bytes: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  if (end - start < word.length) return false;
  for (let i = 0; i < word.length; i++) if (bytes[start + i] !== word[i]) return false;
  return true;
}
