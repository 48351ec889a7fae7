/**
 * Libc: the system calls of a thread, by subject, and memory as the kernel sees it.
 *
 *   NativeMemory.address(offset, bytes) ── checked ──▶ libc.sockets.recv(fd, address, bytes, 0)
 *
 * Every thread loads it for itself, once: `Libc.load()`. koffi is an optional dependency;
 * `libcProblem()` says why there is no libc here.
 */
import { assert } from "../base/assert.ts";
import { SystemError } from "../base/errors.ts";
import { Arena } from "../memory/arena.ts";
import { CLibrary } from "./c-library.ts";
import { fileCalls } from "./file-calls.ts";
import { isKnownMachine, MADV_DONTNEED, MADV_HUGEPAGE } from "./linux.ts";
import { memoryCalls } from "./memory-calls.ts";
import { type Address, NativeMemory } from "./native-memory.ts";
import type { PollHandle } from "./poll-handle.ts";
import { processCalls } from "./process-calls.ts";
import { socketCalls } from "./socket-calls.ts";
import { uringCalls } from "./uring-calls.ts";

/** Addresses, options and events of one call are written here. */
const SCRATCH_BYTES = 4096;
const HUGE_PAGE_BYTES = 2 * 1024 * 1024;
/** Kernels with larger pages refuse to take single ones back, and the memory stays as it is. */
const PAGE_BYTES = 4096;

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
      Libc.#loaded = new Libc(CLibrary.load());
      return null;
    } catch (error) {
      Libc.#problem = error instanceof Error ? (error.message.split("\n")[0] as string) : "?";
      return Libc.#problem;
    }
  }

  readonly sockets;
  readonly files;
  readonly mappings;
  readonly uring;
  readonly process;
  /** Scratch memory of this thread's calls; every use ends within one synchronous step. */
  readonly scratch: NativeMemory;
  readonly #c: CLibrary;
  readonly #plain = new WeakMap<SharedArrayBuffer, ArrayBuffer>();

  private constructor(c: CLibrary) {
    this.#c = c;
    this.sockets = socketCalls(c);
    this.files = fileCalls(c);
    this.mappings = memoryCalls(c);
    this.uring = uringCalls(c);
    this.process = processCalls(c);
    this.scratch = this.memory(new Arena(new SharedArrayBuffer(SCRATCH_BYTES)));
  }

  /**
   * Shared memory as an arena whose plain accesses and copies go through an ordinary buffer: see
   * memory/arena.ts.
   */
  arena(buffer: SharedArrayBuffer): Arena {
    let plain = this.#plain.get(buffer);
    if (plain === undefined) {
      plain = this.mapped(this.#c.addressOf(buffer), buffer.byteLength);
      this.#plain.set(buffer, plain);
    }
    return new Arena(buffer, plain);
  }

  /**
   * The arena as the kernel sees it. Only shared memory: anything else may move or be freed while a
   * call runs.
   */
  memory(arena: Arena): NativeMemory {
    const { buffer } = arena;
    assert(buffer instanceof SharedArrayBuffer, "only shared memory has an address that stays");
    return new NativeMemory(arena, this.#c.addressOf(buffer));
  }

  /** Memory at an address as a buffer. It must outlive every use of the buffer. */
  mapped(address: number, length: number): ArrayBuffer {
    return this.#c.mapped(address, length);
  }

  /** Calls `ready` in this thread's libuv loop while `fd` is readable. */
  poll(fd: number, ready: () => void): PollHandle {
    return this.#c.poll(fd, ready);
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
    return this.mappings.madvise(start as Address, end - start, MADV_HUGEPAGE);
  }

  /**
   * Gives the pages of arena bytes [offset, offset + length) back to the system, as far as whole
   * ones lie in it: what they held is lost. 0, or the negated errno of who will not have them (they
   * are locked, say).
   */
  giveBack(memory: NativeMemory, offset: number, length: number): number {
    const address = memory.address(offset, length);
    const start = Math.ceil(address / PAGE_BYTES) * PAGE_BYTES;
    const end = Math.floor((address + length) / PAGE_BYTES) * PAGE_BYTES;
    if (end <= start) return 0;
    return this.mappings.madvise(start as Address, end - start, MADV_DONTNEED);
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
