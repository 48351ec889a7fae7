/** Options of sockets whose value is an int, through the scratch memory of libc. */
import type { Libc } from "./libc.ts";
import { IPPROTO_TCP, SO_ERROR, SO_KEEPALIVE, SOL_SOCKET, TCP_NODELAY } from "./linux.ts";

const VALUE_OFFSET = 0;
const LENGTH_OFFSET = 4;
const INT_BYTES = 4;

export function setOption(
  libc: Libc,
  fd: number,
  level: number,
  option: number,
  value: number,
): number {
  const { scratch } = libc;
  scratch.arena.ints[VALUE_OFFSET >>> 2] = value;
  const address = scratch.address(VALUE_OFFSET, INT_BYTES);
  return libc.sockets.setsockopt(fd, level, option, address, INT_BYTES);
}

/** What memcached sets on TCP sockets; accepted ones inherit it from the one that listens. */
export function setTcpOptions(libc: Libc, fd: number): void {
  setOption(libc, fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  setOption(libc, fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

/** The errno a socket has come to, 0 when none; asking forgets it. */
export function socketError(libc: Libc, fd: number): number {
  const { scratch, sockets } = libc;
  scratch.arena.ints[LENGTH_OFFSET >>> 2] = INT_BYTES;
  const value = scratch.address(VALUE_OFFSET, INT_BYTES);
  const length = scratch.address(LENGTH_OFFSET, INT_BYTES);
  const result = sockets.getsockopt(fd, SOL_SOCKET, SO_ERROR, value, length);
  return result < 0 ? -result : (scratch.arena.ints[VALUE_OFFSET >>> 2] as number);
}
