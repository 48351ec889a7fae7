/** Bytes that mean something in the text protocols, and constant words as bytes. */

export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const ZERO = 0x30;

/** The bytes of an ASCII constant, made once at module load. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/**
 * Writes a constant at out[at]: short, so a loop is cheaper than any built-in. The end of what was
 * written.
 */
export function writeBytes(out: Uint8Array, at: number, constant: Uint8Array): number {
  const length = constant.length;
  for (let i = 0; i < length; i++) out[at + i] = constant[i] as number;
  return at + length;
}

/**
 * Writes a latin1 string at out[at]; for replies off the request path. The end of what was written.
 */
export function writeLatin1(out: Uint8Array, at: number, text: string): number {
  for (let i = 0; i < text.length; i++) out[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** Writes a line end at out[at]. */
export function writeLineEnd(out: Uint8Array, at: number): number {
  out[at] = CR;
  out[at + 1] = LF;
  return at + 2;
}
