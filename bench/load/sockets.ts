/**
 * How a generator thread moves bytes: its connections, known by slots, with one input and one
 * output region each. Two ways to do it, `EpollSockets` here and `RingSockets` in ring-sockets.ts,
 * behind one face:
 *
 *   receiveInto(slot, at, length)   where the next input of the slot goes; again after every event `received`
 *   send(slot, at, length)          begins to send; what was sent comes back at once or as an event, see below
 *   wait(milliseconds)              events: slot(i), and received(i) bytes or sent(i) bytes
 *
 * Results are bytes or the negated error number; NOTHING says that the event is not of that kind.
 */
import type { NativeMemory } from "../../src/libc/native-memory.ts";
import { closeDescriptor, EAGAIN, Poller, receive, transmit } from "./libc.ts";

export const NOTHING = -0x4000_0000;

export abstract class Sockets {
  /** The descriptor takes the slot; an older one in it is closed. */
  abstract attach(slot: number, fd: number): void;
  abstract receiveInto(slot: number, at: number, length: number): void;
  /** Bytes sent now, or NOTHING when an event will tell. */
  abstract send(slot: number, at: number, length: number): number;
  /** Waits up to so long for an event and returns the number of events. */
  abstract wait(milliseconds: number): number;
  abstract slot(event: number): number;
  abstract received(event: number): number;
  /** Bytes an earlier `send` has sent; 0 when there is room again for what did not fit. */
  abstract sent(event: number): number;
  abstract close(): void;
}

/** One system call for each receive and each send, and one for all that is ready. */
export class EpollSockets extends Sockets {
  readonly #poller: Poller;
  readonly #memory: NativeMemory;
  readonly #fds: Int32Array;
  readonly #inputAt: Float64Array;
  readonly #inputLength: Float64Array;
  /** Slots watched for room to write. */
  readonly #blocked: Uint8Array;

  constructor(count: number, memory: NativeMemory) {
    super();
    this.#poller = new Poller(Math.max(64, count));
    this.#memory = memory;
    this.#fds = new Int32Array(count).fill(-1);
    this.#inputAt = new Float64Array(count);
    this.#inputLength = new Float64Array(count);
    this.#blocked = new Uint8Array(count);
  }

  attach(slot: number, fd: number): void {
    const old = this.#fds[slot] as number;
    if (old >= 0) closeDescriptor(old);
    this.#fds[slot] = fd;
    this.#blocked[slot] = 0;
    this.#poller.watch(fd, slot, false, false);
  }

  receiveInto(slot: number, at: number, length: number): void {
    this.#inputAt[slot] = at;
    this.#inputLength[slot] = length;
  }

  send(slot: number, at: number, length: number): number {
    const fd = this.#fds[slot] as number;
    const taken = transmit(fd, this.#memory, at, length);
    const blocked = taken === -EAGAIN || (taken >= 0 && taken < length);
    if (blocked !== (this.#blocked[slot] === 1)) {
      this.#blocked[slot] = blocked ? 1 : 0;
      this.#poller.watch(fd, slot, blocked, true);
    }
    return taken === -EAGAIN ? 0 : taken;
  }

  wait(milliseconds: number): number {
    return this.#poller.wait(milliseconds);
  }

  slot(event: number): number {
    return this.#poller.slot(event);
  }

  received(event: number): number {
    const slot = this.#poller.slot(event);
    const at = this.#inputAt[slot] as number;
    const fd = this.#fds[slot] as number;
    const bytes = receive(fd, this.#memory, at, this.#inputLength[slot] as number);
    return bytes === -EAGAIN ? NOTHING : bytes;
  }

  sent(event: number): number {
    return this.#poller.writable(event) ? 0 : NOTHING;
  }

  close(): void {
    for (const fd of this.#fds) if (fd >= 0) closeDescriptor(fd);
    this.#fds.fill(-1);
    this.#poller.close();
  }
}
