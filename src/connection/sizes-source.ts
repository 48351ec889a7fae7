/**
 * Sizes source: `stats sizes` with -o track_sizes. Walks every shard, live, some thousand buckets a
 * turn, and counts items by size; the lines follow at the end.
 *
 * Why a walk and no counters kept by stores: it costs nothing until it is asked for.
 */
import { Reply } from "../command/reply.ts";
import { StatsOutcome } from "../stats/render.ts";
import type { StoreReader } from "../store/store-reader.ts";
import type { Source } from "./source.ts";
import type { StatsSource } from "./stats-source.ts";

/** Sizes are rounded up to this, as memcached has it. */
const STEP_BYTES = 32;
const BUCKETS_A_TURN = 8192;

export class SizesSource implements Source {
  readonly endless = false;
  readonly #readers: readonly StoreReader[];
  readonly #lines: StatsSource;
  readonly #reply = new Reply(new Uint8Array(0));
  /** Items, by size in steps. */
  readonly #counts = new Map<number, number>();
  readonly #visit = (reply: Reply): void => {
    const steps = Math.ceil(reply.totalBytes / STEP_BYTES);
    this.#counts.set(steps, (this.#counts.get(steps) ?? 0) + 1);
  };
  #shard = 0;
  #cursor = 0;
  #isCounted = false;

  /** `lines` is given what is counted, and then written. */
  constructor(readers: readonly StoreReader[], lines: StatsSource) {
    this.#readers = readers;
    this.#lines = lines;
  }

  fill(bytes: Uint8Array, at: number, end: number): number {
    if (!this.#isCounted && !this.#count()) return 0;
    return this.#lines.fill(bytes, at, end);
  }

  release(): void {}

  /** Counts on. False: not all yet. */
  #count(): boolean {
    for (let buckets = 0; this.#shard < this.#readers.length; buckets++) {
      if (buckets === BUCKETS_A_TURN) return false;
      const reader = this.#readers[this.#shard] as StoreReader;
      this.#cursor = reader.walk(this.#cursor, this.#reply, this.#visit);
      if (this.#cursor === 0) this.#shard++;
    }
    const sorted = [...this.#counts].sort(([a], [b]) => a - b);
    for (const [steps, items] of sorted) this.#lines.add(String(steps * STEP_BYTES), String(items));
    this.#lines.end(StatsOutcome.end);
    this.#isCounted = true;
    return true;
  }
}
