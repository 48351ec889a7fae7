/**
 * The front: what listens and accepts. Two kinds, one for each transport; primary.ts knows only
 * this interface.
 *
 *   native   accepts here, hands each descriptor to a worker by ring
 *   node     accepts and serves here; the workers only run their shards
 */
import type { Settings } from "../config/settings.ts";
import type { WorkerData } from "../config/worker-data.ts";
import type { SharedMemory } from "./shared-memory.ts";

/** One socket that listens. */
export interface Listening {
  /** As an operator writes it: `127.0.0.1:11211`, `[::1]:11211`, or a path. */
  readonly text: string;
  /**
   * memcached's word in the file of MEMCACHED_PORT_FILENAME, `TCP INET` or `TCP INET6`; empty for a
   * path.
   */
  readonly family: string;
  readonly port: number;
}

export interface Front {
  /** eventfds by thread index for `WorkerData.bells`; empty where threads wait for Atomics. */
  readonly bells: readonly number[];
  /** Binds every address of the settings. Throws SystemError; nothing is accepted yet. */
  listen(): Promise<readonly Listening[]>;
  /** Accepts from now on. `data` is the primary's own: its `self` is `threadCount`. */
  serve(data: WorkerData): void;
  /** Accepts no more, and (node) ends connections once they are answered. */
  close(): Promise<void>;
  /** Wakes every worker, so that it looks at the server's state. */
  wakeAll(): void;
  /** Ends the process at once, even while a thread is inside a system call. */
  exit(code: number): never;
}

/** Makes the front of `memory`'s transport. Only that one's modules are loaded. */
export async function createFront(settings: Settings, memory: SharedMemory): Promise<Front> {
  throw new Error(`no front yet: ${settings.threads} ${memory.control.now()}`);
}
