/**
 * Audit log: one JSON line for every change, login and refusal over the admin port. Values are
 * never written, only their length; keys are, escaped.
 *
 *   {"time":"2026-…Z","event":"key.delete","outcome":"ok","peer":"127.0.0.1","key":"user:1"}
 */
import { createWriteStream, type WriteStream } from "node:fs";

export type AuditEvent =
  | "login"
  | "logout"
  | "refused"
  | "key.read"
  | "key.set"
  | "key.delete"
  | "flush"
  | "stats.reset";

export interface AuditRecord {
  readonly event: AuditEvent;
  readonly outcome: string;
  readonly peer: string;
  readonly key?: string;
  readonly valueBytes?: number;
  readonly route?: string;
}

/** True when somebody was turned away: what an operator wants to see without asking for more. */
export function isRefusal({ event, outcome }: AuditRecord): boolean {
  return event === "refused" || (event === "login" && outcome !== "ok");
}

export class AuditLog {
  readonly #write: (record: AuditRecord) => void;
  readonly #stream: WriteStream | null;

  /** Appends to `file`; when it is empty, hands each record to `log`. */
  constructor(file: string, log: (record: AuditRecord) => void, failed: (error: Error) => void) {
    if (file === "") {
      this.#stream = null;
      this.#write = log;
      return;
    }
    const stream = createWriteStream(file, { flags: "a", mode: 0o600 });
    stream.on("error", failed);
    this.#stream = stream;
    this.#write = (record) => {
      stream.write(`${JSON.stringify({ time: new Date().toISOString(), ...record })}\n`);
    };
  }

  record(record: AuditRecord): void {
    this.#write(record);
  }

  /** Ends the file; resolves when everything is written. */
  async close(): Promise<void> {
    const stream = this.#stream;
    if (stream === null || stream.destroyed) return;
    await new Promise<void>((resolve) => {
      stream.on("error", () => resolve());
      stream.end(() => resolve());
    });
  }
}
