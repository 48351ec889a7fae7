/**
 * io_uring's numbers and structures, as far as we use them. Sources: linux/io_uring.h (uapi), `man
 * io_uring_enter`.
 *
 *   SQE, 64 bytes   0 opcode u8 | 1 flags u8 | 2 ioprio u16 | 4 fd i32 | 8 offset u64
 *                   | 16 address u64 | 24 length u32 | 28 operation's flags u32 | 32 user data u64
 *                   | 40 buffer group u16 | 42 … 63 zero
 *   CQE, 16 bytes   0 user data u64 | 8 result i32 | 12 flags u32, its upper half a buffer's number
 *   buffer, 16      0 address u64 | 8 length u32 | 12 number u16
 *                   | 14 (first one only) the ring's tail u16
 */
export const SYS_IO_URING_SETUP = 425;
export const SYS_IO_URING_ENTER = 426;
export const SYS_IO_URING_REGISTER = 427;

export const SETUP_CQSIZE = 1 << 3;
export const SETUP_CLAMP = 1 << 4;
export const SETUP_SUBMIT_ALL = 1 << 7;
export const SETUP_SINGLE_ISSUER = 1 << 12;
export const SETUP_DEFER_TASKRUN = 1 << 13;

export const FEAT_SINGLE_MMAP = 1 << 0;
export const FEAT_NODROP = 1 << 1;
export const FEAT_EXT_ARG = 1 << 8;

export const ENTER_GETEVENTS = 1 << 0;
export const ENTER_EXT_ARG = 1 << 3;

export const REGISTER_PBUF_RING = 22;

export const OFF_SQ_RING = 0;
export const OFF_SQES = 0x1000_0000;

export const OP_POLL_ADD = 6;
export const OP_TIMEOUT = 11;
export const OP_ASYNC_CANCEL = 14;
export const OP_SEND = 26;
export const OP_RECV = 27;

export const SQE_BUFFER_SELECT = 1 << 5;
export const SQE_CQE_SKIP_SUCCESS = 1 << 6;
export const RECV_MULTISHOT = 1 << 1;
export const POLL_ADD_MULTI = 1 << 0;

export const CQE_F_BUFFER = 1 << 0;
export const CQE_F_MORE = 1 << 1;
export const CQE_BUFFER_SHIFT = 16;

export const SQE_BYTES = 64;
export const CQE_BYTES = 16;
export const BUFFER_BYTES = 16;

/** struct io_uring_params: its size, and the word offsets of what we write and read. */
export const PARAMS_BYTES = 120;
export const PARAMS = {
  sqEntries: 0,
  cqEntries: 1,
  flags: 2,
  features: 5,
  sqHead: 10,
  sqTail: 11,
  sqArray: 16,
  cqHead: 20,
  cqTail: 21,
  cqCqes: 25,
} as const;

/** struct io_uring_buf_reg: address u64, entries u32, group u16, flags u16, zero. */
export const BUFFER_REGISTER_BYTES = 40;
/** struct io_uring_getevents_arg: mask u64, mask bytes u32, wait u32, timespec's address u64. */
export const GETEVENTS_ARG_BYTES = 24;

export const PROT_READ_WRITE = 3;
export const MAP_SHARED = 1;
export const MAP_PRIVATE = 2;
export const MAP_ANONYMOUS = 0x20;
export const MAP_POPULATE = 0x8000;
export const ETIME = 62;
export const EBUSY = 16;
