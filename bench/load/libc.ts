/**
 * The C library as the load generator needs it: client sockets that wait, a poller, processor
 * clocks, processor affinity. The calls are the server's own (src/libc), but for affinity.
 *
 * Why not node:net: a generator must be cheaper than what it measures, and a socket event there
 * costs two to three times the system calls it stands for.
 *
 * Results are those of the kernel: 0 or more, or the negated error number.
 */

import { CLibrary } from "../../src/libc/c-library.ts";
import { Libc } from "../../src/libc/libc.ts";
import {
  AF_UNIX,
  EINTR,
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_MOD,
  EPOLL_DATA_WORD,
  EPOLL_EVENT_BYTES,
  EPOLL_EVENT_WORDS,
  EPOLLIN,
  EPOLLOUT,
  IPPROTO_TCP,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  SOCK_CLOEXEC,
  SOCK_STREAM,
  TCP_NODELAY,
} from "../../src/libc/linux.ts";
import { NativeMemory, NULL } from "../../src/libc/native-memory.ts";
import {
  ADDRESS_OFFSET,
  type SocketAddress,
  writeServerAddress,
  writtenFamily,
} from "../../src/libc/socket-address.ts";
import { setOption } from "../../src/libc/socket-options.ts";
import { Arena } from "../../src/memory/arena.ts";

export { EAGAIN } from "../../src/libc/linux.ts";

const CLOCK_THREAD_CPUTIME = 3;
const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x4022;
const PAGE_BYTES = 4096;
/** Processors an affinity mask of ours can name. */
const AFFINITY_BYTES = 128;

const setAffinity = CLibrary.load().call(
  "int sched_setaffinity(int id, size_t bytes, intptr_t mask)",
);
const libc = Libc.load();
const { scratch } = libc;
const scratchBytes = scratch.arena.bytes;
const scratchView = new DataView(scratch.arena.buffer);

/**
 * Memory the kernel reads and writes, at least so many bytes, all zero. Not shared: V8 copies bytes
 * of shared memory seven times slower when the two ends are not aligned alike. It stays until the
 * process ends; pages never touched cost nothing.
 */
export function kernelMemory(bytes: number): NativeMemory {
  const length = Math.ceil(Math.max(1, bytes) / PAGE_BYTES) * PAGE_BYTES;
  const address = libc.mappings.mmap(
    NULL,
    length,
    PROT_READ_WRITE,
    MAP_PRIVATE_ANONYMOUS_NORESERVE,
    -1,
    0,
  );
  return new NativeMemory(new Arena(libc.mapped(check(address, "mmap"), length)), address);
}

/** Where a server listens. */
export type Target = SocketAddress;

function check(result: number, what: string): number {
  if (result < 0) throw new Error(`${what} failed: errno ${-result}`);
  return result;
}

/** Opens a connection, waiting for it. Throws when the server refuses. */
export function connect(target: Target): number {
  const name = "path" in target ? target.path : `${target.host}:${target.port}`;
  const bytes = writeServerAddress(libc, target);
  if (bytes < 0) throw new Error(`socket path too long: ${name}`);
  const family = writtenFamily(libc);
  const fd = check(libc.sockets.socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  const result = libc.sockets.connect(fd, scratch.address(ADDRESS_OFFSET, bytes), bytes);
  if (result < 0) {
    libc.files.close(fd);
    throw new Error(`cannot connect to ${name}: errno ${-result}`);
  }
  if (family !== AF_UNIX) {
    check(setOption(libc, fd, IPPROTO_TCP, TCP_NODELAY, 1), "setsockopt");
  }
  return fd;
}

export function closeDescriptor(fd: number): void {
  libc.files.close(fd);
}

/** Receives without waiting: bytes, 0 when the peer closed, -EAGAIN when there is nothing. */
export function receive(fd: number, memory: NativeMemory, at: number, length: number): number {
  return libc.sockets.recv(fd, memory.address(at, length), length, MSG_DONTWAIT);
}

/** Sends without waiting: the bytes taken, or -errno. */
export function transmit(fd: number, memory: NativeMemory, at: number, length: number): number {
  return libc.sockets.send(fd, memory.address(at, length), length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/** A set of watched descriptors, each with a slot number that comes back with its events. */
export class Poller {
  readonly #fd = check(libc.files.epollCreate1(EPOLL_CLOEXEC), "epoll_create1");
  readonly #events: NativeMemory;
  readonly #words: Uint32Array;
  readonly #eventsMax: number;

  constructor(eventsMax: number) {
    this.#events = kernelMemory(eventsMax * EPOLL_EVENT_BYTES);
    this.#words = this.#events.arena.words;
    this.#eventsMax = eventsMax;
  }

  /** Watches for input, and for room to write when `output`. */
  watch(fd: number, slot: number, output: boolean, known: boolean): void {
    const words = scratch.arena.words;
    words[0] = output ? EPOLLIN | EPOLLOUT : EPOLLIN;
    words[EPOLL_DATA_WORD] = slot;
    const operation = known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    const event = scratch.address(0, EPOLL_EVENT_BYTES);
    check(libc.files.epollCtl(this.#fd, operation, fd, event), "epoll_ctl");
  }

  /** Waits up to `milliseconds` and returns the number of events. */
  wait(milliseconds: number): number {
    const count = libc.files.epollWait(
      this.#fd,
      this.#events.address(0, this.#eventsMax * EPOLL_EVENT_BYTES),
      this.#eventsMax,
      milliseconds,
    );
    return count === -EINTR ? 0 : check(count, "epoll_wait");
  }

  /** The slot of event `index` of the last wait. */
  slot(index: number): number {
    return this.#words[index * EPOLL_EVENT_WORDS + EPOLL_DATA_WORD] as number;
  }

  /** True when event `index` of the last wait says there is room to write. */
  writable(index: number): boolean {
    return ((this.#words[index * EPOLL_EVENT_WORDS] as number) & EPOLLOUT) !== 0;
  }

  close(): void {
    libc.files.close(this.#fd);
  }
}

function readClock(clock: number): number {
  const address = scratch.address(0, 16);
  if (libc.process.clockGettime(clock, address) < 0) return Number.NaN;
  const seconds = Number(scratchView.getBigInt64(0, true));
  return seconds * 1e6 + Number(scratchView.getBigInt64(8, true)) / 1e3;
}

/** Microseconds of processor time this thread has used. */
export function threadCpuMicroseconds(): number {
  return readClock(CLOCK_THREAD_CPUTIME);
}

/**
 * Microseconds of processor time, user and system, all threads of process `pid` have used; NaN when
 * there is no such process. This is the scheduler's own sum in nanoseconds; the figures in
 * /proc/pid/stat move in steps of 10 ms.
 */
export function processCpuMicroseconds(pid: number): number {
  return readClock((~pid << 3) | 2);
}

/**
 * Binds thread or process `id` (0: the calling thread) to the processors in `cores`. False when the
 * system refuses.
 */
export function pin(id: number, cores: readonly number[]): boolean {
  scratchBytes.fill(0, 0, AFFINITY_BYTES);
  for (const core of cores) {
    const byte = core >> 3;
    if (byte >= AFFINITY_BYTES) continue;
    scratchBytes[byte] = (scratchBytes[byte] as number) | (1 << (core & 7));
  }
  const address = scratch.address(0, AFFINITY_BYTES);
  return setAffinity(id, AFFINITY_BYTES, address) >= 0;
}
