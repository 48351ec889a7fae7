/**
 * HTTP connections: how many the admin port holds, and who goes when it is full.
 *
 *   newcomer ─▶ room? ─▶ else the one that has waited longest for a request of its client leaves:
 *                          over its share, one of the same address, at the limit one of whoever has the most
 *
 * A newcomer is always let in, since it may be a probe, and a node that does not answer its probes is
 * restarted. Who connects and says nothing holds the oldest silence, so it goes first; a connection
 * whose request is being answered, or that follows the live events, goes only when all are such.
 *
 * Refusing newcomers instead, as a plain limit does, lets anybody with a few hundred idle
 * connections end the pod.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Guard } from "./guard.ts";

/** Connections one admin port ever has; system limits may allow fewer. */
export const ADMIN_CONNECTIONS_MAX = 256;
/** Fewer than this would not serve a page, a scrape and two probes at once. */
export const ADMIN_CONNECTIONS_MIN = 16;
/** Of them, one address may have a quarter: a proxy and a browser need a handful. */
const PER_ADDRESS_SHARE = 4;

interface Held {
  readonly address: string;
  /** Requests that are being answered. */
  busy: number;
}

export class HttpConnections {
  readonly #guard: Guard;
  readonly #max: number;
  readonly #perAddressMax: number;
  /** Longest silent first: who becomes silent is put at the end. */
  readonly #held = new Map<Socket, Held>();
  readonly #byAddress = new Map<string, number>();

  constructor(guard: Guard, max: number) {
    this.#guard = guard;
    this.#max = max;
    this.#perAddressMax = Math.max(ADMIN_CONNECTIONS_MIN / 2, Math.floor(max / PER_ADDRESS_SHARE));
  }

  get count(): number {
    return this.#held.size;
  }

  /** Watches a server's connections from now on. */
  watch(server: Server): void {
    this.#guard.on(server, "connection", "http connection", (socket: Socket) => {
      this.#admit(socket);
    });
    this.#guard.on(
      server,
      "request",
      "http request",
      (request: IncomingMessage, response: ServerResponse) => {
        this.#began(request.socket);
        this.#guard.on(response, "close", "http response", () => this.#ended(request.socket));
      },
    );
  }

  #admit(socket: Socket): void {
    const address = socket.remoteAddress ?? "";
    const ofAddress = this.#byAddress.get(address) ?? 0;
    if (ofAddress >= this.#perAddressMax) this.#drop(address);
    else if (this.#held.size >= this.#max) this.#drop(this.#crowdedAddress());
    this.#held.set(socket, { address, busy: 0 });
    this.#byAddress.set(address, (this.#byAddress.get(address) ?? 0) + 1);
    this.#guard.on(socket, "close", "http connection", () => this.#forget(socket));
  }

  /** Ends the connection of `address` that has been silent longest; if none is, its oldest. */
  #drop(address: string): void {
    let oldest: Socket | null = null;
    for (const [socket, held] of this.#held) {
      if (held.address !== address) continue;
      oldest ??= socket;
      if (held.busy > 0) continue;
      oldest = socket;
      break;
    }
    if (oldest === null) return;
    this.#forget(oldest);
    oldest.destroy();
  }

  #crowdedAddress(): string {
    let crowded = "";
    let most = 0;
    for (const [address, count] of this.#byAddress) {
      if (count <= most) continue;
      most = count;
      crowded = address;
    }
    return crowded;
  }

  #began(socket: Socket): void {
    const held = this.#held.get(socket);
    if (held !== undefined) held.busy++;
  }

  #ended(socket: Socket): void {
    const held = this.#held.get(socket);
    if (held === undefined) return;
    held.busy--;
    this.#held.delete(socket);
    this.#held.set(socket, held);
  }

  #forget(socket: Socket): void {
    const held = this.#held.get(socket);
    if (held === undefined) return;
    this.#held.delete(socket);
    const count = (this.#byAddress.get(held.address) ?? 1) - 1;
    if (count <= 0) this.#byAddress.delete(held.address);
    else this.#byAddress.set(held.address, count);
  }
}
