/**
 * The C library as the load generator needs it: client sockets, a poller, processor clocks,
 * processor affinity. The calls themselves are declared once, in the server's transport; what the
 * server never does (connect, clocks, affinity) goes through `syscall`.
 *
 * Why not node:net: a generator must be cheaper than what it measures, and a socket event there
 * costs two to three times the system calls it stands for.
 *
 * Results are those of the kernel: 0 or more, or the negated error number.
 */

import { Libc } from "../../src/libc/libc.ts";
import {
  AF_INET,
  AF_INET6,
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
import { NativeMemory } from "../../src/libc/native-memory.ts";
import { Arena } from "../../src/memory/arena.ts";

export { EAGAIN } from "../../src/libc/linux.ts";

/** System calls by number: x86-64 and arm64. */
const [CONNECT, SET_AFFINITY] = process.arch === "x64" ? [42, 203] : [203, 122];

const CLOCK_THREAD_CPUTIME = 3;
const PROT_READ_WRITE = 3;
const MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x4022;
const PAGE_BYTES = 4096;
/** The longest path a Unix socket address holds. */
const UNIX_PATH_BYTES_MAX = 107;
const SOCKET_ADDRESS_BYTES_MAX = 128;
/** Processors an affinity mask of ours can name. */
const AFFINITY_BYTES = 128;

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
  const address = libc.mmap(length, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, 0);
  return new NativeMemory(new Arena(libc.mapped(check(address, "mmap"), length)), address);
}

/** Where a server listens. */
export type Target = { host: string; port: number } | { path: string };

/**
 * Writes the target's socket address to the scratch and returns [family, bytes]. `host` is a
 * numeric address.
 */
function writeAddress(target: Target): [family: number, bytes: number] {
  scratchBytes.fill(0, 0, SOCKET_ADDRESS_BYTES_MAX);
  if ("path" in target) {
    const path = Buffer.from(target.path);
    if (path.length > UNIX_PATH_BYTES_MAX) throw new Error(`socket path too long: ${target.path}`);
    scratchView.setUint16(0, AF_UNIX, true);
    scratchBytes.set(path, 2);
    const isAbstract = target.path.startsWith("@");
    if (isAbstract) scratchBytes[2] = 0;
    return [AF_UNIX, 2 + path.length + (isAbstract ? 0 : 1)];
  }
  scratchView.setUint16(2, target.port, false);
  if (!target.host.includes(":")) {
    scratchView.setUint16(0, AF_INET, true);
    scratchBytes.set(target.host.split(".").map(Number), 4);
    return [AF_INET, 16];
  }
  scratchView.setUint16(0, AF_INET6, true);
  const [head = "", tail] = target.host.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const left = groups(head);
  const right = groups(tail ?? "");
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length;
  for (const [i, group] of [...left, ...Array<string>(zeros).fill("0"), ...right].entries()) {
    scratchView.setUint16(8 + 2 * i, Number.parseInt(group, 16), false);
  }
  return [AF_INET6, 28];
}

function check(result: number, what: string): number {
  if (result < 0) throw new Error(`${what} failed: errno ${-result}`);
  return result;
}

/** Opens a connection, waiting for it. Throws when the server refuses. */
export function connect(target: Target): number {
  const name = "path" in target ? target.path : `${target.host}:${target.port}`;
  const [family, bytes] = writeAddress(target);
  const fd = check(libc.socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket");
  const address = scratch.address(0, SOCKET_ADDRESS_BYTES_MAX);
  const result = libc.syscall(CONNECT, fd, address, bytes, 0, 0, 0);
  if (result < 0) {
    libc.close(fd);
    throw new Error(`cannot connect to ${name}: errno ${-result}`);
  }
  if (family !== AF_UNIX) {
    scratchView.setInt32(0, 1, true);
    check(libc.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, scratch, 0, 4), "setsockopt");
  }
  return fd;
}

export function closeDescriptor(fd: number): void {
  libc.close(fd);
}

/** Receives without waiting: bytes, 0 when the peer closed, -EAGAIN when there is nothing. */
export function receive(fd: number, memory: NativeMemory, at: number, length: number): number {
  return libc.recv(fd, memory, at, length, MSG_DONTWAIT);
}

/** Sends without waiting: the bytes taken, or -errno. */
export function transmit(fd: number, memory: NativeMemory, at: number, length: number): number {
  return libc.send(fd, memory, at, length, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/** A set of watched descriptors, each with a slot number that comes back with its events. */
export class Poller {
  readonly #fd = check(libc.epollCreate(EPOLL_CLOEXEC), "epoll_create1");
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
    check(libc.epollCtl(this.#fd, operation, fd, scratch, 0, EPOLL_EVENT_BYTES), "epoll_ctl");
  }

  /** Waits up to `milliseconds` and returns the number of events. */
  wait(milliseconds: number): number {
    const count = libc.epollWait(
      this.#fd,
      this.#events,
      0,
      this.#eventsMax,
      EPOLL_EVENT_BYTES,
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
    libc.close(this.#fd);
  }
}

function readClock(clock: number): number {
  const address = scratch.address(0, 16);
  if (libc.clockGettime(clock, address) < 0) return Number.NaN;
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
  return libc.syscall(SET_AFFINITY, id, AFFINITY_BYTES, address, 0, 0, 0) >= 0;
}
