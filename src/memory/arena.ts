/**
 * Arena: one shared buffer and the views through which every thread reads and writes it.
 *
 *   buffer   |<- region A ->|<- region B ->| …          regions are named by their byte offset, always a multiple of 64
 *
 * Why one object: `copyWithin` inside one Uint8Array is the cheapest copy there is, so as much as
 * fits (4 GiB on Node 20) lives in one arena; what does not fit has arenas of its own, and
 * `copyBytes` handles both. Nothing stored inside an arena is an address: only offsets, so a mapped
 * file can take the buffer's place.
 *
 * Each thread builds its own views over the same memory; the views hold no state.
 *
 * Why two buffers: V8 copies bytes of a SharedArrayBuffer one by one unless both ends are equally
 * aligned, so moving 4 KiB takes 1340 ns instead of 110. Where libc is at hand, `plain` is an
 * ordinary ArrayBuffer over the very same addresses, and everything that is not Atomics goes
 * through it (docs/adr/0005-plain-views-of-shared-memory.md).
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

  /**
   * `plain`: another buffer over the same memory, for plain loads, stores and copies. It must not
   * outlive `buffer`.
   */
  constructor(buffer: ArrayBufferLike, plain: ArrayBufferLike = buffer) {
    this.buffer = buffer;
    this.bytes = new Uint8Array(plain);
    this.halves = new Uint16Array(plain);
    this.words = new Uint32Array(plain);
    this.ints = new Int32Array(buffer);
    this.doubles = new Float64Array(plain);
  }
}
