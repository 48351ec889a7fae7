/**
 * Listeners: every socket of the node that listens, and what accepts from them. Two kinds, one for
 * each transport; primary.ts knows only this.
 *
 *   native   accepts here, hands each descriptor to a worker by its mailbox    native-listeners.ts
 *   node     accepts and serves here; the workers only run their shards        node-listeners.ts
 */
import { listenText } from "../config/listen.ts";
import type { ListenAddress, Settings } from "../config/settings.ts";
import { takeInheritedSockets } from "../listen/inherited-sockets.ts";
import type { ListenOptions, ListenTarget, Owner } from "../listen/listen.ts";
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
  /** Who the server becomes once all is bound (-u); null when it stays who it is. */
  readonly becomes: Owner | null;
  /** A client's command asks something of the primary. */
  readonly asked: () => void;
}

/** What a transport has bound; where node:net keeps the descriptor to itself, there is none. */
interface Bound extends Pick<StreamListening, "kind" | "address" | "port"> {
  readonly fd?: number;
}

/** How a transport binds. */
export interface Binder {
  /** Listens on a socket that others have bound. */
  adopt(fd: number, backlog: number): Bound | Promise<Bound>;
  listen(target: ListenTarget, options: ListenOptions): Promise<readonly Bound[]>;
}

/**
 * Binds all the settings ask for: what was bound for us before (LISTEN_FDS), else a Unix socket, as
 * in memcached instead of everything else, else the addresses of -l. Throws SystemError.
 */
export async function bindAll(
  { settings, becomes }: ListenersParts,
  binder: Binder,
): Promise<StreamListening[]> {
  const { backlog, unixSocket, unixMask, listen } = settings;
  const sockets: StreamListening[] = [];
  const add = ({ kind, address, port, fd }: Bound, asked: ListenAddress | null): void => {
    const descriptor = fd ?? shownDescriptor(settings, sockets.length);
    sockets.push({ kind, address, port, descriptor, asked });
  };
  const inherited = takeInheritedSockets(process.env, process.pid);
  for (const fd of inherited) add(await binder.adopt(fd, backlog), null);
  if (inherited.length > 0) return sockets;
  const options = listenOptionsOf(settings);
  if (unixSocket !== "") {
    const target = { kind: "unix", path: unixSocket, mode: unixMask, owner: becomes } as const;
    for (const bound of await binder.listen(target, options)) add(bound, null);
    return sockets;
  }
  for (const asked of listen) {
    const target = { kind: "tcp", host: asked.host, port: asked.port } as const;
    for (const bound of await binder.listen(target, options)) add(bound, asked);
  }
  return sockets;
}

export function listenOptionsOf({ backlog, listenText }: Settings): ListenOptions {
  return { backlog, interfaces: listenText === "" ? null : listenText };
}

/** `127.0.0.1:11211`, `[::1]:11211`, or a path. */
export function listeningText({
  kind,
  address,
  port,
}: Pick<Listening, "kind" | "address" | "port">): string {
  if (kind === "unix") return address;
  return listenText({ host: address, port });
}

/**
 * What `stats conns` calls listening socket number `listener` where node:net keeps its descriptor
 * to itself and connections are called by their slots: a number no slot has.
 */
export function shownDescriptor({ maxConnections }: Settings, listener: number): number {
  return maxConnections + listener;
}
