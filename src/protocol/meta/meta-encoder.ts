/**
 * MetaEncoder: the replies of mg ms md ma mn me.
 *
 *    <code>[ <bytes>] <flag>*\r\n       HD · VA · EN · NF · NS · EX, then the return flags in the order the client wrote them
 *
 * The request's flags are read once more, from the line (or from what was saved of it): an order is
 * cheaper to keep there than in a list. Which of them a code returns differs by command, hence
 * `RETURNED`.
 */
import { assert } from "../../base/assert.ts";
import { base64Bytes, encodeBase64 } from "../../base/base64.ts";
import { copyBytes } from "../../base/bytes.ts";
import type { Clock } from "../../base/clock.ts";
import {
  digitsOfUint64,
  UINT32_DIGITS_MAX,
  UINT64_DIGITS_MAX,
  writeInt32,
  writeUint32,
  writeUint64,
} from "../../base/decimal.ts";
import { OPAQUE_BYTES_MAX } from "../../command/limits.ts";
import { OP_MUTATION_MAX, Op, StoreMode } from "../../command/op.ts";
import { ItemMark, type Reply } from "../../command/reply.ts";
import { Mark, type Request } from "../../command/request.ts";
import { Status, WireError } from "../../command/status.ts";
import { bytesOf, SPACE, writeBytes, writeLineEnd } from "../ascii.ts";
import {
  ERROR_LINE_BYTES_MAX,
  ERROR_LINES,
  OUT_OF_MEMORY_LINE,
  OUT_OF_MEMORY_NEW_LINE,
} from "../error-lines.ts";
import type { DialectEncoder } from "../protocol.ts";
import {
  noteSavedLine,
  readsKey,
  SAVED_BYTES_MAX_LESS_KEY,
  SAVED_LINE_BYTES_MAX,
  saveRequest,
} from "../saved-request.ts";
import { writeMetaValueLine } from "../value-lines.ts";

const HD = bytesOf("HD");
const VA = bytesOf("VA ");
const EN = bytesOf("EN");
const NF = bytesOf("NF");
const NS = bytesOf("NS");
const EX = bytesOf("EX");
const MN = bytesOf("MN\r\n");
const ME = bytesOf("ME ");
const EXP = bytesOf(" exp=");
const LA = bytesOf(" la=");
const CAS = bytesOf(" cas=");
const FETCH_YES = bytesOf(" fetch=yes");
const FETCH_NO = bytesOf(" fetch=no");
const CLS = bytesOf(" cls=");
const SIZE = bytesOf(" size=");
const WON = bytesOf(" W");
const STALE = bytesOf(" X");
const TOKEN_SENT = bytesOf(" Z");
const BINARY = bytesOf(" b");
const LINE_END_BYTES = 2;

/** Return flags, as bits of a letter's low five bits; O is told from o by its case. */
const FLAG_C = 1 << 3;
const FLAG_F = 1 << 6;
const FLAG_H = 1 << 8;
const FLAG_K = 1 << 11;
const FLAG_L = 1 << 12;
const FLAG_S = 1 << 19;
const FLAG_T = 1 << 20;
/** What each kind of answer returns; k and O everywhere. */
const RETURNED_ALWAYS = FLAG_K;
const RETURNED_BY_HIT = RETURNED_ALWAYS | FLAG_C | FLAG_F | FLAG_H | FLAG_L | FLAG_S | FLAG_T;
const RETURNED_BY_STORE = RETURNED_ALWAYS | FLAG_C | FLAG_S;
const RETURNED_BY_ARITHMETIC = RETURNED_ALWAYS | FLAG_C | FLAG_T;
const RETURNED_COUNT = 7;
const OPAQUE = 0x4f;
const LOWER_FIRST = 0x61;

const FLAG_BYTES = 2;
/** What is saved of the flags: each with a space, and O with its token. */
const SAVED_FLAGS_BYTES_MAX = RETURNED_COUNT * FLAG_BYTES + FLAG_BYTES + OPAQUE_BYTES_MAX;
/** ` c f h l s t`, ` O` with its token, ` Z X W`. */
const FLAGS_BYTES_MAX =
  6 * FLAG_BYTES +
  6 +
  UINT64_DIGITS_MAX +
  5 * (UINT32_DIGITS_MAX + 1) +
  FLAG_BYTES +
  OPAQUE_BYTES_MAX +
  3 * FLAG_BYTES;
