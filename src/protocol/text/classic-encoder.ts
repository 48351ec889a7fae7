/**
 * ClassicEncoder: the classic protocol's replies.
 *
 *   VALUE <key> <flags> <bytes>[ <cas>]\r\n   encodeHead
 *   <data>                                    the caller copies it
 *   \r\n[END\r\n]                             encodeTail
 */
import { assert } from "../../base/assert.ts";
import { writeUint64 } from "../../base/decimal.ts";
import { PROTOCOL_VERSION } from "../../command/limits.ts";
import { Op } from "../../command/op.ts";
import type { Reply } from "../../command/reply.ts";
import { Mark, type Request } from "../../command/request.ts";
import { Status, WireError } from "../../command/status.ts";
import { bytesOf, writeBytes, writeLineEnd } from "../ascii.ts";
import { ERROR_LINE_BYTES_MAX, ERROR_LINES, OUT_OF_MEMORY_LINE } from "../error-lines.ts";
import type { DialectEncoder } from "../protocol.ts";
import {
  readsKey,
  SAVED_BYTES_MAX_LESS_KEY,
  SAVED_FIXED_BYTES,
  saveRequest,
} from "../saved-request.ts";
import {
  CLASSIC_HIT_BYTES_MAX,
  writeCas,
  writeEnd,
  writeValueEnd,
  writeValueLine,
} from "../value-lines.ts";

const STORED = bytesOf("STORED\r\n");
const NOT_STORED = bytesOf("NOT_STORED\r\n");
const EXISTS = bytesOf("EXISTS\r\n");
const NOT_FOUND = bytesOf("NOT_FOUND\r\n");
const DELETED = bytesOf("DELETED\r\n");
const TOUCHED = bytesOf("TOUCHED\r\n");
const OK = bytesOf("OK\r\n");
const END = bytesOf("END\r\n");
const VERSION = bytesOf(`VERSION ${PROTOCOL_VERSION}\r\n`);
const NOTHING = new Uint8Array(0);

assert(ERROR_LINE_BYTES_MAX >= SAVED_FIXED_BYTES, "what is saved fits where the reply will stand");

/** What a read's reply or what is saved for it takes, its key excepted. */
const READ_BYTES_MAX_LESS_KEY = Math.max(
  CLASSIC_HIT_BYTES_MAX,
  SAVED_BYTES_MAX_LESS_KEY,
  ERROR_LINE_BYTES_MAX,
);

/** Each status but those that need more than its word. */
const STATUS_LINES: readonly Uint8Array[] = statusLines();

export class ClassicEncoder implements DialectEncoder {
  carriesValue(request: Request, reply: Reply): boolean {
    return reply.status === Status.hit && (request.marks & Mark.wantsValue) !== 0;
  }

  encode(request: Request, reply: Reply, out: Uint8Array, at: number): number {
    if (request.error !== WireError.none) return this.encodeError(request, request.error, out, at);
    if (request.noreply) return at;
    switch (request.op) {
      case Op.get:
      case Op.fetch:
        if (reply.status > Status.miss) break;
        return request.lastKey ? writeEnd(out, at) : at;
      case Op.arithmetic:
        if (reply.status === Status.stored) {
          return writeLineEnd(out, writeUint64(out, at, reply.numberHigh, reply.numberLow));
        }
        if (reply.status === Status.outOfMemory) return writeBytes(out, at, OUT_OF_MEMORY_LINE);
        break;
      case Op.version:
        return writeBytes(out, at, VERSION);
      case Op.verbosity:
      case Op.flushAll:
      case Op.cacheMemlimit:
        return writeBytes(out, at, OK);
      case Op.authenticate:
        return writeBytes(out, at, STORED);
      case Op.quit:
      case Op.shutdown:
        return at;
      default:
        break;
    }
    return writeBytes(out, at, STATUS_LINES[reply.status] as Uint8Array);
  }

  encodeHead(request: Request, reply: Reply, out: Uint8Array, at: number): number {
    const { keyBytes, keyStart, keyEnd } = request;
    const { clientFlags, valueBytes } = reply;
    const length = keyEnd - keyStart;
    let to = writeValueLine(out, at, keyBytes, keyStart, length, clientFlags, valueBytes);
    if (request.withCas) to = writeCas(out, to, reply.casHigh, reply.casLow);
    return writeLineEnd(out, to);
  }

  encodeTail(request: Request, out: Uint8Array, at: number): number {
    return writeValueEnd(out, at, request.lastKey);
  }

  encodeError(request: Request, error: WireError, out: Uint8Array, at: number): number {
    return request.noreply ? at : writeBytes(out, at, ERROR_LINES[error] as Uint8Array);
  }

  save(request: Request, out: Uint8Array, at: number): number {
    return saveRequest(request, readsKey(request), out, at);
  }

  bound(request: Request): number {
    const op = request.op;
    if (op !== Op.get && op !== Op.fetch) return ERROR_LINE_BYTES_MAX;
    return READ_BYTES_MAX_LESS_KEY + (request.keyEnd - request.keyStart);
  }
}

function statusLines(): Uint8Array[] {
  const lines: Uint8Array[] = new Array(Object.keys(Status).length).fill(NOTHING);
  lines[Status.ok] = OK;
  lines[Status.hit] = END;
  lines[Status.miss] = END;
  lines[Status.stored] = STORED;
  lines[Status.notStored] = NOT_STORED;
  lines[Status.exists] = EXISTS;
  lines[Status.notFound] = NOT_FOUND;
  lines[Status.deleted] = DELETED;
  lines[Status.touched] = TOUCHED;
  lines[Status.tooLarge] = ERROR_LINES[WireError.tooLarge] as Uint8Array;
  lines[Status.outOfMemory] = ERROR_LINES[WireError.outOfMemoryStoring] as Uint8Array;
  lines[Status.nonNumeric] = ERROR_LINES[WireError.nonNumeric] as Uint8Array;
  lines[Status.ownerLost] = ERROR_LINES[WireError.ownerLost] as Uint8Array;
  return lines;
}
