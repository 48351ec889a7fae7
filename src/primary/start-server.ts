/**
 * From settings to a server that accepts: starts the threads, chooses the transport, starts the
 * primary, then tells whoever waits.
 *
 *   this thread     settings ─▶ Supervisor ─▶ the primary's modules ─▶ memory ─▶ bind ─▶ tasks ─▶ accept
 *   each worker                     └─▶ boot ─▶ the worker's modules ─▶ waits for its task ─▶ ready
 *
 * Modules are most of a start, so the primary's are loaded while the threads load theirs.
 */
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import { ConfigError, SystemError } from "../base/errors.ts";
import type { Settings, TransportChoice } from "../config/settings.ts";
import { sizeText } from "../config/values.ts";
import type { TransportKind } from "../worker/messages.ts";
import { announceServing, isDaemonChild } from "./daemon.ts";
import type { Listeners, ListenersParts } from "./listeners.ts";
import { Log } from "./log.ts";
import type { TransportName } from "./start-line.ts";
import { Supervisor } from "./supervisor.ts";

const STDERR = 2;
/** So many take seconds to start: whoever waits is told. */
const MANY_THREADS = 16;
/** How long nothing but connections is taken care of, once the server serves. */
const FIRST_CLIENTS_MILLISECONDS = 100;

/**
 * How much bytecode may be put into a function in place of its calls, in all and of one callee;
 * V8's own limits are 920 and 460, and the request path is made of many small functions
 * (docs/adr/0009-inlining-budget.md).
 */
const INLINING_FLAGS = [
  "--max-inlined-bytecode-size-cumulative=4000",
  "--max-inlined-bytecode-size=600",
];

/** The module every worker thread runs. */
const WORKER_FILE = fileURLToPath(new URL("../../workers/shard.js", import.meta.url));

/**
 * Resolves once connections are accepted. Throws ConfigError and SystemError. `reread` reads the
 * configuration anew, from the same places.
 */
export async function startServer(
  given: Settings,
  reread: () => Settings,
  version: string,
): Promise<void> {
  if (given.threads >= MANY_THREADS) {
    const memory = sizeText(given.memoryBytes);
    writeSync(STDERR, `starting ${given.threads} threads for ${memory} of items\n`);
  }
  const supervisor = new Supervisor(
    given.threads,
    () => new Worker(WORKER_FILE),
    threadFromMemory(WORKER_FILE),
  );
  // The threads come up from here on, beside what follows.
  const { Primary } = await import("./primary.ts");
  const log = new Log(given.verbosity);
  process.on("exit", () => log.flush());
  const isBackground = isDaemonChild();
  const settings = isBackground ? withoutFolder(given) : given;
  const transport = await chooseTransport(settings.transport, log);
  const { raiseLimits } = await import("./system-limits.ts");
  raiseLimits(settings);
  const primary = new Primary({
    settings,
    configuration: { given, reread },
    transport,
    log,
    supervisor,
  });
  await primary.start((parts) => createListeners(transport, parts));
  widenInlining();
  const isSilent = isBackground && settings.verbosity === 0;
  // Loading modules holds up this thread, which accepts: the first clients go first.
  await pause(FIRST_CLIENTS_MILLISECONDS);
  try {
    await primary.openRest(version, await nameOf(transport, settings.transport));
  } catch (error) {
    writeSync(STDERR, `${error instanceof Error ? error.message : String(error)}\n`);
    primary.end(error instanceof ConfigError || error instanceof SystemError ? error.exitCode : 1);
  }
  if (!isSilent) await log.open();
  if (isSilent) leaveStreams(log);
  if (isBackground) announceServing();
}

/**
 * What starts a thread later: the same code out of memory, since -u may have given up the right to
 * read it, or an upgrade replaced it. The first threads read the file, which is quicker.
 */
function threadFromMemory(path: string): () => Worker {
  const code = readFileSync(path, "latin1");
  return () => {
    const named = Buffer.from(`${code}\n//# sourceURL=${path}`, "latin1");
    return new Worker(new URL(`data:text/javascript;base64,${named.toString("base64")}`));
  };
}

/**
 * Lets V8 put more of the request path into one piece of code, in all threads. Not before the
 * threads are up: what it keeps compiled of node's own modules is only good for the flags it was
 * made with, and a start would take twice as long.
 */
function widenInlining(): void {
  for (const flag of INLINING_FLAGS) setFlagsFromString(flag);
}

/** Only the modules of the transport that serves are loaded. */
async function createListeners(
  transport: TransportKind,
  parts: ListenersParts,
): Promise<Listeners> {
  if (transport === "native") {
    const { NativeListeners } = await import("./native-listeners.ts");
    return new NativeListeners(parts);
  }
  const { NodeListeners } = await import("./node-listeners.ts");
  return new NodeListeners(parts);
}

/** What serves the sockets. `auto` takes the native transport wherever it runs. */
async function chooseTransport(choice: TransportChoice, log: Log): Promise<TransportKind> {
  if (choice === "node") return "node";
  const problem = await nativeTransportProblem(choice);
  if (problem === null) return "native";
  if (choice !== "auto") {
    throw new SystemError(
      `--transport ${choice} cannot run here (${problem}); allowed: auto, node`,
    );
  }
  log.warn(
    `Node's sockets serve here, in one thread and several times slower: ${problem}; ` +
      "on Linux, npm install --include=optional brings koffi, --transport node keeps it so",
  );
  return "node";
}

async function nameOf(kind: TransportKind, choice: TransportChoice): Promise<TransportName> {
  if (kind === "node") return "Node's sockets";
  const { nativeKind } = await import("../transport/native-transport.ts");
  return nativeKind(choice) === "uring" ? "io_uring" : "epoll";
}

async function nativeTransportProblem(choice: TransportChoice): Promise<string | null> {
  const { libcProblem } = await import("../libc/libc.ts");
  const problem = libcProblem();
  if (problem !== null) return problem;
  const { nativeKind, nativeProblem } = await import("../transport/native-transport.ts");
  return nativeProblem(nativeKind(choice));
}

/** A daemon without -v keeps no stream: stderr still leads to whoever started it. */
function leaveStreams(log: Log): void {
  log.silence();
  closeSync(STDERR);
  openSync("/dev/null", "w"); // takes the lowest number that is free: the one just closed
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
    memoryFile: absolute(settings.memoryFile),
    pidFile: absolute(settings.pidFile),
    portFile: absolute(settings.portFile),
    authFile: absolute(settings.authFile),
    saslPasswordFile: absolute(settings.saslPasswordFile),
  };
  if (!settings.coreDumps) process.chdir("/");
  return moved;
}
