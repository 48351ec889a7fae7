/**
 * Listening sockets that were open before we started: systemd's socket activation.
 *
 *   LISTEN_PID=4711 LISTEN_FDS=2     descriptors 3 and 4 listen already, and are served instead of
 *                                    what -p, -l and -s say
 *
 * Why: whoever starts us can bind a port below 1024 without our being root, and clients that
 * connect while the server restarts wait in the kernel's backlog instead of being refused.
 */
import { fstatSync, readFileSync } from "node:fs";
import { Server, type Socket } from "node:net";
import { getSystemErrorName } from "node:util";
import { SystemError } from "../base/errors.ts";
import type { Libc } from "../libc/libc.ts";
import { localAddress } from "../libc/socket-address.ts";
import { setTcpOptions } from "../libc/socket-options.ts";
import type { Listener } from "./listen.ts";
import type { NodeListener } from "./node-listen.ts";

/** The first descriptor that is passed, as systemd has it. */
const FIRST_DESCRIPTOR = 3;
/** More would be a mistake. */
const DESCRIPTORS_MAX = 64;
/** memcached's exit code for what the operating system refuses. */
const EX_OSERR = 71;

type Environment = Record<string, string | undefined>;

/**
 * The descriptors this process was given, usually none. Takes the variables away, so that no child
 * believes them meant for itself.
 */
export function takeInheritedSockets(environment: Environment, pid: number): number[] {
  const isOurs = environment["LISTEN_PID"] === String(pid);
  const count = Number(environment["LISTEN_FDS"] ?? 0);
  if (!isOurs) return [];
  delete environment["LISTEN_PID"];
  delete environment["LISTEN_FDS"];
  delete environment["LISTEN_FDNAMES"];
  if (!Number.isInteger(count) || count < 0 || count > DESCRIPTORS_MAX) return [];
  return Array.from({ length: count }, (_, index) => FIRST_DESCRIPTOR + index);
}

/**
 * Listens on a descriptor by libc. Throws SystemError when it is no stream socket that is bound.
 */
export function adoptNative(libc: Libc, fd: number, backlog: number): Listener {
  const result = libc.sockets.listen(fd, backlog); // again: with the backlog of -b
  if (result < 0) throw unfit(fd, getSystemErrorName(result));
  const listener = { fd, ...place(fd, localAddress(libc, fd)) };
  if (listener.kind !== "unix") setTcpOptions(libc, fd);
  return listener;
}

/** Listens on a descriptor by node:net. Throws SystemError like `adoptNative`. */
export async function adoptNode(
  fd: number,
  backlog: number,
  connected: (socket: Socket) => void,
): Promise<NodeListener> {
  const options = { allowHalfOpen: true, noDelay: true, keepAlive: true, pauseOnConnect: true };
  const server = new Server(options, connected);
  await new Promise<void>((resolve, reject) => {
    const refused = (error: NodeJS.ErrnoException): void => reject(unfit(fd, error.code ?? "?"));
    server.once("error", refused);
    server.listen({ fd, backlog, exclusive: true }, () => {
      server.off("error", refused);
      server.on("error", () => {}); // A failed accept: the client waits in the backlog.
      resolve();
    });
  });
  const bound = server.address();
  if (bound === null || typeof bound === "string") {
    return { server, kind: "unix", port: 0, address: bound || unixPath(fd) };
  }
  const kind = bound.family === "IPv6" ? "tcp6" : "tcp4";
  return { server, kind, port: bound.port, address: bound.address };
}

/**
 * The path of a Unix socket that others have bound: node does not know it, the kernel does. Empty
 * when neither does.
 */
function unixPath(fd: number): string {
  try {
    const { ino } = fstatSync(fd);
    const row = new RegExp(`^(?:\\S+ +){6}${ino} (.+)$`, "m");
    return row.exec(readFileSync("/proc/net/unix", "latin1"))?.[1] ?? "";
  } catch {
    return ""; // not Linux
  }
}

/** From `tcp:127.0.0.1:11211`, `tcp6:[::1]:11211` or `unix:/path`. */
function place(fd: number, text: string): Omit<Listener, "fd"> {
  const match = /^(?:(tcp6?):\[?([^\]]*?)\]?:(\d+)|unix:(.*))$/.exec(text);
  if (match === null) throw unfit(fd, "neither TCP nor a Unix socket");
  const [, kind, address = "", port, path] = match;
  if (path !== undefined) return { kind: "unix", port: 0, address: path };
  return { kind: kind === "tcp" ? "tcp4" : "tcp6", port: Number(port), address };
}

function unfit(fd: number, why: string): SystemError {
  return new SystemError(
    `descriptor ${fd} was passed to be listened on (LISTEN_FDS), but cannot be: ${why}. ` +
      "A systemd socket unit needs ListenStream= and Accept=no",
    EX_OSERR,
  );
}
