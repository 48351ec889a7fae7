/** --peers: the list stands on the command line, and changes with a restart. */
import type { ListHandler, ListSource } from "./list-source.ts";
import type { NodeAddress } from "./node-list.ts";

export class StaticSource implements ListSource {
  readonly #nodes: readonly NodeAddress[];
  readonly #unixSeconds: () => number;

  constructor(nodes: readonly NodeAddress[], unixSeconds: () => number) {
    this.#nodes = nodes;
    this.#unixSeconds = unixSeconds;
  }

  start(handler: ListHandler): Promise<void> {
    handler.listed({ nodes: this.#nodes, version: null, seed: this.#unixSeconds() });
    return Promise.resolve();
  }

  stop(): void {}
}
