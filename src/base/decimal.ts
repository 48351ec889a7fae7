/**
 * Decimal numbers in bytes: read strictly, read as leniently as memcached does, and written.
 *
 *   strict    what counts and meta tokens must be: digits only, a minus where one makes sense, a bounded length
 *   lenient   what strtoul would take: a plus sign, leading zeros, a value kept modulo 2^32
 *
 * 64-bit numbers are two 32-bit words, `high` and `low`, since a double is exact only to 2^53 and a
 * BigInt is garbage. Up to 15 digits a double holds the number exactly, and that is nearly every
 * CAS unique and counter: those take the short way; the long ways are only reached by numbers that
 * need them.
 */
import { UINT32_MAX } from "./unit.ts";

const ASCII_ZERO = 0x30;
const ASCII_PLUS = 0x2b;
const ASCII_MINUS = 0x2d;
const ASCII_SPACE = 0x20;

const TWO_TO_32 = 0x1_0000_0000;
const INT32_MAX = 0x7fff_ffff;
/** Digits a double certainly holds exactly. */
const EXACT_DIGITS = 15;
const UINT32_TOKEN_BYTES_MAX = 10;
const INT32_TOKEN_BYTES_MAX = 11;
const UINT64_TOKEN_BYTES_MAX = 22;
/** The most bytes `writeUint32` and `writeUint64` write. */
export const UINT32_DIGITS_MAX = 10;
export const UINT64_DIGITS_MAX = 20;

/**
 * The answer of the 32-bit readers for anything that is not a number in range; no 32-bit number
 * equals it.
 */
export const NOT_A_NUMBER = -TWO_TO_32;

/** Reads bytes[start, end) as a u32 of digits only; `NOT_A_NUMBER` when it is anything else. */
export function decimalToUint32(bytes: Uint8Array, start: number, end: number): number {
  if (start === end || end - start > UINT32_TOKEN_BYTES_MAX) return NOT_A_NUMBER;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] as number) - ASCII_ZERO;
    if (digit < 0 || digit > 9) return NOT_A_NUMBER;
    value = value * 10 + digit;
  }
  return value <= UINT32_MAX ? value : NOT_A_NUMBER;
}

/**
 * Reads bytes[start, end) as a signed 32-bit number: digits, perhaps after a minus; else
 * `NOT_A_NUMBER`.
 */
export function decimalToInt32(bytes: Uint8Array, start: number, end: number): number {
  if (start === end || end - start > INT32_TOKEN_BYTES_MAX) return NOT_A_NUMBER;
  const negative = bytes[start] === ASCII_MINUS;
  let at = negative ? start + 1 : start;
  if (at === end) return NOT_A_NUMBER;
  let value = 0;
  for (; at < end; at++) {
    const digit = (bytes[at] as number) - ASCII_ZERO;
    if (digit < 0 || digit > 9) return NOT_A_NUMBER;
    value = value * 10 + digit;
  }
  if (negative) return value <= INT32_MAX + 1 ? 0 - value : NOT_A_NUMBER;
  return value <= INT32_MAX ? value : NOT_A_NUMBER;
}

/** Writes `value`, a u32, in decimal at out[at]. The end of what was written. */
export function writeUint32(out: Uint8Array, at: number, value: number): number {
  if (value < 10) {
    out[at] = ASCII_ZERO + value;
    return at + 1;
  }
  const end = at + digitsOfUint32(value);
  let rest = value;
  for (let to = end - 1; to >= at; to--) {
    const quotient = (rest / 10) >>> 0;
    out[to] = ASCII_ZERO + (rest - quotient * 10);
    rest = quotient;
  }
  return end;
}

/** Writes `value`, a signed 32-bit number, in decimal at out[at]. The end of what was written. */
export function writeInt32(out: Uint8Array, at: number, value: number): number {
  if (value >= 0) return writeUint32(out, at, value);
  out[at] = ASCII_MINUS;
  return writeUint32(out, at + 1, 0 - value);
}

/** Writes the u64 `high`·2^32 + `low` in decimal at out[at]. The end of what was written. */
export function writeUint64(out: Uint8Array, at: number, high: number, low: number): number {
  const lowWord = low >>> 0;
  const highWord = high >>> 0;
  if (highWord === 0) return writeUint32(out, at, lowWord);
  const end = at + digitsOfUint64(highWord, lowWord);
  // Four digits a round: long division by 10000 over four 16-bit limbs, each step within 31 bits.
  let limb3 = highWord >>> 16;
  let limb2 = highWord & 0xffff;
  let limb1 = lowWord >>> 16;
  let limb0 = lowWord & 0xffff;
  for (let to = end; to > at; ) {
    let rest = limb3 % 10_000;
    limb3 = (limb3 / 10_000) | 0;
    rest = (rest << 16) | limb2;
    limb2 = (rest / 10_000) | 0;
    rest = ((rest % 10_000) << 16) | limb1;
    limb1 = (rest / 10_000) | 0;
    rest = ((rest % 10_000) << 16) | limb0;
    limb0 = (rest / 10_000) | 0;
    rest %= 10_000;
    for (let digit = 0; digit < 4 && to > at; digit++) {
      const quotient = (rest / 10) | 0;
      to -= 1;
      out[to] = ASCII_ZERO + (rest - quotient * 10);
      rest = quotient;
    }
  }
  return end;
}

