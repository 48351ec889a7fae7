/**
 * Clocks of the kernel's, read by libc: what leaves the garbage collector nothing on any version of
 * Node (`process.hrtime` makes a pair wherever V8 does not inline it, `performance.now()` boxes its
 * number).
 *
 *   monotonic   the time that passes; read without a system call, 0.2 µs with the crossing to libc
 *   thread      the processor time the calling thread has used; a system call, 0.4 µs
 *
 * Why a thread's own clock: what io_uring does for a thread, it does inside the call in which the
 * thread also sleeps, so only the kernel knows how much of it was work.
 *
 * Both are nanoseconds modulo 2^32, as integers of 32 bits: they need no box.
 */
import { assert } from "../base/assert.ts";
import type { Libc } from "./libc.ts";

const CLOCK_MONOTONIC = 1;
const CLOCK_THREAD_CPUTIME_ID = 3;
/** struct timespec: two longs. */
const TIMESPEC_BYTES = 16;
const NANOSECONDS_WORD = 2;
const NANOSECONDS = 1e9;

export function monotonicNanoseconds(libc: Libc): number {
  return nanoseconds(libc, CLOCK_MONOTONIC);
}

export function threadNanoseconds(libc: Libc): number {
  return nanoseconds(libc, CLOCK_THREAD_CPUTIME_ID);
}

function nanoseconds(libc: Libc, clock: number): number {
  const { scratch } = libc;
  const result = libc.process.clockGettime(clock, scratch.address(0, TIMESPEC_BYTES));
  assert(result === 0, "every thread has these clocks");
  const { words } = scratch.arena;
  return (Math.imul(words[0] as number, NANOSECONDS) + (words[NANOSECONDS_WORD] as number)) | 0;
}
