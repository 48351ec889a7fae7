/**
 * EpollTransport: a worker's sockets, by one epoll set and plain system calls.
 *
 *   turn:  epoll_wait ─▶ each ready slot: recv ─▶ handler ─▶ send
 *          ─▶ loop.turn() ─▶ closes
 *
 * Three crossings for an unpipelined request, one of them shared by all ready sockets.
 *
 * The loop never returns to libuv. It hears other threads by its eventfd alone, and stops when told
 * between two turns.
 *
 * Level-triggered, so that a slot left half read comes back by itself. What epoll watches of a slot
 * is changed lazily: pausing and resuming cost nothing unless the socket becomes ready meanwhile.
 *
 *   flags of a slot: paused · ended · blocked (a send was short) · closing
 *                    in/out (what epoll watches now) · deaf
 *                    connecting (goes out, outcome unknown)
 *
 * Invariants:
 *  - a slot is freed only after every socket of a turn has been visited: no event of a batch meets
 *    a reused slot;
 *  - epoll's data is the slot, and closing a descriptor removes it from the set, so no event
 *    outlives its slot;
 *  - a descriptor is in the table before anything can be read from it, and out of the table before
 *    it is closed.
 */
import { assert } from "../../base/assert.ts";
import { SystemError } from "../../base/errors.ts";
import type { Libc } from "../../libc/libc.ts";
import {
  EAGAIN,
  EINTR,
  ENOBUFS,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLL_DATA_WORD,
  EPOLL_EVENT_BYTES,
  EPOLL_EVENT_WORDS,
  EPOLLERR,
  EPOLLET,
  EPOLLHUP,
  EPOLLIN,
  EPOLLOUT,
  MSG_MORE,
  MSG_NOSIGNAL,
} from "../../libc/linux.ts";
import { MemoryMap } from "../../libc/memory-map.ts";
import type { NativeMemory } from "../../libc/native-memory.ts";
import { localAddress, peerAddress, type SocketAddress } from "../../libc/socket-address.ts";
import { socketError } from "../../libc/socket-options.ts";
import type { Arena } from "../../memory/arena.ts";
import type { Control } from "../../memory/control.ts";
import type { FdTable } from "../fd-table.ts";
import { EVENTS_MAX, type NativeOptions } from "../native-plan.ts";
import { beginConnect } from "../outgoing.ts";
import { SlotPool } from "../slot-pool.ts";
import {
  GONE,
  type LinkHandler,
  type LoopHandler,
  type StreamHandler,
  type Transport,
  type TransportHandler,
} from "../transport.ts";

/** epoll's data of the eventfd: no slot has this number. */
const BELL = -1;
/** Full input regions taken from one socket before the others get their turn. */
const RECV_ROUNDS_MAX = 4;

const PAUSED = 1;
const ENDED = 2;
const BLOCKED = 4;
const CLOSING = 8;
/** epoll watches the slot for input, for room to send. */
const IN = 16;
const OUT = 32;
/**
 * The slot is out of the epoll set: it hung up while nobody reads it, and that cannot be masked.
 */
const DEAF = 64;
/** It goes out, and whether it will be open is not known yet. */
const CONNECTING = 128;

export class EpollTransport implements Transport {
  readonly slotCount: number;
  readonly #libc: Libc;
  readonly #table: FdTable;
  readonly #control: Control;
  readonly #memory: NativeMemory;
  readonly #memories: MemoryMap;
  readonly #inputMemory: NativeMemory;
  readonly #inputBuffer: Uint8Array;
  readonly #inputOffset: number;
  readonly #inputBytes: number;
  readonly #words: Uint32Array;
  readonly #ints: Int32Array;
  readonly #eventsOffset: number;
  readonly #epoll: number;
  readonly #flags: Uint8Array;
  /** Who hears of a slot's connection, where it goes out. */
  readonly #links: (LinkHandler | null)[];
  readonly #pool: SlotPool;
  #handler: TransportHandler | null = null;
  #sleepMs = 0;
  #stopped = false;

