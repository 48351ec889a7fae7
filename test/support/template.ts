/**
 * What a test sends and what it expects, with holes for what cannot be known beforehand.
 *
 *   "VALUE apple 5 3 {cas}\r\nred\r\nEND\r\n"
 *                    └── the first time: digits, captured under this name; afterwards: exactly these digits
 *   "ME apple exp=-1 la={*la} cas={cas} …"
 *                       └── a star: anything up to a space or a line end, not captured
 *
 * Texts are latin1: one character is one byte. A binary packet gives its own Pattern
 * (binary-packets.ts).
 */

/** Numbers captured so far in a transcript; `version` is there from the start. */
export type Captures = Map<string, string>;

/** Something to send: fixed, or made from what was captured. */
export type Message = string | Uint8Array | ((captures: Captures) => string | Uint8Array);

/** What Pattern.match() says of bytes that are not, or not yet, what is expected. */
export const MISMATCH = -1;
export const INCOMPLETE = -2;

/** Something to expect. */
export interface Pattern {
  /**
   * Bytes of `got` that are the expected reply, or MISMATCH, or INCOMPLETE. Fills `captures` on a
   * match.
   */
  match(got: Buffer, captures: Captures): number;
  toString(): string;
}

export type Expected = string | Uint8Array | Pattern;

/** The bytes of a message. */
export function render(message: Message, captures: Captures): Buffer {
  const made = typeof message === "function" ? message(captures) : message;
  if (typeof made !== "string") return Buffer.from(made);
  const text = made.replace(/\{(\w+)\}/g, (hole, name: string) => captures.get(name) ?? hole);
  return Buffer.from(text, "latin1");
}

/** The pattern of an expectation. */
export function pattern(expected: Expected): Pattern {
  if (typeof expected === "string") return new TextPattern(expected);
  if (expected instanceof Uint8Array) return new BytesPattern(Buffer.from(expected));
  return expected;
}

/** Bytes as a test's message shows them. */
export function show(bytes: Uint8Array, bytesMax = 300): string {
  const shown = Buffer.from(bytes.subarray(0, bytesMax)).toString("latin1");
  const text = JSON.stringify(shown).replace(
    /[\u007f-\u00ff]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16)}`,
  );
  return bytes.length > bytesMax ? `${text}… (${bytes.length} bytes)` : text;
}

class BytesPattern implements Pattern {
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  match(got: Buffer): number {
    const common = Math.min(got.length, this.#bytes.length);
    if (got.compare(this.#bytes, 0, common, 0, common) !== 0) return MISMATCH;
    return got.length < this.#bytes.length ? INCOMPLETE : this.#bytes.length;
  }

  toString(): string {
    return show(this.#bytes);
  }
}

class TextPattern implements Pattern {
  readonly #text: string;
  /** Literals at even places, names of holes at odd ones. */
  readonly #parts: readonly string[];

  constructor(text: string) {
    this.#text = text;
    this.#parts = text.split(/\{(\*?\w+)\}/);
  }

  match(got: Buffer, captures: Captures): number {
    const found: [string, string][] = [];
    let at = 0;
    for (const [index, part] of this.#parts.entries()) {
      const literal = index % 2 === 0 ? part : captures.get(part);
      if (literal !== undefined) {
        const matched = new BytesPattern(Buffer.from(literal, "latin1")).match(got.subarray(at));
        if (matched < 0) return matched;
        at += matched;
        continue;
      }
      const end = holeEnd(got, at, part.startsWith("*"));
      if (end === got.length) return INCOMPLETE;
      if (end === at) return MISMATCH;
      if (!part.startsWith("*")) found.push([part, got.toString("latin1", at, end)]);
      at = end;
    }
    for (const [name, digits] of found) captures.set(name, digits);
    return at;
  }

  toString(): string {
    return show(Buffer.from(this.#text, "latin1"));
  }
}

/** Where the bytes of a hole end: digits, or (a star) everything up to a space or a line end. */
function holeEnd(got: Buffer, start: number, anything: boolean): number {
  let at = start;
  for (; at < got.length; at++) {
    const byte = got[at] as number;
    const isDigit = byte >= 0x30 && byte <= 0x39;
    const isDelimiter = byte === 0x20 || byte === 0x0d || byte === 0x0a;
    if (anything ? isDelimiter : !isDigit) break;
  }
  return at;
}
