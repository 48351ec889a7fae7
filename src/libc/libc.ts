/**
 * libc: the system calls of the native transport, by FFI. Nothing else in the program knows koffi.
 *
 *   caller ── (fd, NativeMemory, offset, length) ──▶ Libc ── bounds, address ──▶ koffi ──▶ libc.so
 *          ◀── result, or minus the error number ──
 *
 * Every call answers as the kernel itself does: a result of 0 or more, or the negated errno. No
 * call throws, none allocates once its addresses are known (native-memory.ts), and all pointers are
 * passed as plain numbers (`intptr_t`): a crossing costs 120 to 350 ns, an int64 result comes back
 * as a plain number.
 *
 * koffi is an optional dependency, loaded when first asked for; `libcProblem()` says why it cannot
 * be. Every thread loads it for itself: `Libc.load()` once a thread.
 */
import { createRequire } from "node:module";
import type Koffi from "koffi";
import { assert } from "../base/assert.ts";
import { SystemError } from "../base/errors.ts";
import { Arena } from "../memory/arena.ts";
import { isKnownMachine } from "./linux.ts";
import { NativeMemory } from "./native-memory.ts";
import { PollHandle } from "./poll-handle.ts";
import { SYS_IO_URING_ENTER } from "./uring-abi.ts";

type Call = (...values: (number | string | null)[]) => number;
type KoffiModule = typeof Koffi;

/** Addresses, options and events of one call are written here. */
export const SCRATCH_BYTES = 4096;
/** The C library itself, or whatever the process was linked with (musl has no libc.so.6). */
const LIBRARY_NAMES = ["libc.so.6", null];

const HUGE_PAGE_BYTES = 2 * 1024 * 1024;
const MADV_HUGEPAGE = 14;

export class Libc {
  static #loaded: Libc | null = null;
  static #problem = "";

  /** This thread's libc. Throws a SystemError that says what is missing. */
  static load(): Libc {
    const problem = libcProblem();
    if (problem !== null) throw new SystemError(`no native transport: ${problem}`);
    return Libc.#loaded as Libc;
  }

  /** Loads once; null, or why it cannot be. */
  static tryLoad(): string | null {
    if (Libc.#loaded !== null) return null;
    if (Libc.#problem !== "") return Libc.#problem;
    try {
      Libc.#loaded = new Libc(createRequire(import.meta.url)("koffi") as KoffiModule);
      return null;
    } catch (error) {
      Libc.#problem = error instanceof Error ? (error.message.split("\n")[0] as string) : "?";
      return Libc.#problem;
    }
  }

  /** Scratch memory of this thread's calls; every use ends within one synchronous step. */
  readonly scratch: NativeMemory;
  readonly #koffi: KoffiModule;
  readonly #plain = new WeakMap<SharedArrayBuffer, ArrayBuffer>();
  readonly #recv: Call;
  readonly #send: Call;
  readonly #read: Call;
  readonly #write: Call;
  readonly #close: Call;
  readonly #epollWait: Call;
  readonly #epollCtl: Call;
  readonly #epollCreate: Call;
  readonly #eventfd: Call;
  readonly #socket: Call;
  readonly #bind: Call;
  readonly #listen: Call;
  readonly #accept: Call;
  readonly #setsockopt: Call;
  readonly #getsockname: Call;
  readonly #getpeername: Call;
  readonly #shutdown: Call;
  readonly #sendto: Call;
  readonly #getrlimit: Call;
  readonly #setrlimit: Call;
  readonly #mlockall: Call;
  readonly #madvise: Call;
  readonly #clockGettime: Call;
  readonly #syscall: Call;
  readonly #uringEnter: Call;
  readonly #mmap: Call;
  readonly #munmap: Call;

  private constructor(koffi: KoffiModule) {
    this.#koffi = koffi;
    const library = openLibrary(koffi);
    const call = (definition: string): Call => library.func(definition) as unknown as Call;
    this.#recv = call("int64_t recv(int, intptr_t, size_t, int)");
    this.#send = call("int64_t send(int, intptr_t, size_t, int)");
    this.#read = call("int64_t read(int, intptr_t, size_t)");
    this.#write = call("int64_t write(int, intptr_t, size_t)");
    this.#close = call("int close(int)");
    this.#epollWait = call("int epoll_wait(int, intptr_t, int, int)");
    this.#epollCtl = call("int epoll_ctl(int, int, int, intptr_t)");
    this.#epollCreate = call("int epoll_create1(int)");
    this.#eventfd = call("int eventfd(uint32_t, int)");
    this.#socket = call("int socket(int, int, int)");
    this.#bind = call("int bind(int, intptr_t, uint32_t)");
    this.#listen = call("int listen(int, int)");
    this.#accept = call("int accept4(int, intptr_t, intptr_t, int)");
    this.#setsockopt = call("int setsockopt(int, int, int, intptr_t, uint32_t)");
    this.#getsockname = call("int getsockname(int, intptr_t, intptr_t)");
    this.#getpeername = call("int getpeername(int, intptr_t, intptr_t)");
    this.#shutdown = call("int shutdown(int, int)");
    this.#sendto = call("int64_t sendto(int, intptr_t, size_t, int, intptr_t, uint32_t)");
    this.#getrlimit = call("int getrlimit(int, intptr_t)");
    this.#setrlimit = call("int setrlimit(int, intptr_t)");
    this.#mlockall = call("int mlockall(int)");
    this.#madvise = call("int madvise(intptr_t, size_t, int)");
    this.#clockGettime = call("int clock_gettime(int, intptr_t)");
    this.#syscall = call(
      "int64_t syscall(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t)",
    );
    this.#uringEnter = call(
      "int64_t syscall(int, int, uint32_t, uint32_t, uint32_t, intptr_t, size_t)",
    );
    this.#mmap = call("int64_t mmap(intptr_t, size_t, int, int, int, int64_t)");
    this.#munmap = call("int munmap(intptr_t, size_t)");
    this.scratch = this.memory(new Arena(new SharedArrayBuffer(SCRATCH_BYTES)));
  }

