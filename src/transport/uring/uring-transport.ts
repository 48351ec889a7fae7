/**
 * UringTransport: a worker's sockets by io_uring, one system call a turn for any number of them.
 *
 *   turn:  io_uring_enter: submits what the last turn wrote, waits, completes
 *          ─▶ each completion: received bytes ─▶ handler ─▶ a send is copied, and requested
 *          ─▶ loop.turn() ─▶ closes
 *
 * Every open slot that may be read has one receive request under way that completes again and
 * again, into buffers lent to the kernel (uring.ts). A short reply is copied to a send block and
 * leaves with the next `enter`; a long one, or one for which there is no block, is sent at once by
 * a plain call, as under epoll. What is known of a slot are flags.
 *
 * Invariants:
 *  - a slot is freed only when no request of it is under way: no completion meets a reused slot;
 *  - at most one send of a slot is under way, so bytes cannot overtake each other.
 */
import { assert } from "../../base/assert.ts";
import type { Libc } from "../../libc/libc.ts";
import {
  EAGAIN,
  ECANCELED,
  EINTR,
  ENOBUFS,
  EPOLLIN,
  EPOLLOUT,
  MSG_DONTWAIT,
  MSG_MORE,
  MSG_NOSIGNAL,
} from "../../libc/linux.ts";
import { MemoryMap } from "../../libc/memory-map.ts";
import { localAddress, peerAddress, type SocketAddress } from "../../libc/socket-address.ts";
import { socketError } from "../../libc/socket-options.ts";
import { CQE_BUFFER_SHIFT, CQE_F_BUFFER, CQE_F_MORE } from "../../libc/uring-abi.ts";
import type { Arena } from "../../memory/arena.ts";
import type { Control } from "../../memory/control.ts";
import { type FdTable, LOOP_MAPPINGS_MAX } from "../fd-table.ts";
import type { NativeOptions } from "../native-plan.ts";
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
import { HeldInput } from "./held-input.ts";
import { PendingSends } from "./pending-sends.ts";
import { Uring } from "./uring.ts";
import { ARGUMENT_OFFSET, SEND_OFFSET, STAGING_OFFSET } from "./uring-plan.ts";

/** What a completion is of: the high word of its user data. */
const Kind = { receive: 1, send: 2, writable: 3, bell: 4, ignored: 5, linger: 6 } as const;
/** The kind's bits; above them what tells a slot's uses apart, for what may outlive one. */
const KIND_BITS = 8;
const KIND_MASK = (1 << KIND_BITS) - 1;
const USES_MASK = 0xff_ffff;
/** A closed connection whose last send does not leave is dropped after this long. */
const LINGER_SECONDS = 10;
const LINGER_TIMESPEC = ARGUMENT_OFFSET + 64;

/**
 * The handler's wishes, and what it has been told: no more is read, the peer has ended, the socket
 * is broken, it is closed.
 */
const PAUSED = 1;
const ENDED = 2;
const BROKEN = 4;
const CLOSING = 8;
/** The receive request is under way; it is being ended. */
const RECEIVING = 16;
const CANCELLING = 32;
/** A send block is in use. */
const SENDING = 64;
/** Waits for room after a plain send that was cut short. */
const POLLING = 128;
/** `writable` is owed. */
const BLOCKED = 256;
/** Input held back while it was paused is to be delivered. */
const RESUMED = 512;
/** It is on the list of those to be closed; its last send was given a time limit. */
const LISTED = 1024;
const LINGERING = 2048;
/** It goes out, and whether it will be open is not known yet. */
const CONNECTING = 4096;

export class UringTransport implements Transport {
  readonly slotCount: number;
  readonly #libc: Libc;
  readonly #table: FdTable;
  readonly #control: Control;
  readonly #arena: Arena;
  readonly #bytes: Uint8Array;
  readonly #memories: MemoryMap;
  readonly #uring: Uring;
  readonly #sends: PendingSends;
  readonly #held = new HeldInput();
  readonly #stagingOffset: number;
  readonly #lingerOffset: number;
  readonly #flags: Uint16Array;
  readonly #uses: Int32Array;
  /** Who hears of a slot's connection, where it goes out. */
  readonly #links: (LinkHandler | null)[];
  readonly #pool: SlotPool;
  readonly #bellFd: number;
  #handler: TransportHandler | null = null;
  #sleepMs = 0;
  /** What is being handled is all that came: its reply leaves by a call of its own. */
  #isAlone = false;
  #stopped = false;

