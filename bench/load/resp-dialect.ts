/** RESP2, for redis and its kin: GET, MGET, SET with EX. */
import { writeUint32 } from "../../src/base/decimal.ts";
import { writeBytes, writeLineEnd } from "../../src/protocol/ascii.ts";
import { BROKEN, DecimalReader, Dialect, Kind, lineEnd } from "./dialect.ts";
import type { Payload } from "./payload.ts";

const GET = Buffer.from("*2\r\n$3\r\nGET\r\n");
const MGET = Buffer.from("$4\r\nMGET\r\n");
const SET = Buffer.from("*3\r\n$3\r\nSET\r\n");
const SET_EXPIRING = Buffer.from("*5\r\n$3\r\nSET\r\n");
const ARRAY = 42; // *
const BULK = 36; // $
const ERROR = 45; // -
const SIMPLE = 43; // +

export class RespDialect extends Dialect {
  readonly #decimal = new DecimalReader();
  readonly #head: Uint8Array;
  readonly #tail: Uint8Array;

  constructor(payload: Payload, verify: boolean, ttl: number) {
    super(payload, verify, ttl);
    const seconds = String(ttl);
    this.#head = ttl > 0 ? SET_EXPIRING : SET;
    this.#tail = Buffer.from(ttl > 0 ? `$2\r\nEX\r\n$${seconds.length}\r\n${seconds}\r\n` : "");
  }

  get(out: Uint8Array, at: number, index: number): number {
    return this.#writeKey(out, writeBytes(out, at, GET), index);
  }

  multiGet(out: Uint8Array, at: number, keys: Uint32Array, first: number, count: number): number {
    out[at] = ARRAY;
    let end = writeLineEnd(out, writeUint32(out, at + 1, count + 1));
    end = writeBytes(out, end, MGET);
    for (let i = first; i < first + count; i++) end = this.#writeKey(out, end, keys[i] as number);
    return end;
  }

  set(out: Uint8Array, at: number, index: number, version: number): number {
    let end = this.#writeKey(out, writeBytes(out, at, this.#head), index);
    out[end] = BULK;
    end = writeLineEnd(out, writeUint32(out, end + 1, this.payload.valueBytes(index)));
    end = writeLineEnd(out, this.payload.writeValue(out, end, index, version));
    return writeBytes(out, end, this.#tail);
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
    if (start + 4 > end) return 0;
    const letter = bytes[start];
    if (letter === ERROR) {
      const next = lineEnd(bytes, start, end);
      if (next > 0) this.refusals++;
      return next === 0 ? 0 : next - start;
    }
    if (kind === Kind.set) {
      if (letter !== SIMPLE) return BROKEN;
      const next = lineEnd(bytes, start, end);
      return next === 0 ? 0 : next - start;
    }
    let at = start;
    if (kind === Kind.multiGet) {
      if (letter !== ARRAY) return BROKEN;
      at = lineEnd(bytes, start, end);
      if (at === 0) return 0;
    }
    for (let i = first; i < first + count; i++) {
      if (at + 4 > end) return 0;
      if (bytes[at] !== BULK) return BROKEN;
      if (bytes[at + 1] === ERROR) {
        this.misses++;
        at += 5; // "$-1\r\n"
        if (at > end) return 0;
        continue;
      }
      const data = this.#decimal.read(bytes, at + 1, end) + 2;
      at = data + this.#decimal.value + 2;
      if (at > end) return 0;
      this.hits++;
      if (!this.verify) continue;
      if (!this.payload.isValue(bytes, data, this.#decimal.value, keys[i] as number)) this.lies++;
    }
    return at - start;
  }

  #writeKey(out: Uint8Array, at: number, index: number): number {
    out[at] = BULK;
    const key = writeLineEnd(out, writeUint32(out, at + 1, this.payload.keyBytes(index)));
    return writeLineEnd(out, this.payload.writeKey(out, key, index));
  }
}
