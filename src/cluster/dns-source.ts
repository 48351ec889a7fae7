/**
 * SRV records: a Kubernetes headless service, or Consul, asked every ten seconds.
 *
 *   _memcached._tcp.cache.svc   SRV 0 10 11211 cache-0.cache.svc.  ──▶  cache-0.cache.svc:11211
 *
 * A name server gives them in any order, a different one each time, and the order is part of our
 * list: so they are sorted, numbers by value. A StatefulSet's names then stay where they are when
 * it grows. No answer, and an answer without records, change nothing: all nodes being gone looks
 * the same as a name server's bad minute, and clients are better off with the last list.
 */
import { Resolver } from "node:dns/promises";
import type { ListHandler, ListSource } from "./list-source.ts";
import { type NodeAddress, nodeAddressFrom, nodesProblem } from "./node-list.ts";

const ASK_MILLISECONDS = 10_000;
const TIMEOUT_MILLISECONDS = 2000;
const TRIES = 2;

/** Compares hosts as people number them: cache-2 before cache-10. */
const byNumber = new Intl.Collator("en", { numeric: true });

export interface SrvRecord {
  readonly name: string;
  readonly port: number;
}

/** The nodes of SRV records, in the one order every node gives them. */
export function nodesOfRecords(records: readonly SrvRecord[]): NodeAddress[] | string {
  const nodes: NodeAddress[] = [];
  for (const { name, port } of records) {
    const node = nodeAddressFrom(name.replace(/\.$/, "").toLowerCase());
    if (typeof node === "string") return node;
    if (port < 1) return `${name} has port ${port}`;
    nodes.push({ host: node.host, port });
  }
  nodes.sort((a, b) => byNumber.compare(a.host, b.host) || a.port - b.port);
  const distinct = nodes.filter(
    (node, index) => node.host !== nodes[index - 1]?.host || node.port !== nodes[index - 1]?.port,
  );
  return nodesProblem(distinct) ?? distinct;
}

export interface DnsOptions {
  readonly name: string;
  /** `host:port`; empty: the system's. */
  readonly server: string;
  readonly unixSeconds: () => number;
  readonly askMilliseconds?: number;
}

export class DnsSource implements ListSource {
  readonly #options: DnsOptions;
  readonly #resolver = new Resolver({ timeout: TIMEOUT_MILLISECONDS, tries: TRIES });
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;
  #nodesText = "";
  #problem = "";

  constructor(options: DnsOptions) {
    this.#options = options;
    if (options.server !== "") this.#resolver.setServers([options.server]);
  }

  async start(handler: ListHandler): Promise<void> {
    await this.#ask(handler);
    this.#askAgain(handler);
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#resolver.cancel();
  }

  #askAgain(handler: ListHandler): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(async () => {
      await this.#ask(handler);
      this.#askAgain(handler);
    }, this.#options.askMilliseconds ?? ASK_MILLISECONDS);
    this.#timer.unref();
  }

  async #ask(handler: ListHandler): Promise<void> {
    const nodes = await this.#nodes();
    if (this.#isStopped) return;
    if (typeof nodes === "string") {
      if (nodes !== this.#problem) handler.failed(`${this.#options.name}: ${nodes}`);
      this.#problem = nodes;
      return;
    }
    this.#problem = "";
    const nodesText = JSON.stringify(nodes);
    if (nodesText === this.#nodesText) return;
    this.#nodesText = nodesText;
    handler.listed({ nodes, version: null, seed: this.#options.unixSeconds() });
  }

  async #nodes(): Promise<NodeAddress[] | string> {
    try {
      return nodesOfRecords(await this.#resolver.resolveSrv(this.#options.name));
    } catch (error) {
      const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
      return `no SRV records (${code})`;
    }
  }
}
