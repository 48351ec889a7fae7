/**
 * What the primary hands a worker's task, and what a worker says back. Plain data,
 * structured-cloneable: the shared buffers are shared, everything else is copied.
 *
 *   primary ◀── booted ────── workers/shard.ts: its modules are loaded
 *   primary ── WorkerData ──▶ its task, which ends when the worker has stopped
 *   primary ◀── WorkerMessage ── parentPort.postMessage: works from a loop that never turns libuv's
 *
 * Threads are numbered from 0 for the workers; the last number is the primary's. A worker that died
 * is followed by one with the same index, the same memory and the next `incarnation`. What all
 * threads must agree on (hash seeds, the clock's epoch, how many shards) is not here, but in the
 * memory they share: memory/node-header.ts.
 */
import type { ProtocolChoice, Settings } from "../config/settings.ts";
import type { NodeLayout } from "../memory/node-layout.ts";

/** What serves the sockets: io_uring or epoll in every worker, or node:net in the primary. */
export type TransportKind = "native" | "node";

/** nothing: an empty shard. clean: one at rest. torn: one that must be recovered. */
export type Inheritance = "nothing" | "clean" | "torn";

export interface WorkerData {
  /** This thread: worker and shard index, or `layout.threads` for the primary itself. */
  readonly self: number;
  /**
   * 0 at first; above, this thread follows one that died over the same memory, which must be
   * recovered.
   */
  readonly incarnation: number;
  /** What a process before us left in the memory file (-e), or nothing. */
  readonly inherited: Inheritance;
  readonly settings: Settings;
  /** `auto` decided. */
  readonly transport: TransportKind;
  readonly buffers: readonly SharedArrayBuffer[];
  readonly layout: NodeLayout;
  /**
   * The eventfd that wakes each thread, by thread index, the primary last; NO_BELL where it waits
   * for Atomics. Empty under the node transport.
   */
  readonly bells: readonly number[];
  /** What listens, by the number `TransportHandler.opened` gives a connection's listener. */
  readonly listeners: readonly ListenerFacts[];
}

/** One listening socket. */
export interface ListenerFacts {
  /**
   * As memcached's `stats conns` prints it: `tcp:127.0.0.1:11211`, `tcp6:[::1]:11211`,
   * `unix:/path`.
   */
  readonly text: string;
  /** What its connections speak: its `proto[…]`, or -B; `auto` is what their first byte decides. */
  readonly protocol: ProtocolChoice;
  /** Its `tag[…]`, or empty. */
  readonly tag: string;
}

/** Levels of a worker's log record, as pino names them. */
export type LogLevel = "debug" | "info" | "warn" | "error";

export type WorkerMessage =
  /** The thread is up and waits for its task. */
  | { readonly kind: "booted" }
  /**
   * The worker serves: sent once, when its store is attached and recovered. `itemsDropped`: what
   * recovery had to drop.
   */
  | { readonly kind: "ready"; readonly self: number; readonly itemsDropped: number }
  /** Something an operator must know, as one sentence of plain English. */
  | {
      readonly kind: "log";
      readonly self: number;
      readonly level: LogLevel;
      readonly message: string;
      readonly fields?: Readonly<Record<string, string | number | boolean>>;
    }
  /** Bits were left in the control block with Control.ask(): the primary takes them at once. */
  | { readonly kind: "asked"; readonly self: number };
