/**
 * Verbose lines: brings what -vv and -vvv show from the threads' log rings into the log.
 *
 *   worker ─▶ log ring ─▶ POLL_BYTES_MAX each POLL_MILLISECONDS ─▶ pino, one line a message
 *                └── overwritten before it was read: counted, and said once a second at most
 *
 * Why polled: a thread that had to wake the primary for each line would be slowed down by being
 * looked at. What a flood of requests costs is bounded: the ring, and what is read of it at a time.
 *
 * While nothing is shown the rings are skipped once a second, so that no line is lost between
 * `verbosity 2` and the primary's hearing of it, and none from before is shown.
 */
import { KIB } from "../base/unit.ts";
import type { Settings } from "../config/settings.ts";
import { type LogReader, VERBOSE_PREFIX } from "../memory/log-ring.ts";
import type { Listening } from "./listeners.ts";
import type { Log } from "./log.ts";

const POLL_MILLISECONDS = 50;
/** Of all threads together, each poll: some 20,000 lines a second. */
const POLL_BYTES_MAX = 32 * KIB;
/** Of one thread at least: longer than any line. */
const THREAD_BYTES_MIN = 8 * KIB;
const DROPS_SAID_EACH_MILLISECONDS = 1000;
/** The verbosity from which on there is something to show. */
const SHOWS = 2;

export class VerboseLines {
  /** By thread. */
  readonly #readers: readonly LogReader[];
  readonly #log: Pick<Log, "verbatim">;
  #timer: NodeJS.Timeout | null = null;
  #dropped = 0;
  #saidAt = 0;

  constructor(readers: readonly LogReader[], log: Pick<Log, "verbatim">) {
    this.#readers = readers;
    this.#log = log;
  }

  /** Shows lines, or no longer. To be told once a second. */
  follow(verbosity: number): void {
    const isShown = this.#timer !== null;
    if (verbosity < SHOWS) {
      if (isShown) this.close();
      for (const reader of this.#readers) reader.skip();
    } else if (!isShown) {
      this.#timer = setInterval(() => this.#poll(POLL_BYTES_MAX), POLL_MILLISECONDS);
      this.#timer.unref();
    }
  }

  /** What listens, as the first of what memcached shows. */
  showListening(sockets: readonly Listening[], settings: Settings): void {
    if (settings.verbosity < SHOWS) return;
    for (const socket of sockets) {
      const protocol = protocolName(socket, settings);
      this.#log.verbatim(`<${socket.descriptor} server listening (${protocol})`, {});
    }
  }

  /** Shows what is left, and nothing from then on. */
  close(): void {
    if (this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
    this.#poll(Number.POSITIVE_INFINITY);
    this.#sayDropped();
  }

  #poll(bytesMax: number): void {
    const threadBytes = Math.max(THREAD_BYTES_MIN, Math.floor(bytesMax / this.#readers.length));
    this.#readers.forEach((reader, thread) => {
      this.#show(reader, thread, threadBytes);
    });
    if (this.#dropped === 0) return;
    if (performance.now() - this.#saidAt >= DROPS_SAID_EACH_MILLISECONDS) this.#sayDropped();
  }

  #show(reader: LogReader, thread: number, bytesMax: number): void {
    const lines = reader.read(bytesMax).toString("latin1").split("\n");
    for (const line of lines) {
      if (!line.startsWith(VERBOSE_PREFIX)) continue;
      this.#log.verbatim(line.slice(VERBOSE_PREFIX.length), { thread });
    }
    this.#dropped += reader.skipped;
    reader.skipped = 0;
  }

  #sayDropped(): void {
    if (this.#dropped === 0) return;
    const lines = this.#dropped;
    this.#dropped = 0;
    this.#saidAt = performance.now();
    this.#log.verbatim(`${lines} lines were left out: more was said than is logged`, { lines });
  }
}

function protocolName(socket: Listening, settings: Settings): string {
  if (socket.kind === "udp4" || socket.kind === "udp6") return "udp";
  const protocol = socket.asked?.protocol ?? settings.protocol;
  const hasAsciiLogin = settings.authFile !== "";
  if (protocol !== "auto") return protocol;
  if (hasAsciiLogin === settings.saslEnabled) return "auto-negotiate";
  return hasAsciiLogin ? "ascii" : "binary";
}
