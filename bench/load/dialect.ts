/**
 * A protocol as the generator speaks it: requests written into a buffer, replies read out of one.
 *
 * A reply is read in one go or not at all: `parse` returns 0 until all of it is there, and begins
 * again from its first byte then. That needs no state between the calls; the cost is the second
 * look at heads of replies that were cut.
 */
import { LF, ZERO } from "../../src/protocol/ascii.ts";
import type { Payload } from "./payload.ts";

export const Kind = { get: 0, multiGet: 1, set: 2 } as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** The reply is not one this protocol knows: the connection is of no further use. */
export const BROKEN = -1;

export abstract class Dialect {
  /** Of the last whole reply: keys found, keys not found, refusals, wrong keys or values. */
  hits = 0;
  misses = 0;
  refusals = 0;
  lies = 0;
  protected readonly payload: Payload;
  protected readonly verify: boolean;
  protected readonly ttl: number;

  constructor(payload: Payload, verify: boolean, ttl: number) {
    this.payload = payload;
    this.verify = verify;
    this.ttl = ttl;
  }

  /** Writes a get of one key and returns its end, as the others do. */
  abstract get(out: Uint8Array, at: number, index: number): number;
  /** A get of keys[first, first + count). */
  abstract multiGet(
    out: Uint8Array,
    at: number,
    keys: Uint32Array,
    first: number,
    count: number,
  ): number;
  abstract set(out: Uint8Array, at: number, index: number, version: number): number;

  /**
   * Reads the reply to a request of `kind` for keys[first, first + count): the bytes it took, 0
   * when it is not all there, BROKEN when it is none.
   */
  abstract parse(
    bytes: Uint8Array,
    start: number,
    end: number,
    kind: Kind,
    keys: Uint32Array,
    first: number,
    count: number,
  ): number;

  /** The most bytes a request takes. */
  requestBytesMax(keys: number): number {
    const { keyBytesMax, valueBytesMax } = this.payload;
    return Math.max(keys * (keyBytesMax + 64) + 64, keyBytesMax + valueBytesMax + 128);
  }

  /** The most bytes a reply takes. */
  replyBytesMax(keys: number): number {
    const { keyBytesMax, valueBytesMax } = this.payload;
    return keys * (keyBytesMax + valueBytesMax + 64) + 256;
  }
}

/** The byte after the next line feed, or 0 when there is none before `end`. */
export function lineEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) if (bytes[at] === LF) return at + 1;
  return 0;
}

/**
 * Reads decimal digits until another byte. A class, since the result is two numbers: `value`, and
 * where the digits end.
 */
export class DecimalReader {
  value = 0;

  /** Returns the place of the first byte that is no digit, or `end`. */
  read(bytes: Uint8Array, start: number, end: number): number {
    let value = 0;
    let at = start;
    for (; at < end; at++) {
      const digit = (bytes[at] as number) - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
    }
    this.value = value;
    return at;
  }
}