  /**
   * Shared memory as an arena whose plain accesses and copies go through an ordinary buffer: see
   * memory/arena.ts.
   */
  arena(buffer: SharedArrayBuffer): Arena {
    let plain = this.#plain.get(buffer);
    if (plain === undefined) {
      plain = this.mapped(this.#addressOf(buffer), buffer.byteLength);
      this.#plain.set(buffer, plain);
    }
    return new Arena(buffer, plain);
  }

  /**
   * The arena as the kernel sees it. Only shared memory: anything else may move or be freed while a
   * call runs.
   */
  memory(arena: Arena): NativeMemory {
    assert(
      arena.buffer instanceof SharedArrayBuffer,
      "only shared memory has an address that stays",
    );
    return new NativeMemory(arena, this.#addressOf(arena.buffer));
  }

  /** Bytes received, 0 at the end of the stream. */
  recv(fd: number, memory: NativeMemory, offset: number, length: number, flags: number): number {
    const result = this.#recv(fd, memory.address(offset, length), length, flags);
    return result >= 0 ? result : this.#failure();
  }

  send(fd: number, memory: NativeMemory, offset: number, length: number, flags: number): number {
    const result = this.#send(fd, memory.address(offset, length), length, flags);
    return result >= 0 ? result : this.#failure();
  }

  read(fd: number, memory: NativeMemory, offset: number, length: number): number {
    const result = this.#read(fd, memory.address(offset, length), length);
    return result >= 0 ? result : this.#failure();
  }

  write(fd: number, memory: NativeMemory, offset: number, length: number): number {
    const result = this.#write(fd, memory.address(offset, length), length);
    return result >= 0 ? result : this.#failure();
  }

  close(fd: number): number {
    return this.#close(fd) === 0 ? 0 : this.#failure();
  }

  /** Events written to memory at `offset`: how many. -EINTR is possible. */
  epollWait(
    epoll: number,
    memory: NativeMemory,
    offset: number,
    eventsMax: number,
    eventBytes: number,
    timeoutMs: number,
  ): number {
    const address = memory.address(offset, eventsMax * eventBytes);
    const result = this.#epollWait(epoll, address, eventsMax, timeoutMs);
    return result >= 0 ? result : this.#failure();
  }

  epollCtl(
    epoll: number,
    operation: number,
    fd: number,
    memory: NativeMemory,
    offset: number,
    eventBytes: number,
  ): number {
    const result = this.#epollCtl(epoll, operation, fd, memory.address(offset, eventBytes));
    return result >= 0 ? result : this.#failure();
  }

  epollCreate(flags: number): number {
    return this.#answer(this.#epollCreate(flags));
  }

  eventfd(flags: number): number {
    return this.#answer(this.#eventfd(0, flags));
  }

  socket(family: number, type: number, protocol: number): number {
    return this.#answer(this.#socket(family, type, protocol));
  }

  bind(fd: number, memory: NativeMemory, offset: number, length: number): number {
    return this.#answer(this.#bind(fd, memory.address(offset, length), length));
  }

  listen(fd: number, backlog: number): number {
    return this.#answer(this.#listen(fd, backlog));
  }

  /** The next connection of a listening socket, without its address. */
  accept(fd: number, flags: number): number {
    return this.#answer(this.#accept(fd, 0, 0, flags));
  }

  /** Sets an option whose value is `length` bytes of memory. */
  setsockopt(
    fd: number,
    level: number,
    option: number,
    memory: NativeMemory,
    offset: number,
    length: number,
  ): number {
    const address = memory.address(offset, length);
    return this.#answer(this.#setsockopt(fd, level, option, address, length));
  }

  /**
   * Writes the local address at `offset`, its length (in: room, out: size) is the word at
   * `lengthOffset`.
   */
  getsockname(fd: number, memory: NativeMemory, offset: number, lengthOffset: number): number {
    const room = memory.arena.words[lengthOffset >>> 2] as number;
    const address = memory.address(offset, room);
    return this.#answer(this.#getsockname(fd, address, memory.address(lengthOffset, 4)));
  }

  getpeername(fd: number, memory: NativeMemory, offset: number, lengthOffset: number): number {
    const room = memory.arena.words[lengthOffset >>> 2] as number;
    const address = memory.address(offset, room);
    return this.#answer(this.#getpeername(fd, address, memory.address(lengthOffset, 4)));
  }

  shutdown(fd: number, how: number): number {
    return this.#answer(this.#shutdown(fd, how));
  }

  sendto(
    fd: number,
    memory: NativeMemory,
    offset: number,
    length: number,
    peer: number,
    peerLength: number,
  ): number {
    const bytes = memory.address(offset, length);
    const peerAddress = memory.address(peer, peerLength);
    return this.#answer(this.#sendto(fd, bytes, length, 0, peerAddress, peerLength));
  }

  /** Two u64 at `offset`: soft and hard limit. */
  getrlimit(resource: number, memory: NativeMemory, offset: number): number {
    return this.#answer(this.#getrlimit(resource, memory.address(offset, 16)));
  }

  setrlimit(resource: number, memory: NativeMemory, offset: number): number {
    return this.#answer(this.#setrlimit(resource, memory.address(offset, 16)));
  }

  /**
   * Asks for huge pages under arena bytes [offset, offset + length), as far as whole ones lie in
   * it. A wish: 0, or the negated errno where the kernel has none.
   */
  wishHugePages(memory: NativeMemory, offset: number, length: number): number {
    const address = memory.address(offset, length);
    const start = Math.ceil(address / HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES;
    const end = Math.floor((address + length) / HUGE_PAGE_BYTES) * HUGE_PAGE_BYTES;
    if (end <= start) return 0;
    return this.#answer(this.#madvise(start, end - start, MADV_HUGEPAGE));
  }

  mlockall(flags: number): number {
    return this.#answer(this.#mlockall(flags));
  }

  /**
   * A system call libc has no name for; arguments are integers or addresses from
   * `NativeMemory.address`.
   */
  syscall(
    number: number,
    a: number,
    b: number,
    c: number,
    d: number,
    e: number,
    f: number,
  ): number {
    const result = this.#syscall(number, a, b, c, d, e, f);
    return result >= 0 ? result : this.#failure();
  }

  /** Writes a struct timespec to an address from `NativeMemory.address`. */
  clockGettime(clock: number, address: number): number {
    return this.#answer(this.#clockGettime(clock, address));
  }

  /**
   * io_uring_enter: requests taken, or the negated errno. `argument` is 0 or an address from
   * `NativeMemory.address`.
   */
  uringEnter(
    ring: number,
    submitted: number,
    wanted: number,
    flags: number,
    argument: number,
    argumentBytes: number,
  ): number {
    const result = this.#uringEnter(
      SYS_IO_URING_ENTER,
      ring,
      submitted,
      wanted,
      flags,
      argument,
      argumentBytes,
    );
    return result >= 0 ? result : this.#failure();
  }

  /** Maps `length` bytes of a descriptor: an address, or the negated errno. */
  mmap(length: number, protection: number, flags: number, fd: number, offset: number): number {
    const result = this.#mmap(0, length, protection, flags, fd, offset);
    return result === -1 ? this.#failure() : result;
  }

  munmap(address: number, length: number): number {
    return this.#answer(this.#munmap(address, length));
  }

  /** A mapping as a buffer. It must outlive every use of the buffer. */
  mapped(address: number, length: number): ArrayBuffer {
    return this.#koffi.view(BigInt(address), length);
  }

  /** Calls `ready` in this thread's libuv loop while `fd` is readable. */
  poll(fd: number, ready: () => void): PollHandle {
    return new PollHandle(this.#koffi, fd, ready);
  }

  #addressOf(buffer: SharedArrayBuffer): number {
    return Number(this.#koffi.address(new Uint8Array(buffer)));
  }

  #answer(result: number): number {
    return result >= 0 ? result : this.#failure();
  }

  #failure(): number {
    return -this.#koffi.errno();
  }
}

/** Null when the native transport can run here, else why not. Loads koffi the first time. */
export function libcProblem(): string | null {
  if (!isKnownMachine()) return `${process.platform} on ${process.arch} is not supported`;
  return Libc.tryLoad();
}

export function libcAvailable(): boolean {
  return libcProblem() === null;
}

function openLibrary(koffi: KoffiModule): ReturnType<KoffiModule["load"]> {
  for (const name of LIBRARY_NAMES) {
    try {
      return koffi.load(name);
    } catch (error) {
      if (name === LIBRARY_NAMES[LIBRARY_NAMES.length - 1]) throw error;
    }
  }
  throw new SystemError("no C library");
}
