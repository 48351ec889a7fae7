/**
 * BinaryEncoder: replies as packets (binary-packet.ts draws one). A success tells what the opcode's
 * row says, a failure its status and a text; quiet opcodes leave out the success of a change and
 * the miss of a read.
 */
import { assert } from "../../base/assert.ts";
import { copyBytes } from "../../base/bytes.ts";
import { PROTOCOL_VERSION } from "../../command/limits.ts";
import { Op, StoreMode } from "../../command/op.ts";
import type { Reply } from "../../command/reply.ts";
import { Mark, type Request } from "../../command/request.ts";
import { Status, WireError } from "../../command/status.ts";
import { bytesOf } from "../ascii.ts";
import type { DialectEncoder } from "../protocol.ts";
import { readsKey, SAVED_BYTES_MAX_LESS_KEY, saveRequest } from "../saved-request.ts";
import { OPCODE_SHAPE, PACKET_HEADER_BYTES, Shape, writeWord } from "./binary-packet.ts";
import { Code, encodeText, NOTHING, writeHeader } from "./binary-response.ts";

const TEXTS = new Map<Code, Uint8Array>([
  [Code.notFound, bytesOf("Not found")],
  [Code.exists, bytesOf("Data exists for key.")],
  [Code.tooLarge, bytesOf("Too large.")],
  [Code.invalid, bytesOf("Invalid arguments")],
  [Code.notStored, bytesOf("Not stored.")],
  [Code.nonNumeric, bytesOf("Non-numeric server-side value for incr or decr")],
  [Code.authFailure, bytesOf("Auth failure.")],
  [Code.unknownCommand, bytesOf("Unknown command")],
  [Code.outOfMemory, bytesOf("Out of memory")],
  [Code.internal, bytesOf("Internal error")],
]);
const OUT_OF_MEMORY_ITEM = bytesOf("Out of memory allocating item");
const OUT_OF_MEMORY_NUMBER = bytesOf("Out of memory incrementing value");
const VERSION = bytesOf(PROTOCOL_VERSION);

const CLIENT_FLAGS_BYTES = 4;
const NUMBER_BYTES = 8;
const TEXT_BYTES_MAX = 48;
const REPLY_BYTES_MAX_LESS_KEY = Math.max(
  PACKET_HEADER_BYTES + TEXT_BYTES_MAX,
  SAVED_BYTES_MAX_LESS_KEY,
);

for (const text of TEXTS.values()) {
  assert(text.length <= TEXT_BYTES_MAX, "a failure's text fits where a reply fits");
}

/** By status of a store operation, and by wire error: what the packet says. */
const STATUS_CODES = codesByStatus();
const ERROR_CODES = codesByError();

export class BinaryEncoder implements DialectEncoder {
  carriesValue(request: Request, reply: Reply): boolean {
    return reply.status === Status.hit && (request.marks & Mark.wantsValue) !== 0;
  }

  encode(request: Request, reply: Reply, out: Uint8Array, at: number): number {
    if (request.error !== WireError.none) return this.encodeError(request, request.error, out, at);
    switch (reply.status) {
      case Status.stored:
        if (request.quiet) return at;
        if (request.op === Op.arithmetic) return encodeNumber(request, reply, out, at);
        return writeHeader(request, Code.success, 0, 0, 0, reply.casHigh, reply.casLow, out, at);
      case Status.touched: {
        const { casHigh, casLow } = reply;
        const to = writeHeader(request, Code.success, 0, 4, 4, casHigh, casLow, out, at);
        writeWord(out, to, reply.clientFlags);
        return to + CLIENT_FLAGS_BYTES;
      }
      case Status.miss:
        if (request.quiet) return at;
        if (repeatsKey(request)) return encodeKeyMiss(request, out, at);
        return encodeText(request, Code.notFound, TEXTS.get(Code.notFound) as Uint8Array, out, at);
      case Status.outOfMemory: {
        const counts = request.op === Op.arithmetic;
        const text = counts ? OUT_OF_MEMORY_NUMBER : OUT_OF_MEMORY_ITEM;
        return encodeText(request, Code.outOfMemory, text, out, at);
      }
      default: {
        const code = request.op === Op.store ? storeCode(request, reply) : codeOf(reply.status);
        if (code !== Code.success) return encodeFailure(request, code, out, at);
        if (request.quiet) return at;
        if (request.op === Op.version) return encodeText(request, code, VERSION, out, at);
        return encodeText(request, code, NOTHING, out, at);
      }
    }
  }

