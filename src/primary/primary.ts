/**
 * The primary thread: everything that is not a cache request.
 *
 *   settings ─▶ memory ─▶ files ─▶ bind ─▶ drop privileges ─▶ workers ready ─▶ accept ─▶ tick, log, supervise
 *                                                                       │
 *   SIGTERM, SIGINT, SIGUSR1, `shutdown` ─▶ accept no more ─▶ workers finish ─▶ exit 0
 *
 * The worker threads start first of all, since a thread takes longer to come up than all the rest;
 * they wait for their task while memory is laid out and sockets are bound. The primary never waits
 * for a worker once it serves, but at the end, and then not for long.
 */
import { fileURLToPath } from "node:url";
import type { Claim } from "../admin/listen.ts";
import { ConfigError } from "../base/errors.ts";
import { MIB } from "../base/unit.ts";
import { readAuthFile } from "../config/auth-file.ts";
import { listsNodes } from "../config/cluster-options.ts";
import { reloadOf } from "../config/reload.ts";
import type { ProtocolChoice, Settings } from "../config/settings.ts";
import { type ConnectionTable, connectionTransport } from "../memory/connection-table.ts";
import { ControlAsk, ServerState } from "../memory/control.ts";
import { Counter } from "../memory/counters.ts";
import { LogReader } from "../memory/log-ring.ts";
import type { ShardMemory } from "../memory/shard-memory.ts";
import { QUEUES, Queue } from "../memory/slab-table.ts";
import type {
  ListenerFacts,
  TransportKind,
  WorkerData,
  WorkerMessage,
} from "../worker/messages.ts";
import type { AbsentShards } from "./absent-shards.ts";
import { type AdminWindow, claimAdmin, openAdminWindow } from "./admin-window.ts";
import { checkAdmin } from "./check-admin.ts";
import { ClockTicker } from "./clock-ticker.ts";
import type { Cluster } from "./cluster.ts";
import { assumeIdentity, asUser, closedPart, findUser, type Identity, isRoot } from "./identity.ts";
import { type Listeners, type ListenersParts, type Listening, listeningText } from "./listeners.ts";
import type { Log } from "./log.ts";
import { removePidFile, writePidFile } from "./pid-file.ts";
import { writePortFile } from "./port-file.ts";
import { notifyServiceManager } from "./service-manager.ts";
import { type SharedFacts, SharedMemory } from "./shared-memory.ts";
import { startLine, type TransportName } from "./start-line.ts";
import type { Supervisor } from "./supervisor.ts";
import { VerboseLines } from "./verbose-lines.ts";

/** How long workers may take to answer what they have read, once the server stops. */
const DRAIN_MILLISECONDS_MAX = 5000;
/** The same when the start fails. */
const ABORT_MILLISECONDS_MAX = 1000;
/** EX_SOFTWARE: a bug of ours. */
const EXIT_BUG = 70;
/** EX_OSERR: the system does not give what it takes. */
const EXIT_SYSTEM = 71;

/** memcached's words for what a socket is. */
const PREFIXES = { tcp4: "tcp", tcp6: "tcp6", unix: "unix", udp4: "udp", udp6: "udp6" } as const;

export interface PrimaryParts {
  readonly settings: Settings;
  /** The settings as they were written, and what reads them anew. */
  readonly configuration: { readonly given: Settings; reread(): Settings };
  readonly transport: TransportKind;
  readonly log: Log;
  /** Its threads are coming up already. */
  readonly supervisor: Supervisor;
}

export class Primary {
  readonly #settings: Settings;
  readonly #reread: () => Settings;
  #configured: Settings;
  readonly #log: Log;
  readonly #supervisor: Supervisor;
  /** Who we become once all is bound (-u); null when we stay who we are. */
  readonly #becomes: Identity | null;
  readonly #memory: SharedMemory;
  readonly #ticker: ClockTicker;
  readonly #verbose: VerboseLines;
  #listeners: Listeners | null = null;
  #sockets: readonly Listening[] = [];
  #data: WorkerData | null = null;
  #claim: Claim | null = null;
  #admin: AdminWindow | null = null;
  #absent: AbsentShards | null = null;
  #cluster: Cluster | null = null;
  /** By the recovery of what the memory file held. */
  #dropped = 0;
  #isStopping = false;

