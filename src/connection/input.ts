/**
 * Input: bytes that came and cannot be served yet, in a block of the connection's own.
 *
 *   block    | served | inStart … kept … inEnd | room |        grows by doubling up to the largest block
 *
 * Half a request, or requests behind one that must wait. Blocks grow with what has come, never with
 * what a client says is coming, so a line that announces a megabyte reserves nothing. Who pays when
 * there are none left: block-budget.ts.
 *
 * While a connection is served, its input is [at, end): of its block, or of the receive buffer.
 */
import type { Arena } from "../memory/arena.ts";
import { type BlockPool, NO_BLOCK } from "../memory/block-pool.ts";
import type { BlockBudget } from "./block-budget.ts";
import type { Connection } from "./connection.ts";

export class Input {
  /** What is left of the input of the connection being served. */
  at = 0;
  end = 0;
  readonly #bytes: Uint8Array;
  readonly #pool: BlockPool;
  readonly #budget: BlockBudget<Connection>;

  constructor(arena: Arena, budget: BlockBudget<Connection>) {
    this.#bytes = arena.bytes;
    this.#pool = budget.pool;
    this.#budget = budget;
  }

  /** Aims at [at, end): what `connection` sent, until `close`. */
  open(at: number, end: number): void {
    this.at = at;
    this.end = end;
  }

  /** Takes up to `bytes` of what is left; returns how many. */
  take(bytes: number): number {
    const taken = Math.min(bytes, this.end - this.at);
    this.at += taken;
    return taken;
  }

  /** Ends what `open` began: keeps what is left for later. False when there is no memory for it. */
  close(connection: Connection): boolean {
    if (this.at === this.end) {
      this.release(connection);
      return true;
    }
    if (connection.inBlock !== NO_BLOCK) {
      connection.inStart = this.at;
      return true;
    }
    return this.append(connection, this.#bytes, this.at, this.end);
  }

  /** Adds bytes to the input that is kept. False when there is no memory for them. */
  append(connection: Connection, bytes: Uint8Array, start: number, end: number): boolean {
    const kept = connection.inEnd - connection.inStart;
    const wanted = kept + end - start;
    if (connection.inBlock === NO_BLOCK || wanted > this.#pool.blockBytes(connection.inBlock)) {
      const block = this.#budget.takeForInput(connection, wanted);
      if (block === NO_BLOCK) return false;
      if (connection.inBlock !== NO_BLOCK) {
        this.#bytes.copyWithin(block, connection.inStart, connection.inEnd);
        this.#pool.give(connection.inBlock);
      }
      connection.inBlock = block;
      connection.inStart = block;
      connection.inEnd = block + kept;
    } else if (
      connection.inEnd + end - start >
      connection.inBlock + this.#pool.blockBytes(connection.inBlock)
    ) {
      this.#bytes.copyWithin(connection.inBlock, connection.inStart, connection.inEnd);
      connection.inStart = connection.inBlock;
      connection.inEnd = connection.inBlock + kept;
    }
    if (bytes === this.#bytes) this.#bytes.copyWithin(connection.inEnd, start, end);
    else this.#bytes.set(bytes.subarray(start, end), connection.inEnd);
    connection.inEnd += end - start;
    return true;
  }

  /** Gives back what was kept. */
  release(connection: Connection): void {
    if (connection.inBlock !== NO_BLOCK) this.#pool.give(connection.inBlock);
    connection.inBlock = NO_BLOCK;
    connection.inStart = 0;
    connection.inEnd = 0;
  }
}
