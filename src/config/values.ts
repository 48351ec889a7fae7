/**
 * The texts an operator writes, as values. Each function returns null for what it does not accept,
 * and accepts nothing by half: memcached reads `-m abc` as 0 and `-c 12x` as 12, and starts with a
 * setting nobody meant; here the option is refused.
 */
import { GIB, KIB, MIB } from "../base/unit.ts";

const TIB = 1024 * GIB;

/**
 * Bytes of each unit a size may carry: `64m`, `64M`, `64MB`, `64MiB`. All are powers of 1024, as
 * memcached's.
 */
const UNIT_BYTES: Readonly<Record<string, number>> = { k: KIB, m: MIB, g: GIB, t: TIB };

const SIZE_PATTERN = /^(\d{1,15}(?:\.\d{1,6})?)(?:([kmgt])(?:i?b)?|(b))?$/i;

/** A whole number between `least` and `most`, a sign allowed. */
export function integerFrom(text: string, least: number, most: number): number | null {
  if (!/^[+-]?\d{1,15}$/.test(text)) return null;
  const value = Number(text);
  return value >= least && value <= most ? value : null;
}

/** A plain decimal number such as `1.25`. */
export function decimalFrom(text: string): number | null {
  return /^[+-]?(\d{1,15}(\.\d{0,15})?|\.\d{1,15})$/.test(text) ? Number(text) : null;
}

/** A size in bytes. A bare number counts in `bareUnit` bytes; a unit after it overrides that. */
export function sizeFrom(text: string, bareUnit: number): number | null {
  const match = SIZE_PATTERN.exec(text);
  if (match === null) return null;
  const letter = match[2]?.toLowerCase() ?? "";
  const unit = match[3] !== undefined ? 1 : (UNIT_BYTES[letter] ?? bareUnit);
  const bytes = Math.floor(Number(match[1]) * unit);
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** An access mask in octal, up to 7777. */
export function octalFrom(text: string): number | null {
  return /^0*[0-7]{1,4}$/.test(text) ? Number.parseInt(text, 8) : null;
}

/**
 * What a switch says in a file or the environment: `yes`, `no` and their kin; nothing at all is
 * yes.
 */
export function booleanFrom(text: string): boolean | null {
  switch (text.toLowerCase()) {
    case "":
    case "1":
    case "yes":
    case "true":
    case "on":
      return true;
    case "0":
    case "no":
    case "false":
    case "off":
      return false;
    default:
      return null;
  }
}

/** A size as the operator would write it: `64m`, `1g`, or bytes when no unit fits. */
export function sizeText(bytes: number): string {
  if (bytes > 0 && bytes % GIB === 0) return `${bytes / GIB}g`;
  if (bytes > 0 && bytes % MIB === 0) return `${bytes / MIB}m`;
  if (bytes > 0 && bytes % KIB === 0) return `${bytes / KIB}k`;
  return `${bytes}b`;
}
