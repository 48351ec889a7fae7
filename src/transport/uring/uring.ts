/**
 * Uring: one io_uring of one thread: the two rings mapped, requests written, completions read,
 * buffers lent.
 *
 *   we write      SQEs, then the submission tail ──▶ the kernel takes them at io_uring_enter
 *   kernel writes CQEs, then the completion tail ──▶ we read them, then move the completion head
 *   we write      buffers, then the buffer ring's tail ──▶ the kernel takes one per arrival
 *
 * The rings are mapped memory seen through ArrayBuffers; tails and heads that hand something over
 * are Atomics, as between two threads. The ring is made for a single issuer with deferred work:
 * completions appear only inside `enter`, on this thread, so nothing changes under our feet between
 * two turns.
 *
 * Invariants:
 *  - every address in a request was checked against its arena (NativeMemory.putAddress);
 *  - a submission slot is written only when the kernel has taken what was in it: `next` submits
 *    first when the ring is full;
 *  - a buffer is either lent to the kernel or being read by us, never both.
 */
import { assert } from "../../base/assert.ts";
import { SystemError } from "../../base/errors.ts";
import type { Libc } from "../../libc/libc.ts";
import { EAGAIN, EINTR } from "../../libc/linux.ts";
import { type Address, type NativeMemory, NULL } from "../../libc/native-memory.ts";
import * as abi from "../../libc/uring-abi.ts";
import {
  ARGUMENT_OFFSET,
  RECEIVE_BUFFER_BYTES,
  RECEIVE_COUNT,
  RECEIVE_OFFSET,
} from "./uring-plan.ts";

/**
 * Requests one submission can hold; completions have four times the room, and the kernel keeps what
 * exceeds that.
 */
const SQ_ENTRIES = 1024;
const CQ_ENTRIES = 4 * SQ_ENTRIES;
const SETUP_FLAGS =
  abi.SETUP_CQSIZE |
  abi.SETUP_CLAMP |
  abi.SETUP_SUBMIT_ALL |
  abi.SETUP_SINGLE_ISSUER |
  abi.SETUP_DEFER_TASKRUN;
const FEATURES = abi.FEAT_SINGLE_MMAP | abi.FEAT_NODROP | abi.FEAT_EXT_ARG;
const BUFFER_GROUP = 0;
const PAGE_BYTES = 4096;
/** Arguments: the wait's structure, its timespec. Linger timeouts have theirs behind. */
const WAIT_ARGUMENT = ARGUMENT_OFFSET;
const WAIT_TIMESPEC = ARGUMENT_OFFSET + 32;
const SQE_WORDS = abi.SQE_BYTES / 4;
const CQE_WORDS = abi.CQE_BYTES / 4;

export class Uring {
  readonly fd: number;
  readonly #libc: Libc;
  readonly #memory: NativeMemory;
  readonly #base: number;
  readonly #ring: Int32Array;
  readonly #sqes: Uint32Array;
  readonly #sqHead: number;
  readonly #sqTail: number;
  readonly #sqMask: number;
  readonly #cqHead: number;
  readonly #cqTail: number;
  readonly #cqMask: number;
  readonly #cqes: number;
  readonly #buffers: Uint32Array;
  readonly #bufferHalves: Uint16Array;
  readonly #receiveAddresses: Uint32Array;
  /** What is mapped: the rings, the requests, the ring of lent buffers. */
  readonly mappings: { readonly address: Address; readonly bytes: number }[] = [];
  /** How often requests were submitted. */
  submissions = 0;
  /** How far we have written and published; the kernel's own head says what it took. */
  #sqWritten = 0;
  #bufferTail = 0;
  #waitMs = -2;
  #isClosed = false;