  /** Lays out the memory. Throws ConfigError and SystemError. */
  constructor({ settings, configuration, transport, log, supervisor }: PrimaryParts) {
    this.#settings = settings;
    this.#configured = configuration.given;
    this.#reread = configuration.reread;
    this.#log = log;
    this.#supervisor = supervisor;
    this.#becomes = settings.user !== "" && isRoot() ? findUser(settings.user) : null;
    this.#memory = new SharedMemory(settings, transport, this.#becomes);
    if (!this.#memory.isAligned) {
      log.warn(
        "memory lies off the cache lines: addresses are limited (ulimit -v), gets cost more",
      );
    }
    if (settings.lockMemory && !this.#memory.lock()) {
      log.warn(
        "warning: -k invalid, mlock2() failed: raise the limit of locked memory, or be root",
      );
    }
    const readers = this.#memory.regions.logs.map(({ arena, base }) => new LogReader(arena, base));
    this.#verbose = new VerboseLines(readers, log);
    this.#ticker = new ClockTicker(this.#memory.control, this.#memory.regions.node, {
      unixMilliseconds: Date.now(),
      monotonicMilliseconds: () => performance.now(),
    });
    this.#memory.markServing();
  }

  /** Resolves once connections are accepted. Throws ConfigError and SystemError. */
  async start(createListeners: (parts: ListenersParts) => Promise<Listeners>): Promise<void> {
    const settings = this.#settings;
    const identity = this.#becomes;
    await this.#refuse(identity);
    const memory = this.#memory;
    // Not in the middle of a turn of ours: what was answered before a shutdown leaves first.
    const asked = () => void setImmediate(() => this.#takeAsked());
    this.#claim = await claimAdmin(settings, identity, this.#log);
    const listeners = await createListeners({
      settings,
      memory,
      log: this.#log,
      becomes: identity,
      asked,
    });
    this.#listeners = listeners;
    this.#sockets = await listeners.listen();
    if (identity !== null) assumeIdentity(identity);
    else if (isRoot()) this.#log.warn("running as root: -u NAME becomes somebody else");
    const facts = {
      bells: listeners.bells,
      listeners: this.#sockets.map((socket) => factsOf(socket, settings.protocol)),
    };
    try {
      await this.#serve(listeners, facts);
    } catch (error) {
      await this.#abort(listeners);
      throw error;
    }
  }

  /** Ends the start, before any address is bound, for what could only be found wrong later. */
  async #refuse(identity: Identity | null): Promise<void> {
    const check = () => {
      if (this.#settings.authFile !== "") readAuthFile(this.#settings.authFile);
      checkAdmin(this.#settings);
    };
    if (identity === null) return check();
    await this.#supervisor.booted(); // threads load what they need as whom we are now
    asUser(identity, () => {
      const closed = closedPart(fileURLToPath(import.meta.url));
      if (closed === "") return check();
      throw new ConfigError(
        `${identity.name} cannot read this installation: ${closed} is closed to that user ` +
          `(-u, --user: got "${identity.name}", allowed: a user who may read it)`,
        EXIT_SYSTEM,
      );
    });
  }

  async #serve(listeners: Listeners, facts: SharedFacts): Promise<void> {
    const { threads, pidFile, portFile } = this.#settings;
    const memory = this.#memory;
    const began = performance.now();
    await this.#supervisor.start(
      {
        died: (self, cause) => this.#workerDied(self, cause),
        absent: (self, incarnation, cause) => {
          this.#workerAbsent(memory.dataOf(self, incarnation, facts), cause);
        },
        relieved: (self) => this.#absent?.end(self),
        ready: (self, incarnation, dropped) => this.#workerReady(self, incarnation, dropped),
        givenUp: (self, cause) => this.#workerGivenUp(self, cause),
        said: (message) => this.#heard(message),
      },
      (self, incarnation) => memory.dataOf(self, incarnation, facts),
    );
    this.#sayInherited(performance.now() - began);
    if (listsNodes(this.#settings)) await this.#joinCluster();
    this.#obeySignals();
    this.#ticker.start(() => this.#ticked());
    this.#followVerbosity();
    memory.control.setState(ServerState.serving);
    this.#showListeners();
    this.#data = memory.dataOf(threads, 0, facts);
    if (pidFile !== "") this.#writePidFile(pidFile);
    if (portFile !== "") writePortFile(portFile, this.#sockets);
    listeners.open(this.#data);
  }

  /**
   * What a start does not wait for: serves the admin address, says what was chosen, and tells the
   * service manager that all is open. Throws ConfigError and SystemError.
   */
  async openRest(version: string, transport: TransportName): Promise<void> {
    const data = this.#data;
    if (data === null) return;
    const { AbsentShards } = await import("./absent-shards.ts");
    this.#absent = new AbsentShards(this.#memory.control);
    const claim = this.#claim;
    if (claim !== null) {
      this.#admin = await openAdminWindow(data, this.#sockets, claim, this.#log, this.#cluster);
    }
    const { message, fields } = startLine({
      version,
      settings: this.#settings,
      transport,
      socketThreads: this.#memory.layout.socketThreads,
      sockets: this.#sockets,
      adminUrl: claim?.url ?? null,
    });
    this.#verbose.showListening(this.#sockets, this.#settings);
    this.#log.info(message, fields);
    if (!this.#isStopping) notifyServiceManager("READY=1", this.#log);
  }

  /** Finds the cluster's nodes, and becomes one of them. Throws ConfigError. */
  async #joinCluster(): Promise<void> {
    const { openCluster } = await import("./cluster.ts");
    const block = this.#memory.regions.cluster;
    this.#cluster = await openCluster(this.#settings, this.#sockets, block, this.#log);
  }

  /** What the memory file (-e) had for us, in one line. */
  #sayInherited(milliseconds: number): void {
    const { file, inherited, regions } = this.#memory;
    if (file === null) return;
    if (inherited === "nothing") {
      const why = file.coldReason;
      if (why === "") this.#log.info(`cold: ${file.path} is new`);
      else this.#log.warn(`cold: what was in ${file.path} is not used: ${why}`);
      return;
    }
    const { items, bytes } = residentsOf(regions.shards);
    const how =
      inherited === "clean"
        ? "after a clean stop"
        : `recovered in ${Math.round(milliseconds)} ms, ${this.#dropped} half-done changes dropped`;
    const mib = Math.round(bytes / MIB);
    this.#log.info(`warm: ${items} items (${mib} MiB) from ${file.path} ${how}`);
  }

  /** The start failed: what runs already must not keep the process. */
  async #abort(listeners: Listeners): Promise<void> {
    this.#isStopping = true;
    this.#memory.control.setState(ServerState.stopped);
    const ended = this.#supervisor.stop(ABORT_MILLISECONDS_MAX);
    await listeners.close();
    listeners.wakeAll();
    await ended;
  }

  /** `stats conns` shows what listens, and total_connections counts it. */
  #showListeners(): void {
    const { regions, counters, control } = this.#memory;
    counters.add(Counter.listenersOpened, this.#sockets.length);
    const table = regions.connections[this.#settings.threads] as ConnectionTable;
    this.#sockets.forEach((socket, index) => {
      const kind = connectionTransport(factText(socket));
      table.openListener(index, socket.descriptor, kind, listeningText(socket), control.now());
    });
  }

  /**
   * A pid file that cannot be written stops nothing, as with memcached, but a daemon: whoever
   * started it finds it by that file. It is written as -u's user.
   */
  #writePidFile(path: string): void {
    try {
      const running = writePidFile(path, process.pid);
      if (running === 0) return;
      this.#log.warn(`WARNING: The pid file contained the following (running) pid: ${running}`);
    } catch (error) {
      if (this.#settings.daemon) throw error;
      this.#log.warn(error instanceof Error ? error.message : String(error));
    }
  }

  #obeySignals(): void {
    const obey = (signal: NodeJS.Signals, act: () => void) => {
      process.removeAllListeners(signal); // what was to be done before we served
      process.on(signal, act);
    };
    for (const signal of ["SIGTERM", "SIGINT", "SIGUSR1"] as const) {
      obey(signal, () => void this.stop(signal));
    }
    obey("SIGHUP", () => this.#reload());
    process.on("uncaughtException", (error) => {
      this.#log.error(`a bug of ours ends the server: ${error.message}`, { stack: error.stack });
      this.end(EXIT_BUG);
    });
  }

  /** SIGHUP: configuration and logins are read anew. When they are wrong, all stays as it was. */
  #reload(): void {
    const { authFile } = this.#settings;
    try {
      const next = this.#reread();
      if (authFile !== "") readAuthFile(authFile);
      this.#memory.control.nextReloadGeneration();
      this.#takeOver(next);
      if (authFile !== "") this.#log.info(`${authFile} was read again`);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#log.error(`SIGHUP: everything stays as it was: ${why}`);
    }
  }

  /** Puts into effect what can change while serving, and names what cannot. */
  #takeOver(next: Settings): void {
    const { live, waiting } = reloadOf(this.#configured, next);
    if (live.includes("verbosity")) {
      this.#memory.control.setVerbosity(next.verbosity);
      this.#followVerbosity();
      this.#log.info(`SIGHUP: verbosity is ${next.verbosity} now`);
    }
    if (waiting.length > 0) {
      this.#log.warn(`SIGHUP: changes of ${waiting.join(", ")} wait for a restart`);
    }
    if (live.length + waiting.length === 0) this.#log.info("SIGHUP: no option has changed");
    this.#configured = { ...this.#configured, verbosity: next.verbosity };
  }

  /** Stops in order and ends the process with 0; asked a second time, it does not wait. */
  async stop(why: string): Promise<void> {
    if (this.#isStopping) this.end(0);
    this.#isStopping = true;
    this.#log.info(why === "SIGUSR1" ? "Gracefully stopping" : `stopping: ${why}`);
    notifyServiceManager("STOPPING=1", this.#log);
    if (this.#cluster !== null) await this.#cluster.leave(); // still serving
    this.#absent?.stop();
    this.#memory.control.setState(ServerState.draining);
    const drained = this.#supervisor.stop(DRAIN_MILLISECONDS_MAX);
    await this.#listeners?.close();
    this.#listeners?.wakeAll();
    void this.#admin?.close();
    if (await drained) this.#memory.markAtRest();
    else this.#log.warn("some workers did not finish in time");
    this.end(0);
  }

  /** Ends the process now. */
  end(code: number): never {
    this.#ticker.stop();
    this.#verbose.close();
    this.#memory.control.setState(ServerState.stopped);
    const { daemon, pidFile } = this.#settings;
    if (daemon && pidFile !== "") removePidFile(pidFile);
    this.#log.flush();
    return this.#listeners === null ? process.exit(code) : this.#listeners.exit(code);
  }

  #workerDied(self: number, cause: Error): void {
    this.#listeners?.setDown(self, true);
    this.#log.error(`worker ${self} died and is replaced: ${cause.message}`, {
      stack: cause.stack,
    });
  }

  /** Its successor does not come up: until one does, its shard is answered for here. */
  #workerAbsent(data: WorkerData, cause: Error | null): void {
    if (this.#isStopping) return;
    const why = cause === null ? "its thread takes long to start" : cause.message;
    this.#log.error(
      `shard ${data.self} has no thread, what would change it is refused; tried again: ${why}`,
      { incarnation: data.incarnation, stack: cause?.stack },
    );
    this.#absent?.begin(data);
  }

  /** For whatever supervises the process to start it anew. */
  #workerGivenUp(self: number, cause: Error | null): void {
    if (this.#isStopping) return;
    const why = cause === null ? "its thread does not start" : cause.message;
    this.#log.error(`shard ${self} has had no thread for too long, the server ends: ${why}`);
    this.end(EXIT_SYSTEM);
  }

  #workerReady(self: number, incarnation: number, itemsDropped: number): void {
    if (incarnation === 0) {
      this.#dropped += itemsDropped;
      return;
    }
    this.#absent?.served(self);
    this.#listeners?.setDown(self, false);
    const message = `worker ${self} serves its shard again, ${itemsDropped} items were dropped`;
    this.#log.warn(message, { incarnation });
  }

  #heard(message: WorkerMessage): void {
    if (message.kind === "asked") this.#takeAsked();
    if (message.kind !== "log") return;
    this.#log.write(message.level, message.message, { worker: message.self, ...message.fields });
  }

  /** Once a second: what clients asked for through the control block. */
  #ticked(): void {
    this.#takeAsked();
    this.#admin?.tick();
  }

  #followVerbosity(): void {
    const verbosity = this.#memory.control.verbosity();
    this.#log.setVerbosity(verbosity);
    this.#verbose.follow(verbosity);
  }

  #takeAsked(): void {
    this.#followVerbosity();
    const asked = this.#memory.control.takeAsked();
    if ((asked & ControlAsk.memlimit) !== 0) {
      const mib = this.#memory.control.memlimitMib();
      this.#log.info(`a client changed the memory limit to ${mib}m`);
    }
    if ((asked & ControlAsk.shutdownGraceful) !== 0) void this.stop("SIGUSR1");
    else if ((asked & ControlAsk.shutdown) !== 0) void this.stop("a client asked for it");
  }
}

function factText(socket: Listening): string {
  return `${PREFIXES[socket.kind]}:${listeningText(socket)}`;
}

function factsOf(socket: Listening, protocol: ProtocolChoice): ListenerFacts {
  return {
    text: factText(socket),
    protocol: socket.asked?.protocol ?? protocol,
    tag: socket.asked?.tag ?? "",
  };
}

/** Items, and the bytes of the slabs they are in. */
function residentsOf(shards: readonly ShardMemory[]): { items: number; bytes: number } {
  let items = 0;
  let bytes = 0;
  for (const { header, plan } of shards) {
    for (let queue: number = Queue.small; queue < QUEUES; queue++) {
      items += header.items(queue as Queue);
      bytes += header.slabs(queue as Queue) * plan.slabBytes;
    }
  }
  return { items, bytes };
}
