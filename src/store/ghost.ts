/**
 * Ghost: remembers keys that left, so that one that comes back is known to be worth keeping
 * (S3-FIFO's ghost queue).
 *
 *   set of 8 words:  | tag 16 · stamp 16 | …        the set is chosen by other bits of the hash than the tag
 *
 * A stamp is the number of bytes the ghost has been given so far, in steps of WINDOW / 2^14; an
 * entry counts while that many bytes are at most WINDOW (nine tenths of the item memory) behind. So
 * the ghost remembers about as much as the cache holds, whatever the sizes, without being told when
 * to forget. A stamp comes round again after four windows; by then its set has been overwritten.
 *
 * The table begins small and doubles as the number of items grows: both halves start as copies of
 * the one there was, and what now lies in the wrong half ages away.
 */

import { tagOf } from "../memory/buckets.ts";
import { GHOST_WAYS, type GhostTable } from "../memory/ghost-table.ts";
import type { ShardHeader } from "../memory/shard-header.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";

const WINDOW_SHARE = 0.9;
const WINDOW_STAMPS = 1 << 14;
const STAMP_MASK = 0xffff;
const SETS_MIN = 64;
/** Ways per item in the cache: sets fill unevenly, so some room to spare. */
const WAYS_PER_ITEM = 1.25;

export class Ghost {
  readonly #header: ShardHeader;
  readonly #table: GhostTable;
  readonly #stampBytes: number;
  readonly #setsMax: number;

  constructor(memory: ShardMemory) {
    this.#header = memory.header;
    this.#table = memory.ghosts;
    this.#stampBytes = Math.ceil((memory.plan.itemBytes * WINDOW_SHARE) / WINDOW_STAMPS);
    this.#setsMax = memory.ghosts.words / GHOST_WAYS;
  }

  /** True when the key left lately. */
  has(hashLow: number, hashHigh: number): boolean {
    return this.#find(hashLow, hashHigh) >= 0;
  }

  /** Forgets a key, because it is back. */
  forget(hashLow: number, hashHigh: number): void {
    const at = this.#find(hashLow, hashHigh);
    if (at >= 0) this.#table.setEntry(at, 0);
  }

  /** Remembers a key whose item took `bytes`. */
  remember(hashLow: number, hashHigh: number, bytes: number): void {
    this.#header.addGhostBytes(bytes);
    this.#grow();
    const tag = tagOf(hashHigh);
    const now = this.#stamp();
    const first = (hashLow & (this.#header.ghostSets() - 1)) * GHOST_WAYS;
    let victim = first;
    let oldest = -1;
    for (let at = first; at < first + GHOST_WAYS; at++) {
      const entry = this.#table.entry(at);
      if (entry === 0 || entry >>> 16 === tag) {
        victim = at;
        break;
      }
      const age = (now - entry) & STAMP_MASK;
      if (age <= oldest) continue;
      oldest = age;
      victim = at;
    }
    this.#table.setEntry(victim, ((tag << 16) | now) >>> 0);
  }

  #find(hashLow: number, hashHigh: number): number {
    const sets = this.#header.ghostSets();
    if (sets === 0) return -1;
    const tag = tagOf(hashHigh);
    const first = (hashLow & (sets - 1)) * GHOST_WAYS;
    for (let at = first; at < first + GHOST_WAYS; at++) {
      const entry = this.#table.entry(at);
      if (entry >>> 16 !== tag) continue;
      return ((this.#stamp() - entry) & STAMP_MASK) <= WINDOW_STAMPS ? at : -1;
    }
    return -1;
  }

  #stamp(): number {
    return this.#header.ghostStamp(this.#stampBytes);
  }

  #grow(): void {
    const sets = this.#header.ghostSets();
    if (sets * GHOST_WAYS >= this.#header.entries() * WAYS_PER_ITEM && sets > 0) return;
    if (sets >= this.#setsMax) return;
    if (sets === 0) {
      this.#header.setGhostSets(Math.min(SETS_MIN, this.#setsMax));
      return;
    }
    const words = sets * GHOST_WAYS;
    for (let at = 0; at < words; at++) this.#table.setEntry(words + at, this.#table.entry(at));
    this.#header.setGhostSets(sets * 2);
  }
}
