/**
 * HostAddresses: the IP beside each host's name in the list, for the clients that go by it.
 *
 * The lowest IPv4 address, else the lowest IPv6 one, so that nodes agree whatever order a name
 * server gives. An address of this machine's own loop is not told for a name: /etc/hosts gives
 * Debian's machines one for their own name, and other machines would reach themselves there.
 * Unknown is empty, which every client takes.
 */
import { lookup } from "node:dns/promises";
import { BlockList, isIP, isIPv4, isIPv6 } from "node:net";
import type { ListedNode, NodeAddress } from "./node-list.ts";

/** How long a list waits for the addresses of its names: it is told without them then. */
const WAIT_MILLISECONDS = 2000;

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

/** All addresses of a name; empty when there are none. */
export type Lookup = (host: string) => Promise<readonly string[]>;

async function systemLookup(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** The address to tell of those a name has. */
export function toldAddress(host: string, addresses: readonly string[]): string {
  const isOwn = host === "localhost";
  const usable = addresses.filter((ip) => isOwn || !isLoopback(ip)).sort();
  return usable.find((ip) => isIPv4(ip)) ?? usable.find((ip) => isIPv6(ip)) ?? "";
}

function isLoopback(ip: string): boolean {
  return loopback.check(ip, isIPv4(ip) ? "ipv4" : "ipv6");
}

export class HostAddresses {
  readonly #lookup: Lookup;
  readonly #waitMilliseconds: number;
  /** What each host had last: it stays while it cannot be asked. */
  #known = new Map<string, string>();

  constructor(lookupHost: Lookup = systemLookup, waitMilliseconds = WAIT_MILLISECONDS) {
    this.#lookup = lookupHost;
    this.#waitMilliseconds = waitMilliseconds;
  }

  /** The nodes with their addresses; those that cannot be found in time have what they had. */
  async of(nodes: readonly (NodeAddress & { readonly ip?: string })[]): Promise<ListedNode[]> {
    const names = new Set(
      nodes.filter(({ host, ip }) => isIP(host) === 0 && (ip ?? "") === "").map(({ host }) => host),
    );
    const asked = Promise.all([...names].map((host) => this.#ask(host)));
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, this.#waitMilliseconds);
    });
    await Promise.race([asked, late]);
    clearTimeout(timer);
    const known = this.#known;
    this.#known = new Map([...names].map((host) => [host, known.get(host) ?? ""]));
    return nodes.map(({ host, port, ip }) => ({
      host,
      port,
      ip: isIP(host) === 0 ? ip || (known.get(host) ?? "") : host,
    }));
  }

  async #ask(host: string): Promise<void> {
    try {
      const ip = toldAddress(host, await this.#lookup(host));
      if (ip !== "") this.#known.set(host, ip);
    } catch {
      // No such name, or nobody who knows: what it had stays.
    }
  }
}
