/**
 * The primary thread: everything that is not a cache request.
 *
 *   settings ─▶ memory ─▶ bind ─▶ drop privileges ─▶ workers ready ─▶ accept ─▶ tick, log, supervise
 *                                                                       │
 *   SIGTERM, SIGINT, SIGUSR1, `shutdown` ─▶ accept no more ─▶ workers finish ─▶ exit 0
 *
 * The worker threads start first of all, since a thread takes longer to come up than all the rest;
 * they wait for their task while memory is laid out and sockets are bound. The primary never waits
 * for a worker once it serves, but at the end, and then not for long.
 */
import { fileURLToPath } from "node:url";
import type { Settings } from "../config/settings.ts";
import { sizeText } from "../config/values.ts";
import type { TransportKind, WorkerMessage } from "../config/worker-data.ts";
import { ControlAsk, ServerState } from "../memory/control.ts";
import { ClockTicker } from "./clock-ticker.ts";
import type { Front, Listening } from "./front.ts";
import { assumeIdentity, findUser, isRoot } from "./identity.ts";
import type { Log } from "./log.ts";
import { removePidFile, writePidFile } from "./pid-file.ts";
import { writePortFile } from "./port-file.ts";
import { SharedMemory } from "./shared-memory.ts";
import { Supervisor } from "./supervisor.ts";

/** How long workers may take to answer what they have read, once the server stops. */
const DRAIN_MILLISECONDS_MAX = 5000;

/** The module every worker thread runs, beside the built sources. */
const WORKER_FILE = fileURLToPath(new URL("../../workers/shard.js", import.meta.url));

export interface PrimaryParts {
  readonly settings: Settings;
  readonly transport: TransportKind;
  readonly log: Log;
  /** Makes what listens and accepts. */
  createFront(settings: Settings, memory: SharedMemory): Promise<Front>;
}

export class Primary {
  readonly #settings: Settings;
  readonly #log: Log;
  readonly #memory: SharedMemory;
  readonly #ticker: ClockTicker;
  readonly #supervisor: Supervisor;
  readonly #front: Front;
  #sockets: readonly Listening[] = [];
  #verbosity: number;
  #isStopping = false;

  /**
   * Starts the server. Resolves once connections are accepted. Throws ConfigError and SystemError.
   */
  static async start({ settings, transport, log, createFront }: PrimaryParts): Promise<Primary> {
    let primary: Primary | null = null;
    const supervisor = new Supervisor(WORKER_FILE, settings.threads, {
      died: (self, cause) =>
        log.error(`worker ${self} died: ${cause.message}`, { stack: cause.stack }),
      ready: (self, incarnation, dropped) => logReady(log, self, incarnation, dropped),
      said: (message) => {
        if (primary !== null) primary.#heard(message);
      },
    });
    const identity = settings.user !== "" && isRoot() ? findUser(settings.user) : null;
    const memory = new SharedMemory(settings, transport);
    const front = await createFront(settings, memory);
    primary = new Primary(settings, log, memory, supervisor, front);
    primary.#sockets = await front.listen();
    if (identity !== null) assumeIdentity(identity);
    else if (isRoot()) log.warn("running as root: add -u NAME to become somebody else");
    await primary.#serve();
    return primary;
  }

  private constructor(
    settings: Settings,
    log: Log,
    memory: SharedMemory,
    supervisor: Supervisor,
    front: Front,
  ) {
    this.#settings = settings;
    this.#log = log;
    this.#memory = memory;
    this.#supervisor = supervisor;
    this.#front = front;
    this.#verbosity = settings.verbosity;
    this.#ticker = new ClockTicker(memory.control, {
      unixMilliseconds: Date.now(),
      monotonicMilliseconds: () => performance.now(),
    });
  }

  async #serve(): Promise<void> {
    const { threads, pidFile, portFile, memoryBytes } = this.#settings;
    const shared = { epochUnix: this.#ticker.epochUnix, bells: this.#front.bells };
    await this.#supervisor.start((self, incarnation) =>
      this.#memory.dataOf(self, incarnation, shared),
    );
    this.#ticker.start(() => this.#ticked());
    this.#memory.control.setState(ServerState.serving);
    this.#front.serve(this.#memory.dataOf(threads, 0, shared));
    if (pidFile !== "") this.#writePidFile(pidFile);
    if (portFile !== "") writePortFile(portFile, this.#sockets);
    this.#obeySignals();
    const where = this.#sockets.map(({ text }) => text).join(", ");
    this.#log.info(
      `serving ${where} with ${threads} threads and ${sizeText(memoryBytes)} for items`,
    );
  }

  #writePidFile(path: string): void {
    const running = writePidFile(path, process.pid);
    if (running === 0) return;
    this.#log.warn(`WARNING: The pid file contained the following (running) pid: ${running}`);
  }

  #obeySignals(): void {
    for (const signal of ["SIGTERM", "SIGINT", "SIGUSR1"] as const) {
      process.on(signal, () => this.stop(signal));
    }
    process.on("SIGHUP", () => this.#log.info("SIGHUP: there is nothing to reload"));
  }

  /** Stops in order and ends the process with 0; asked a second time, it does not wait. */
  async stop(why: string): Promise<void> {
    if (this.#isStopping) this.#end();
    this.#isStopping = true;
    this.#log.info(why === "SIGUSR1" ? "Gracefully stopping" : `stopping: ${why}`);
    this.#memory.control.setState(ServerState.draining);
    const drained = this.#supervisor.stop(DRAIN_MILLISECONDS_MAX);
    await this.#front.close();
    this.#front.wakeAll();
    if (!(await drained)) this.#log.warn("some workers did not finish in time");
    this.#end();
  }

  #end(): never {
    this.#ticker.stop();
    this.#memory.control.setState(ServerState.stopped);
    const { daemon, pidFile } = this.#settings;
    if (daemon && pidFile !== "") removePidFile(pidFile);
    this.#log.flush();
    this.#front.exit(0);
  }

  #heard(message: WorkerMessage): void {
    if (message.kind === "asked") this.#takeAsked();
    if (message.kind !== "log") return;
    this.#log.write(message.level, message.message, { worker: message.self, ...message.fields });
  }

  /** Once a second: what clients asked for through the control block. */
  #ticked(): void {
    this.#takeAsked();
    const verbosity = this.#memory.control.verbosity();
    if (verbosity === this.#verbosity) return;
    this.#verbosity = verbosity;
    this.#log.setVerbosity(verbosity);
  }

  #takeAsked(): void {
    const asked = this.#memory.control.takeAsked();
    if ((asked & ControlAsk.memlimit) !== 0) {
      const mib = this.#memory.control.memlimitMib();
      this.#log.info(`a client changed the memory limit to ${mib}m`);
    }
    if ((asked & ControlAsk.shutdownGraceful) !== 0) void this.stop("SIGUSR1");
    else if ((asked & ControlAsk.shutdown) !== 0) void this.stop("a client asked for it");
  }
}

function logReady(log: Log, self: number, incarnation: number, itemsDropped: number): void {
  if (incarnation === 0) return;
  log.warn(`worker ${self} was replaced: its shard is served again`, { incarnation, itemsDropped });
}
