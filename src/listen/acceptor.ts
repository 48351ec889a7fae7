/**
 * Acceptor: takes connections off the listening sockets in the primary, and deals them out. Native
 * transport only.
 *
 *   libuv poll (readable) ─▶ accept4 until dry ─▶ below -c? ── deal(fd, listener) ─▶ a worker
 *                                                     └ no ── TOO_MANY_CONNECTIONS, close
 *
 * Why libuv watches: the primary lives in libuv anyway; koffi's poll handle costs 5 µs a wake-up
 * for any number of connections, and needs neither a thread nor a net.Server's object per
 * connection.
 *
 * When nothing can be accepted (no descriptors left, workers full, or the limit in the mode that
 * waits instead of refusing) the acceptor stops watching and tries again after ACCEPT_RETRY_MS, as
 * memcached does: the kernel's backlog holds the clients. However often that fails, it is one stall
 * until all who wait have been accepted.
 */

import type { Libc } from "../libc/libc.ts";
import {
  EAGAIN,
  ECONNABORTED,
  EINTR,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
} from "../libc/linux.ts";
import { type NativeMemory, NULL } from "../libc/native-memory.ts";
import type { PollHandle } from "../libc/poll-handle.ts";
import { Arena } from "../memory/arena.ts";
import type { Control } from "../memory/control.ts";
import type { Listener } from "./listen.ts";

/** Connections accepted before the primary does something else. */
const ACCEPTS_PER_TURN = 256;
/** memcached's own pause before it tries to accept again. */
export const ACCEPT_RETRY_MS = 10;

/** What a client over the limit is told. */
export const TOO_MANY_CONNECTIONS = "ERROR Too many open connections\r\n";

export interface AcceptorOptions {
  readonly libc: Libc;
  readonly control: Control;
  readonly listeners: readonly Listener[];
  /** -c. */
  readonly connectionsMax: number;
  /** True: refuse what is over the limit with an error. False: leave it waiting in the backlog. */
  readonly refuse: boolean;
  /** Hands a descriptor over. False: nobody can take it now. */
  readonly deal: (fd: number, listener: number) => boolean;
  /** A connection was refused for the limit. */
  readonly rejected: () => void;
  /** Accepting stopped for a reason, or goes on: told in turns. */
  readonly stalled: (reason: StallReason | null) => void;
}

/**
 * Why nothing is accepted: -c, descriptors of the process or the system, every worker's mailbox.
 */
export type StallReason = "limit" | "descriptors" | "workers";

export class Acceptor {
  readonly #options: AcceptorOptions;
  readonly #refusal: NativeMemory;
  readonly #polls: PollHandle[] = [];
  #retry: NodeJS.Timeout | null = null;
  /** An accepted descriptor no worker had room for, and its listener. */
  #kept = -1;
  #keptListener = 0;
  #isStalled = false;
  #running = false;

  constructor(options: AcceptorOptions) {
    this.#options = options;
    const arena = new Arena(new SharedArrayBuffer(64));
    arena.bytes.set(Buffer.from(TOO_MANY_CONNECTIONS));
    this.#refusal = options.libc.memory(arena);
  }

  /** Begins to accept. */
  start(): void {
    this.#running = true;
    this.#options.listeners.forEach((listener, index) => {
      this.#polls.push(this.#options.libc.poll(listener.fd, () => this.#accept(index)));
    });
  }

  /**
   * Stops accepting; with `close` the listening sockets go too, and new clients are refused by the
   * kernel.
   */
  stop(close: boolean): void {
    this.#running = false;
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    for (const poll of this.#polls) poll.close();
    this.#polls.length = 0;
    if (this.#kept !== -1) this.#drop(this.#kept);
    this.#kept = -1;
    if (close)
      for (const listener of this.#options.listeners) this.#options.libc.files.close(listener.fd);
  }

  #accept(listener: number): void {
    if (!this.#running || this.#retry !== null) return;
    for (let accepted = 0; accepted < ACCEPTS_PER_TURN; accepted++) {
      const outcome = this.#acceptOne(listener);
      if (outcome === "dry") return;
      if (outcome !== "taken") {
        this.#stall(outcome);
        return;
      }
    }
  }

  #acceptOne(listener: number): "taken" | "dry" | StallReason {
    const { libc, control, connectionsMax, refuse, deal } = this.#options;
    if (!refuse && control.openConnections() >= connectionsMax) return "limit";
    const socket = (this.#options.listeners[listener] as Listener).fd;
    const fd = libc.sockets.accept4(socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd === -EAGAIN) return "dry";
    if (fd === -EINTR || fd === -ECONNABORTED) return "taken";
    // EMFILE and ENFILE, or a lack of kernel memory: waiting is all one can do.
    if (fd < 0) return "descriptors";
    if (control.addOpenConnections(1) >= connectionsMax) {
      this.#refuse(fd);
      return "taken";
    }
    if (deal(fd, listener)) return "taken";
    this.#kept = fd;
    this.#keptListener = listener;
    return "workers";
  }

  #refuse(fd: number): void {
    const length = TOO_MANY_CONNECTIONS.length;
    this.#options.libc.sockets.send(
      fd,
      this.#refusal.address(0, length),
      length,
      MSG_NOSIGNAL | MSG_DONTWAIT,
    );
    this.#drop(fd);
    this.#options.rejected();
  }

  #drop(fd: number): void {
    this.#options.libc.files.close(fd);
    this.#options.control.addOpenConnections(-1);
  }

  #stall(reason: StallReason): void {
    for (const poll of this.#polls) poll.stop();
    if (!this.#isStalled) this.#options.stalled(reason);
    this.#isStalled = true;
    this.#retry = setTimeout(() => this.#retryNow(), ACCEPT_RETRY_MS);
  }

  #retryNow(): void {
    this.#retry = null;
    if (this.#kept !== -1) {
      if (!this.#options.deal(this.#kept, this.#keptListener)) {
        this.#stall("workers");
        return;
      }
      this.#kept = -1;
    }
    this.#options.listeners.forEach((_, index) => void this.#accept(index));
    if (this.#retry !== null) return;
    this.#isStalled = false;
    this.#options.stalled(null);
    for (const poll of this.#polls) poll.start();
  }
}
