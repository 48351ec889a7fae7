/**
 * Moving and comparing bytes, the cheapest way for each length.
 *
 *   up to 8      a loop
 *   up to 48     words through a DataView: it takes any alignment, and a byte loop costs two nanoseconds a byte
 *   more         `copyWithin`, whose call alone costs 30 ns, but which needs no view
 *   two buffers  `set`: the only way
 */

/** Up to this many bytes a plain loop is cheaper than setting anything up. */
const LOOP_BYTES_MAX = 8;
/** Up to this many bytes words are cheaper than a call into the engine. */
const WORDS_BYTES_MAX = 48;

/** Named once: a lookup at each copy would take a tenth of the copy's time. */
const { copyWithin } = Uint8Array.prototype;

/** Every array that was ever asked for, while it lives. */
const views = new WeakMap<Uint8Array, DataView>();
let viewed: Uint8Array = new Uint8Array(0);
let view = new DataView(viewed.buffer);

/**
 * A DataView over the same bytes. A thread works in few arrays, nearly always in its arena: the
 * last one asked for is at hand.
 */
export function viewOf(bytes: Uint8Array): DataView {
  if (bytes !== viewed) {
    viewed = bytes;
    view = knownView(bytes);
  }
  return view;
}

function knownView(bytes: Uint8Array): DataView {
  const known = views.get(bytes);
  if (known !== undefined) return known;
  const made = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength); // alloc: once an array
  views.set(bytes, made);
  return made;
}

/**
 * Copies `from[start, start + length)` to `to[at, …)`. The two may be one array; then the ranges
 * must not overlap.
 */
export function copyBytes(
  to: Uint8Array,
  at: number,
  from: Uint8Array,
  start: number,
  length: number,
): void {
  if (length <= LOOP_BYTES_MAX) {
    for (let i = 0; i < length; i++) to[at + i] = from[start + i] as number;
  } else if (to !== from) {
    to.set(from.subarray(start, start + length), at); // alloc: a view; only between two buffers
  } else if (length <= WORDS_BYTES_MAX) {
    copyWords(viewOf(to), at, start, length);
  } else {
    copyWithin.call(to, at, start, start + length);
  }
}

/**
 * Copies four bytes or more, the last word over the end of the one before when the length is no
 * multiple of four.
 */
function copyWords(words: DataView, at: number, start: number, length: number): void {
  const last = length - 4;
  for (let i = 0; i < last; i += 4) words.setInt32(at + i, words.getInt32(start + i, true), true);
  words.setInt32(at + last, words.getInt32(start + last, true), true);
}

/** True when the two ranges of `length` bytes are equal. */
export function equalBytes(
  a: Uint8Array,
  aStart: number,
  b: Uint8Array,
  bStart: number,
  length: number,
): boolean {
  let i = 0;
  if (a === b) {
    const words = viewOf(a);
    for (; i + 4 <= length; i += 4) {
      if (words.getInt32(aStart + i, true) !== words.getInt32(bStart + i, true)) return false;
    }
  }
  for (; i < length; i++) if (a[aStart + i] !== b[bStart + i]) return false;
  return true;
}
