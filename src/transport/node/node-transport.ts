/**
 * NodeTransport: the same slots over node:net, in the primary thread, under libuv.
 *
 *   'data'  ─▶ copied to the input region ─▶ handler.received        'drain' ─▶ handler.writable
 *   'end', 'close' ─▶ handler.ended                                   bell, timer, data ─▶ a turn
 *
 *   turn (setImmediate): loop.turn() ─▶ closes ─▶ 0: again · n: a timer · -1: until rung
 *
 * Why the copies: node:net gives every read a buffer of its own and keeps what is written until the
 * kernel took it, while the code above works in shared memory that it reuses at once. Serving costs
 * twice the native transport's CPU; this one is for machines without libc, and for UDP.
 *
 * Invariants:
 *  - at most SEND_BYTES_MAX wait in a socket's own queue: `send` takes no more;
 *  - every socket has an error handler from its first moment; an error only ever ends its own
 *    connection.
 */
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { assert } from "../../base/assert.ts";
import { copyBytes } from "../../base/bytes.ts";
import { KIB } from "../../base/unit.ts";
import { ECANCELED, ENAMETOOLONG, ENOBUFS } from "../../libc/linux.ts";
import { NO_ADDRESS, type SocketAddress, UNIX_PATH_BYTES_MAX } from "../../libc/socket-address.ts";
import type { Arena } from "../../memory/arena.ts";
import type { Control } from "../../memory/control.ts";
import { SlotPool } from "../slot-pool.ts";
import {
  GONE,
  type LinkHandler,
  type LoopHandler,
  type StreamHandler,
  type Transport,
  type TransportHandler,
} from "../transport.ts";
import { NotifyWatch } from "./notify-watch.ts";

/** Bytes node:net may hold for one socket that the kernel has not taken. */
const SEND_BYTES_MAX = 256 * KIB;
/** A closed connection whose last bytes are not taken is dropped after this silence. */
const LINGER_MS_MAX = 10_000;

export interface NodeOptions {
  readonly slotCount: number;
  readonly control: Control;
  /** Where received bytes are put: [offset, offset + bytes) of an arena. */
  readonly input: { readonly arena: Arena; readonly offset: number; readonly bytes: number };
  /** This thread's sleep word (ring/wake.ts): a notify on it is this transport's bell. */
  readonly bell: { readonly ints: Int32Array; readonly word: number };
}

/** What the transport uses of a net.Socket. DatagramSession is another. */
export interface NodeSocket extends Duplex {
  /** `IPv4`, `IPv6`; `udp4`, `udp6`; none for a Unix socket. */
  readonly remoteFamily?: string | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localFamily?: string | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  setTimeout(milliseconds: number, callback: () => void): unknown;
  /** Destroys it once what was written has left. */
  destroySoon(): void;
}

/** What the transport knows of one socket. */
class Client {
  readonly socket: NodeSocket;
  /** Who hears of it. */
  readonly handler: StreamHandler;
  readonly listener: string;
  /** A client's: one that goes out is not counted. */
  readonly isCounted: boolean;
  isEnded = false;
  isBlocked = false;
  isClosing = false;
  isCorked = false;
  /** node:net has nothing more to say of it. */
  isGone = false;

  constructor(socket: NodeSocket, handler: StreamHandler, listener: string, isCounted: boolean) {
    this.socket = socket;
    this.handler = handler;
    this.listener = listener;
    this.isCounted = isCounted;
  }
}

