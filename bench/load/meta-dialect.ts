/** The meta commands: `mg key v`, many quiet ones ended by `mn`, `ms`. */
import { writeUint32 } from "../../src/base/decimal.ts";
import { CR, LF, SPACE, writeBytes, writeLineEnd } from "../../src/protocol/ascii.ts";
import { BROKEN, Kind } from "./dialect.ts";
import { LineDialect } from "./line-dialect.ts";
import type { Payload } from "./payload.ts";

const GET = Buffer.from("mg ");
const GET_END = Buffer.from(" v\r\n");
const QUIET_END = Buffer.from(" v k q\r\n");
const NOOP = Buffer.from("mn\r\n");
const SET = Buffer.from("ms ");
const LETTER_A = 65;
const LETTER_D = 68;
const LETTER_E = 69;
const LETTER_H = 72;
const LETTER_K = 107;
const LETTER_M = 77;
const LETTER_N = 78;
const LETTER_V = 86;
const SHORT_LINE_BYTES = 4; // "EN\r\n", "HD\r\n", "MN\r\n"

export class MetaDialect extends LineDialect {
  readonly #setEnd: Uint8Array;

  constructor(payload: Payload, verify: boolean, ttl: number) {
    super(payload, verify, ttl);
    this.#setEnd = Buffer.from(ttl > 0 ? ` T${ttl}\r\n` : "\r\n");
  }

  get(out: Uint8Array, at: number, index: number): number {
    return writeBytes(out, this.payload.writeKey(out, writeBytes(out, at, GET), index), GET_END);
  }

  multiGet(out: Uint8Array, at: number, keys: Uint32Array, first: number, count: number): number {
    let end = at;
    for (let i = first; i < first + count; i++) {
      end = this.payload.writeKey(out, writeBytes(out, end, GET), keys[i] as number);
      end = writeBytes(out, end, QUIET_END);
    }
    return writeBytes(out, end, NOOP);
  }

  set(out: Uint8Array, at: number, index: number, version: number): number {
    let end = this.payload.writeKey(out, writeBytes(out, at, SET), index);
    out[end] = SPACE;
    end = writeUint32(out, end + 1, this.payload.valueBytes(index));
    end = this.payload.writeValue(out, writeBytes(out, end, this.#setEnd), index, version);
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
    const last = first + count;
    let at = start;
    let wanted = first;
    for (;;) {
      if (at + SHORT_LINE_BYTES > end) return 0;
      const one = bytes[at];
      const two = bytes[at + 1];
      if (kind === Kind.set) {
        return one === LETTER_H && two === LETTER_D
          ? SHORT_LINE_BYTES
          : this.refusal(bytes, start, at, end);
      }
      if (one === LETTER_V && two === LETTER_A) {
        let place = this.decimal.read(bytes, at + 3, end);
        const flags = place;
        while (place < end && bytes[place] !== CR) place++;
        const data = place + 2;
        const next = data + this.decimal.value + 2;
        if (next > end) return 0;
        if (bytes[next - 1] !== LF) return BROKEN;
        this.hits++;
        if (this.verify) {
          if (kind === Kind.multiGet) {
            if (bytes[flags + 1] !== LETTER_K) return BROKEN;
            wanted = this.placeOf(bytes, flags + 2, place, keys, wanted, last);
          }
          this.judge(bytes, data, keys, wanted, last);
          wanted++;
        }
        at = next;
        if (kind === Kind.get) return at - start;
      } else if (
        (one === LETTER_E && two === LETTER_N) ||
        (one === LETTER_M && two === LETTER_N && kind === Kind.multiGet)
      ) {
        this.misses = Math.max(0, count - this.hits);
        return at + SHORT_LINE_BYTES - start;
      } else {
        return this.refusal(bytes, start, at, end);
      }
    }
  }
}
