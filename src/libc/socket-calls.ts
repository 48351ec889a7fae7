/**
 * Calls on sockets. Addresses and options lie in memory the caller names (socket-address.ts).
 */
import type { CLibrary } from "./c-library.ts";

export function socketCalls(c: CLibrary) {
  return {
    socket: c.call("int socket(int family, int type, int protocol)"),
    bind: c.call("int bind(int fd, intptr_t address, uint32_t bytes)"),
    listen: c.call("int listen(int fd, int backlog)"),
    /** The next connection of a listening socket. Without its address: pass NULL twice. */
    accept4: c.call("int accept4(int fd, intptr_t address, intptr_t bytes, int flags)"),
    /** -EINPROGRESS: a non-blocking socket becomes writable when the outcome is known. */
    connect: c.call("int connect(int fd, intptr_t address, uint32_t bytes)"),
    /** Bytes received, 0 at the end of the stream. */
    recv: c.call("int64_t recv(int fd, intptr_t to, size_t bytes, int flags)"),
    send: c.call("int64_t send(int fd, intptr_t from, size_t bytes, int flags)"),
    sendto: c.call(
      "int64_t sendto(int fd, intptr_t from, size_t bytes, int flags, intptr_t to, uint32_t size)",
    ),
    shutdown: c.call("int shutdown(int fd, int how)"),
    setsockopt: c.call(
      "int setsockopt(int fd, int level, int option, intptr_t value, uint32_t bytes)",
    ),
    /** `bytes` points to a word: the room for the value, then its size. */
    getsockopt: c.call(
      "int getsockopt(int fd, int level, int option, intptr_t value, intptr_t bytes)",
    ),
    /** `bytes` points to a word: the room for the address, then its size. */
    getsockname: c.call("int getsockname(int fd, intptr_t address, intptr_t bytes)"),
    getpeername: c.call("int getpeername(int fd, intptr_t address, intptr_t bytes)"),
  };
}
