/**
 * Moving and comparing bytes, the cheapest way for each length.
 *
 * A loop beats the built-ins for a few bytes; `copyWithin` beats `set` inside one buffer, since it needs no view; `set` is
 * the only way between two buffers (bench/micro measures the crossings).
 */

/** Up to this many bytes a plain loop is cheaper than any built-in call. */
const LOOP_BYTES_MAX = 16;

/** Copies `from[start, start + length)` to `to[at, …)`. The two may be one array; then the ranges must not overlap. */
export function copyBytes(
  to: Uint8Array,
  at: number,
  from: Uint8Array,
  start: number,
  length: number,
): void {
  if (length <= LOOP_BYTES_MAX) {
    for (let i = 0; i < length; i++) to[at + i] = from[start + i] as number;
  } else if (to === from) {
    to.copyWithin(at, start, start + length);
  } else {
    to.set(from.subarray(start, start + length), at); // alloc: a view; only between two buffers
  }
}

/** True when the two ranges of `length` bytes are equal. */
export function equalBytes(
  a: Uint8Array,
  aStart: number,
  b: Uint8Array,
  bStart: number,
  length: number,
): boolean {
  for (let i = 0; i < length; i++) if (a[aStart + i] !== b[bStart + i]) return false;
  return true;
}
