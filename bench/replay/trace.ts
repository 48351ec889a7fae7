/**
 * A cache trace in memory: gzip'd CSV `time_s,key_id,key_size,value_size,op,ttl`, one typed array
 * per column that counts.
 *
 * Where a trace has no sizes they are modelled, the same for the same key on every machine:
 *  - keys of 20 to 51 bytes, evenly spread;
 *  - values by the quantiles of a public trace whose sizes were drawn from Meta's published
 *    kvcache_reg mix (CacheLib), the longest one in 1024 cut to 16 KiB: median 136 B, mean 186 B. A
 *    factor makes the footprint exceed the memory.
 */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

const KEY_BYTES_MIN = 20;
const KEY_BYTES_SPREAD = 32;
/** Share of keys, and the value size below which they are; linear between. */
const VALUE_QUANTILES: readonly (readonly [number, number])[] = [
  [0, 1],
  [0.01, 67],
  [0.05, 76],
  [0.15, 99],
  [0.25, 112],
  [0.5, 136],
  [0.75, 152],
  [0.85, 158],
  [0.9, 185],
  [0.95, 341],
  [0.97, 508],
  [0.99, 909],
  [0.995, 1651],
  [0.998, 4752],
  [0.999, 14_127],
  [1 - 1 / 1024, 14_422],
  [1 - 1 / 1024, 16_384],
  [1, 16_384],
];
const HEAD = "time_s,key_id,key_size,value_size,op,ttl";
/** Keys are dense numbers: each has a place in two arrays. */
const KEY_ID_MAX = 0x0fff_ffff;
const NEWLINE = 10;
const COMMA = 44;
const ZERO = 48;
const POINT = 46;

/** One request a row. */
export interface Trace {
  count: number;
  keyIds: Uint32Array;
  /** Seconds since the trace's first request. */
  times: Uint32Array;
  /** Seconds a client would let the value live; 0 is for ever. */
  ttls: Uint32Array;
  /** By key id. */
  keyBytes: Uint8Array;
  valueBytes: Uint32Array;
}

/** A well-mixed number below 1 for a key, different for each `salt`. */
function share(keyId: number, salt: number): number {
  let mixed = Math.imul(keyId + 1, 0x9e37_79b1) ^ salt;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
}

/** The modelled size of a key's value. */
function modelledValueBytes(keyId: number, times: number): number {
  const at = share(keyId, 0x5bd1_e995);
  let bytes = 0;
  for (let i = 1; i < VALUE_QUANTILES.length; i++) {
    const [to, high] = VALUE_QUANTILES[i] as readonly [number, number];
    if (at > to) continue;
    const [from, low] = VALUE_QUANTILES[i - 1] as readonly [number, number];
    bytes = low + ((high - low) * (at - from)) / (to - from);
    break;
  }
  return Math.round(bytes * times);
}

/** The modelled size of a key. */
function modelledKeyBytes(keyId: number): number {
  return KEY_BYTES_MIN + Math.floor(share(keyId, 0x1b87_3593) * KEY_BYTES_SPREAD);
}

/** A trace's bytes. Throws when it is none. */
function readText(path: string): Uint8Array {
  let text: Uint8Array;
  try {
    const packed = readFileSync(path);
    text = path.endsWith(".gz") ? gunzipSync(packed) : packed;
  } catch (error) {
    throw new Error(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  const head = Buffer.from(text.subarray(0, HEAD.length)).toString("latin1");
  if (head !== HEAD) throw new Error(`${path} is no trace: its first line must be "${HEAD}"`);
  return text;
}

/** Reads a trace; at most `countMax` requests of it. */
export function readTrace(path: string, valuesTimes: number, countMax: number): Trace {
  const text = readText(path);
  let rows = 0;
  for (let at = 0; at < text.length; at++) if (text[at] === NEWLINE) rows++;
  if (text.at(-1) !== NEWLINE) rows++;
  const count = Math.min(rows - 1, countMax);
  if (count < 1) throw new Error(`${path} holds no requests`);
  const keyIds = new Uint32Array(count);
  const times = new Uint32Array(count);
  const ttls = new Uint32Array(count);
  const keyBytes = new Map<number, number>();
  const valueBytes = new Map<number, number>();
  let at = text.indexOf(NEWLINE) + 1;
  let keyMax = 0;
  const field = new Float64Array(6);
  for (let row = 0; row < count; row++) {
    at = readRow(text, at, field);
    const keyId = field[1] as number;
    if (keyId < 0 || keyId > KEY_ID_MAX) {
      throw new Error(`${path}, line ${row + 2}: a key_id is 0 to ${KEY_ID_MAX}`);
    }
    keyIds[row] = keyId;
    times[row] = Math.max(0, field[0] as number);
    ttls[row] = Math.max(0, field[5] as number);
    if (keyId > keyMax) keyMax = keyId;
    if ((field[2] as number) >= 0) keyBytes.set(keyId, field[2] as number);
    if ((field[3] as number) >= 0) valueBytes.set(keyId, field[3] as number);
  }
  const first = times[0] ?? 0;
  for (let row = 0; row < count; row++) times[row] = Math.max(0, (times[row] as number) - first);
  const trace: Trace = {
    count,
    keyIds,
    times,
    ttls,
    keyBytes: new Uint8Array(keyMax + 1),
    valueBytes: new Uint32Array(keyMax + 1),
  };
  for (let keyId = 0; keyId <= keyMax; keyId++) {
    const given = keyBytes.get(keyId) ?? modelledKeyBytes(keyId);
    trace.keyBytes[keyId] = Math.min(250, Math.max(10, given));
    const real = valueBytes.get(keyId);
    trace.valueBytes[keyId] =
      real === undefined ? modelledValueBytes(keyId, valuesTimes) : Math.round(real * valuesTimes);
  }
  return trace;
}

/** Reads one line's numbers; -1 where a field is empty or a word. Where the next line begins. */
function readRow(text: Uint8Array, start: number, field: Float64Array): number {
  field.fill(-1);
  let at = start;
  let column = 0;
  let fraction = false;
  for (; at < text.length && text[at] !== NEWLINE; at++) {
    const byte = text[at] as number;
    if (byte === COMMA) {
      column++;
      fraction = false;
    } else if (byte === POINT) {
      fraction = true;
    } else if (byte >= ZERO && byte < ZERO + 10 && !fraction) {
      const before = field[column] as number;
      field[column] = Math.max(before, 0) * 10 + byte - ZERO;
    }
  }
  return at + 1;
}

/** Writes the key of a key id, `keyBytes` long, at out[at]; the end. */
export function writeKey(out: Uint8Array, at: number, keyId: number, keyBytes: number): number {
  let rest = keyId;
  for (let to = at + keyBytes - 1; to >= at; to--) {
    out[to] = ZERO + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return at + keyBytes;
}
