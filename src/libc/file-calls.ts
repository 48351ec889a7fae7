/** Calls on descriptors of any kind: what the event loop needs, and node:fs cannot do. */
import type { CLibrary } from "./c-library.ts";

export function fileCalls(c: CLibrary) {
  return {
    read: c.call("int64_t read(int fd, intptr_t to, size_t bytes)"),
    write: c.call("int64_t write(int fd, intptr_t from, size_t bytes)"),
    close: c.call("int close(int fd)"),
    /** Locks a file, among processes, for as long as the descriptor is open. */
    flock: c.call("int flock(int fd, int operation)"),
    eventfd: c.call("int eventfd(uint32_t count, int flags)"),
    epollCreate1: c.call("int epoll_create1(int flags)"),
    epollCtl: c.call("int epoll_ctl(int epoll, int operation, int fd, intptr_t event)"),
    /** Events written: how many. -EINTR is possible. */
    epollWait: c.call("int epoll_wait(int epoll, intptr_t events, int count, int milliseconds)"),
  };
}
