/**
 * Listening with node:net: the same targets, options and words as listen.ts, where libc is not to
 * be had or not wanted.
 */
import { isIPv6, Server, type Socket } from "node:net";
import type { SystemError } from "../base/errors.ts";
import { UNIX_PATH_BYTES_MAX } from "../libc/socket-address.ts";
import {
  bindError,
  type ListenOptions,
  type ListenTarget,
  removeStaleSocket,
  resolveTarget,
  settleSocketFile,
} from "./listen.ts";

export interface NodeListener {
  readonly server: Server;
  readonly kind: "tcp4" | "tcp6" | "unix";
  readonly port: number;
  readonly address: string;
}

interface Bind {
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
}

/**
 * Opens the listening sockets of a target; `connected` is called for every connection with its
 * listener's index. Throws a SystemError in memcached's words.
 */
export async function listenNode(
  target: ListenTarget,
  options: ListenOptions,
  connected: (socket: Socket, index: number) => void,
): Promise<NodeListener[]> {
  if (target.kind === "unix") {
    // libuv would bind what of a longer path fits.
    if (Buffer.byteLength(target.path) >= UNIX_PATH_BYTES_MAX) {
      throw bindError("bind()", target, options, "ENAMETOOLONG");
    }
    removeStaleSocket(target.path);
    const mask = process.umask(~target.mode & 0o777);
    const opened = open({ path: target.path }, options.backlog, (socket) => connected(socket, 0));
    process.umask(mask);
    const server = await opened.catch((error) => {
      throw failure(target, options, error);
    });
    settleSocketFile(target);
    return [{ server, kind: "unix", port: 0, address: target.path }];
  }
  const listeners: NodeListener[] = [];
  let skipped: unknown;
  let port = Math.max(0, target.port);
  for (const { address } of await resolveTarget(target, options)) {
    try {
      const index = listeners.length;
      const server = await open({ host: address, port }, options.backlog, (socket) =>
        connected(socket, index),
      );
      port = (server.address() as { port: number }).port;
      listeners.push({ server, kind: isIPv6(address) ? "tcp6" : "tcp4", port, address });
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== "EAFNOSUPPORT" && code !== "EADDRNOTAVAIL") {
        for (const listener of listeners) listener.server.close();
        throw failure(target, options, error);
      }
      skipped = error;
    }
  }
  if (listeners.length === 0) throw failure(target, options, skipped);
  return listeners;
}

function failure(target: ListenTarget, options: ListenOptions, error: unknown): SystemError {
  const code = (error as NodeJS.ErrnoException).code ?? "EINVAL";
  return bindError("bind()", target, options, code, error);
}

/** `listen` binds before it returns, so the socket file has the mask of the moment of the call. */
function open(bind: Bind, backlog: number, connected: (socket: Socket) => void): Promise<Server> {
  const server = new Server(
    { allowHalfOpen: true, noDelay: true, keepAlive: true, pauseOnConnect: true },
    connected,
  );
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const ipv6Only = bind.host !== undefined && isIPv6(bind.host);
    server.listen({ ...bind, backlog, ipv6Only, exclusive: true }, () => {
      server.off("error", reject);
      // A failed accept (no descriptors left) is no reason to end: the client waits in the backlog.
      server.on("error", () => {});
      resolve(server);
    });
  });
}
