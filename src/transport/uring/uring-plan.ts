/**
 * The memory io_uring reads from and writes to for one worker, inside the worker's native region
 * (native-plan.ts).
 *
 *   base | receive buffers | send blocks | staging | arguments |
 *
 *   receive buffers   lent to the kernel; it fills one per arrival, we read it and lend it again
 *   send blocks       hold the bytes of a send until the kernel says it is done
 *   staging           what came while its slot was paused is read from here when it goes on
 *   arguments         structures a wait or a timeout points to
 *
 * Pages nobody touches cost nothing: under epoll all of this stays address space.
 */
import { assert } from "../../base/assert.ts";
import { CACHE_LINE_BYTES, KIB } from "../../base/unit.ts";

/** Receive buffers: a power of two. As many arrivals fit one turn; more wait for the next. */
export const RECEIVE_COUNT = 128;
export const RECEIVE_BUFFER_BYTES = 16 * KIB;
/** Most sends on their way. Whoever finds no block sends by a plain system call. */
export const SEND_BLOCK_COUNT = 256;
/** Longer sends do not wait for the end of the turn: copying them costs more than the call. */
export const SEND_BLOCK_BYTES = 8 * KIB;
const ARGUMENT_BYTES = 128;

export const RECEIVE_OFFSET = 0;
export const SEND_OFFSET = RECEIVE_OFFSET + RECEIVE_COUNT * RECEIVE_BUFFER_BYTES;
export const STAGING_OFFSET = SEND_OFFSET + SEND_BLOCK_COUNT * SEND_BLOCK_BYTES;
export const ARGUMENT_OFFSET = STAGING_OFFSET + RECEIVE_BUFFER_BYTES;
export const URING_BYTES = ARGUMENT_OFFSET + ARGUMENT_BYTES;

assert((RECEIVE_COUNT & (RECEIVE_COUNT - 1)) === 0, "a buffer ring's size is a power of two");
assert(ARGUMENT_OFFSET % CACHE_LINE_BYTES === 0, "arguments are aligned");
