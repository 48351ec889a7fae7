/**
 * MetaFlags: the one scanner for the flags of every meta command.
 *
 *    mg key v t T30 O123 k q\r\n
 *           ^ one letter, perhaps with a token glued to it
 *
 * Any known flag is accepted by every command, its token checked, and what it means there is the
 * command's business (meta-parser.ts). Letters seen are bits of two words, one a case, so a
 * repetition is one test.
 */
import { decodeBase64 } from "../../base/base64.ts";
import type { Clock } from "../../base/clock.ts";
import {
  DecimalReader,
  decimalToInt32,
  decimalToUint32,
  NOT_A_NUMBER,
} from "../../base/decimal.ts";
import type { ServerSeconds } from "../../base/unit.ts";
import { KEY_BYTES_MAX, META_TOKENS_MAX, OPAQUE_BYTES_MAX } from "../../command/limits.ts";
import { Mark, type Request } from "../../command/request.ts";
import { WireError } from "../../command/status.ts";
import { SPACE } from "../ascii.ts";
import type { LineTokens } from "../line-tokens.ts";

const LOWER_FIRST = 0x61;
const UPPER_FIRST = 0x41;
const LOWER_LAST = 0x7a;
const NINE = 0x39;
const ZERO = 0x30;
/**
 * Letters of flags that are known, by whether something is to be read behind them, or done at once.
 */
const BARE_FLAGS = "cfhklqstuvxIPL";
const TOKEN_FLAGS = "bCDEFJMNORT";
const KIND_NONE = 0;
const KIND_BARE = 1;
const KIND_TOKEN = 2;
const FLAG_KINDS = new Uint8Array(256);
for (const flag of BARE_FLAGS) FLAG_KINDS[flag.charCodeAt(0)] = KIND_BARE;
for (const flag of TOKEN_FLAGS) FLAG_KINDS[flag.charCodeAt(0)] = KIND_TOKEN;
const FLAG_TTL = 0x54; // T
const FLAG_VIVIFY = 0x4e; // N
const FLAG_RECACHE = 0x52; // R
/** A letter's bit, in either case's word. */
const BIT_T = 1 << (FLAG_TTL & 31);
const BIT_N = 1 << (FLAG_VIVIFY & 31);
const BIT_V = 1 << (0x76 & 31);
const BIT_Q = 1 << (0x71 & 31);
/** No mode flag was given. */
export const NO_MODE = 0;
/** A mode flag without a token: no mode there is. */
const EMPTY_MODE = 1;

