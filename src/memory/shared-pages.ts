/**
 * Shared pages: where memory that threads share comes from.
 *
 *   address   page           page + 64      page + 128             a bucket, a slab's line, a counter's line:
 *             |<- line 0 ->|<- line 1 ->|<- line 2 ->| …           64 bytes at an offset that is a multiple of 64
 *
 * Why not `new SharedArrayBuffer`: it is calloc's, which puts 16 bytes of its own before what it gives.
 * Every offset that is a multiple of 64 is then an address that is 16 above one: a bucket lies in two
 * cache lines, and the last words of one thread's line in the first line of another's. The memory of a
 * WebAssembly.Memory is a SharedArrayBuffer like any other (threads, Atomics.wait), but begins on a page,
 * so that a file can be mapped over it, too.
 *
 * What it costs: V8 reserves 8 to 10 GiB of addresses for each, to do without bounds checks in code we
 * do not have. Only addresses: no page is there before it is touched. Where they cannot be had
 * (`ulimit -v`), plain shared memory does as well, but for the speed.
 */
import { assert } from "../base/assert.ts";
import { KIB } from "../base/unit.ts";

/** The little of WebAssembly we use; TypeScript knows it only with a browser's types. */
declare const WebAssembly: {
  readonly Memory: new (facts: {
    initial: number;
    maximum: number;
    shared: true;
  }) => { readonly buffer: SharedArrayBuffer };
};

/** What a WebAssembly.Memory is counted in, and how many of them are the most: 4 GiB. */
const WASM_PAGE_BYTES = 64 * KIB;
const WASM_PAGES_MAX = 65_536;

export interface SharedPages {
  readonly buffer: SharedArrayBuffer;
  /** Whether byte 0 lies on a page: else 16 bytes off a cache line, as far as we know. */
  readonly isAligned: boolean;
}

/** At least `bytes` of zeros. Throws RangeError when the machine has not so much. */
export function sharePages(bytes: number): SharedPages {
  const pages = Math.ceil(bytes / WASM_PAGE_BYTES);
  assert(pages > 0, "shared memory has a size");
  if (pages <= WASM_PAGES_MAX) {
    try {
      const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
      return { buffer: memory.buffer, isAligned: true };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
    }
  }
  return { buffer: new SharedArrayBuffer(bytes), isAligned: false };
}
