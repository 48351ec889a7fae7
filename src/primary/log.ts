/**
 * The log: one sentence of plain English an event, with fields, through pino, on stderr as
 * memcached's.
 *
 *   terminal       12:00:01 INFO  serving 127.0.0.1:11211 with 2 threads, 64m for items
 *   otherwise      {"level":30,"time":…,"pid":…,"message":"serving …","threads":2}
 *
 * pino is loaded only once the server serves: it would add a tenth to the start. What is said
 * before is kept, and written when pino is there, or plainly when the process ends first, or pino
 * cannot be loaded. A message kind that repeats is written `PER_KIND_MAX` times a period, then counted: a broken client must
 * not fill a disk.
 */
import { writeSync } from "node:fs";
import type { Logger } from "pino";
import type { LogLevel } from "../worker/messages.ts";

/** Lines of one kind that are written in a period; the rest are counted. */
const PER_KIND_MAX = 10;
const PERIOD_MILLISECONDS = 10_000;
/** Kinds that are told apart. Beyond, all count as one. */
const KINDS_MAX = 256;
/** Lines kept while pino is not there yet. */
const WAITING_MAX = 1000;
const STDERR = 2;

export type LogFields = Readonly<Record<string, unknown>>;

interface Line {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/**
 * What a verbosity shows: -v also what goes wrong with single connections, -vv also what is done.
 */
const LEVEL_OF_VERBOSITY: readonly LogLevel[] = ["info", "debug", "debug", "debug"];
const RANKS: Readonly<Record<LogLevel, number>> = { debug: 20, info: 30, warn: 40, error: 50 };

interface KindCount {
  periodStart: number;
  written: number;
  dropped: number;
}

/** Limits repeated messages, kind by kind. */
export class LogLimiter {
  readonly #counts = new Map<string, KindCount>();

  /** How many of this kind were dropped since one was last written; -1 = drop this one too. */
  admit(kind: string, now: number): number {
    const key = this.#counts.has(kind) || this.#counts.size < KINDS_MAX ? kind : "";
    const count = this.#counts.get(key) ?? { periodStart: now, written: 0, dropped: 0 };
    this.#counts.set(key, count);
    if (now - count.periodStart >= PERIOD_MILLISECONDS) {
      count.periodStart = now;
      count.written = 0;
    }
    if (count.written >= PER_KIND_MAX) {
      count.dropped++;
      return -1;
    }
    count.written++;
    const dropped = count.dropped;
    count.dropped = 0;
    return dropped;
  }
}

export class Log {
  readonly #limiter = new LogLimiter();
  #rank: number;
  #logger: Logger | null = null;
  #waiting: Line[] = [];
  /** There is no pino, and will be none. */
  #plain = false;
  #silent = false;

  constructor(verbosity: number) {
    this.#rank = rankOf(verbosity);
  }

  /** Follows the `verbosity` command. */
  setVerbosity(verbosity: number): void {
    this.#rank = rankOf(verbosity);
  }

  /** From here on nothing is written: a daemon without -v has no streams. */
  silence(): void {
    this.#silent = true;
    this.#waiting = [];
  }

  error(message: string, fields: LogFields = {}): void {
    this.write("error", message, fields);
  }

  warn(message: string, fields: LogFields = {}): void {
    this.write("warn", message, fields);
  }

  info(message: string, fields: LogFields = {}): void {
    this.write("info", message, fields);
  }

  debug(message: string, fields: LogFields = {}): void {
    this.write("debug", message, fields);
  }

  /** Writes one event. Messages that differ only in digits are one kind. */
  write(level: LogLevel, message: string, fields: LogFields): void {
    if (this.#silent || RANKS[level] < this.#rank) return;
    const dropped = this.#limiter.admit(message.replace(/\d+/g, "0"), performance.now());
    if (dropped < 0) return;
    this.#put({ level, message, fields: dropped === 0 ? fields : { ...fields, dropped } });
  }

  #put(line: Line): void {
    if (this.#logger !== null) this.#logger[line.level](line.fields, line.message);
    else if (this.#plain) writePlainly(line);
    else if (this.#waiting.length < WAITING_MAX) this.#waiting.push(line);
  }

  /** Writes a line of a stream that is bounded where it comes from. */
  verbatim(message: string, fields: LogFields): void {
    if (!this.#silent) this.#put({ level: "debug", message, fields });
  }

  /** Loads pino and writes what has waited. Without descriptors or memory, lines are plain. */
  async open(): Promise<void> {
    try {
      const { createLogger } = await import("./pino-logger.ts");
      this.#logger = await createLogger(process.stderr.isTTY === true);
    } catch (error) {
      this.#plain = true;
      this.flush();
      this.warn(`the log stays plain: ${error instanceof Error ? error.message : String(error)}`);
      return;
    }
    for (const { level, message, fields } of this.#waiting) this.#logger[level](fields, message);
    this.#waiting = [];
  }

  /** Writes what still waits, plainly: the process ends before pino was there. */
  flush(): void {
    for (const line of this.#waiting) writePlainly(line);
    this.#waiting = [];
  }
}

function writePlainly({ level, message }: Line): void {
  try {
    writeSync(STDERR, `${level}: ${message}\n`);
  } catch {
    // nobody reads stderr any more
  }
}

function rankOf(verbosity: number): number {
  const level = LEVEL_OF_VERBOSITY[Math.min(verbosity, LEVEL_OF_VERBOSITY.length - 1)];
  return RANKS[level ?? "info"];
}
