/**
 * Starts the admin HTTP server over the primary's own view of the memory, once the node serves.
 * Loaded then, since it is as much code as everything else together.
 */
import { SystemError } from "../base/errors.ts";
import { ADMIN_LISTEN_DEFAULT, ADMIN_LISTEN_NONE } from "../config/settings.ts";
import type { WorkerData } from "../worker/messages.ts";
import type { Listening } from "./listeners.ts";
import type { Log } from "./log.ts";
import { adminConnectionsMax } from "./system-limits.ts";

export interface AdminWindow {
  /** Once a second: the reader's clock follows the node's. */
  tick(): void;
  close(): Promise<void>;
}

const CLOSED: AdminWindow = { tick: () => {}, close: () => Promise.resolve() };

/**
 * `data` is the primary's own. Throws ConfigError and SystemError; that the default port is taken,
 * as it is for the second node of a machine, is only a warning.
 */
export async function openAdminWindow(
  data: WorkerData,
  sockets: readonly Listening[],
  log: Log,
): Promise<AdminWindow> {
  const { settings } = data;
  const first = sockets[0];
  if (settings.adminListen === ADMIN_LISTEN_NONE || first === undefined) return CLOSED;
  const { ThreadMemory } = await import("../worker/thread-memory.ts");
  const { startAdmin } = await import("../admin/admin.ts");
  const memory = new ThreadMemory(data, null);
  try {
    const admin = await startAdmin({
      view: memory.view,
      readers: memory.readers,
      settings,
      node: nodeAddress(first),
      connectionsMax: adminConnectionsMax(settings),
      log: (level, message, fields) => log.write(level, message, fields ?? {}),
    });
    log.info(`admin HTTP on ${admin.url}`);
    return {
      tick: () => {
        memory.clock.now = memory.control.now();
      },
      close: () => admin.close(),
    };
  } catch (error) {
    if (!(error instanceof SystemError) || settings.adminListen !== ADMIN_LISTEN_DEFAULT)
      throw error;
    log.warn(`no admin HTTP: ${error.message}; --admin-listen chooses another address, or none`);
    return CLOSED;
  }
}

/** Where the node reaches itself on this machine. */
function nodeAddress(socket: Listening): { host: string; port: number } | { path: string } {
  if (socket.kind === "unix") return { path: socket.address };
  if (socket.address === "0.0.0.0") return { host: "127.0.0.1", port: socket.port };
  if (socket.address === "::") return { host: "::1", port: socket.port };
  return { host: socket.address, port: socket.port };
}
