/**
 * Source: output that is produced by and by, because it is too much for one buffer or not there
 * yet.
 *
 * A large value, a dump of keys, the lines of a watcher. While a connection has a source, it parses
 * no further request; the source writes into the connection's output as fast as the socket takes
 * it.
 */

/** What `fill` returns when nothing more will come. */
export const SOURCE_DONE = -1;

export interface Source {
  /** True when only the client's leaving ends it. */
  readonly endless: boolean;
  /**
   * Writes the next bytes at bytes[at, end). Returns how many; 0 when there are none now;
   * SOURCE_DONE at the end.
   */
  fill(bytes: Uint8Array, at: number, end: number): number;
  /** The connection has gone, or the source is done: lets go of what it holds. */
  release(): void;
}
