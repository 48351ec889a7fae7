/**
 * What the primary hands a worker's task, and what a worker says back. Plain data,
 * structured-cloneable: the shared buffers are shared, everything else is copied.
 *
 *   primary ◀── booted ────── workers/shard.ts: its modules are loaded
 *   primary ── WorkerData ──▶ its task, which ends when the worker has stopped
 *   primary ◀── WorkerMessage ── parentPort.postMessage: works from a loop that never turns libuv's
 *
 * Threads are numbered 0…threadCount-1 for the workers; threadCount is the primary. A worker that
 * died is followed by one with the same index, the same memory and the next `incarnation`.
 */
import type { ProtocolChoice, Settings } from "./settings.ts";

/** Where a region lies: in `buffers[arena]`, from byte `base`, a multiple of 64. */
export interface Place {
  readonly arena: number;
  readonly base: number;
}

/** Where everything lies. Each array has one entry per shard or per thread, as its comment says. */
export interface MemoryLayout {
  /** memory/control.ts */
  readonly control: Place;
  /** memory/counters.ts: threadCount + 1 blocks, one after the other. */
  readonly counters: Place;
  /** ring/link-plan.ts: every ring of every ordered pair. */
  readonly links: Place;
  /**
   * Workers 0 … socketThreads - 1 serve sockets; the rest only their shards. 0 under the node
   * transport.
   */
  readonly socketThreads: number;
  /**
   * transport/native-plan.ts, one per worker that serves sockets, each for `connectionSlots`:
   * descriptors, on their way and in use, and the kernel's scratch.
   */
  readonly native: readonly Place[];
  /** memory/log-ring.ts: threadCount + 1 rings, one after the other. */
  readonly logs: Place;
  /** memory/observation.ts: threadCount + 1 blocks of OBSERVATION_BYTES. */
  readonly observations: Place;
  /** memory/connection-table.ts, one per thread, the primary last, each for `connectionSlots`. */
  readonly connections: readonly Place[];
  /** Connections one thread can have: slots of its transport. */
  readonly connectionSlots: number;
  /** One per shard: store/store.ts. */
  readonly shards: readonly Place[];
  /**
   * memory/io-region.ts, one per thread, the primary last; of 0 bytes where a thread serves no
   * sockets.
   */
  readonly io: readonly Place[];
}

/** What serves the sockets: io_uring or epoll in every worker, or node:net in the primary. */
export type TransportKind = "native" | "node";

export interface WorkerData {
  /** This thread: worker and shard index, or `threadCount` for the primary itself. */
  readonly self: number;
  readonly threadCount: number;
  /**
   * 0 at first; above, this thread follows one that died over the same memory, which must be
   * recovered.
   */
  readonly incarnation: number;
  readonly settings: Settings;
  /** `auto` decided. */
  readonly transport: TransportKind;
  readonly buffers: readonly SharedArrayBuffer[];
  readonly layout: MemoryLayout;
  /** Seeds of base/key-hash.ts, drawn at start, the same for every thread. */
  readonly hashSeedLow: number;
  readonly hashSeedHigh: number;
  /** The Unix time at which the server's clock would have read 0 (base/clock.ts). */
  readonly epochUnix: number;
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
  /** What the first byte decides, unless the listener's `proto[…]` has: then that. */
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
