/** The classic text protocol: `get`, `get` of many keys, `set`. */
import { writeUint32 } from "../../src/base/decimal.ts";
import { CR, LF, SPACE, writeBytes, writeLineEnd } from "../../src/protocol/ascii.ts";
import { BROKEN, Kind } from "./dialect.ts";
import { LineDialect } from "./line-dialect.ts";
import type { Payload } from "./payload.ts";

const GET = Buffer.from("get");
const SET = Buffer.from("set ");
const LETTER_E = 69; // END, but also ERROR
const LETTER_N = 78;
const LETTER_S = 83; // STORED, but also SERVER_ERROR
const LETTER_T = 84;
const LETTER_V = 86; // VALUE
const VALUE_KEY_OFFSET = 6;
const END_BYTES = 5;
const STORED_BYTES = 8;

export class TextDialect extends LineDialect {
  readonly #middle: Uint8Array;

  constructor(payload: Payload, verify: boolean, ttl: number) {
    super(payload, verify, ttl);
    this.#middle = Buffer.from(` 0 ${ttl} `);
  }

  get(out: Uint8Array, at: number, index: number): number {
    const key = writeBytes(out, at, GET);
    out[key] = SPACE;
    return writeLineEnd(out, this.payload.writeKey(out, key + 1, index));
  }

  multiGet(out: Uint8Array, at: number, keys: Uint32Array, first: number, count: number): number {
    let end = writeBytes(out, at, GET);
    for (let i = first; i < first + count; i++) {
      out[end] = SPACE;
      end = this.payload.writeKey(out, end + 1, keys[i] as number);
    }
    return writeLineEnd(out, end);
  }

  set(out: Uint8Array, at: number, index: number, version: number): number {
    let end = this.payload.writeKey(out, writeBytes(out, at, SET), index);
    end = writeUint32(out, writeBytes(out, end, this.#middle), this.payload.valueBytes(index));
    end = this.payload.writeValue(out, writeLineEnd(out, end), index, version);
    return writeLineEnd(out, end);
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
    if (kind === Kind.set) return this.#parseSet(bytes, start, end);
    const last = first + count;
    let at = start;
    let wanted = first;
    for (;;) {
      if (at + END_BYTES > end) return 0;
      const letter = bytes[at];
      if (letter === LETTER_V) {
        let place = at + VALUE_KEY_OFFSET;
        while (place < end && bytes[place] !== SPACE) place++;
        const keyEnd = place;
        place++;
        while (place < end && bytes[place] !== SPACE) place++;
        place = this.decimal.read(bytes, place + 1, end);
        if (place < end && bytes[place] === SPACE)
          while (place < end && bytes[place] !== CR) place++;
        const data = place + 2;
        const next = data + this.decimal.value + 2;
        if (next > end) return 0;
        if (bytes[place] !== CR || bytes[next - 1] !== LF) return BROKEN;
        this.hits++;
        if (this.verify) {
          wanted = this.placeOf(bytes, at + VALUE_KEY_OFFSET, keyEnd, keys, wanted, last);
          this.judge(bytes, data, keys, wanted, last);
          wanted++;
        }
        at = next;
      } else if (letter === LETTER_E && bytes[at + 1] === LETTER_N) {
        this.misses = Math.max(0, count - this.hits);
        return at + END_BYTES - start;
      } else {
        return this.refusal(bytes, start, at, end);
      }
    }
  }

  #parseSet(bytes: Uint8Array, start: number, end: number): number {
    if (start + 2 > end) return 0;
    if (bytes[start] === LETTER_S && bytes[start + 1] === LETTER_T) {
      return start + STORED_BYTES <= end ? STORED_BYTES : 0;
    }
    return this.refusal(bytes, start, start, end);
  }
}
