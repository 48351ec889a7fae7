/**
 * Base64 (RFC 4648, standard alphabet, padded): how meta commands carry keys with arbitrary bytes.
 *
 * Decoding follows memcached: bytes outside the alphabet are ignored, what remains must be a
 * multiple of four, and the first padded group of four ends the text.
 */
const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const PAD = 0x3d;
const FOREIGN = 0x80;

const ENCODED = Uint8Array.from(ALPHABET, (letter) => letter.charCodeAt(0));
const DECODED = new Uint8Array(256).fill(FOREIGN);
for (let value = 0; value < ALPHABET.length; value++) DECODED[ALPHABET.charCodeAt(value)] = value;
DECODED[PAD] = 0;

/** How many bytes `length` bytes become. */
export function base64Bytes(length: number): number {
  return Math.ceil(length / 3) * 4;
}

/** Writes from[start, end) in base64 at out[at]. The end of what was written. */
export function encodeBase64(
  from: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): number {
  let to = at;
  for (let i = start; i < end; i += 3) {
    const left = end - i;
    const first = from[i] as number;
    const second = left > 1 ? (from[i + 1] as number) : 0;
    const third = left > 2 ? (from[i + 2] as number) : 0;
    out[to] = ENCODED[first >>> 2] as number;
    out[to + 1] = ENCODED[((first & 3) << 4) | (second >>> 4)] as number;
    out[to + 2] = left > 1 ? (ENCODED[((second & 15) << 2) | (third >>> 6)] as number) : PAD;
    out[to + 3] = left > 2 ? (ENCODED[third & 63] as number) : PAD;
    to += 4;
  }
  return to;
}

/**
 * Decodes from[start, end) to out[at, …). The end of what was written; -1 when it is empty or not
 * base64. Never writes more than three bytes for four read, plus two that are taken back.
 */
export function decodeBase64(
  from: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  at: number,
): number {
  let known = 0;
  for (let i = start; i < end; i++) if (DECODED[from[i] as number] !== FOREIGN) known += 1;
  if (known === 0 || known % 4 !== 0) return -1;
  let to = at;
  let group = 0;
  let inGroup = 0;
  let pads = 0;
  for (let i = start; i < end; i++) {
    const letter = from[i] as number;
    const value = DECODED[letter] as number;
    if (value === FOREIGN) continue;
    if (letter === PAD) pads += 1;
    group = (group << 6) | value;
    inGroup += 1;
    if (inGroup < 4) continue;
    out[to] = group >>> 16;
    out[to + 1] = group >>> 8;
    out[to + 2] = group;
    to += 3;
    group = 0;
    inGroup = 0;
    if (pads > 2) return -1;
    if (pads > 0) return to - pads;
  }
  return to;
}
