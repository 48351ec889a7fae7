/**
 * The node transport's door: node:net listens, and the primary's own event loop serves what it
 * accepts (worker/node-front.ts).
 *
 *   node:net ─▶ below -c? ── yes ─▶ NodeTransport.adopt
 *                     └ no ── refuse with a line, or (no_maxconns_fast) wait, unread, until one goes
 *
 * node:net accepts whatever comes, so "leave it in the backlog" is played here: at most -b sockets
 * wait, paused.
 */
import type { Server, Socket } from "node:net";
import type { WorkerData } from "../config/worker-data.ts";
import { Counter, Counters } from "../memory/counters.ts";
import { NotifyBell } from "../ring/wake.ts";
import { TOO_MANY_CONNECTIONS } from "../transport/acceptor.ts";
import { listenNode } from "../transport/node-listen.ts";
import { NodeFront } from "../worker/node-front.ts";
import { type Door, type DoorParts, type Listening, listenOptionsOf, targetsOf } from "./door.ts";

/** How often waiting connections are looked at, and draining ones counted. */
const LOOK_MILLISECONDS = 10;
/** How long connections may take to be answered at the end. */
const DRAIN_MILLISECONDS_MAX = 5000;

interface Waiting {
  readonly socket: Socket;
  readonly listener: number;
}

export class NodeDoor implements Door {
  readonly bells: readonly number[] = [];
  readonly #parts: DoorParts;
  readonly #bell: NotifyBell;
  readonly #servers: Server[] = [];
  readonly #waiting: Waiting[] = [];
  #texts: readonly string[] = [];
  #front: NodeFront | null = null;
  #counters: Counters | null = null;
  #look: NodeJS.Timeout | null = null;

  constructor(parts: DoorParts) {
    this.#parts = parts;
    const { memory } = parts;
    this.#bell = new NotifyBell(memory.arena(memory.layout.control).ints, memory.control);
  }

  async listen(): Promise<readonly Listening[]> {
    const { settings } = this.#parts;
    const sockets: Listening[] = [];
    for (const { target, asked } of targetsOf(settings)) {
      const listener = sockets.length; // a name bound on two addresses counts as its first
      const connected = (socket: Socket) => this.#connected(socket, listener);
      const listeners = await listenNode(target, listenOptionsOf(settings), connected);
      for (const { server, kind, port, address } of listeners) {
        this.#servers.push(server);
        sockets.push({ kind, address, port, descriptor: 0, asked });
      }
    }
    return sockets;
  }

  open(data: WorkerData): void {
    const { memory, asked } = this.#parts;
    this.#texts = data.listeners.map(({ text }) => text);
    this.#counters = new Counters(
      memory.arena(data.layout.counters),
      memory.countersBase(data.self),
    );
    this.#front = new NodeFront(data, asked);
    this.#front.start();
    this.#admitWaiting();
  }

  async close(): Promise<void> {
    if (this.#look !== null) clearInterval(this.#look);
    for (const server of this.#servers) server.close();
    for (const { socket } of this.#waiting.splice(0)) socket.destroy();
    const front = this.#front;
    if (front === null) return;
    front.drain();
    const deadline = performance.now() + DRAIN_MILLISECONDS_MAX;
    while (front.openCount() > 0 && performance.now() < deadline) await oneLook();
  }

  setDown(): void {}

  wakeAll(): void {
    for (let worker = 0; worker < this.#parts.settings.threads; worker++) this.#bell.ring(worker);
  }

  exit(code: number): never {
    process.exit(code);
  }

  /** A connection came, its socket paused. */
  #connected(socket: Socket, listener: number): void {
    socket.on("error", () => socket.destroy());
    const isFull = this.#isFull();
    if (this.#front !== null && !isFull && this.#waiting.length === 0) {
      this.#admit(socket, listener);
      return;
    }
    const { settings } = this.#parts;
    const mayWait = this.#front === null || !settings.extended.maxconnsFast;
    if (mayWait && this.#waiting.length < settings.backlog) this.#wait(socket, listener);
    else this.#refuse(socket);
  }

  #isFull(): boolean {
    const { memory, settings } = this.#parts;
    return memory.control.openConnections() >= settings.maxConnections;
  }

  #admit(socket: Socket, listener: number): void {
    const { control } = this.#parts.memory;
    control.addOpenConnections(1);
    const text = this.#texts[listener] ?? "";
    if (this.#front?.transport.adopt(socket, listener, text) === true) return;
    control.addOpenConnections(-1);
    socket.destroy();
  }

  #wait(socket: Socket, listener: number): void {
    this.#waiting.push({ socket, listener });
    this.#look ??= setInterval(() => this.#admitWaiting(), LOOK_MILLISECONDS);
  }

  #admitWaiting(): void {
    while (this.#front !== null && !this.#isFull()) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      if (!next.socket.destroyed) this.#admit(next.socket, next.listener);
    }
    if (this.#waiting.length > 0 || this.#look === null) return;
    clearInterval(this.#look);
    this.#look = null;
  }

  #refuse(socket: Socket): void {
    const { settings, log } = this.#parts;
    this.#counters?.add(Counter.rejectedConnections, 1);
    log.warn(`a connection was refused: ${settings.maxConnections} are open (-c)`);
    socket.end(TOO_MANY_CONNECTIONS);
    socket.destroySoon();
  }
}

function oneLook(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK_MILLISECONDS));
}