  /**
   * Throws a SystemError when the kernel does not allow it. `base`: of the memory of uring-plan.ts
   * in `memory`.
   */
  constructor(libc: Libc, memory: NativeMemory, base: number) {
    this.#libc = libc;
    this.#memory = memory;
    this.#base = base;
    const { arena } = libc.scratch;
    const { words } = arena;
    words.fill(0, 0, abi.PARAMS_BYTES / 4);
    words[abi.PARAMS.flags] = SETUP_FLAGS;
    words[abi.PARAMS.cqEntries] = CQ_ENTRIES;
    const params = libc.scratch.address(0, abi.PARAMS_BYTES);
    this.fd = libc.uring.setup(SQ_ENTRIES, params);
    if (this.fd < 0) throw new SystemError(`io_uring_setup failed (errno ${-this.fd})`);
    const told = Array.from(words.subarray(0, abi.PARAMS_BYTES / 4));
    const param = (word: number): number => told[word] as number;
    if ((param(abi.PARAMS.features) & FEATURES) !== FEATURES) {
      libc.files.close(this.fd);
      throw new SystemError("this kernel's io_uring is too old");
    }
    const sqBytes = param(abi.PARAMS.sqArray) + param(abi.PARAMS.sqEntries) * 4;
    const cqBytes = param(abi.PARAMS.cqCqes) + param(abi.PARAMS.cqEntries) * abi.CQE_BYTES;
    const ring = this.#map(Math.max(sqBytes, cqBytes), abi.OFF_SQ_RING);
    this.#ring = new Int32Array(ring);
    this.#sqes = new Uint32Array(
      this.#map(param(abi.PARAMS.sqEntries) * abi.SQE_BYTES, abi.OFF_SQES),
    );
    this.#sqHead = param(abi.PARAMS.sqHead) >>> 2;
    this.#sqTail = param(abi.PARAMS.sqTail) >>> 2;
    this.#sqMask = param(abi.PARAMS.sqEntries) - 1;
    this.#cqHead = param(abi.PARAMS.cqHead) >>> 2;
    this.#cqTail = param(abi.PARAMS.cqTail) >>> 2;
    this.#cqMask = param(abi.PARAMS.cqEntries) - 1;
    this.#cqes = param(abi.PARAMS.cqCqes) >>> 2;
    const array = param(abi.PARAMS.sqArray) >>> 2;
    for (let i = 0; i <= this.#sqMask; i++) this.#ring[array + i] = i;
    const lent = this.#map(PAGE_BYTES, -1);
    this.#buffers = new Uint32Array(lent);
    this.#bufferHalves = new Uint16Array(lent);
    this.#receiveAddresses = new Uint32Array(2 * RECEIVE_COUNT);
    for (let buffer = 0; buffer < RECEIVE_COUNT; buffer++) {
      const offset = base + RECEIVE_OFFSET + buffer * RECEIVE_BUFFER_BYTES;
      memory.putAddress(this.#receiveAddresses, 2 * buffer, offset, RECEIVE_BUFFER_BYTES);
    }
    this.#registerBuffers();
    for (let buffer = 0; buffer < RECEIVE_COUNT; buffer++) this.lend(buffer);
  }

  /** Where the bytes of a receive buffer lie in the arena. */
  receiveOffset(buffer: number): number {
    assert(buffer < RECEIVE_COUNT, "a buffer we lent");
    return this.#base + RECEIVE_OFFSET + buffer * RECEIVE_BUFFER_BYTES;
  }

  /** Lends a buffer to the kernel, from the next `enter` on. */
  lend(buffer: number): void {
    const word = (this.#bufferTail & (RECEIVE_COUNT - 1)) * (abi.BUFFER_BYTES / 4);
    this.#buffers[word] = this.#receiveAddresses[2 * buffer] as number;
    this.#buffers[word + 1] = this.#receiveAddresses[2 * buffer + 1] as number;
    this.#buffers[word + 2] = RECEIVE_BUFFER_BYTES;
    this.#bufferHalves[2 * (word + 3)] = buffer;
    this.#bufferTail = (this.#bufferTail + 1) & 0xffff;
  }

  /** Receives again and again on `fd` into lent buffers, until it says otherwise. */
  receive(fd: number, dataLow: number, dataHigh: number): void {
    const word = this.#next(abi.OP_RECV, fd, dataLow, dataHigh);
    const sqes = this.#sqes;
    sqes[word] = abi.OP_RECV | (abi.SQE_BUFFER_SELECT << 8) | (abi.RECV_MULTISHOT << 16);
    sqes[word + 10] = BUFFER_GROUP;
  }

  /**
   * Sends arena bytes, all of them. The bytes must stay until the completion. The request's word,
   * for `extend`.
   */
  send(
    fd: number,
    offset: number,
    length: number,
    flags: number,
    dataLow: number,
    dataHigh: number,
  ): number {
    const word = this.#next(abi.OP_SEND, fd, dataLow, dataHigh);
    this.#memory.putAddress(this.#sqes, word + 4, offset, length);
    this.#sqes[word + 6] = length;
    this.#sqes[word + 7] = flags;
    return word;
  }

  /** Makes a send longer. Only while `submissions` is what it was when the send was written. */
  extend(word: number, length: number): void {
    this.#sqes[word + 6] = length;
  }

  /** One completion when `fd` has `events`; with `multi`, one for each time. */
  poll(fd: number, events: number, multi: boolean, dataLow: number, dataHigh: number): void {
    const word = this.#next(abi.OP_POLL_ADD, fd, dataLow, dataHigh);
    this.#sqes[word + 6] = multi ? abi.POLL_ADD_MULTI : 0;
    this.#sqes[word + 7] = events;
  }

  /**
   * Cancels the request of that user data. A completion of its own comes only when there was none.
   */
  cancel(targetLow: number, targetHigh: number, dataLow: number, dataHigh: number): void {
    const word = this.#next(abi.OP_ASYNC_CANCEL, -1, dataLow, dataHigh);
    this.#sqes[word] = abi.OP_ASYNC_CANCEL | (abi.SQE_CQE_SKIP_SUCCESS << 8);
    this.#sqes[word + 4] = targetLow;
    this.#sqes[word + 5] = targetHigh;
  }

  /** One completion when the timespec at `offset` of the arena has passed. */
  timeout(offset: number, dataLow: number, dataHigh: number): void {
    const word = this.#next(abi.OP_TIMEOUT, -1, dataLow, dataHigh);
    this.#memory.putAddress(this.#sqes, word + 4, offset, 16);
    this.#sqes[word + 6] = 1;
  }

  /**
   * Submits everything and waits: 0 not at all, -1 until something completes, else `waitMs`
   * milliseconds.
   */
  enter(waitMs: number): void {
    assert(!this.#isClosed, "a ring that is closed is not used: its memory is gone");
    // Bytes are in the buffers' entries; the tail gives them away. Likewise the requests.
    Atomics.store(this.#bufferHalves, 7, this.#bufferTail);
    Atomics.store(this.#ring, this.#sqTail, this.#sqWritten);
    const count = this.#unsubmitted();
    this.submissions++;
    const isReady = this.completions() > 0;
    const wanted = waitMs === 0 || isReady ? 0 : 1;
    let result: number;
    if (wanted === 1 && waitMs > 0) {
      this.#setWait(waitMs);
      const flags = abi.ENTER_GETEVENTS | abi.ENTER_EXT_ARG;
      const argument = this.#memory.address(this.#base + WAIT_ARGUMENT, abi.GETEVENTS_ARG_BYTES);
      result = this.#enter(count, wanted, flags, argument, abi.GETEVENTS_ARG_BYTES);
    } else {
      result = this.#enter(count, wanted, abi.ENTER_GETEVENTS, NULL, 0);
    }
    if (result >= 0 || result === -EINTR || result === -abi.ETIME) return;
    // EBUSY: completions have overflowed and must be read first. EAGAIN: no memory just now. Both
    // pass.
    assert(result === -abi.EBUSY || result === -EAGAIN, "the kernel takes well-formed requests");
  }

  /** Completions to read. */
  completions(): number {
    const tail = Atomics.load(this.#ring, this.#cqTail);
    return (tail - (this.#ring[this.#cqHead] as number)) | 0;
  }

  /** The next completion's word, -1 when there is none. Read it, then `seen`. */
  peek(): number {
    if (this.completions() === 0) return -1;
    return this.#cqes + ((this.#ring[this.#cqHead] as number) & this.#cqMask) * CQE_WORDS;
  }

  dataLow(word: number): number {
    return this.#ring[word] as number;
  }

  dataHigh(word: number): number {
    return this.#ring[word + 1] as number;
  }

  result(word: number): number {
    return this.#ring[word + 2] as number;
  }

  flags(word: number): number {
    return this.#ring[word + 3] as number;
  }

  /** Gives the completion's place back. */
  seen(): void {
    Atomics.store(this.#ring, this.#cqHead, ((this.#ring[this.#cqHead] as number) + 1) | 0);
  }

  /** Ends the ring: requests under way are cancelled. */
  close(): void {
    assert(!this.#isClosed, "a ring is closed once");
    this.#isClosed = true;
    this.#libc.files.close(this.fd);
    for (const { address, bytes } of this.mappings) this.#libc.mappings.munmap(address, bytes);
  }

  /** A zeroed request with its user data; returns its first word. Submits when the ring is full. */
  #next(opcode: number, fd: number, dataLow: number, dataHigh: number): number {
    if (this.#unsubmitted() > this.#sqMask) this.enter(0);
    assert(this.#unsubmitted() <= this.#sqMask, "submitting makes room");
    const word = (this.#sqWritten & this.#sqMask) * SQE_WORDS;
    this.#sqWritten = (this.#sqWritten + 1) | 0;
    const sqes = this.#sqes;
    sqes[word] = opcode;
    sqes[word + 1] = fd;
    sqes[word + 2] = 0;
    sqes[word + 3] = 0;
    sqes[word + 4] = 0;
    sqes[word + 5] = 0;
    sqes[word + 6] = 0;
    sqes[word + 7] = 0;
    sqes[word + 8] = dataLow;
    sqes[word + 9] = dataHigh;
    sqes[word + 10] = 0;
    return word;
  }

  /** Requests written and not taken by the kernel. */
  #unsubmitted(): number {
    return (this.#sqWritten - Atomics.load(this.#ring, this.#sqHead)) | 0;
  }

  #enter(count: number, wanted: number, flags: number, argument: Address, bytes: number): number {
    return this.#libc.uring.enter(this.fd, count, wanted, flags, argument, bytes);
  }

  #setWait(milliseconds: number): void {
    if (this.#waitMs === milliseconds) return;
    this.#waitMs = milliseconds;
    const { words } = this.#memory.arena;
    const argument = (this.#base + WAIT_ARGUMENT) >>> 2;
    const timespec = (this.#base + WAIT_TIMESPEC) >>> 2;
    words.fill(0, argument, argument + abi.GETEVENTS_ARG_BYTES / 4);
    this.#memory.putAddress(words, argument + 4, this.#base + WAIT_TIMESPEC, 16);
    words[timespec] = Math.floor(milliseconds / 1000);
    words[timespec + 1] = 0;
    words[timespec + 2] = (milliseconds % 1000) * 1_000_000;
    words[timespec + 3] = 0;
  }

  #registerBuffers(): void {
    const { scratch } = this.#libc;
    const { words } = scratch.arena;
    const { address } = this.mappings.at(-1) as { address: number };
    words.fill(0, 0, abi.BUFFER_REGISTER_BYTES / 4);
    words[0] = address >>> 0;
    words[1] = Math.floor(address / 2 ** 32);
    words[2] = RECEIVE_COUNT;
    words[3] = BUFFER_GROUP;
    const argument = scratch.address(0, abi.BUFFER_REGISTER_BYTES);
    const result = this.#libc.uring.register(this.fd, abi.REGISTER_PBUF_RING, argument, 1);
    if (result < 0) {
      this.close();
      throw new SystemError(`io_uring takes no buffer ring (errno ${-result})`);
    }
  }

  /** Maps a part of the ring; -1: memory of our own. */
  #map(bytes: number, offset: number): ArrayBuffer {
    const own = offset === -1;
    const address = this.#libc.mappings.mmap(
      NULL,
      bytes,
      abi.PROT_READ_WRITE,
      own ? abi.MAP_PRIVATE | abi.MAP_ANONYMOUS : abi.MAP_SHARED | abi.MAP_POPULATE,
      own ? -1 : this.fd,
      own ? 0 : offset,
    );
    if (address < 0) {
      this.close();
      throw new SystemError(`cannot map io_uring (errno ${-address})`);
    }
    this.mappings.push({ address: address as Address, bytes });
    return this.#libc.mapped(address, bytes);
  }
}
