/**
 * What the two protocols of lines, text and meta, read alike: lines that refuse, and whether a
 * value is the one asked for.
 */
import { BROKEN, DecimalReader, Dialect, lineEnd } from "./dialect.ts";

const LETTER_A = 65;
const LETTER_Z = 90;

export abstract class LineDialect extends Dialect {
  protected readonly decimal = new DecimalReader();

  /**
   * A line of another reply than the one hoped for: ERROR, CLIENT_ERROR, NOT_STORED, NS. As `parse`
   * returns.
   */
  protected refusal(bytes: Uint8Array, start: number, at: number, end: number): number {
    const next = lineEnd(bytes, at, end);
    if (next === 0) return 0;
    const letter = bytes[at] as number;
    if (letter < LETTER_A || letter > LETTER_Z) return BROKEN;
    this.refusals++;
    return next - start;
  }

  /** Where in keys[from, last) the key bytes[start, end) is; `last` when it is not there. */
  protected placeOf(
    bytes: Uint8Array,
    start: number,
    end: number,
    keys: Uint32Array,
    from: number,
    last: number,
  ): number {
    let place = from;
    while (place < last && !this.payload.isKey(bytes, start, end, keys[place] as number)) place++;
    return place;
  }

  /**
   * Counts a lie when the value at `data`, as long as was last read, is not that of keys[place], or
   * `place` is `last`.
   */
  protected judge(
    bytes: Uint8Array,
    data: number,
    keys: Uint32Array,
    place: number,
    last: number,
  ): void {
    const index = keys[place] as number;
    const honest = place < last && this.payload.isValue(bytes, data, this.decimal.value, index);
    if (!honest) this.lies++;
  }
}
