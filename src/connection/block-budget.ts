/**
 * Block budget: who gets a thread's blocks, and who pays when there are none left.
 *
 *   pool     | input: what came and is not served yet          | replies alone, a quarter |
 *   one connection    2 MiB of input, 2 MiB of replies: the largest block, twice
 *   one address       all of it, until somebody finds no block
 *
 * When somebody finds none, the address that holds most pays, and of its connections the one that
 * holds most: it is closed, until there is room. Who asks is counted with what it asks for, so it
 * pays itself only when it would hold most. So clients that fill the pool and stay (half a line, a
 * reply that is not read) close each other, while others, who hold little, are served, on the same
 * address too: a connection that is served holds no block from one turn to the next.
 *
 * Why replies have a part of their own: a request can wait in its socket, a reply that was begun
 * must be kept. Why no fixed share of the pool for an address: behind a proxy, all have the same.
 *
 * Looking for who pays walks all connections. It is done only when the pool is out, and each time
 * gives back the largest block there is.
 */
import { BLOCK_BYTES_MAX, type BlockPool, NO_BLOCK } from "../memory/block-pool.ts";
import { Counter, type Counters } from "../memory/counters.ts";

/** This part of the pool is kept for replies. */
export const OUTPUT_SHARE = 0.25;

/** Gives [offset, offset + bytes) of the arena back to the system, or does nothing. */
type GiveBack = (offset: number, bytes: number) => void;

/** What holds blocks: a connection. */
export interface Holder {
  /** Its peer, without a port. */
  readonly peer: string;
  readonly inBlock: number;
  readonly outBlock: number;
}

/** Knows all holders of a thread, and can close them. */
export interface Holders<H extends Holder> {
  all(): Iterable<H | null>;
  /** Closes it: its blocks are given back. */
  drop(holder: H): void;
}

export class BlockBudget<H extends Holder = Holder> {
  readonly pool: BlockPool;
  /** Set once, by who has them. */
  holders: Holders<H> | null = null;
  readonly #counters: Counters;
  readonly #outputBytes: number;
  readonly #giveBack: GiveBack;

  constructor(pool: BlockPool, counters: Counters, giveBack: GiveBack) {
    this.pool = pool;
    this.#counters = counters;
    this.#giveBack = giveBack;
    this.#outputBytes = Math.floor(pool.freeBytes() * OUTPUT_SHARE);
  }

  /** A block for what `holder` has sent; NO_BLOCK: it is the one to be closed. */
  takeForInput(holder: H, bytes: number): number {
    return this.#take(holder, bytes, this.#outputBytes);
  }

  /** A block for what `holder` is sent; NO_BLOCK: it is the one to be closed. */
  takeForOutput(holder: H, bytes: number): number {
    return this.#take(holder, bytes, 0);
  }

  /** Gives back what has been idle since the last time. */
  giveIdle(): void {
    this.pool.giveIdle(this.#giveBack);
  }

  #take(holder: H, bytes: number, keptBytes: number): number {
    let block = this.pool.take(bytes, keptBytes);
    while (block === NO_BLOCK && bytes <= BLOCK_BYTES_MAX) {
      const payer = this.#payer(holder, bytes);
      if (payer === holder || this.holders === null) break;
      this.#counters.add(Counter.readBufOom, 1);
      this.holders.drop(payer);
      block = this.pool.take(bytes, keptBytes);
    }
    if (block === NO_BLOCK) this.#counters.add(Counter.readBufOom, 1);
    return block;
  }

  /** Who holds most at the address that holds most, when `asker` is given `bytes` more. */
  #payer(asker: H, bytes: number): H {
    const byPeer = new Map<string, number>(); // alloc: only when the pool is out
    let peer = asker.peer;
    for (const holder of this.holders?.all() ?? []) {
      if (holder === null) continue;
      const held = this.#held(holder) + (holder === asker ? bytes : 0);
      const total = (byPeer.get(holder.peer) ?? 0) + held;
      byPeer.set(holder.peer, total);
      if (total > (byPeer.get(peer) ?? 0)) peer = holder.peer;
    }
    let payer = asker;
    let most = asker.peer === peer ? this.#held(asker) + bytes : 0;
    for (const holder of this.holders?.all() ?? []) {
      if (holder === null || holder.peer !== peer) continue;
      const held = this.#held(holder);
      if (held <= most) continue;
      most = held;
      payer = holder;
    }
    return payer;
  }

  #held({ inBlock, outBlock }: H): number {
    const input = inBlock === NO_BLOCK ? 0 : this.pool.blockBytes(inBlock);
    return input + (outBlock === NO_BLOCK ? 0 : this.pool.blockBytes(outBlock));
  }
}
