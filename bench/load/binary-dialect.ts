/**
 * The binary protocol: get, set, and many quiet gets ended by a noop.
 *
 *   byte 0       1        2             4           5           6              8            12       16
 *       | magic | opcode | key bytes   | extras    | data type | status or    | body bytes | opaque | CAS |
 *       |       |        | u16         | bytes     |           | vbucket u16  | u32        | u32    | u64 |
 *
 * The opaque of a quiet get is its place in the request, since the reply names neither key nor
 * order.
 */
import { BROKEN, Dialect, Kind } from "./dialect.ts";

const HEADER_BYTES = 24;
const REQUEST = 0x80;
const REPLY = 0x81;
const Opcode = { get: 0x00, set: 0x01, getQuiet: 0x09, noop: 0x0a } as const;
const STATUS_NOT_FOUND = 1;
const SET_EXTRAS_BYTES = 8;

export class BinaryDialect extends Dialect {
  get(out: Uint8Array, at: number, index: number): number {
    return this.#writeGet(out, at, Opcode.get, index, 0);
  }

  multiGet(out: Uint8Array, at: number, keys: Uint32Array, first: number, count: number): number {
    let end = at;
    for (let i = 0; i < count; i++) {
      end = this.#writeGet(out, end, Opcode.getQuiet, keys[first + i] as number, i);
    }
    writeHeader(out, end, Opcode.noop, 0, 0, 0, 0);
    return end + HEADER_BYTES;
  }

  set(out: Uint8Array, at: number, index: number, version: number): number {
    const extras = at + HEADER_BYTES;
    const keyEnd = this.payload.writeKey(out, extras + SET_EXTRAS_BYTES, index);
    const end = this.payload.writeValue(out, keyEnd, index, version);
    writeHeader(
      out,
      at,
      Opcode.set,
      keyEnd - extras - SET_EXTRAS_BYTES,
      SET_EXTRAS_BYTES,
      end - extras,
      0,
    );
    writeUint32(out, extras, 0);
    writeUint32(out, extras + 4, this.ttl);
    return end;
  }

  parse(
    bytes: Uint8Array,
    start: number,
    end: number,
    kind: Kind,
    keys: Uint32Array,
    first: number,
    count: number,
  ): number {
    this.hits = this.misses = this.refusals = this.lies = 0;
    let at = start;
    for (;;) {
      if (at + HEADER_BYTES > end) return 0;
      if (bytes[at] !== REPLY) return BROKEN;
      const next = at + HEADER_BYTES + readUint32(bytes, at + 8);
      if (next > end) return 0;
      const status = ((bytes[at + 6] as number) << 8) | (bytes[at + 7] as number);
      if (bytes[at + 1] === Opcode.noop) {
        this.misses = Math.max(0, count - this.hits - this.refusals);
        return next - start;
      }
      if (status === STATUS_NOT_FOUND && kind !== Kind.set) {
        this.misses++;
      } else if (status !== 0) {
        this.refusals++;
      } else if (kind !== Kind.set) {
        this.hits++;
        if (this.verify) this.#verify(bytes, at, next, keys, first, count);
      }
      at = next;
      if (kind !== Kind.multiGet) return at - start;
    }
  }

  #verify(
    bytes: Uint8Array,
    at: number,
    next: number,
    keys: Uint32Array,
    first: number,
    count: number,
  ): void {
    const place = readUint32(bytes, at + 12);
    const keyBytes = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    const data = at + HEADER_BYTES + (bytes[at + 4] as number) + keyBytes;
    const index = keys[first + place] as number;
    const honest = place < count && this.payload.isValue(bytes, data, next - data, index);
    if (!honest) this.lies++;
  }

  #writeGet(out: Uint8Array, at: number, opcode: number, index: number, opaque: number): number {
    const end = this.payload.writeKey(out, at + HEADER_BYTES, index);
    const keyBytes = end - at - HEADER_BYTES;
    writeHeader(out, at, opcode, keyBytes, 0, keyBytes, opaque);
    return end;
  }
}

function writeHeader(
  out: Uint8Array,
  at: number,
  opcode: number,
  keyBytes: number,
  extrasBytes: number,
  bodyBytes: number,
  opaque: number,
): void {
  out[at] = REQUEST;
  out[at + 1] = opcode;
  out[at + 2] = keyBytes >>> 8;
  out[at + 3] = keyBytes;
  out[at + 4] = extrasBytes;
  out[at + 5] = 0;
  out[at + 6] = 0;
  out[at + 7] = 0;
  writeUint32(out, at + 8, bodyBytes);
  writeUint32(out, at + 12, opaque);
  writeUint32(out, at + 16, 0);
  writeUint32(out, at + 20, 0);
}

function writeUint32(out: Uint8Array, at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
}

function readUint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}
