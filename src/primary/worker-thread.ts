/**
 * One worker thread, from its start to its end.
 *
 *   started ──"booted"──▶ waits for its task ──post──▶ serves ──▶ ended: why
 *        └──────── no memory, no descriptors, a bug ───────────────┘
 */
import type { Worker } from "node:worker_threads";
import type { WorkerData, WorkerMessage } from "../worker/messages.ts";

/** Starts a thread. Throws when the system has none to give. */
export type StartThread = () => Worker;

export class WorkerThread {
  /** Null once it waits for its task, or why it ended before it did. */
  readonly booted: Promise<Error | null>;
  /** Why it ended; never rejects. */
  readonly ended: Promise<Error>;
  readonly #worker: Worker | null;

  constructor(start: StartThread, said: (message: WorkerMessage) => void) {
    let worker: Worker | null = null;
    let isUp: (problem: Error | null) => void = () => {};
    this.booted = new Promise((resolve) => {
      isUp = resolve;
    });
    this.ended = new Promise((resolve) => {
      const end = (cause: Error) => {
        resolve(cause);
        isUp(cause); // it had booted, or never will
      };
      try {
        worker = start();
      } catch (cause) {
        end(asError(cause));
        return;
      }
      let error: Error | null = null;
      worker.on("message", (message: WorkerMessage) => {
        if (message.kind === "booted") isUp(null);
        else said(message);
      });
      worker.on("error", (cause) => {
        error = asError(cause);
      });
      // Always the last event: until then the thread may still be at work in the memory we share.
      worker.on("exit", (code) => end(error ?? endOf(code)));
    });
    this.#worker = worker;
  }

  /** Hands it its task. */
  post(data: WorkerData): void {
    this.#worker?.postMessage(data);
  }

  /** Ends it while it waits for its task. */
  async terminate(): Promise<void> {
    await this.#worker?.terminate();
  }
}

function endOf(code: number): Error {
  return new Error(code === 0 ? "its task ended" : `its thread ended with code ${code}`);
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}
