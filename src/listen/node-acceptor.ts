/**
 * NodeAcceptor: net.Servers that hand their sockets to the NodeTransport, within -c.
 *
 *   'connection' (paused) ─▶ below -c? ── adopt ─▶ NodeTransport
 *                              └ no ── refuse: "ERROR Too many open connections", close
 *                                └──── or wait, unread, until somebody leaves (as many as -b)
 */
import type { Server, Socket } from "node:net";
import type { Control } from "../memory/control.ts";
import type { NodeTransport } from "../transport/node/node-transport.ts";
import { type StallReason, TOO_MANY_CONNECTIONS } from "./acceptor.ts";
import { adoptNode } from "./inherited-sockets.ts";
import type { ListenOptions, ListenTarget } from "./listen.ts";
import { listenNode, type NodeListener } from "./node-listen.ts";

/** When a connection that waits looks again for a slot. */
const SLOT_RETRY_MILLISECONDS = 5;

export interface NodeAcceptorOptions {
  readonly control: Control;
  readonly transport: NodeTransport;
  /** -c. */
  readonly connectionsMax: number;
  /** True: refuse what is over the limit with an error. False: let it wait. */
  readonly refuse: boolean;
  /** A connection was refused for the limit. */
  readonly rejected: () => void;
  /** Connections begin to wait for a reason, or all that waited are served: told in turns. */
  readonly stalled: (reason: StallReason | null) => void;
}

interface Waiting {
  readonly socket: Socket;
  readonly listener: number;
  readonly address: string;
}

export class NodeAcceptor {
  readonly #options: NodeAcceptorOptions;
  readonly #servers: Server[] = [];
  /** Accepted, not read: before `start`, and over the limit in the mode that waits. */
  readonly #waiting: Waiting[] = [];
  #waitingMax = 0;
  #isStarted = false;
  #isRetrying = false;
  #isStalled = false;

  constructor(options: NodeAcceptorOptions) {
    this.#options = options;
  }

  /** Binds a target. Nobody is served before `start`. Throws a SystemError in memcached's words. */
  async listen(target: ListenTarget, options: ListenOptions): Promise<NodeListener[]> {
    this.#waitingMax = options.backlog;
    const first = this.#servers.length;
    const listeners = await listenNode(target, options, (socket, index) => {
      this.#connected(socket, first + index, listenText(listeners[index] as NodeListener));
    });
    this.#servers.push(...listeners.map((listener) => listener.server));
    return listeners;
  }

  /**
   * Takes over a socket that listens already. Nobody is served before `start`. Throws SystemError.
   */
  async adopt(fd: number, backlog: number): Promise<NodeListener> {
    this.#waitingMax = backlog;
    const index = this.#servers.length;
    const listener = await adoptNode(fd, backlog, (socket) => {
      this.#connected(socket, index, listenText(listener));
    });
    this.#servers.push(listener.server);
    return listener;
  }

  start(): void {
    this.#isStarted = true;
    this.#admitWaiting();
  }

  /** Accepts no more; connections that were adopted stay. */
  stop(): void {
    this.#isStarted = false;
    for (const server of this.#servers.splice(0)) server.close();
    for (const { socket } of this.#waiting.splice(0)) socket.destroy();
  }

  #connected(socket: Socket, listener: number, address: string): void {
    socket.on("error", () => {});
    this.#waiting.push({ socket, listener, address });
    if (this.#isStarted) this.#admitWaiting();
  }

  #admitWaiting(): void {
    const { control, connectionsMax, refuse, transport } = this.#options;
    while (this.#waiting.length > 0 && this.#isStarted) {
      const isFull = control.openConnections() >= connectionsMax;
      const mayWait = !refuse && this.#waiting.length <= this.#waitingMax;
      if (isFull && mayWait) {
        this.#stall("limit");
        return;
      }
      const { socket, listener, address } = this.#waiting[0] as Waiting;
      const isTaken = socket.destroyed || (!isFull && transport.adopt(socket, listener, address));
      if (!isTaken && mayWait) {
        this.#stall("workers");
        this.#retryLater();
        return;
      }
      this.#waiting.shift();
      if (socket.destroyed) continue;
      if (!isTaken) {
        this.#options.rejected();
        socket.end(TOO_MANY_CONNECTIONS, "latin1", () => socket.destroy());
        continue;
      }
      control.addOpenConnections(1);
      socket.once("close", () => this.#admitWaiting());
    }
    if (!this.#isStalled) return;
    this.#isStalled = false;
    this.#options.stalled(null);
  }

  #stall(reason: StallReason): void {
    if (!this.#isStalled) this.#options.stalled(reason);
    this.#isStalled = true;
  }

  /** Somebody has left, but their slot is free only when what they asked for has been answered. */
  #retryLater(): void {
    if (this.#isRetrying) return;
    this.#isRetrying = true;
    setTimeout(() => {
      this.#isRetrying = false;
      this.#admitWaiting();
    }, SLOT_RETRY_MILLISECONDS);
  }
}

function listenText(listener: NodeListener): string {
  return listener.kind === "unix" ? `unix:${listener.address}` : "";
}