export class NodeTransport implements Transport {
  readonly slotCount: number;
  readonly #options: NodeOptions;
  readonly #pool: SlotPool;
  readonly #clients: (Client | null)[];
  readonly #watch: NotifyWatch;
  #handler: TransportHandler | null = null;
  #loop: LoopHandler | null = null;
  #isScheduled = false;
  #isStopped = false;
  /** What the last turn answered; 0 while a turn is due. */
  #sleepMs = 0;
  #timer: NodeJS.Timeout | null = null;
  #timerAt = 0;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.slotCount = options.slotCount;
    this.#pool = new SlotPool(options.slotCount);
    this.#clients = new Array<Client | null>(options.slotCount).fill(null);
    const { ints, word } = options.bell;
    this.#watch = new NotifyWatch(ints, word, () => this.wake());
  }

  /** Begins to take turns. Unlike a worker's loop it returns at once: libuv drives it. */
  start(handler: TransportHandler, loop: LoopHandler): void {
    this.#handler = handler;
    this.#loop = loop;
    this.wake();
  }

  /** No turn follows. Connections stay as they are: `destroy` ends them. */
  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** There is something to do besides sockets: what the thread's bell calls. */
  wake(): void {
    this.#comeBack();
    this.#schedule();
  }

  /**
   * Takes over an accepted socket, paused until now. False when every slot is taken:
   * then the caller destroys it. When true, the caller counts it as open, and the transport takes
   * it off that count when it closes. `listenAddress`: what `localAddress` says of a Unix socket.
   */
  adopt(socket: NodeSocket, listener: number, listenAddress: string): boolean {
    const slot = this.#pool.take();
    if (slot === -1) return false;
    const handler = this.#handlerOf();
    const client = new Client(socket, handler, listenAddress, true);
    this.#listen(client, slot);
    socket.on("error", () => this.#ended(client, slot));
    handler.opened(slot, listener);
    if (!client.isClosing) socket.resume();
    this.wake();
    return true;
  }

  connect(to: SocketAddress, handler: LinkHandler): number {
    const where = "path" in to ? { path: to.path.replace(/^@/, "\0") } : to;
    // libuv would connect to what of a longer path fits.
    if ("path" in to && Buffer.byteLength(to.path) >= UNIX_PATH_BYTES_MAX) return -ENAMETOOLONG;
    const slot = this.#pool.take();
    if (slot === -1) return -ENOBUFS;
    const socket = new Socket({ allowHalfOpen: true });
    const client = new Client(socket, handler, "", false);
    client.isBlocked = true;
    this.#listen(client, slot);
    let isConnected = false;
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (isConnected) this.#ended(client, slot);
      else this.#failed(client, slot, handler, -(error.errno ?? -ECANCELED));
    });
    socket.connect({ ...where, noDelay: true, keepAlive: true }, () => {
      isConnected = true;
      client.isBlocked = false;
      if (client.isClosing) return;
      this.#comeBack();
      handler.connected(slot);
      this.#schedule();
    });
    return slot;
  }

  send(slot: number, arena: Arena, start: number, end: number, more: boolean): number {
    const client = this.#client(slot);
    const { socket } = client;
    if (client.isClosing || socket.destroyed || !socket.writable) return GONE;
    if (client.isBlocked) return 0;
    const length = end - start;
    const taken = Math.min(length, SEND_BYTES_MAX - socket.writableLength);
    if (more && !client.isCorked) {
      client.isCorked = true;
      socket.cork();
    }
    const bytes = arena.bytes.subarray(start, start + taken); // alloc: node:net wants a view
    if (taken > 0) socket.write(Buffer.from(bytes)); // alloc: node:net keeps it
    if (client.isCorked && (!more || taken < length)) {
      client.isCorked = false;
      socket.uncork();
    }
    client.isBlocked = taken < length;
    if (client.isBlocked && !socket.writableNeedDrain) {
      // The kernel took all of it at once, after all: no 'drain' will say so.
      setImmediate(() => this.#writable(client, slot)); // alloc: once in 256 KiB
    }
    return Math.max(taken, 0);
  }

  pause(slot: number): void {
    this.#client(slot).socket.pause();
  }

  resume(slot: number): void {
    this.#client(slot).socket.resume();
  }

  close(slot: number): void {
    const client = this.#client(slot);
    if (client.isClosing) return;
    client.isClosing = true;
    const { socket } = client;
    if (client.isCorked) socket.uncork();
    if (client.isGone) this.#pool.closeLater(slot);
    else if (socket.writableLength === 0) socket.destroy();
    else {
      socket.setTimeout(LINGER_MS_MAX, () => socket.destroy());
      socket.destroySoon();
    }
    this.#schedule();
  }

  peerAddress(slot: number): string {
    const { remoteFamily, remoteAddress, remotePort } = this.#client(slot).socket;
    if (remoteAddress === undefined) return NO_ADDRESS;
    return addressText(remoteFamily, remoteAddress, remotePort);
  }

  localAddress(slot: number): string {
    const { socket, listener } = this.#client(slot);
    const { localFamily, localAddress, localPort } = socket;
    if (localAddress === undefined) return listener;
    return addressText(localFamily, localAddress, localPort);
  }

  /** Destroys every connection; no handler call follows. */
  destroy(): void {
    this.stop();
    for (const client of this.#clients) {
      if (client === null) continue;
      client.isClosing = true;
      client.socket.destroy();
    }
  }

  /** Hears what the socket says of itself, but for its errors. */
  #listen(client: Client, slot: number): void {
    const { socket } = client;
    assert(socket.writableHighWaterMark <= SEND_BYTES_MAX, "a full queue ends with 'drain'");
    this.#clients[slot] = client;
    socket.on("data", (chunk: Buffer) => this.#received(client, slot, chunk));
    socket.on("end", () => this.#ended(client, slot));
    socket.on("drain", () => this.#writable(client, slot));
    socket.on("close", () => this.#closed(client, slot));
  }

  #failed(client: Client, slot: number, handler: LinkHandler, errno: number): void {
    if (client.isClosing) return;
    client.isClosing = true;
    this.#comeBack();
    handler.failed(slot, errno);
    this.#schedule();
  }

  #received(client: Client, slot: number, chunk: Buffer): void {
    if (client.isClosing) return;
    this.#comeBack();
    const { arena, offset, bytes } = this.#options.input;
    for (let at = 0; at < chunk.length && !client.isClosing; at += bytes) {
      if (client.socket.isPaused()) {
        client.socket.unshift(chunk.subarray(at)); // it comes again after `resume`
        break;
      }
      const length = Math.min(bytes, chunk.length - at);
      copyBytes(arena.bytes, offset, chunk, at, length);
      client.handler.received(slot, arena.bytes, offset, offset + length);
    }
    this.#schedule();
  }

  #writable(client: Client, slot: number): void {
    if (client.isClosing || !client.isBlocked) return;
    client.isBlocked = false;
    this.#comeBack();
    client.handler.writable(slot);
    this.#schedule();
  }

  #ended(client: Client, slot: number): void {
    if (client.isClosing || client.isEnded) return;
    client.isEnded = true;
    this.#comeBack();
    client.handler.ended(slot);
    this.#schedule();
  }

  /** The socket is gone: the slot is free once the handler has closed it and its turn has ended. */
  #closed(client: Client, slot: number): void {
    this.#ended(client, slot);
    this.#writable(client, slot); // whoever waits for room hears that there is none when it sends
    if (client.isCounted) this.#options.control.addOpenConnections(-1);
    client.isGone = true;
    if (client.isClosing) this.#pool.closeLater(slot);
    this.#schedule();
  }

  #turn(): void {
    this.#isScheduled = false;
    if (this.#isStopped || this.#loop === null) return;
    this.#comeBack();
    this.#sleepMs = this.#loop.turn();
    while (this.#pool.closingCount > 0) {
      const slot = this.#pool.nextClosing();
      this.#clients[slot] = null;
      this.#pool.give(slot);
    }
    if (this.#sleepMs === 0) {
      this.#schedule();
      return;
    }
    if (this.#sleepMs > 0) this.#sleep(this.#sleepMs);
    this.#watch.arm();
  }

  /** Somebody is awake who was allowed to sleep. */
  #comeBack(): void {
    if (this.#sleepMs === 0) return;
    this.#sleepMs = 0;
    this.#loop?.awake();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isStopped) return;
    this.#isScheduled = true;
    setImmediate(() => this.#turn());
  }

  /**
   * A turn after `ms` at the latest. A timer that is due before is left alone: an early turn does
   * no harm.
   */
  #sleep(ms: number): void {
    const now = performance.now();
    const at = now + ms;
    if (this.#timer !== null && this.#timerAt <= at && this.#timerAt > now) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#turn();
    }, ms);
  }

  #client(slot: number): Client {
    const client = this.#clients[slot];
    assert(client != null, "an open slot is used");
    return client;
  }

  #handlerOf(): TransportHandler {
    assert(this.#handler !== null, "the transport was started");
    return this.#handler;
  }
}

function addressText(
  family: string | undefined,
  address: string,
  port: number | undefined,
): string {
  if (family === "IPv6" || family === "udp6") {
    return `${family === "udp6" ? "udp6" : "tcp6"}:[${address}]:${port}`;
  }
  return `${family === "udp4" ? "udp" : "tcp"}:${address}:${port}`;
}
