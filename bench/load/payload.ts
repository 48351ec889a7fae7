/**
 * What the requests carry: keys and values as functions of the key's index, so that nothing has to
 * be remembered to verify a reply.
 *
 *   key     | prefix | index, in decimal, as many digits as the key count needs | "x" up to the key's size |
 *   value   | version u32 | index u32 | bytes of the source block from an offset that index and version choose … |
 *
 * A value that a server mixed from two versions, cut, or took from another key does not verify.
 * Values shorter than 8 bytes begin with as much of the head as fits.
 */
import { Random, unitOf } from "./random.ts";
import type { Sizes } from "./sizes.ts";

const HEAD_BYTES = 8;
/** Values begin at one of so many places of the source block. */
const OFFSETS = 4096;
const ASCII_ZERO = 48;
const PAD = 120;
const KEY_BYTES_MAX = 250;

/** What a payload is made from; the same for all threads of a run. */
export interface PayloadPlan {
  prefix: string;
  keyCount: number;
  keySizes: Sizes;
  valueSizes: Sizes;
}

export class Payload {
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  readonly #prefix: Uint8Array;
  readonly #digits: number;
  readonly #keySizes: Sizes;
  readonly #valueSizes: Sizes;
  readonly #source: Uint8Array;

  constructor(plan: PayloadPlan) {
    this.#prefix = Buffer.from(plan.prefix);
    // Twice the count: the upper half are the keys that are never set, for a wanted hit ratio.
    this.#digits = String(2 * plan.keyCount).length;
    this.#keySizes = plan.keySizes;
    this.#valueSizes = plan.valueSizes;
    const least = this.#prefix.length + this.#digits;
    if (least > KEY_BYTES_MAX) throw new Error(`key prefix too long: ${plan.prefix}`);
    this.keyBytesMax = Math.min(KEY_BYTES_MAX, Math.max(least, plan.keySizes.max));
    this.valueBytesMax = plan.valueSizes.max;
    this.#source = new Uint8Array(OFFSETS + this.valueBytesMax);
    const random = new Random(0x5eed);
    for (let at = 0; at < this.#source.length; at++) this.#source[at] = random.bits() >>> 24;
  }

  keyBytes(index: number): number {
    const least = this.#prefix.length + this.#digits;
    return Math.min(KEY_BYTES_MAX, Math.max(least, this.#keySizes.of(index)));
  }

  valueBytes(index: number): number {
    return this.#valueSizes.of(index);
  }

  /** Writes the key and returns its end. */
  writeKey(out: Uint8Array, at: number, index: number): number {
    const prefix = this.#prefix;
    const end = at + this.keyBytes(index);
    for (let i = 0; i < prefix.length; i++) out[at + i] = prefix[i] as number;
    const first = at + prefix.length;
    let rest = index;
    for (let place = first + this.#digits - 1; place >= first; place--) {
      const quotient = Math.floor(rest / 10);
      out[place] = ASCII_ZERO + (rest - quotient * 10);
      rest = quotient;
    }
    for (let place = first + this.#digits; place < end; place++) out[place] = PAD;
    return end;
  }

  /** True when bytes[start, end) is the key of `index`. */
  isKey(bytes: Uint8Array, start: number, end: number, index: number): boolean {
    if (end - start !== this.keyBytes(index)) return false;
    let rest = index;
    const first = start + this.#prefix.length;
    for (let place = first + this.#digits - 1; place >= first; place--) {
      if (bytes[place] !== ASCII_ZERO + (rest % 10)) return false;
      rest = Math.floor(rest / 10);
    }
    return true;
  }

  /** Writes the value of `index` in `version` and returns its end. */
  writeValue(out: Uint8Array, at: number, index: number, version: number): number {
    const length = this.valueBytes(index);
    const from = offsetOf(index, version);
    if (length <= 64) {
      for (let i = HEAD_BYTES; i < length; i++) out[at + i] = this.#source[from + i] as number;
    } else {
      out.set(this.#source.subarray(from + HEAD_BYTES, from + length), at + HEAD_BYTES);
    }
    for (let i = 0; i < HEAD_BYTES && i < length; i++) out[at + i] = headByte(index, version, i);
    return at + length;
  }

  /** True when bytes[start, start + length) is a value of `index` in some version. */
  isValue(bytes: Uint8Array, start: number, length: number, index: number): boolean {
    if (length !== this.valueBytes(index)) return false;
    if (length < HEAD_BYTES) return true;
    const version =
      (bytes[start] as number) |
      ((bytes[start + 1] as number) << 8) |
      ((bytes[start + 2] as number) << 16) |
      ((bytes[start + 3] as number) << 24);
    for (let i = 4; i < HEAD_BYTES; i++) {
      if (bytes[start + i] !== headByte(index, version, i)) return false;
    }
    const from = offsetOf(index, version);
    for (let i = HEAD_BYTES; i < length; i++) {
      if (bytes[start + i] !== this.#source[from + i]) return false;
    }
    return true;
  }
}

function headByte(index: number, version: number, i: number): number {
  return ((i < 4 ? version : index) >>> ((i & 3) * 8)) & 0xff;
}

function offsetOf(index: number, version: number): number {
  return Math.floor(unitOf(index, Math.imul(version, 0x85eb_ca6b)) * OFFSETS);
}
