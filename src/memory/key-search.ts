/**
 * KeySearch: finds a key in a bucket's chain, for the owner and for any reader.
 *
 *   tags of a bucket ─▶ lanes that may be it ─▶ item ─▶ same length, same bytes?
 *
 * One of 65 535 other keys has the same tag, so the first item looked at is nearly always the one.
 * Torn or not, what it reads lies inside the region; a reader asks its sequence lock afterwards
 * whether it was torn.
 */
import { equalBytes } from "../base/bytes.ts";
import type { ItemRef } from "../base/unit.ts";
import type { Arena } from "./arena.ts";
import { type Buckets, CHAIN_BUCKETS_MAX, firstLane, NONE, tagOf } from "./buckets.ts";
import type { Items } from "./items.ts";
import { BUCKET_ENTRIES } from "./shard-plan.ts";

export class KeySearch {
  /** The item of the entry `find` returned. */
  item = 0 as ItemRef;
  readonly #buckets: Buckets;
  readonly #items: Items;
  readonly #bytes: Uint8Array;

  constructor(arena: Arena, buckets: Buckets, items: Items) {
    this.#buckets = buckets;
    this.#items = items;
    this.#bytes = arena.bytes;
  }

  /** The entry of key[start, end) in the chain of `primary`, or NONE. */
  find(primary: number, hashHigh: number, key: Uint8Array, start: number, end: number): number {
    const tag = tagOf(hashHigh);
    let bucket = primary;
    for (let length = 0; length < CHAIN_BUCKETS_MAX && bucket !== NONE; length++) {
      let lanes = this.#buckets.lanes(bucket, tag);
      while (lanes !== 0) {
        const entry = bucket * BUCKET_ENTRIES + firstLane(lanes);
        if (this.#isKey(this.#buckets.ref(entry), key, start, end)) return entry;
        lanes &= lanes - 1;
      }
      bucket = this.#buckets.link(bucket);
    }
    return NONE;
  }

  #isKey(item: ItemRef, key: Uint8Array, start: number, end: number): boolean {
    const length = end - start;
    if (this.#items.keyBytes(item) !== length) return false;
    this.item = item;
    const ours = this.#items.keyStart(item);
    // What is torn may claim a key that ends behind all memory.
    if (ours + length > this.#bytes.length) return false;
    return equalBytes(key, start, this.#bytes, ours, length);
  }
}