/** How many decimal digits the u32 `value` has. */
function digitsOfUint32(value: number): number {
  if (value < 100_000) {
    if (value < 100) return value < 10 ? 1 : 2;
    if (value < 1000) return 3;
    return value < 10_000 ? 4 : 5;
  }
  if (value < 10_000_000) return value < 1_000_000 ? 6 : 7;
  if (value < 100_000_000) return 8;
  return value < 1_000_000_000 ? 9 : 10;
}

/** How many decimal digits the u64 `high`·2^32 + `low` has. */
export function digitsOfUint64(high: number, low: number): number {
  const highWord = high >>> 0;
  const lowWord = low >>> 0;
  if (highWord === 0) return digitsOfUint32(lowWord);
  // 10^10 … 10^19 as words; a double of the sum would round just below a power of ten.
  let digits = 10;
  for (let power = 0; power < POWER_HIGH.length; power++) {
    const powerHigh = POWER_HIGH[power] as number;
    if (highWord < powerHigh) break;
    if (highWord === powerHigh && lowWord < (POWER_LOW[power] as number)) break;
    digits += 1;
  }
  return digits;
}

const POWERS = Array.from({ length: 10 }, (_, index) => 10n ** BigInt(index + 10));
const POWER_HIGH = Uint32Array.from(POWERS, (power) => Number(power >> 32n));
const POWER_LOW = Uint32Array.from(POWERS, (power) => Number(power & 0xffff_ffffn));

/**
 * Reads numbers of up to 64 bits. The last number read is in `high` and `low`: one object a thread,
 * no garbage. A refused number leaves the words undefined.
 */
export class DecimalReader {
  high = 0;
  low = 0;

  /**
   * Reads bytes[start, end) as a u64 of digits only, at most 22 of them. False when it is anything
   * else.
   */
  tryUint64(bytes: Uint8Array, start: number, end: number): boolean {
    if (start === end || end - start > UINT64_TOKEN_BYTES_MAX) return false;
    return this.#digits(bytes, start, end) === end;
  }

  /**
   * Reads client flags as memcached's classic commands do: perhaps a plus, then digits up to 64
   * bits, kept modulo 2^32. `NOT_A_NUMBER` when it is anything else.
   */
  lenientUint32(bytes: Uint8Array, start: number, end: number): number {
    const at = start < end && bytes[start] === ASCII_PLUS ? start + 1 : start;
    if (at === end || this.#digits(bytes, at, end) !== end) return NOT_A_NUMBER;
    return this.low;
  }

  /**
   * Reads an exptime as memcached's classic storage commands do: perhaps a sign, then digits up to
   * the signed 64-bit range, kept modulo 2^32 as a signed number. `NOT_A_NUMBER` when it is
   * anything else.
   */
  lenientInt32(bytes: Uint8Array, start: number, end: number): number {
    const sign = start < end ? bytes[start] : 0;
    const at = sign === ASCII_PLUS || sign === ASCII_MINUS ? start + 1 : start;
    if (at === end || this.#digits(bytes, at, end) !== end) return NOT_A_NUMBER;
    if (this.high > INT32_MAX) {
      const lowest = sign === ASCII_MINUS && this.high === INT32_MAX + 1 && this.low === 0;
      if (!lowest) return NOT_A_NUMBER;
    }
    return sign === ASCII_MINUS ? (0 - this.low) | 0 : this.low | 0;
  }

  /**
   * Reads the number at the start of an item's value, as incr and decr do: blanks and zeros before
   * it are skipped, it may be followed by a blank or a NUL and then by anything. False when there
   * is none, it is negative, or it needs more than 64 bits.
   */
  tryValue(bytes: Uint8Array, start: number, end: number): boolean {
    let at = start;
    while (at < end && isBlank(bytes[at] as number)) at += 1;
    if (at < end && bytes[at] === ASCII_PLUS) at += 1;
    const digitsEnd = this.#digits(bytes, at, end);
    if (digitsEnd <= at) return false;
    return digitsEnd === end || isBlank(bytes[digitsEnd] as number) || bytes[digitsEnd] === 0;
  }

  /**
   * Reads digits from `start` on. Where they end; `start` when there is none, -1 when they need
   * more than 64 bits.
   */
  #digits(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    let value = 0;
    const exactEnd = end - start > EXACT_DIGITS ? start + EXACT_DIGITS : end;
    for (; at < exactEnd; at++) {
      const digit = (bytes[at] as number) - ASCII_ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    let high = Math.floor(value / TWO_TO_32);
    let low = value >>> 0;
    if (at === exactEnd) {
      for (; at < end; at++) {
        const digit = (bytes[at] as number) - ASCII_ZERO;
        if (digit < 0 || digit > 9) break;
        const lowTimesTen = low * 10 + digit;
        high = high * 10 + Math.floor(lowTimesTen / TWO_TO_32);
        if (high > UINT32_MAX) return -1;
        low = lowTimesTen >>> 0;
      }
    }
    this.high = high;
    this.low = low;
    return at;
  }
}

/** What isspace() takes. */
function isBlank(byte: number): boolean {
  return byte === ASCII_SPACE || (byte >= 9 && byte <= 13);
}
