/**
 * Shown text: what a client sent, as a line of a log may hold it. Printable ASCII stays as it is;
 * every other byte is written `\xNN`, so that nobody ends a line of ours, moves a terminal's cursor
 * or begins a line of his own; and what is long is cut.
 *
 * Not on the request path: none of it runs while nobody looks.
 */

/** What is shown of one line. */
const SHOWN_BYTES_MAX = 1024;
const UNPRINTABLE = /[^\x20-\x7e]/g;

export function shownText(bytes: Uint8Array, start: number, end: number): string {
  const shownEnd = Math.min(end, start + SHOWN_BYTES_MAX);
  const text = Buffer.from(bytes.subarray(start, shownEnd)).toString("latin1");
  const shown = text.replace(
    UNPRINTABLE,
    (letter) => `\\x${letter.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return shownEnd === end ? shown : `${shown}... (${end - shownEnd} bytes more)`;
}
