/**
 * LineTokens: one request line, cut at its spaces in the same pass that finds its end.
 *
 *    s e t _ _ k e y _ 5 \r \n
 *    ^   ^     ^   ^   ^ ^     ^
 *    start(0)  start(1)  |     next
 *        end(0)    end(1)|
 *              start(2)──┘ end(2) = lineEnd
 *
 * Only the space separates; a tab, a NUL or an inner `\r` belongs to its token. The line ends at
 * the first `\n`, less one `\r` directly before it. Tokens after the 23rd are not looked at, as in
 * memcached.
 */
import { LINE_TOKENS_MAX } from "../command/limits.ts";
import { bytesOf, CR, LF, SPACE } from "./ascii.ts";

const NOREPLY = bytesOf("noreply");

export class LineTokens {
  /** Tokens looked at: at most 23. */
  count = 0;
  /** Where the line ends, its line end excluded; and where the next one begins. */
  lineEnd = 0;
  next = 0;
  readonly #starts = new Int32Array(LINE_TOKENS_MAX + 1);
  readonly #ends = new Int32Array(LINE_TOKENS_MAX + 1);

  start(token: number): number {
    return this.#starts[token] as number;
  }

  end(token: number): number {
    return this.#ends[token] as number;
  }

  bytes(token: number): number {
    return (this.#ends[token] as number) - (this.#starts[token] as number);
  }

  /** Cuts the line at the start of bytes[start, end). False when no line end is in sight. */
  scan(bytes: Uint8Array, start: number, end: number): boolean {
    const starts = this.#starts;
    const ends = this.#ends;
    let count = 0;
    let tokenStart = start;
    for (let at = start; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte > SPACE || (byte !== SPACE && byte !== LF)) continue;
      const ended = byte === LF;
      const tokenEnd = ended && at > tokenStart && bytes[at - 1] === CR ? at - 1 : at;
      if (tokenEnd > tokenStart && count < LINE_TOKENS_MAX) {
        starts[count] = tokenStart;
        ends[count] = tokenEnd;
        count += 1;
      }
      tokenStart = at + 1;
      if (!ended) continue;
      this.count = count;
      this.lineEnd = tokenEnd;
      this.next = tokenStart;
      return true;
    }
    return false;
  }

  /** True when token `token` is exactly `word`. */
  is(bytes: Uint8Array, token: number, word: Uint8Array): boolean {
    return this.bytes(token) === word.length && this.beginsWith(bytes, token, word);
  }

  /** True when token `token` begins with `word`. */
  beginsWith(bytes: Uint8Array, token: number, word: Uint8Array): boolean {
    if (this.bytes(token) < word.length) return false;
    const start = this.start(token);
    for (let i = 0; i < word.length; i++) if (bytes[start + i] !== word[i]) return false;
    return true;
  }

  /** True when the last token looked at is `noreply`. */
  asksNoreply(bytes: Uint8Array): boolean {
    return this.count > 0 && this.is(bytes, this.count - 1, NOREPLY);
  }
}
