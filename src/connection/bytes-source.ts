/** Bytes source: a reply that is whole but longer, maybe, than what the output takes at a time. */
import { SOURCE_DONE, type Source } from "./source.ts";

export class BytesSource implements Source {
  readonly endless = false;
  #rest: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#rest = bytes;
  }

  fill(bytes: Uint8Array, at: number, end: number): number {
    if (this.#rest.length === 0) return SOURCE_DONE;
    const piece = this.#rest.subarray(0, end - at);
    bytes.set(piece, at);
    this.#rest = this.#rest.subarray(piece.length);
    return piece.length;
  }

  release(): void {}
}
