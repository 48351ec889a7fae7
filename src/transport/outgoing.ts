/**
 * Connections that go out: what epoll and io_uring begin them with. Neither waits: the socket
 * becomes writable when the outcome is known, and then says what it is (`socketError`).
 */
import type { Libc } from "../libc/libc.ts";
import {
  AF_UNIX,
  EINPROGRESS,
  EINTR,
  ENAMETOOLONG,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
} from "../libc/linux.ts";
import {
  ADDRESS_OFFSET,
  type SocketAddress,
  writeServerAddress,
  writtenFamily,
} from "../libc/socket-address.ts";
import { setTcpOptions } from "../libc/socket-options.ts";

/** A socket on its way to a server: its descriptor, or the negated errno. */
export function beginConnect(libc: Libc, to: SocketAddress): number {
  const { sockets, scratch } = libc;
  const length = writeServerAddress(libc, to);
  if (length < 0) return -ENAMETOOLONG;
  const family = writtenFamily(libc);
  const fd = sockets.socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fd;
  const result = sockets.connect(fd, scratch.address(ADDRESS_OFFSET, length), length);
  // Interrupted, it goes on as if it had not been.
  if (result < 0 && result !== -EINPROGRESS && result !== -EINTR) {
    libc.files.close(fd);
    return result;
  }
  if (family !== AF_UNIX) setTcpOptions(libc, fd);
  return fd;
}