/** The code and its length, line ends, and the number of ma. */
const CODE_BYTES_MAX =
  VA.length + UINT32_DIGITS_MAX + LINE_END_BYTES + UINT64_DIGITS_MAX + LINE_END_BYTES;
/** ` k` and ` b`. */
const KEY_FLAGS_BYTES = 2 * FLAG_BYTES;
const REPLY_BYTES_MAX_LESS_KEY = CODE_BYTES_MAX + FLAGS_BYTES_MAX + KEY_FLAGS_BYTES;

assert(REPLY_BYTES_MAX_LESS_KEY >= ERROR_LINE_BYTES_MAX, "an error line fits where a reply fits");
assert(
  REPLY_BYTES_MAX_LESS_KEY >= SAVED_BYTES_MAX_LESS_KEY + SAVED_FLAGS_BYTES_MAX,
  "so does what is saved for it",
);
assert(SAVED_FLAGS_BYTES_MAX <= SAVED_LINE_BYTES_MAX, "and its flags where a line is saved");

export class MetaEncoder implements DialectEncoder {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  carriesValue(request: Request, reply: Reply): boolean {
    if (reply.status !== Status.hit || (request.marks & Mark.wantsValue) === 0) return false;
    if ((request.marks & Mark.casMatchSkipsValue) === 0) return true;
    return request.casLow !== reply.casLow >>> 0 || request.casHigh !== reply.casHigh >>> 0;
  }

  encode(request: Request, reply: Reply, out: Uint8Array, at: number): number {
    if (request.error !== WireError.none) return writeError(request.error, out, at);
    switch (request.op) {
      case Op.get:
      case Op.fetch:
        return this.#read(request, reply, out, at);
      case Op.store:
        return this.#store(request, reply, out, at);
      case Op.delete:
        return this.#delete(request, reply, out, at);
      case Op.arithmetic:
        return this.#arithmetic(request, reply, out, at);
      case Op.inspect:
        return this.#inspect(request, reply, out, at);
      default:
        return writeBytes(out, at, MN);
    }
  }

  encodeHead(request: Request, reply: Reply, out: Uint8Array, at: number): number {
    const to = writeMetaValueLine(out, at, reply.valueBytes);
    return this.#hitFlags(request, reply, out, to);
  }

  encodeTail(_request: Request, out: Uint8Array, at: number): number {
    return writeLineEnd(out, at);
  }

  encodeError(_request: Request, error: WireError, out: Uint8Array, at: number): number {
    return writeError(error, out, at);
  }

  /** The key, and of the line the flags that return something. */
  save(request: Request, out: Uint8Array, at: number): number {
    const returns = returnsFlags(request);
    const to = saveRequest(request, returns || readsKey(request), out, at);
    if (!returns) return to;
    const end = this.#flags(request, null, RETURNED_BY_HIT, out, to);
    noteSavedLine(out, at, end - to);
    return end;
  }

  bound(request: Request): number {
    if (request.op === Op.noop || request.op === Op.error) return ERROR_LINE_BYTES_MAX;
    return REPLY_BYTES_MAX_LESS_KEY + base64Bytes(request.keyEnd - request.keyStart);
  }

