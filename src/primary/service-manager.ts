/**
 * The service manager that started us, when it wants to hear from us: systemd with Type=notify. It
 * learns when connections and the admin address are served, so that what depends on the cache
 * starts when it answers, not before; and when the server begins to stop.
 *
 * It is told by one datagram of text to the Unix socket that NOTIFY_SOCKET names. Node has no such
 * sockets, so that goes by libc.
 */
import { Libc, libcAvailable } from "../libc/libc.ts";
import { AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM } from "../libc/linux.ts";
import { ADDRESS_OFFSET, writeServerAddress } from "../libc/socket-address.ts";
import type { Log } from "./log.ts";

/** Where the text lies in the scratch memory: behind the address. */
const TEXT_OFFSET = 512;

export type Notice = "READY=1" | "STOPPING=1";

/** Tells the service manager; without one, nothing happens. */
export function notifyServiceManager(notice: Notice, log: Log, environment = process.env): void {
  const path = environment["NOTIFY_SOCKET"];
  if (path === undefined || path === "") return;
  if (libcAvailable() && send(Libc.load(), path, notice)) return;
  log.warn(`systemd could not be told ${notice}: the unit needs Type=exec instead of notify here`);
}

/** False when nobody at `path` takes it. */
function send(libc: Libc, path: string, notice: Notice): boolean {
  const { scratch, sockets, files } = libc;
  const length = writeServerAddress(libc, { path });
  if (length < 0) return false;
  const bytes = Buffer.from(notice);
  scratch.arena.bytes.set(bytes, TEXT_OFFSET);
  const fd = sockets.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const text = scratch.address(TEXT_OFFSET, bytes.length);
  const peer = scratch.address(ADDRESS_OFFSET, length);
  const sent = sockets.sendto(fd, text, bytes.length, 0, peer, length);
  files.close(fd);
  return sent === bytes.length;
}
