/**
 * NativeBell: wakes a thread that waits in the kernel, by its eventfd.
 *
 *   producer: write(eventfd, 1) ──▶ epoll or io_uring of a worker (edge-triggered)
 *                              └──▶ libuv poll of the primary
 *
 * A worker's loop watches its eventfd edge-triggered: every write is an edge, so nothing need be
 * read back, and a write that comes while the loop is awake ends its next wait at once. None is
 * lost. The primary's loop is libuv's, level-triggered: it reads the count back.
 *
 * The eventfds are made by the primary before any worker and live as long as the process: their
 * numbers are plain data that a worker is started with. A worker that serves no sockets has none:
 * it waits for Atomics, which wakes it for less.
 */
import { assert } from "../base/assert.ts";
import type { Bell } from "../base/bell.ts";
import { SystemError } from "../base/errors.ts";
import type { Libc } from "../libc/libc.ts";
import { EFD_CLOEXEC, EFD_NONBLOCK } from "../libc/linux.ts";
import type { NativeMemory } from "../libc/native-memory.ts";
import type { PollHandle } from "../libc/poll-handle.ts";
import { Arena } from "../memory/arena.ts";

const ONE_OFFSET = 0;
const READ_OFFSET = 8;
const BELL_BYTES = 16;

/** Of a thread that waits for Atomics. */
const NO_BELL = -1;

/**
 * An eventfd for each thread that waits in the kernel, to hand to every `NativeBell`. The primary
 * only.
 */
export function openBells(
  libc: Libc,
  threadCount: number,
  waitsInKernel: (thread: number) => boolean = () => true,
): number[] {
  const fds: number[] = [];
  for (let thread = 0; thread < threadCount; thread++) {
    if (!waitsInKernel(thread)) {
      fds.push(NO_BELL);
      continue;
    }
    const fd = libc.files.eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0)
      throw new SystemError(
        `cannot create an eventfd (errno ${-fd}): raise the limit of open files`,
      );
    fds.push(fd);
  }
  return fds;
}

export class NativeBell implements Bell {
  readonly #libc: Libc;
  readonly #fds: readonly number[];
  readonly #others: Bell | null;
  readonly #memory: NativeMemory;

  /** `others`: the bell of the threads that have no eventfd. */
  constructor(libc: Libc, fds: readonly number[], others: Bell | null = null) {
    this.#libc = libc;
    this.#fds = fds;
    this.#others = others;
    const arena = new Arena(new SharedArrayBuffer(BELL_BYTES));
    arena.words[ONE_OFFSET >>> 2] = 1; // a u64 of 1: both machines are little-endian
    this.#memory = libc.memory(arena);
  }

  /** The eventfd of a thread, for its own loop to watch. */
  fd(thread: number): number {
    return this.#fds[thread] as number;
  }

  ring(thread: number): void {
    const fd = this.fd(thread);
    if (fd === NO_BELL) {
      this.#others?.ring(thread);
      return;
    }
    const written = this.#libc.files.write(fd, this.#memory.address(ONE_OFFSET, 8), 8);
    // EAGAIN would mean 2^64 - 2 rings unheard; the count is not 0 then either, so the thread
    // wakes.
    assert(written === 8 || written < 0, "an eventfd takes eight bytes or none");
  }

  /**
   * Calls `heard` in this thread's libuv loop after each ring (several may become one). Close it by
   * `stop`.
   */
  watch(thread: number, heard: () => void): BellWatch {
    return new BellWatch(this.#libc, this.#memory, this.fd(thread), heard);
  }
}

export class BellWatch {
  readonly #handle: PollHandle;

  constructor(libc: Libc, memory: NativeMemory, fd: number, heard: () => void) {
    this.#handle = libc.poll(fd, () => {
      libc.files.read(fd, memory.address(READ_OFFSET, 8), 8);
      heard();
    });
  }

  stop(): void {
    this.#handle.close();
  }
}
