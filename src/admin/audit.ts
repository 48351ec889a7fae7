/**
 * Audit log: one JSON line for every change, login and refusal over the admin port. Values are
 * never written, only their length; keys are, escaped.
 *
 *   {"time":"2026-…Z","event":"key.delete","outcome":"ok","peer":"127.0.0.1","key":"user:1"}
 *
 * A file that cannot be written (a full disk, a mount that went away) is opened again after a while;
 * until then, and while more waits for a slow disk than `BACKLOG_BYTES_MAX`, records go to the
 * server's log instead.
 */
import { createWriteStream, openSync, type WriteStream } from "node:fs";
import { ConfigError } from "../base/errors.ts";
import type { Guard } from "./guard.ts";

const BACKLOG_BYTES_MAX = 1024 * 1024;
const REOPEN_MILLISECONDS = 10_000;
const FILE_MODE = 0o600;
const CLOSE_MILLISECONDS_MAX = 2000;

export type AuditEvent =
  | "login"
  | "logout"
  | "refused"
  | "key.set"
  | "key.delete"
  | "flush"
  | "cluster.forget"
  | "stats.reset";

export interface AuditRecord {
  readonly event: AuditEvent;
  readonly outcome: string;
  readonly peer: string;
  readonly key?: string;
  /** Of a cluster. */
  readonly node?: string;
  readonly valueBytes?: number;
  readonly route?: string;
}

/** True when somebody was turned away: what an operator wants to see without asking for more. */
export function isRefusal({ event, outcome }: AuditRecord): boolean {
  return event === "refused" || (event === "login" && outcome !== "ok");
}

export class AuditLog {
  readonly #file: string;
  readonly #log: (record: AuditRecord) => void;
  readonly #guard: Guard;
  readonly #now: () => number;
  #stream: WriteStream | null = null;
  #brokenAt = Number.NEGATIVE_INFINITY;

  /**
   * Appends to `file`; when it is empty, hands each record to `log`. Throws ConfigError when the
   * file cannot be opened.
   */
  constructor(
    file: string,
    log: (record: AuditRecord) => void,
    guard: Guard,
    now: () => number = () => performance.now(),
  ) {
    this.#file = file;
    this.#log = log;
    this.#guard = guard;
    this.#now = now;
    if (file === "") return;
    try {
      this.#stream = this.#open();
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw new ConfigError(`--admin-audit-file: cannot write ${file}: ${code}`, 1, { cause });
    }
  }

  record(record: AuditRecord): void {
    const stream = this.#writable();
    if (stream === null || stream.writableLength > BACKLOG_BYTES_MAX) this.#log(record);
    else stream.write(`${JSON.stringify({ time: new Date().toISOString(), ...record })}\n`);
  }

  /** Ends the file; resolves when everything is written, or the disk takes too long. */
  async close(): Promise<void> {
    const stream = this.#stream;
    this.#stream = null;
    this.#brokenAt = Number.POSITIVE_INFINITY;
    if (stream === null || stream.destroyed) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#guard.after("audit log", CLOSE_MILLISECONDS_MAX, resolve);
      this.#guard.on(stream, "close", "audit log", () => {
        cancel();
        resolve();
      });
      stream.end();
    });
  }

  /** The file's stream; null while there is none. */
  #writable(): WriteStream | null {
    if (this.#stream !== null || this.#file === "") return this.#stream;
    if (this.#now() - this.#brokenAt < REOPEN_MILLISECONDS) return null;
    this.#brokenAt = this.#now();
    try {
      this.#stream = this.#open();
    } catch (error) {
      this.#guard.failed("audit log", error);
    }
    return this.#stream;
  }

  #open(): WriteStream {
    const fd = openSync(this.#file, "a", FILE_MODE);
    const stream = createWriteStream(this.#file, { fd });
    this.#guard.onError(stream, "audit log", () => {
      if (this.#stream !== stream) return;
      this.#stream = null;
      this.#brokenAt = this.#now();
    });
    return stream;
  }
}
