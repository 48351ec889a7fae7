/**
 * The service manager that started us, when it wants to hear from us: systemd with Type=notify. It
 * learns when connections and the admin address are served, so that what depends on the cache
 * starts when it answers, not before; and when the server begins to stop.
 */
import { Libc, libcAvailable } from "../libc/libc.ts";
import type { Log } from "./log.ts";
import { sendNotice } from "./notify-socket.ts";

export type Notice = "READY=1" | "STOPPING=1";

/** Tells the service manager; without one, nothing happens. */
export function notifyServiceManager(notice: Notice, log: Log, environment = process.env): void {
  const path = environment["NOTIFY_SOCKET"];
  if (path === undefined || path === "") return;
  if (libcAvailable() && sendNotice(Libc.load(), path, notice)) return;
  log.warn(`systemd could not be told ${notice}: the unit needs Type=exec instead of notify here`);
}
