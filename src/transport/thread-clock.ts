/**
 * Thread clock: the processor time the calling thread has used, user and system, by the kernel's own
 * account.
 *
 * Why not the time between two looks at the clock: what io_uring does for a thread, it does inside
 * the call in which the thread also sleeps, so only the kernel knows how much of it was work.
 */
import { assert } from "../base/assert.ts";
import type { Libc } from "./libc.ts";
import { SYS_CLOCK_GETTIME } from "./linux.ts";

const CLOCK_THREAD_CPUTIME_ID = 3;
/** struct timespec: two longs. */
const TIMESPEC_BYTES = 16;
const NANOSECONDS_WORD = 2;
const NANOSECONDS = 1e9;

/**
 * Nanoseconds of processor time this thread has used, modulo 2^32, as an integer of 32 bits: it
 * needs no box. One system call, 0.4 µs.
 */
export function threadNanoseconds(libc: Libc): number {
  const { scratch } = libc;
  const address = scratch.address(0, TIMESPEC_BYTES);
  const result = libc.syscall(SYS_CLOCK_GETTIME, CLOCK_THREAD_CPUTIME_ID, address, 0, 0, 0, 0);
  assert(result === 0, "every thread has a clock of its own");
  const { words } = scratch.arena;
  return (Math.imul(words[0] as number, NANOSECONDS) + (words[NANOSECONDS_WORD] as number)) | 0;
}