  constructor(options: NativeOptions) {
    const { libc, parts, input } = options;
    assert(input.arena === parts.arena, "received bytes lie in the arena of the I/O region");
    this.#libc = libc;
    this.#control = options.control;
    this.#table = parts.table;
    this.slotCount = parts.table.slotCount;
    this.#arena = parts.arena;
    this.#bytes = parts.arena.bytes;
    this.#memories = new MemoryMap(libc, parts.arena);
    const base = parts.base + parts.plan.uringOffset;
    this.#stagingOffset = base + STAGING_OFFSET;
    this.#lingerOffset = base + LINGER_TIMESPEC;
    this.#arena.words.set([LINGER_SECONDS, 0, 0, 0], this.#lingerOffset >>> 2);
    this.#flags = new Uint16Array(this.slotCount);
    this.#uses = new Int32Array(this.slotCount);
    this.#links = new Array<LinkHandler | null>(this.slotCount).fill(null);
    this.#pool = new SlotPool(this.slotCount);
    assert(parts.table.open() === 0, "leftovers of a predecessor are closed first");
    this.#uring = new Uring(libc, this.#memories.of(parts.arena), base);
    this.#sends = new PendingSends(this.#uring, parts.arena, base + SEND_OFFSET, this.slotCount);
    this.#table.setLoopFd(this.#uring.fd);
    this.#uring.mappings.forEach(({ address, bytes }, index) => {
      this.#table.setLoopMapping(index, address, bytes);
    });
    this.#bellFd = options.bellFd;
    this.#uring.poll(this.#bellFd, EPOLLIN, true, 0, Kind.bell);
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
   *
   * A completion that came alone is answered by a plain call: its reply would only wait for what
   * ends a turn, and its send's completion would wake the thread again (a 20th of a round trip).
   */
  runTurn(handler: TransportHandler, loop: LoopHandler): void {
    this.#handler = handler;
    this.#uring.enter(this.#held.resumedCount > 0 ? 0 : this.#sleepMs);
    if (this.#sleepMs !== 0) loop.awake();
    this.#isAlone = this.#uring.completions() === 1;
    for (let word = this.#uring.peek(); word !== -1; word = this.#uring.peek()) {
      this.#complete(handler, word);
    }
    this.#isAlone = false;
    this.#deliverHeld(handler);
    this.#sleepMs = loop.turn();
    this.#finishClosing();
  }

  /**
   * Takes over a connected, non-blocking descriptor. False when every slot is taken: the caller
   * closes it, and takes it off the count of open connections. Only inside a handler call.
   */
  adopt(fd: number, listener: number): boolean {
    const slot = this.#pool.take();
    if (slot === -1) return false;
    this.#table.take(slot, fd);
    this.#use(slot, 0);
    this.#receive(slot);
    (this.#handler as TransportHandler).opened(slot, listener);
    return true;
  }

  connect(to: SocketAddress, handler: LinkHandler): number {
    const slot = this.#pool.take();
    if (slot === -1) return -ENOBUFS;
    const fd = beginConnect(this.#libc, to);
    if (fd < 0) {
      this.#pool.give(slot);
      return fd;
    }
    this.#table.take(slot, fd, true);
    this.#links[slot] = handler;
    this.#use(slot, CONNECTING | BLOCKED | POLLING);
    this.#uring.poll(fd, EPOLLOUT, false, slot, Kind.writable);
    return slot;
  }

  send(slot: number, arena: Arena, start: number, end: number, more: boolean): number {
    const flags = this.#flags[slot] as number;
    if ((flags & (CLOSING | BROKEN)) !== 0) return GONE;
    if ((flags & BLOCKED) !== 0) return 0;
    const length = end - start;
    if ((flags & SENDING) !== 0) return this.#append(slot, arena, start, length);
    const fd = this.#table.fd(slot);
    const { bytes } = arena;
    if (this.#isAlone || !this.#sends.tryBegin(slot, fd, bytes, start, length, Kind.send)) {
      return this.#sendNow(slot, arena, start, length, more);
    }
    this.#flags[slot] = flags | SENDING;
    return length;
  }

  pause(slot: number): void {
    this.#flags[slot] = (this.#flags[slot] as number) | PAUSED;
    this.#stopReceiving(slot);
  }

  resume(slot: number): void {
    const flags = (this.#flags[slot] as number) & ~PAUSED;
    this.#flags[slot] = flags;
    if ((flags & (CLOSING | ENDED | CONNECTING)) !== 0) return;
    if (this.#held.has(slot)) {
      if ((flags & RESUMED) === 0) this.#held.resume(slot);
      this.#flags[slot] = flags | RESUMED;
    } else if ((flags & RECEIVING) === 0) {
      this.#receive(slot);
    }
  }

  close(slot: number): void {
    const flags = this.#flags[slot] as number;
    if ((flags & CLOSING) !== 0) return;
    assert(this.#table.fd(slot) !== -1, "an open slot is closed");
    this.#flags[slot] = flags | CLOSING;
    this.#held.drop(slot);
    this.#closeLater(slot);
  }

  peerAddress(slot: number): string {
    return peerAddress(this.#libc, this.#table.fd(slot));
  }

  localAddress(slot: number): string {
    return localAddress(this.#libc, this.#table.fd(slot));
  }

  /** Closes every connection and the ring itself, in an orderly stop. No handler call follows. */
  destroy(): void {
    this.#uring.enter(0); // what the last turn wrote leaves
    this.#table.setLoopFd(-1);
    for (let index = 0; index < LOOP_MAPPINGS_MAX; index++) {
      this.#table.setLoopMapping(index, 0, 0);
    }
    this.#uring.close();
    for (let slot = 0; slot < this.slotCount; slot++) {
      if (this.#table.fd(slot) !== -1) this.#release(slot);
    }
  }

  /** A slot's next connection begins. */
  #use(slot: number, flags: number): void {
    this.#flags[slot] = flags;
    this.#uses[slot] = ((this.#uses[slot] as number) + 1) & USES_MASK;
  }

  #complete(clients: TransportHandler, word: number): void {
    const uring = this.#uring;
    const slot = uring.dataLow(word);
    const handler = (this.#links[slot] as LinkHandler | null) ?? clients;
    const high = uring.dataHigh(word);
    const result = uring.result(word);
    const flags = uring.flags(word);
    uring.seen();
    const kind = high & KIND_MASK;
    if (kind === Kind.receive) this.#received(handler, slot, result, flags);
    else if (kind === Kind.send) this.#sent(handler, slot, result);
    else if (kind === Kind.writable) this.#becameWritable(handler, slot);
    else if (kind === Kind.linger) this.#lingered(slot, high >>> KIND_BITS);
    else if (kind === Kind.bell && (flags & CQE_F_MORE) === 0) {
      uring.poll(this.#bellFd, EPOLLIN, true, 0, Kind.bell);
    }
  }

  #received(handler: StreamHandler, slot: number, result: number, cqeFlags: number): void {
    const isLast = (cqeFlags & CQE_F_MORE) === 0;
    if (isLast) {
      this.#flags[slot] = (this.#flags[slot] as number) & ~(RECEIVING | CANCELLING);
    }
    if ((cqeFlags & CQE_F_BUFFER) !== 0) {
      const buffer = cqeFlags >>> CQE_BUFFER_SHIFT;
      if (result > 0) this.#take(handler, slot, this.#uring.receiveOffset(buffer), result);
      this.#uring.lend(buffer);
    }
    if (!isLast) return;
    const flags = this.#flags[slot] as number;
    if ((flags & CLOSING) !== 0) {
      this.#closeLater(slot);
      return;
    }
    const goesOn = result > 0 || result === -ENOBUFS || result === -ECANCELED || result === -EINTR;
    if (!goesOn) {
      if ((flags & (PAUSED | RESUMED)) !== 0) this.#held.holdEnd(slot);
      else this.#end(handler, slot);
    } else if ((flags & (PAUSED | RESUMED | ENDED)) === 0) {
      this.#receive(slot);
    }
  }

  /** Bytes came: the handler's, or, while the slot is paused, kept. */
  #take(handler: StreamHandler, slot: number, offset: number, length: number): void {
    const flags = this.#flags[slot] as number;
    if ((flags & CLOSING) !== 0) return;
    if ((flags & (PAUSED | RESUMED)) !== 0) {
      this.#held.hold(slot, this.#bytes, offset, length);
      return;
    }
    handler.received(slot, this.#bytes, offset, offset + length);
  }

  #end(handler: StreamHandler, slot: number): void {
    const flags = this.#flags[slot] as number;
    if ((flags & (ENDED | CLOSING)) !== 0) return;
    this.#flags[slot] = flags | ENDED;
    handler.ended(slot);
  }

  #deliverHeld(clients: TransportHandler): void {
    for (let count = this.#held.resumedCount; count > 0; count--) {
      const slot = this.#held.nextResumed();
      const handler = (this.#links[slot] as LinkHandler | null) ?? clients;
      this.#flags[slot] = (this.#flags[slot] as number) & ~RESUMED;
      while (((this.#flags[slot] as number) & (PAUSED | CLOSING)) === 0) {
        const length = this.#held.next(slot, this.#bytes, this.#stagingOffset);
        if (length === 0) break;
        const start = this.#stagingOffset;
        handler.received(slot, this.#bytes, start, start + length);
      }
      const flags = this.#flags[slot] as number;
      if ((flags & (PAUSED | CLOSING)) !== 0) continue;
      if (this.#held.takeEnd(slot)) this.#end(handler, slot);
      else if ((flags & (RECEIVING | ENDED)) === 0) this.#receive(slot);
    }
  }

  #sent(handler: StreamHandler, slot: number, result: number): void {
    const isBroken = result !== this.#sends.end(slot);
    const flags = ((this.#flags[slot] as number) & ~SENDING) | (isBroken ? BROKEN : 0);
    this.#flags[slot] = flags & ~BLOCKED;
    if ((flags & CLOSING) !== 0) {
      this.#closeLater(slot);
      return;
    }
    // Whoever waits for room hears of a broken connection when it sends.
    if ((flags & BLOCKED) !== 0) handler.writable(slot);
    if (isBroken) this.#end(handler, slot);
  }

  #becameWritable(handler: StreamHandler, slot: number): void {
    const flags = (this.#flags[slot] as number) & ~(POLLING | BLOCKED);
    this.#flags[slot] = flags;
    if ((flags & CLOSING) !== 0) this.#closeLater(slot);
    else if ((flags & CONNECTING) !== 0) this.#settle(slot);
    else handler.writable(slot);
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
    const flags = (this.#flags[slot] as number) & ~CONNECTING;
    this.#flags[slot] = flags;
    if ((flags & PAUSED) === 0) this.#receive(slot);
    link.connected(slot);
  }

  /** A send of the slot is in the ring: it takes more while nobody has submitted it. */
  #append(slot: number, arena: Arena, start: number, length: number): number {
    const taken = this.#sends.append(slot, arena.bytes, start, length);
    if (taken < length) this.#flags[slot] = (this.#flags[slot] as number) | BLOCKED;
    return taken;
  }

  #sendNow(slot: number, arena: Arena, start: number, length: number, more: boolean): number {
    const memory = this.#memories.of(arena);
    const how = MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0);
    const fd = this.#table.fd(slot);
    const sent = this.#libc.sockets.send(fd, memory.address(start, length), length, how);
    if (sent === length) return sent;
    if (sent < 0 && sent !== -EAGAIN && sent !== -EINTR) return GONE;
    this.#flags[slot] = (this.#flags[slot] as number) | BLOCKED | POLLING;
    this.#uring.poll(fd, EPOLLOUT, false, slot, Kind.writable);
    return Math.max(sent, 0);
  }

  #receive(slot: number): void {
    this.#flags[slot] = (this.#flags[slot] as number) | RECEIVING;
    this.#uring.receive(this.#table.fd(slot), slot, Kind.receive);
  }

  #stopReceiving(slot: number): void {
    const flags = this.#flags[slot] as number;
    if ((flags & RECEIVING) === 0 || (flags & CANCELLING) !== 0) return;
    this.#flags[slot] = flags | CANCELLING;
    this.#uring.cancel(slot, Kind.receive, slot, Kind.ignored);
  }

  /** Frees the closed slots that have no request under way; ends the requests of the others. */
  #finishClosing(): void {
    while (this.#pool.closingCount > 0) {
      const slot = this.#pool.nextClosing();
      const flags = (this.#flags[slot] as number) & ~LISTED;
      this.#flags[slot] = flags;
      if ((flags & (RECEIVING | SENDING | POLLING)) === 0) {
        this.#release(slot);
        this.#pool.give(slot);
        continue;
      }
      // Each request's last completion puts the slot on the list again.
      this.#stopReceiving(slot);
      if ((flags & POLLING) !== 0) this.#uring.cancel(slot, Kind.writable, slot, Kind.ignored);
      if ((flags & SENDING) !== 0) this.#linger(slot);
    }
  }

  #closeLater(slot: number): void {
    const flags = this.#flags[slot] as number;
    if ((flags & LISTED) !== 0) return;
    this.#flags[slot] = flags | LISTED;
    this.#pool.closeLater(slot);
  }

  #release(slot: number): void {
    this.#flags[slot] = 0;
    this.#links[slot] = null;
    if (!this.#table.isOutgoing(slot)) this.#control.addOpenConnections(-1);
    this.#libc.files.close(this.#table.release(slot));
  }

  /** Gives the slot's last send a while to leave. */
  #linger(slot: number): void {
    const flags = this.#flags[slot] as number;
    if ((flags & LINGERING) !== 0) return;
    this.#flags[slot] = flags | LINGERING;
    const high = Kind.linger | ((this.#uses[slot] as number) << KIND_BITS);
    this.#uring.timeout(this.#lingerOffset, slot, high);
  }

  #lingered(slot: number, uses: number): void {
    const isSame = (this.#uses[slot] as number) === uses;
    const flags = this.#flags[slot] as number;
    if (!isSame || (flags & CLOSING) === 0 || (flags & SENDING) === 0) return;
    this.#uring.cancel(slot, Kind.send, slot, Kind.ignored);
  }
}