  encodeHead(request: Request, reply: Reply, out: Uint8Array, at: number): number {
    const keyBytes = repeatsKey(request) ? request.keyEnd - request.keyStart : 0;
    const bodyBytes = CLIENT_FLAGS_BYTES + keyBytes + reply.valueBytes;
    const { casHigh, casLow } = reply;
    let to = writeHeader(
      request,
      Code.success,
      keyBytes,
      CLIENT_FLAGS_BYTES,
      bodyBytes,
      casHigh,
      casLow,
      out,
      at,
    );
    writeWord(out, to, reply.clientFlags);
    to += CLIENT_FLAGS_BYTES;
    if (keyBytes > 0) copyBytes(out, to, request.keyBytes, request.keyStart, keyBytes);
    return to + keyBytes;
  }

  /** A packet's length stands in its header. */
  encodeTail(_request: Request, _out: Uint8Array, at: number): number {
    return at;
  }

  encodeError(request: Request, error: WireError, out: Uint8Array, at: number): number {
    return encodeFailure(request, ERROR_CODES[error] as Code, out, at);
  }

  save(request: Request, out: Uint8Array, at: number): number {
    return saveRequest(request, readsKey(request), out, at);
  }

  bound(request: Request): number {
    return REPLY_BYTES_MAX_LESS_KEY + (request.keyEnd - request.keyStart);
  }
}

function repeatsKey(request: Request): boolean {
  return ((OPCODE_SHAPE[request.opcode] as number) & Shape.repeatsKey) !== 0;
}

function codeOf(status: Status): Code {
  return STATUS_CODES[status] as Code;
}

/**
 * What a store that failed is told: an add that the key is there, a replace that it is not, an
 * append to an absent key that nothing was stored, even where a CAS was to be compared.
 */
function storeCode(request: Request, reply: Reply): Code {
  switch (request.mode) {
    case StoreMode.add:
      return reply.status === Status.notStored ? Code.exists : codeOf(reply.status);
    case StoreMode.replace:
      return reply.status === Status.notStored ? Code.notFound : codeOf(reply.status);
    case StoreMode.append:
    case StoreMode.prepend:
      return reply.status === Status.notFound ? Code.notStored : codeOf(reply.status);
    default:
      return codeOf(reply.status);
  }
}

function encodeNumber(request: Request, reply: Reply, out: Uint8Array, at: number): number {
  const { casHigh, casLow } = reply;
  const to = writeHeader(request, Code.success, 0, 0, NUMBER_BYTES, casHigh, casLow, out, at);
  writeWord(out, to, reply.numberHigh);
  writeWord(out, to + 4, reply.numberLow);
  return to + NUMBER_BYTES;
}

/** GetK and GATK name the key that is missing, where others have a text. */
function encodeKeyMiss(request: Request, out: Uint8Array, at: number): number {
  const keyBytes = request.keyEnd - request.keyStart;
  const to = writeHeader(request, Code.notFound, keyBytes, 0, keyBytes, 0, 0, out, at);
  copyBytes(out, to, request.keyBytes, request.keyStart, keyBytes);
  return to + keyBytes;
}

function encodeFailure(request: Request, code: Code, out: Uint8Array, at: number): number {
  return encodeText(request, code, TEXTS.get(code) ?? NOTHING, out, at);
}

/** Statuses not named here succeed. */
function codesByStatus(): Uint8Array {
  const codes = new Uint8Array(256).fill(Code.success);
  codes[Status.notStored] = Code.notStored;
  codes[Status.exists] = Code.exists;
  codes[Status.notFound] = Code.notFound;
  codes[Status.tooLarge] = Code.tooLarge;
  codes[Status.nonNumeric] = Code.nonNumeric;
  codes[Status.ownerLost] = Code.internal;
  return codes;
}

/** Errors not named here cannot be made in the binary protocol. */
function codesByError(): Uint8Array {
  const codes = new Uint8Array(256).fill(Code.invalid);
  codes[WireError.unknownCommand] = Code.notFound; // an unknown stat
  codes[WireError.tooLarge] = Code.tooLarge;
  codes[WireError.nonNumeric] = Code.nonNumeric;
  codes[WireError.outOfMemoryStoring] = Code.outOfMemory;
  codes[WireError.outOfMemoryWriting] = Code.outOfMemory;
  codes[WireError.flushNotAllowed] = Code.authFailure;
  codes[WireError.authRequired] = Code.authFailure;
  codes[WireError.authenticationFailure] = Code.authFailure;
  codes[WireError.unknownOpcode] = Code.unknownCommand;
  codes[WireError.bodyTooShort] = Code.unknownCommand;
  codes[WireError.ownerLost] = Code.internal;
  codes[WireError.listUnknown] = Code.internal;
  return codes;
}
