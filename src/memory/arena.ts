/**
 * Arena: one shared buffer and the views through which every thread reads and writes it.
 *
 *   buffer   |<- region A ->|<- region B ->| …          regions are named by their byte offset, always a multiple of 64
 *
 * Why one object: `copyWithin` inside one Uint8Array is the cheapest copy there is, so as much as fits (4 GiB on Node 20)
 * lives in one arena; what does not fit has arenas of its own, and `copyBytes` handles both. Nothing stored inside an arena
 * is an address: only offsets, so a mapped file can take the buffer's place.
 *
 * Each thread builds its own views over the same memory; the views hold no state.
 */
export class Arena {
  readonly buffer: ArrayBufferLike;
  readonly bytes: Uint8Array;
  readonly halves: Uint16Array;
  readonly words: Uint32Array;
  /** The same words, signed: what Atomics wait on, and what publishes ownership. */
  readonly ints: Int32Array;
  /** The same memory as float64: counters, exact up to 2^53. */
  readonly doubles: Float64Array;

  constructor(buffer: ArrayBufferLike) {
    this.buffer = buffer;
    this.bytes = new Uint8Array(buffer);
    this.halves = new Uint16Array(buffer);
    this.words = new Uint32Array(buffer);
    this.ints = new Int32Array(buffer);
    this.doubles = new Float64Array(buffer);
  }
}
