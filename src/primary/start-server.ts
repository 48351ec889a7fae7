/**
 * From settings to a server that accepts: chooses the transport, starts the primary, then tells
 * whoever waits.
 */
import { resolve } from "node:path";
import { SystemError } from "../base/errors.ts";
import type { Settings, TransportChoice } from "../config/settings.ts";
import type { TransportKind } from "../config/worker-data.ts";
import { libcProblem } from "../transport/libc.ts";
import { announceServing, isDaemonChild } from "./daemon.ts";
import type { Door, DoorParts } from "./door.ts";
import { Log } from "./log.ts";
import { Primary } from "./primary.ts";
import { raiseLimits } from "./system-limits.ts";

/** Resolves once connections are accepted. Throws ConfigError and SystemError. */
export async function startServer(given: Settings): Promise<void> {
  const log = new Log(given.verbosity);
  process.on("exit", () => log.flush());
  const isBackground = isDaemonChild();
  const settings = isBackground ? withoutFolder(given) : given;
  const transport = chooseTransport(settings.transport);
  raiseLimits(settings, log);
  const primary = new Primary(settings, transport, log);
  await primary.start((parts) => createDoor(transport, parts));
  if (isBackground) announceServing();
  if (isBackground && settings.verbosity === 0) log.silence();
  await log.open();
}

/** Only the modules of the transport that serves are loaded. */
async function createDoor(transport: TransportKind, parts: DoorParts): Promise<Door> {
  if (transport === "native") {
    const { NativeDoor } = await import("./native-door.ts");
    return new NativeDoor(parts);
  }
  const { NodeDoor } = await import("./node-door.ts");
  return new NodeDoor(parts);
}

/** What serves the sockets. `auto` takes the native transport wherever it runs. */
export function chooseTransport(choice: TransportChoice): TransportKind {
  if (choice === "node") return "node";
  const problem = libcProblem();
  if (problem === null) return "native";
  if (choice === "auto") return "node";
  throw new SystemError(`--transport ${choice} cannot run here (${problem}); allowed: auto, node`);
}

/**
 * A daemon leaves the folder it was started in, but for -r, whose core files belong there: so its
 * paths must not depend on it.
 */
function withoutFolder(settings: Settings): Settings {
  const absolute = (path: string) => (path === "" ? "" : resolve(path));
  const moved = {
    ...settings,
    unixSocket: absolute(settings.unixSocket),
    pidFile: absolute(settings.pidFile),
    portFile: absolute(settings.portFile),
    authFile: absolute(settings.authFile),
    saslPasswordFile: absolute(settings.saslPasswordFile),
  };
  if (!settings.coreDumps) process.chdir("/");
  return moved;
}
