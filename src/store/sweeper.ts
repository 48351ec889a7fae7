/**
 * Sweeper: reclaims what expired or was flushed, a bounded slice at a time, without any per-item
 * timer.
 *
 * It goes round the slab table. A slab is due when a flush has ended its epoch, or its least
 * exptime has passed; a slab that is due is walked header to header, and its bounds on exptime are
 * made exact. After a round without a due slab it rests until `look` is called, once a second.
 */
import type { Clock } from "../base/clock.ts";
import type { ShardHeader } from "../memory/shard-header.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import { SLAB_HEAD_BYTES } from "../memory/shard-plan.ts";
import { Queue, type SlabTable } from "../memory/slab-table.ts";
import type { Evictor } from "./evictor.ts";

export class Sweeper {
  readonly #header: ShardHeader;
  readonly #slabs: SlabTable;
  readonly #evictor: Evictor;
  readonly #clock: Clock;
  #slab = 0;
  /** Where the walk of `#slab` stopped, and which use of that slab it was. */
  #offset = SLAB_HEAD_BYTES;
  #sequence = 0;
  /** Slabs to pass before the round is over. */
  #left = 0;

  constructor(memory: ShardMemory, evictor: Evictor, clock: Clock) {
    this.#header = memory.header;
    this.#slabs = memory.slabs;
    this.#evictor = evictor;
    this.#clock = clock;
  }

  /** Time has passed, or something was flushed: go round again. */
  look(): void {
    this.#left = this.#slabs.count;
  }

  /**
   * Walks about `bytesMax` bytes of slabs that are due. False when there is nothing more to do for
   * now.
   */
  sweep(bytesMax: number): boolean {
    let budget = bytesMax;
    while (this.#left > 0) {
      if (this.#isDue(this.#slab)) {
        if (budget <= 0) return true;
        const before = this.#resume();
        const stopped = this.#evictor.expire(this.#slab, before, budget);
        const written = this.#slabs.writtenBytes(this.#slab);
        budget -= Math.max(1, (stopped === 0 ? written : stopped) - before);
        this.#offset = stopped;
        this.#sequence = this.#slabs.sequence(this.#slab);
        if (stopped !== 0) return true;
        this.#left = this.#slabs.count;
      }
      this.#left--;
      this.#offset = SLAB_HEAD_BYTES;
      this.#slab = (this.#slab + 1) % this.#slabs.count;
    }
    return false;
  }

  /** Where to go on in the slab: at its start when it was emptied and used again since. */
  #resume(): number {
    return this.#slabs.sequence(this.#slab) === this.#sequence ? this.#offset : SLAB_HEAD_BYTES;
  }

  #isDue(slab: number): boolean {
    const queue = this.#slabs.queue(slab);
    if (queue === Queue.free || queue > Queue.largeMain) return false;
    if (this.#slabs.items(slab) === 0) return false;
    if (this.#slabs.epoch(slab) !== this.#header.epoch()) return true;
    return this.#slabs.exptimeMin(slab) <= this.#clock.now;
  }
}
