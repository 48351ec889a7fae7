/**
 * Listeners: every socket of the node that listens, and what accepts from them. Two kinds, one for
 * each transport; primary.ts knows only this.
 *
 *   native   accepts here, hands each descriptor to a worker by its mailbox    native-listeners.ts
 *   node     accepts and serves here; the workers only run their shards        node-listeners.ts
 */
import { listenText } from "../config/listen.ts";
import type { ListenAddress, Settings } from "../config/settings.ts";
import type { ListenOptions, ListenTarget } from "../listen/listen.ts";
import type { WorkerData } from "../worker/messages.ts";
import type { Log } from "./log.ts";
import type { SharedMemory } from "./shared-memory.ts";

/** One socket that listens. */
export interface Listening {
  readonly kind: "tcp4" | "tcp6" | "unix" | "udp4" | "udp6";
  /** The address or the path bound. */
  readonly address: string;
  /** 0 for a path. */
  readonly port: number;
  readonly descriptor: number;
  /** The entry of -l that asked for it; null for a path. */
  readonly asked: ListenAddress | null;
}

/** One whose connections are accepted. */
export type StreamListening = Listening & { readonly kind: "tcp4" | "tcp6" | "unix" };

export interface Listeners {
  /** eventfds by thread index for `WorkerData.bells`; empty where threads wait for Atomics. */
  readonly bells: readonly number[];
  /** Binds every address of the settings. Throws SystemError; nothing is accepted yet. */
  listen(): Promise<readonly Listening[]>;
  /** Accepts from now on. `data` is the primary's own: its `self` is `layout.threads`. */
  open(data: WorkerData): void;
  /** Accepts no more, and (node) ends connections once they are answered. */
  close(): Promise<void>;
  /** A worker died, or serves again: a dead one is given no connections. */
  setDown(worker: number, isDown: boolean): void;
  /** Wakes every worker, so that it looks at the server's state. */
  wakeAll(): void;
  /** Ends the process at once, even while a thread is inside a system call. */
  exit(code: number): never;
}

export interface ListenersParts {
  readonly settings: Settings;
  readonly memory: SharedMemory;
  readonly log: Log;
  /** A client's command asks something of the primary. */
  readonly asked: () => void;
}

/** What to bind, and the entry of -l it comes from. */
export interface Target {
  readonly target: ListenTarget;
  readonly asked: ListenAddress | null;
}

/** A Unix socket instead of everything else, as in memcached, or the addresses of -l. */
export function targetsOf({ unixSocket, unixMask, listen }: Settings): Target[] {
  if (unixSocket !== "") {
    return [{ target: { kind: "unix", path: unixSocket, mode: unixMask }, asked: null }];
  }
  return listen.map((asked) => ({
    target: { kind: "tcp", host: asked.host, port: asked.port },
    asked,
  }));
}

export function listenOptionsOf({ backlog, listenText }: Settings): ListenOptions {
  return { backlog, interfaces: listenText === "" ? null : listenText };
}

/** `127.0.0.1:11211`, `[::1]:11211`, or a path. */
export function listeningText({ kind, address, port }: Listening): string {
  if (kind === "unix") return address;
  return listenText({ host: address, port, protocol: "auto", tag: "" });
}

/**
 * What `stats conns` calls listening socket number `listener` where node:net keeps its descriptor
 * to itself and connections are called by their slots: a number no slot has.
 */
export function shownDescriptor({ maxConnections }: Settings, listener: number): number {
  return maxConnections + listener;
}
