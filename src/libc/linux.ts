/**
 * Linux numbers: the constants of the system calls of this folder, and the error numbers our loops
 * tell apart.
 *
 * All of them are the same on x86-64 and on arm64, the two machines the native transport serves,
 * but for one: `struct epoll_event` is packed on x86-64.
 *
 *   x86-64, 12 bytes   | events u32 | data u64 |
 *   arm64,  16 bytes   | events u32 | padding u32 | data u64 |
 *
 * Sources: the uapi headers of Linux (asm-generic/errno.h, linux/eventpoll.h,
 * asm-generic/socket.h).
 */
import { assert } from "../base/assert.ts";

export const EINTR = 4;
export const EAGAIN = 11;
export const ENAMETOOLONG = 36;
export const EAFNOSUPPORT = 97;
export const EADDRNOTAVAIL = 99;
export const ECONNABORTED = 103;
export const ENOBUFS = 105;
export const EINPROGRESS = 115;
export const ECANCELED = 125;

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;

export const SOL_SOCKET = 1;
export const SO_REUSEADDR = 2;
export const SO_ERROR = 4;
export const SO_KEEPALIVE = 9;
export const IPPROTO_TCP = 6;
export const TCP_NODELAY = 1;
export const IPPROTO_IPV6 = 41;
export const IPV6_V6ONLY = 26;

export const MSG_MORE = 0x8000;
export const MSG_NOSIGNAL = 0x4000;
export const MSG_DONTWAIT = 0x40;
export const MSG_WAITALL = 0x100;
export const SHUT_RDWR = 2;

export const EPOLL_CLOEXEC = 0o2000000;
export const EPOLL_CTL_ADD = 1;
export const EPOLL_CTL_DEL = 2;
export const EPOLL_CTL_MOD = 3;
export const EPOLLIN = 0x001;
export const EPOLLOUT = 0x004;
export const EPOLLERR = 0x008;
export const EPOLLHUP = 0x010;
export const EPOLLET = 0x8000_0000;

export const EFD_NONBLOCK = 0o4000;
export const EFD_CLOEXEC = 0o2000000;

export const RLIMIT_CORE = 4;
export const RLIMIT_NOFILE = 7;
export const SYS_MLOCK2 = process.arch === "x64" ? 325 : 284;
/** Only pages that have been touched, and each as it is. */
export const MLOCK_ONFAULT = 1;
export const MADV_DONTNEED = 4;
export const MADV_HUGEPAGE = 14;
export const MADV_DONTDUMP = 16;
export const PROT_READ = 1;
export const PROT_WRITE = 2;
export const MAP_SHARED = 0x01;
export const MAP_FIXED = 0x10;
export const LOCK_EX = 2;
export const LOCK_NB = 4;

const PACKED = process.arch === "x64";
/** Words of one epoll_event, and where its data (we use the low half) lies. */
export const EPOLL_EVENT_WORDS = PACKED ? 3 : 4;
export const EPOLL_DATA_WORD = PACKED ? 1 : 2;
export const EPOLL_EVENT_BYTES = EPOLL_EVENT_WORDS * 4;

assert(EPOLL_DATA_WORD + 2 === EPOLL_EVENT_WORDS, "the data ends an epoll_event");

/** True on the machines whose numbers these are. */
export function isKnownMachine(): boolean {
  return process.platform === "linux" && (process.arch === "x64" || process.arch === "arm64");
}

const ERROR_TEXTS: Readonly<Record<string, string>> = {
  EPERM: "Operation not permitted",
  ENOENT: "No such file or directory",
  EACCES: "Permission denied",
  ENOTDIR: "Not a directory",
  EINVAL: "Invalid argument",
  ENFILE: "Too many open files in system",
  EMFILE: "Too many open files",
  EROFS: "Read-only file system",
  ENAMETOOLONG: "File name too long",
  EAFNOSUPPORT: "Address family not supported by protocol",
  EADDRINUSE: "Address already in use",
  EADDRNOTAVAIL: "Cannot assign requested address",
  EAI_NONAME: "Name or service not known",
  ENOTFOUND: "Name or service not known",
};

/**
 * What strerror says of an error by name (as Node's `error.code` gives it). The name itself when we
 * do not know.
 */
export function errorText(name: string): string {
  return ERROR_TEXTS[name] ?? name;
}
