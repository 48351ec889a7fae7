/**
 * The generator's sockets over io_uring, by the server's own ring: one system call a turn submits
 * every send and waits for what has arrived.
 *
 *   memory   | ring's own: arguments, receive buffers | inputs, one a slot | outputs, one a slot |
 *   arrival  kernel ──▶ a receive buffer ──▶ the slot's input, and the buffer goes back
 *
 * Why: a generator on one core has to outrun a server on another. Through epoll each request costs
 * two system calls and their crossings from JavaScript; here all requests of a turn share one.
 */
import { Libc } from "../../src/libc/libc.ts";
import { ENOBUFS, MSG_NOSIGNAL, SHUT_RDWR } from "../../src/libc/linux.ts";
import type { NativeMemory } from "../../src/libc/native-memory.ts";
import { CQE_BUFFER_SHIFT, CQE_F_BUFFER, CQE_F_MORE } from "../../src/libc/uring-abi.ts";
import { Uring } from "../../src/transport/uring/uring.ts";
import { closeDescriptor } from "./libc.ts";
import { NOTHING, Sockets } from "./sockets.ts";

const MSG_WAITALL = 0x100;
/** Completions read in one turn; the rest waits for the next. */
const EVENTS_MAX = 4096;

export class RingSockets extends Sockets {
  readonly #libc = Libc.load();
  readonly #uring: Uring;
  readonly #bytes: Uint8Array;
  readonly #fds: Int32Array;
  /** A completion for a descriptor that has left its slot carries an older generation. */
  readonly #generation: Uint32Array;
  readonly #inputAt: Float64Array;
  readonly #inputLength: Float64Array;
  readonly #data = new Uint32Array(EVENTS_MAX);
  readonly #current = new Uint8Array(EVENTS_MAX);
  readonly #results = new Int32Array(EVENTS_MAX);
  readonly #flags = new Uint32Array(EVENTS_MAX);

  /** `memory` begins with the ring's own part. Throws when the kernel has no io_uring for us. */
  constructor(count: number, memory: NativeMemory) {
    super();
    this.#uring = new Uring(this.#libc, memory, 0);
    this.#bytes = memory.arena.bytes;
    this.#fds = new Int32Array(count).fill(-1);
    this.#generation = new Uint32Array(count);
    this.#inputAt = new Float64Array(count);
    this.#inputLength = new Float64Array(count);
  }

  attach(slot: number, fd: number): void {
    this.#release(slot);
    this.#fds[slot] = fd;
    this.#arm(slot);
  }

  receiveInto(slot: number, at: number, length: number): void {
    this.#inputAt[slot] = at;
    this.#inputLength[slot] = length;
  }

  send(slot: number, at: number, length: number): number {
    const flags = MSG_WAITALL | MSG_NOSIGNAL;
    const generation = this.#generation[slot] as number;
    this.#uring.send(this.#fds[slot] as number, at, length, flags, 2 * slot + 1, generation);
    return NOTHING;
  }

  wait(milliseconds: number): number {
    const ring = this.#uring;
    ring.enter(milliseconds);
    let events = 0;
    for (; events < EVENTS_MAX; events++) {
      const word = ring.peek();
      if (word < 0) break;
      const data = ring.dataLow(word);
      this.#data[events] = data;
      this.#current[events] = ring.dataHigh(word) === this.#generation[data >>> 1] ? 1 : 0;
      this.#results[events] = ring.result(word);
      this.#flags[events] = ring.flags(word);
      ring.seen();
    }
    return events;
  }

  slot(event: number): number {
    return (this.#data[event] as number) >>> 1;
  }

  received(event: number): number {
    const data = this.#data[event] as number;
    if ((data & 1) !== 0) return NOTHING;
    const flags = this.#flags[event] as number;
    const slot = data >>> 1;
    // The slot may have been lost by an earlier event of this turn.
    const isCurrent = this.#current[event] === 1 && (this.#fds[slot] as number) >= 0;
    let bytes = this.#results[event] as number;
    if ((flags & CQE_F_BUFFER) !== 0) {
      const buffer = flags >>> CQE_BUFFER_SHIFT;
      if (isCurrent && bytes > 0) this.#take(slot, buffer, bytes);
      this.#uring.lend(buffer);
    }
    if (!isCurrent) return NOTHING;
    if (bytes === -ENOBUFS) bytes = NOTHING;
    const ended = (flags & CQE_F_MORE) === 0;
    if (ended && (bytes > 0 || bytes === NOTHING)) this.#arm(slot);
    return bytes;
  }

  sent(event: number): number {
    const data = this.#data[event] as number;
    return (data & 1) === 1 && this.#current[event] === 1
      ? (this.#results[event] as number)
      : NOTHING;
  }

  close(): void {
    for (let slot = 0; slot < this.#fds.length; slot++) this.#release(slot);
    this.#uring.close();
  }

  /** Copies an arrival behind what the input holds; the input has room for a reply and a buffer. */
  #take(slot: number, buffer: number, bytes: number): void {
    if (bytes > (this.#inputLength[slot] as number)) throw new Error("the input has no room");
    const from = this.#uring.receiveOffset(buffer);
    this.#bytes.copyWithin(this.#inputAt[slot] as number, from, from + bytes);
  }

  #arm(slot: number): void {
    this.#uring.receive(this.#fds[slot] as number, 2 * slot, this.#generation[slot] as number);
  }

  #release(slot: number): void {
    const fd = this.#fds[slot] as number;
    if (fd < 0) return;
    // What is written in the ring names the descriptor by its number, which the next one may get.
    this.#uring.enter(0);
    this.#libc.sockets.shutdown(fd, SHUT_RDWR); // ends the receive that waits for it
    closeDescriptor(fd);
    this.#fds[slot] = -1;
    this.#generation[slot] = (this.#generation[slot] as number) + 1;
  }
}
