/**
 * Large value source: sends a leased value piece by piece, then what the protocol wants behind it,
 * then lets the lease go.
 */
import { copyBytes } from "../base/bytes.ts";
import type { Router } from "../router/router.ts";
import type { LeasedValue } from "../store/leased-value.ts";
import { SOURCE_DONE, type Source } from "./source.ts";

export class LargeValueSource implements Source {
  readonly endless = false;
  readonly #router: Pick<Router, "letGo">;
  readonly #ticket: number;
  readonly #value: LeasedValue;
  readonly #tail: Uint8Array;
  #tailSent = false;

  constructor(router: Pick<Router, "letGo">, ticket: number, value: LeasedValue, tail: Uint8Array) {
    this.#router = router;
    this.#ticket = ticket;
    this.#value = value;
    this.#tail = tail;
  }

  fill(bytes: Uint8Array, at: number, end: number): number {
    const value = this.#value;
    let to = at;
    while (value.left > 0 && to < end) {
      const taken = Math.min(value.bytes, end - to);
      copyBytes(bytes, to, value.array, value.start, taken);
      value.advance(taken);
      to += taken;
    }
    if (value.left > 0) return to - at;
    if (this.#tailSent) return SOURCE_DONE;
    if (end - to < this.#tail.length) return to - at;
    bytes.set(this.#tail, to);
    this.#tailSent = true;
    return to - at + this.#tail.length;
  }

  release(): void {
    this.#router.letGo(this.#ticket);
  }
}
