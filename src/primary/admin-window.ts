/**
 * The admin HTTP server over the primary's own view of the memory, in two steps: its address is
 * bound before the cache accepts, so that one that is taken or not allowed ends the start; the
 * server is loaded once the node serves, since it is as much code as everything else together.
 */
import { parseAdminListen } from "../admin/address.ts";
import { type Claim, claimAddress, type Owner } from "../admin/listen.ts";
import { SystemError } from "../base/errors.ts";
import { ADMIN_LISTEN_DEFAULT, type Settings } from "../config/settings.ts";
import type { WorkerData } from "../worker/messages.ts";
import type { Cluster } from "./cluster.ts";
import type { Listening } from "./listeners.ts";
import type { Log } from "./log.ts";
import { adminConnectionsMax } from "./system-limits.ts";

export interface AdminWindow {
  /** Once a second: the reader's clock follows the node's. */
  tick(): void;
  close(): Promise<void>;
}

/**
 * Binds --admin-listen; null where there is none. `owner`: whose a Unix socket is to be. Throws
 * ConfigError and SystemError; that the default port is taken, as it is for the second node of a
 * machine, is only a warning.
 */
export async function claimAdmin(
  { adminListen }: Settings,
  owner: Owner | null,
  log: Log,
): Promise<Claim | null> {
  const address = parseAdminListen(adminListen);
  if (address === null) return null;
  try {
    return await claimAddress(address, owner);
  } catch (error) {
    if (!(error instanceof SystemError) || adminListen !== ADMIN_LISTEN_DEFAULT) throw error;
    log.warn(`no admin HTTP: ${error.message}; --admin-listen chooses another address, or none`);
    return null;
  }
}

/** Serves there. `data` is the primary's own. Throws ConfigError and SystemError. */
export async function openAdminWindow(
  data: WorkerData,
  sockets: readonly Listening[],
  claim: Claim,
  log: Log,
  cluster: Cluster | null,
): Promise<AdminWindow> {
  const { settings } = data;
  const { ThreadMemory } = await import("../worker/thread-memory.ts");
  const { startAdmin } = await import("../admin/admin.ts");
  const memory = new ThreadMemory(data, null);
  const admin = await startAdmin({
    view: memory.view,
    readers: memory.readers,
    settings,
    node: nodeAddress(sockets[0] as Listening),
    claim,
    cluster,
    connectionsMax: adminConnectionsMax(settings),
    log: (level, message, fields) => log.write(level, message, fields ?? {}),
  });
  return {
    tick: () => {
      memory.clock.now = memory.control.now();
    },
    close: () => admin.close(),
  };
}

/** Where the node reaches itself on this machine. */
function nodeAddress(socket: Listening): { host: string; port: number } | { path: string } {
  if (socket.kind === "unix") return { path: socket.address };
  if (socket.address === "0.0.0.0") return { host: "127.0.0.1", port: socket.port };
  if (socket.address === "::") return { host: "::1", port: socket.port };
  return { host: socket.address, port: socket.port };
}