  constructor(options: NativeOptions) {
    const { libc, parts } = options;
    this.#libc = libc;
    this.#control = options.control;
    this.#table = parts.table;
    this.slotCount = parts.table.slotCount;
    this.#memories = new MemoryMap(libc, options.input.arena);
    this.#memory = this.#memories.of(parts.arena);
    this.#inputMemory = this.#memories.of(options.input.arena);
    this.#inputBuffer = options.input.arena.bytes;
    this.#inputOffset = options.input.offset;
    this.#inputBytes = options.input.bytes;
    this.#words = parts.arena.words;
    this.#ints = parts.arena.ints;
    this.#eventsOffset = parts.base + parts.plan.eventsOffset;
    this.#flags = new Uint8Array(this.slotCount);
    this.#links = new Array<LinkHandler | null>(this.slotCount).fill(null);
    this.#pool = new SlotPool(this.slotCount);
    assert(parts.table.open() === 0, "leftovers of a predecessor are closed first");
    this.#epoll = libc.files.epollCreate1(EPOLL_CLOEXEC);
    if (this.#epoll < 0) throw new SystemError(`epoll_create1 failed (errno ${-this.#epoll})`);
    this.#table.setLoopFd(this.#epoll);
    this.#watch(EPOLL_CTL_ADD, options.bellFd, (EPOLLIN | EPOLLET) >>> 0, BELL);
  }

  /** Serves until `stop`. The thread does nothing else. */
  run(handler: TransportHandler, loop: LoopHandler): void {
    while (!this.#stopped) this.runTurn(handler, loop);
  }

  /** Ends `run` after the current turn. */
  stop(): void {
    this.#stopped = true;
  }

  /**
   * One turn. It waits as long as the last one's `loop.turn()` allowed; the first does not wait.
   */
  runTurn(handler: TransportHandler, loop: LoopHandler): void {
    this.#handler = handler;
    const count = this.#libc.files.epollWait(
      this.#epoll,
      this.#memory.address(this.#eventsOffset, EVENTS_MAX * EPOLL_EVENT_BYTES),
      EVENTS_MAX,
      this.#sleepMs,
    );
    assert(count >= 0 || count === -EINTR, "only a signal interrupts the wait");
    if (this.#sleepMs !== 0) loop.awake();
    for (let i = 0; i < count; i++) {
      const word = (this.#eventsOffset >>> 2) + i * EPOLL_EVENT_WORDS;
      const slot = this.#ints[word + EPOLL_DATA_WORD] as number;
      if (slot === BELL) continue;
      const link = this.#links[slot] as LinkHandler | null;
      this.#ready(link ?? handler, slot, this.#words[word] as number);
    }
    this.#sleepMs = loop.turn();
    this.#closePending();
  }

  /**
   * Takes over a connected, non-blocking descriptor. False when every slot is taken or the kernel
   * watches no more: the caller closes it, and takes it off the count of open connections. Only
   * inside a handler call.
   */
  adopt(fd: number, listener: number): boolean {
    const slot = this.#pool.take();
    if (slot === -1) return false;
    this.#table.take(slot, fd);
    if (this.#tryWatch(EPOLL_CTL_ADD, fd, EPOLLIN, slot) < 0) {
      this.#table.release(slot);
      this.#pool.give(slot);
      return false;
    }
    this.#flags[slot] = IN;
    (this.#handler as TransportHandler).opened(slot, listener);
    return true;
  }

  connect(to: SocketAddress, handler: LinkHandler): number {
    const slot = this.#pool.take();
    if (slot === -1) return -ENOBUFS;
    let fd = beginConnect(this.#libc, to);
    if (fd >= 0) {
      this.#table.take(slot, fd, true);
      const watched = this.#tryWatch(EPOLL_CTL_ADD, fd, EPOLLOUT, slot);
      if (watched === 0) {
        this.#links[slot] = handler;
        this.#flags[slot] = CONNECTING | BLOCKED | OUT;
        return slot;
      }
      this.#libc.files.close(this.#table.release(slot));
      fd = watched;
    }
    this.#pool.give(slot);
    return fd;
  }

  send(slot: number, arena: Arena, start: number, end: number, more: boolean): number {
    const flags = this.#flags[slot] as number;
    if ((flags & CLOSING) !== 0) return GONE;
    if ((flags & BLOCKED) !== 0) return 0;
    const length = end - start;
    const sent = this.#libc.sockets.send(
      this.#table.fd(slot),
      this.#memories.of(arena).address(start, length),
      length,
      more ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL,
    );
    if (sent === length) return sent;
    if (sent < 0 && sent !== -EAGAIN && sent !== -EINTR) return GONE;
    this.#flags[slot] = flags | BLOCKED;
    this.#sync(slot);
    return Math.max(sent, 0);
  }

  pause(slot: number): void {
    this.#flags[slot] = (this.#flags[slot] as number) | PAUSED;
  }

  resume(slot: number): void {
    this.#flags[slot] = (this.#flags[slot] as number) & ~PAUSED;
    this.#sync(slot);
  }

  close(slot: number): void {
    const flags = this.#flags[slot] as number;
    if ((flags & CLOSING) !== 0) return;
    assert(this.#table.fd(slot) !== -1, "an open slot is closed");
    this.#flags[slot] = flags | CLOSING;
    this.#pool.closeLater(slot);
  }

  peerAddress(slot: number): string {
    return peerAddress(this.#libc, this.#table.fd(slot));
  }

  localAddress(slot: number): string {
    return localAddress(this.#libc, this.#table.fd(slot));
  }

  /**
   * Closes every connection and the epoll set itself: the end of an orderly stop. No handler call
   * follows.
   */
  destroy(): void {
    for (let slot = 0; slot < this.slotCount; slot++) {
      if (this.#table.fd(slot) !== -1) this.close(slot);
    }
    this.#closePending();
    this.#table.setLoopFd(-1);
    this.#libc.files.close(this.#epoll);
  }

  #ready(handler: StreamHandler, slot: number, events: number): void {
    const flags = this.#flags[slot] as number;
    if ((flags & CLOSING) !== 0) return;
    if ((flags & CONNECTING) !== 0) {
      this.#settle(slot);
      return;
    }
    if ((events & EPOLLOUT) !== 0 && ((this.#flags[slot] as number) & BLOCKED) !== 0) {
      this.#flags[slot] = (this.#flags[slot] as number) & ~BLOCKED;
      handler.writable(slot);
      if (((this.#flags[slot] as number) & CLOSING) !== 0) return;
      this.#sync(slot);
    }
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) === 0) return;
    if (((this.#flags[slot] as number) & (PAUSED | ENDED)) === 0) this.#receive(handler, slot);
    else if ((events & (EPOLLHUP | EPOLLERR)) === 0) this.#sync(slot);
    else this.#silence(slot);
  }

  /** The outcome of a connection that goes out is known. */
  #settle(slot: number): void {
    const link = this.#links[slot] as LinkHandler;
    const errno = socketError(this.#libc, this.#table.fd(slot));
    if (errno !== 0) {
      this.close(slot);
      link.failed(slot, errno);
      return;
    }
    this.#flags[slot] = (this.#flags[slot] as number) & ~(CONNECTING | BLOCKED);
    link.connected(slot);
    if (((this.#flags[slot] as number) & CLOSING) === 0) this.#sync(slot);
  }

  #receive(handler: StreamHandler, slot: number): void {
    const fd = this.#table.fd(slot);
    const input = this.#inputOffset;
    const address = this.#inputMemory.address(input, this.#inputBytes);
    for (let round = 0; round < RECV_ROUNDS_MAX; round++) {
      const got = this.#libc.sockets.recv(fd, address, this.#inputBytes, 0);
      if (got > 0) {
        handler.received(slot, this.#inputBuffer, input, input + got);
        if (got < this.#inputBytes) return;
        if (((this.#flags[slot] as number) & (PAUSED | CLOSING)) !== 0) return;
      } else if (got === -EAGAIN || got === -EINTR) {
        return;
      } else {
        this.#flags[slot] = (this.#flags[slot] as number) | ENDED;
        handler.ended(slot); // if it stays open, the next event sets what is watched of it
        return;
      }
    }
  }

  #closePending(): void {
    while (this.#pool.closingCount > 0) {
      const slot = this.#pool.nextClosing();
      this.#flags[slot] = 0;
      this.#links[slot] = null;
      if (!this.#table.isOutgoing(slot)) this.#control.addOpenConnections(-1);
      this.#libc.files.close(this.#table.release(slot));
      this.#pool.give(slot);
    }
  }

  /** Takes a slot that hung up out of the set: epoll reports that whether asked or not. */
  #silence(slot: number): void {
    const flags = this.#flags[slot] as number;
    if ((flags & DEAF) !== 0) return;
    this.#watch(EPOLL_CTL_DEL, this.#table.fd(slot), 0, slot);
    this.#flags[slot] = (flags | DEAF) & ~(IN | OUT);
  }

  /** Makes epoll watch what the slot's flags ask for, when it does not. */
  #sync(slot: number): void {
    const flags = this.#flags[slot] as number;
    const wanted =
      ((flags & (PAUSED | ENDED)) === 0 ? IN : 0) | ((flags & BLOCKED) !== 0 ? OUT : 0);
    if (wanted === (flags & (IN | OUT))) return;
    const operation = (flags & DEAF) !== 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    const events = ((wanted & IN) !== 0 ? EPOLLIN : 0) | ((wanted & OUT) !== 0 ? EPOLLOUT : 0);
    this.#watch(operation, this.#table.fd(slot), events, slot);
    this.#flags[slot] = (flags & ~(IN | OUT | DEAF)) | wanted;
  }

  #watch(operation: number, fd: number, events: number, data: number): void {
    const result = this.#tryWatch(operation, fd, events, data);
    assert(result === 0, "epoll knows every descriptor it was given");
  }

  #tryWatch(operation: number, fd: number, events: number, data: number): number {
    const scratch = this.#libc.scratch;
    scratch.arena.words[0] = events;
    scratch.arena.ints[EPOLL_DATA_WORD] = data;
    scratch.arena.ints[EPOLL_DATA_WORD + 1] = 0;
    return this.#libc.files.epollCtl(
      this.#epoll,
      operation,
      fd,
      scratch.address(0, EPOLL_EVENT_BYTES),
    );
  }
}
