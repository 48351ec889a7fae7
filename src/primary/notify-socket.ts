/**
 * What systemd is told (Type=notify): one datagram of text to the Unix socket NOTIFY_SOCKET names.
 * Node has no such sockets, so it goes by libc.
 */
import type { Libc } from "../libc/libc.ts";
import { AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM } from "../libc/linux.ts";
import { ADDRESS_OFFSET, writeUnixAddress } from "../libc/socket-address.ts";

/** Behind the address in the scratch memory. */
const TEXT_OFFSET = 512;
const TEXT_BYTES_MAX = 256;

/**
 * Sends a text to the socket at `path`; a leading @ is Linux's abstract namespace. False when that
 * cannot be done.
 */
export function sendNotice(libc: Libc, path: string, text: string): boolean {
  const bytes = Buffer.from(text);
  const length = writeUnixAddress(libc, path);
  if (length < 0 || bytes.length > TEXT_BYTES_MAX) return false;
  const isAbstract = path.startsWith("@");
  if (isAbstract) libc.scratch.arena.bytes[ADDRESS_OFFSET + 2] = 0;
  libc.scratch.arena.bytes.set(bytes, TEXT_OFFSET);
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const peerBytes = isAbstract ? length - 1 : length; // an abstract name has no closing 0
  const { scratch } = libc;
  const sent = libc.sendto(fd, scratch, TEXT_OFFSET, bytes.length, ADDRESS_OFFSET, peerBytes);
  libc.close(fd);
  return sent === bytes.length;
}
