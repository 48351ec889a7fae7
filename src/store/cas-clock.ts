/**
 * CAS clock: the 64-bit numbers a shard gives its items. They grow strictly, and no two shards ever
 * give the same one: shard i of n hands out the numbers that leave remainder i when divided by n.
 * With one shard: 2, 3, 4 … as memcached.
 *
 * The last number is in the shard's header, so a successor goes on where the owner stopped.
 */
import { assert } from "../base/assert.ts";
import type { ShardHeader } from "../memory/shard-header.ts";

const TWO_TO_32 = 0x1_0000_0000;
/** memcached's first CAS. */
const CAS_FIRST = 2;

export class CasClock {
  low = 0;
  high = 0;
  readonly #header: ShardHeader;
  readonly #step: number;
  readonly #enabled: boolean;

  constructor(header: ShardHeader, shard: number, shardCount: number, enabled: boolean) {
    assert(shard < shardCount, "a shard is one of those there are");
    this.#header = header;
    this.#step = shardCount;
    this.#enabled = enabled;
    if (header.casLow() !== 0 || header.casHigh() !== 0) return;
    const first = CAS_FIRST + ((((shard - CAS_FIRST) % shardCount) + shardCount) % shardCount);
    const before = first - shardCount;
    header.setCas(before >>> 0, before < 0 ? TWO_TO_32 - 1 : 0);
  }

  /** Leaves the next number in `low` and `high`; 0 when there is no CAS (-C). */
  next(): void {
    if (!this.#enabled) return;
    const sum = this.#header.casLow() + this.#step;
    const carry = sum >= TWO_TO_32 ? 1 : 0;
    this.low = sum >>> 0;
    this.high = (this.#header.casHigh() + carry) >>> 0;
    this.#header.setCas(this.low, this.high);
  }
}
