/**
 * ConnectionList: connections put aside for later in the turn or for the next one; filled and
 * emptied every turn.
 *
 * Emptying keeps the array's memory: `length = 0` would give it back, and the next turn would
 * allocate it again.
 */
import type { Connection } from "./connection.ts";

export class ConnectionList {
  readonly #items: (Connection | null)[] = [];
  count = 0;

  add(connection: Connection): void {
    if (this.count === this.#items.length)
      this.#items.push(connection); // alloc: once for each place
    else this.#items[this.count] = connection;
    this.count++;
  }

  at(index: number): Connection {
    return this.#items[index] as Connection;
  }

  clear(): void {
    for (let index = 0; index < this.count; index++) this.#items[index] = null;
    this.count = 0;
  }
}