export class MetaFlags {
  /** The mode's letter (M); `NO_MODE` without. */
  mode = NO_MODE;
  #lower = 0;
  #upper = 0;
  readonly #clock: Clock;
  readonly #decimal = new DecimalReader();
  /**
   * A decoded key; the request borrows it until the next scan. Decoding writes a little more than
   * it keeps.
   */
  readonly #key = new Uint8Array(KEY_BYTES_MAX + 4);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True when the last scan met the lower-case letter. */
  hasLower(letter: number): boolean {
    return (this.#lower & (1 << (letter & 31))) !== 0;
  }

  /** True when the last scan met the upper-case letter. */
  hasUpper(letter: number): boolean {
    return (this.#upper & (1 << (letter & 31))) !== 0;
  }

  /**
   * Reads the flags from token `first` on into the numbers of `request` that they name, and its
   * marks where a flag means the same everywhere. Numbers without a flag get their defaults. What
   * is wrong, or `WireError.none`.
   */
  scan(request: Request, bytes: Uint8Array, tokens: LineTokens, first: number): WireError {
    this.mode = NO_MODE;
    request.exptime = 0 as ServerSeconds;
    request.clientFlags = 0;
    if (tokens.count > META_TOKENS_MAX) return WireError.tooManyFlags;
    let lower = 0;
    let upper = 0;
    for (let token = first; token < tokens.count; token++) {
      const at = tokens.start(token);
      const flag = bytes[at] as number;
      const kind = FLAG_KINDS[flag] as number;
      if (kind !== KIND_BARE) {
        if (kind === KIND_NONE) return WireError.invalidFlag;
        const error = this.#token(request, bytes, flag, at + 1, tokens.end(token));
        if (error !== WireError.none) return error;
        request.marks |= orderMarks(flag, lower, upper);
      }
      const bit = 1 << (flag & 31);
      if (flag >= LOWER_FIRST) {
        if ((lower & bit) !== 0) return WireError.duplicateFlag;
        lower |= bit;
      } else {
        if ((upper & bit) !== 0) return WireError.duplicateFlag;
        upper |= bit;
      }
    }
    this.#lower = lower;
    this.#upper = upper;
    if ((lower & BIT_V) !== 0) request.marks |= Mark.wantsValue;
    request.quiet = (lower & BIT_Q) !== 0;
    return WireError.none;
  }

  /** Reads the token of a flag that has one. */
  #token(request: Request, bytes: Uint8Array, flag: number, start: number, end: number): WireError {
    const decimal = this.#decimal;
    switch (flag) {
      case 0x4f: // O
        return end - start > OPAQUE_BYTES_MAX ? WireError.opaqueTooLong : WireError.none;
      case 0x62: // b
        return this.tryDecodeKey(request) ? WireError.none : WireError.badBase64Key;
      case FLAG_TTL:
        request.marks |= Mark.exptime;
        return this.#exptime(request, bytes, start, end);
      case FLAG_VIVIFY: {
        const seconds = decimalToInt32(bytes, start, end);
        if (seconds === NOT_A_NUMBER) return WireError.badToken;
        request.marks |= Mark.vivify;
        request.vivifyExptime = this.#clock.deadline(seconds);
        return WireError.none;
      }
      case FLAG_RECACHE: {
        const seconds = decimalToInt32(bytes, start, end);
        if (seconds === NOT_A_NUMBER) return WireError.badToken;
        request.marks |= Mark.recache;
        request.recacheExptime = this.#clock.deadline(seconds);
        return WireError.none;
      }
      case 0x46: {
        // F
        const clientFlags = decimalToUint32(bytes, start, end);
        if (clientFlags === NOT_A_NUMBER) return WireError.badFormat;
        request.marks |= Mark.clientFlags;
        request.clientFlags = clientFlags;
        return WireError.none;
      }
      case 0x43: // C
        if (!decimal.tryUint64(bytes, start, end)) return WireError.badToken;
        request.casLow = decimal.low;
        request.casHigh = decimal.high;
        return WireError.none;
      case 0x45: // E
        if (!decimal.tryUint64(bytes, start, end)) return WireError.badToken;
        request.newCasLow = decimal.low;
        request.newCasHigh = decimal.high;
        return WireError.none;
      case 0x4a: // J
        if (!decimal.tryUint64(bytes, start, end)) return WireError.invalidInitialValue;
        request.initialLow = decimal.low;
        request.initialHigh = decimal.high;
        return WireError.none;
      case 0x44: // D
        if (!decimal.tryUint64(bytes, start, end)) return WireError.invalidDeltaValue;
        request.deltaLow = decimal.low;
        request.deltaHigh = decimal.high;
        return WireError.none;
      default: // M
        this.mode = start < end ? (bytes[start] as number) : EMPTY_MODE;
        return WireError.none;
    }
  }

  #exptime(request: Request, bytes: Uint8Array, start: number, end: number): WireError {
    const seconds = decimalToInt32(bytes, start, end);
    if (seconds === NOT_A_NUMBER) return WireError.badToken;
    request.exptime = this.#clock.deadline(seconds);
    return WireError.none;
  }

  /**
   * Decodes the key in place of its text. False when it is not base64; then the key is as it was.
   */
  tryDecodeKey(request: Request): boolean {
    if ((request.marks & Mark.binaryKey) !== 0) return true; // a repetition, refused by the caller
    const key = this.#key;
    const keyEnd = decodeBase64(request.bytes, request.keyStart, request.keyEnd, key, 0);
    if (keyEnd < 0) return false;
    request.keyBytes = key;
    request.keyStart = 0;
    request.keyEnd = keyEnd;
    request.marks |= Mark.binaryKey;
    return true;
  }
}

/**
 * What it means that the letters in `lower` and `upper` stand left of `flag`: effects happen left
 * to right.
 */
function orderMarks(flag: number, lower: number, upper: number): number {
  switch (flag) {
    case FLAG_TTL:
      return (
        ((lower & BIT_T) !== 0 ? Mark.exptimeBefore : 0) |
        ((upper & BIT_N) !== 0 ? Mark.exptimeLast : 0)
      );
    case FLAG_VIVIFY:
      return (lower & BIT_T) !== 0 ? Mark.vivifyExptimeBefore : 0;
    case FLAG_RECACHE:
      return (upper & BIT_T) !== 0 ? Mark.recacheAfter : 0;
    default:
      return 0;
  }
}

/**
 * True when one of the words in bytes[start, end) begins with what can be no flag: neither a digit
 * nor in `A` … `z`.
 */
export function holdsIllegalFlag(bytes: Uint8Array, start: number, end: number): boolean {
  let previous = SPACE;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (previous === SPACE && byte !== SPACE) {
      const digit = byte >= ZERO && byte <= NINE;
      if (!digit && (byte < UPPER_FIRST || byte > LOWER_LAST)) return true;
    }
    previous = byte;
  }
  return false;
}
