/**
 * Order: what one connection has sent to other shards and not heard of yet. It keeps a pipeline
 * honest: `set k` followed by `get k` must read what was set.
 *
 *   mutations of one key   travel one ring, first in first out: nothing to do
 *   own shard              a key has one shard, so what is done at once cannot overtake anything of the same key
 *   direct reads           would overtake a mutation still in the ring: they wait while their key may be pending
 *
 * The keys pending are held as hashes: the first few exactly, further ones as bits of a 64-bit
 * bloom filter. Why both: with a bloom filter alone, a pipeline of 32 with three sets in it would
 * stop at every second batch for a key that is not pending.
 *
 *   exact   | hash low 0 | … | hash low 15 |            bloom  | 64 bits, two of the hash's high word each |
 *
 * All is forgotten when nothing is pending, and only then; a connection whose read waits sends
 * nothing more, so this comes.
 */
import { assert } from "../base/assert.ts";

const EXACT_MAX = 16;
/** Of all orders that have never sent anything; nobody writes there. */
const NONE_SENT = new Int32Array(EXACT_MAX);

export class Order {
  /** Requests sent and not answered. The router counts. */
  pending = 0;
  /** Leases and uploads held. The router counts. */
  tickets = 0;
  /** The connection is gone: what comes for it is let go at once. */
  closed = false;
  #exact = NONE_SENT;
  #exactCount = 0;
  #bloomLow = 0;
  #bloomHigh = 0;

  /** A request of that key was sent. */
  sent(hashLow: number, hashHigh: number): void {
    this.pending++;
    if (this.#exactCount < EXACT_MAX) {
      // alloc: once a connection, when it first sends something
      if (this.#exact === NONE_SENT) this.#exact = new Int32Array(EXACT_MAX);
      this.#exact[this.#exactCount++] = hashLow;
      return;
    }
    this.#bloomLow |= 1 << hashHigh;
    this.#bloomHigh |= 1 << (hashHigh >>> 5);
  }

  /** A request that concerns every key was sent: each read of another shard waits. */
  sentForAll(): void {
    this.pending++;
    this.#exactCount = EXACT_MAX;
    this.#bloomLow = -1;
    this.#bloomHigh = -1;
  }

  /** A request that concerns no key was sent. */
  sentForNone(): void {
    this.pending++;
  }

  /** One of them was answered. */
  settled(): void {
    assert(this.pending > 0, "only what was sent is answered");
    this.pending--;
    if (this.pending !== 0) return;
    this.#exactCount = 0;
    this.#bloomLow = 0;
    this.#bloomHigh = 0;
  }

  /** False when the key is surely not pending. */
  mayHold(hashLow: number, hashHigh: number): boolean {
    const low = hashLow | 0;
    for (let at = 0; at < this.#exactCount; at++) if (this.#exact[at] === low) return true;
    const inLow = (this.#bloomLow & (1 << hashHigh)) !== 0;
    return inLow && (this.#bloomHigh & (1 << (hashHigh >>> 5))) !== 0;
  }
}