  #read(request: Request, reply: Reply, out: Uint8Array, at: number): number {
    if (reply.status === Status.hit) {
      return this.#hitFlags(request, reply, out, writeBytes(out, at, HD));
    }
    if (reply.status !== Status.miss) return this.#failure(reply.status, out, at);
    if (request.quiet) return at;
    const to = this.#flags(request, reply, RETURNED_ALWAYS, out, writeBytes(out, at, EN));
    return writeLineEnd(out, to);
  }

  #hitFlags(request: Request, reply: Reply, out: Uint8Array, at: number): number {
    let to = this.#flags(request, reply, RETURNED_BY_HIT, out, at);
    const marks = reply.marks;
    const won = (marks & ItemMark.won) !== 0;
    if ((marks & ItemMark.tokenSent) !== 0 && !won) to = writeBytes(out, to, TOKEN_SENT);
    if ((marks & ItemMark.stale) !== 0) to = writeBytes(out, to, STALE);
    if (won) to = writeBytes(out, to, WON);
    return writeLineEnd(out, to);
  }

  #store(request: Request, reply: Reply, out: Uint8Array, at: number): number {
    const extended = request.mode === StoreMode.append || request.mode === StoreMode.prepend;
    let code: Uint8Array;
    switch (reply.status) {
      case Status.stored:
        if (request.quiet) return at;
        code = HD;
        break;
      case Status.notStored:
        code = NS;
        break;
      case Status.exists:
        code = EX;
        break;
      case Status.notFound:
        code = extended ? NS : NF;
        break;
      default:
        return this.#failure(reply.status, out, at);
    }
    const to = this.#flags(request, reply, RETURNED_BY_STORE, out, writeBytes(out, at, code));
    return writeLineEnd(out, to);
  }

  #delete(request: Request, reply: Reply, out: Uint8Array, at: number): number {
    let code: Uint8Array;
    switch (reply.status) {
      case Status.deleted:
      case Status.stored:
        if (request.quiet) return at;
        code = HD;
        break;
      case Status.notFound:
        code = NF;
        break;
      case Status.exists:
        code = EX;
        break;
      case Status.notStored:
        code = NS;
        break;
      case Status.outOfMemory:
        return writeBytes(out, at, OUT_OF_MEMORY_LINE);
      default:
        return this.#failure(reply.status, out, at);
    }
    const to = this.#flags(request, reply, RETURNED_ALWAYS, out, writeBytes(out, at, code));
    return writeLineEnd(out, to);
  }

  #arithmetic(request: Request, reply: Reply, out: Uint8Array, at: number): number {
    switch (reply.status) {
      case Status.stored:
        if (request.quiet && !isCreated(reply)) return at;
        return this.#number(request, reply, out, at);
      case Status.notFound:
        return this.#arithmeticFailure(request, reply, NF, out, at);
      case Status.notStored:
        return this.#arithmeticFailure(request, reply, NS, out, at);
      case Status.exists:
        return this.#arithmeticFailure(request, reply, EX, out, at);
      case Status.outOfMemory:
        return writeBytes(out, at, outOfMemoryLine(reply));
      default:
        return this.#failure(reply.status, out, at);
    }
  }

  #number(request: Request, reply: Reply, out: Uint8Array, at: number): number {
    const { numberHigh, numberLow } = reply;
    const wantsValue = (request.marks & Mark.wantsValue) !== 0;
    let to = writeBytes(out, at, wantsValue ? VA : HD);
    if (wantsValue) to = writeUint32(out, to, digitsOfUint64(numberHigh, numberLow));
    to = writeLineEnd(out, this.#flags(request, reply, RETURNED_BY_ARITHMETIC, out, to));
    return wantsValue ? writeLineEnd(out, writeUint64(out, to, numberHigh, numberLow)) : to;
  }

  #arithmeticFailure(
    request: Request,
    reply: Reply,
    code: Uint8Array,
    out: Uint8Array,
    at: number,
  ): number {
    const to = this.#flags(request, reply, RETURNED_ALWAYS, out, writeBytes(out, at, code));
    return writeLineEnd(out, to);
  }

  #inspect(request: Request, reply: Reply, out: Uint8Array, at: number): number {
    if (reply.status === Status.miss) return writeLineEnd(out, writeBytes(out, at, EN));
    if (reply.status !== Status.hit) return this.#failure(reply.status, out, at);
    let to = writeBytes(out, at, ME);
    to = this.#keyText(request, (reply.marks & ItemMark.binaryKey) !== 0, out, to);
    to = writeInt32(out, writeBytes(out, to, EXP), this.#secondsLeft(reply));
    to = writeUint32(out, writeBytes(out, to, LA), this.#idleSeconds(reply));
    to = writeUint64(out, writeBytes(out, to, CAS), reply.casHigh, reply.casLow);
    to = writeBytes(out, to, (reply.marks & ItemMark.fetched) !== 0 ? FETCH_YES : FETCH_NO);
    to = writeUint32(out, writeBytes(out, to, CLS), reply.queue);
    to = writeUint32(out, writeBytes(out, to, SIZE), reply.totalBytes);
    return writeLineEnd(out, to);
  }

  #failure(status: Status, out: Uint8Array, at: number): number {
    switch (status) {
      case Status.nonNumeric:
        return writeError(WireError.nonNumeric, out, at);
      case Status.tooLarge:
        return writeError(WireError.tooLarge, out, at);
      case Status.outOfMemory:
        return writeError(WireError.outOfMemoryStoring, out, at);
      default:
        return writeError(WireError.ownerLost, out, at);
    }
  }

  /**
   * Walks the flags of the request's line: writes the return flags among `returned`, and every O,
   * in the order they stand there. Without a reply yet, just their letters: what `save` keeps.
   */
  #flags(
    request: Request,
    reply: Reply | null,
    returned: number,
    out: Uint8Array,
    at: number,
  ): number {
    const bytes = request.bytes;
    const end = request.lineEnd;
    let to = at;
    let from = request.metaFlagsStart;
    while (from < end) {
      const flag = bytes[from] as number;
      if (flag === SPACE) {
        from += 1;
        continue;
      }
      let tokenEnd = from + 1;
      while (tokenEnd < end && bytes[tokenEnd] !== SPACE) tokenEnd += 1;
      if (flag >= LOWER_FIRST) {
        const bit = 1 << (flag & 31);
        if ((returned & bit) !== 0) {
          out[to] = SPACE;
          out[to + 1] = flag;
          to += FLAG_BYTES;
          if (reply !== null) to = this.#flag(request, reply, bit, out, to);
        }
      } else if (flag === OPAQUE) {
        out[to] = SPACE;
        copyBytes(out, to + 1, bytes, from, tokenEnd - from);
        to += 1 + tokenEnd - from;
      }
      from = tokenEnd + 1;
    }
    return to;
  }

  /** Writes what stands behind a return flag. */
  #flag(request: Request, reply: Reply, bit: number, out: Uint8Array, to: number): number {
    switch (bit) {
      case FLAG_C:
        if (request.op === Op.store && reply.status !== Status.stored) {
          return writeUint32(out, to, 0);
        }
        return writeUint64(out, to, reply.casHigh, reply.casLow);
      case FLAG_F:
        return writeUint32(out, to, reply.clientFlags);
      case FLAG_H:
        return writeUint32(out, to, (reply.marks & ItemMark.fetched) !== 0 ? 1 : 0);
      case FLAG_L:
        return writeUint32(out, to, this.#idleSeconds(reply));
      case FLAG_S: {
        const stored = request.op === Op.store && reply.status !== Status.stored;
        return writeUint32(out, to, stored ? request.valueBytes : reply.valueBytes);
      }
      case FLAG_T:
        return writeInt32(out, to, this.#secondsLeft(reply));
      default: {
        // k
        const byItem = reply.status === Status.hit;
        const binary = byItem
          ? (reply.marks & ItemMark.binaryKey) !== 0
          : (request.marks & Mark.binaryKey) !== 0;
        const keyEnd = this.#keyText(request, binary, out, to);
        return binary ? writeBytes(out, keyEnd, BINARY) : keyEnd;
      }
    }
  }

  #keyText(request: Request, binary: boolean, out: Uint8Array, at: number): number {
    const { keyBytes, keyStart, keyEnd } = request;
    if (binary) return encodeBase64(keyBytes, keyStart, keyEnd, out, at);
    copyBytes(out, at, keyBytes, keyStart, keyEnd - keyStart);
    return at + keyEnd - keyStart;
  }

  /**
   * What is left of the item's life; -1 for ever. An item that was just given a past exptime has
   * nothing left.
   */
  #secondsLeft(reply: Reply): number {
    return reply.exptime === 0 ? -1 : Math.max(0, reply.exptime - this.#clock.now);
  }

  #idleSeconds(reply: Reply): number {
    return Math.max(0, this.#clock.now - reply.accessed);
  }
}

function writeError(error: WireError, out: Uint8Array, at: number): number {
  return writeBytes(out, at, ERROR_LINES[error] as Uint8Array);
}

/**
 * True when the reply may return flags; then the parser has checked them, so what is kept of them
 * is bounded.
 */
function returnsFlags(request: Request): boolean {
  return request.op < OP_MUTATION_MAX || request.op === Op.get;
}

/** What arithmetic without memory says: of a new item, or of a number that grew. */
function outOfMemoryLine(reply: Reply): Uint8Array {
  return isCreated(reply) ? OUT_OF_MEMORY_NEW_LINE : OUT_OF_MEMORY_LINE;
}

/** True when ma has made the item it found missing: that is told to quiet clients too. */
function isCreated(reply: Reply): boolean {
  return (reply.marks & ItemMark.created) !== 0;
}
