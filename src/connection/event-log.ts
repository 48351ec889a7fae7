/**
 * Event log: what `watch` shows, written by the thread it happens on, in memcached's line formats.
 *
 *   ts=<seconds>.<microseconds> gid=<number> type=item_get key=<uri-encoded> status=found clsid=2 cfd=31 size=100\n
 *
 * Nothing is formatted while nobody watches a stream: `wants` is one plain load. Source of the
 * formats: memcached's doc/protocol.txt, "Watchers", and what 1.6 prints.
 */
import type { Clock } from "../base/clock.ts";
import { Op, StoreMode } from "../command/op.ts";
import { ItemMark, type Reply } from "../command/reply.ts";
import { Mark, type Request } from "../command/request.ts";
import { Status } from "../command/status.ts";
import type { Control } from "../memory/control.ts";
import { type LogWriter, WATCHED_PREFIX } from "../memory/log-ring.ts";
import { rulesOf } from "../protocol/protocols.ts";

/** Why a connection was closed, in memcached's words. */
export type CloseReason = "error" | "normal" | "idle_timeout" | "shutdown";

/** Streams, as bits of the control block's word. */
export const WatchStream = {
  fetchers: 1 << 0,
  mutations: 1 << 1,
  evictions: 1 << 2,
  sysevents: 1 << 3,
  connevents: 1 << 4,
  deletions: 1 << 5,
  rawcmds: 1 << 6,
} as const;

/** By mode, and `REFUSED_CAS`. */
const STORE_COMMANDS = ["set", "add", "replace", "append", "prepend", "cas"] as const;
const STORE_STATUSES: Readonly<Record<number, string>> = {
  [Status.stored]: "stored",
  [Status.notStored]: "not_stored",
  [Status.exists]: "exists",
  [Status.notFound]: "not_found",
  [Status.tooLarge]: "too_large",
  [Status.outOfMemory]: "no_memory",
};

export class EventLog {
  readonly #control: Control;
  readonly #clock: Clock;
  readonly #writer: LogWriter;

  constructor(control: Control, clock: Clock, writer: LogWriter) {
    this.#control = control;
    this.#clock = clock;
    this.#writer = writer;
  }

  /** True when anybody watches anything: one plain load, on the request path. */
  isWatched(): boolean {
    return this.#control.watched() !== 0;
  }

  /** True when somebody watches one of `streams`. */
  wants(streams: number): boolean {
    return (this.#control.watched() & streams) !== 0;
  }

  /** A request that was answered: what it looked up, stored or removed. */
  outcome(request: Request, reply: Reply, descriptor: number): void {
    switch (request.op) {
      case Op.get:
      case Op.fetch:
      case Op.touch:
        this.#lookedUp(request, reply, descriptor);
        break;
      case Op.store:
        // Whether a set found an older item its owner does not tell; other modes show it in their
        // status.
        if (request.mode !== StoreMode.set) this.#lookedUp(request, reply, descriptor);
        this.#stored(request, reply, descriptor);
        break;
      case Op.delete:
        this.#lookedUp(request, reply, descriptor);
        this.#removed(request, reply);
        break;
      default:
        break;
    }
  }

  /** A store whose value is larger than any item may be: it never reached a shard. */
  tooLarge(request: Request, descriptor: number): void {
    if (!this.wants(WatchStream.mutations)) return;
    const command = STORE_COMMANDS[request.level] ?? "na";
    this.#write(
      `type=item_store key=${uriEncodeKey(request)} status=too_large cmd=${command} ttl=0 ` +
        `clsid=0 cfd=${descriptor} size=0`,
    );
  }

  opened(peer: string, descriptor: number): void {
    if (this.wants(WatchStream.connevents)) {
      this.#write(`type=conn_new ${peerFields(peer)} cfd=${descriptor}`);
    }
  }

  closed(peer: string, reason: CloseReason, descriptor: number): void {
    if (this.wants(WatchStream.connevents)) {
      this.#write(`type=conn_close ${peerFields(peer)} reason=${reason} cfd=${descriptor}`);
    }
  }

  #lookedUp(request: Request, reply: Reply, descriptor: number): void {
    if (!this.wants(WatchStream.fetchers)) return;
    const { status, marks } = reply;
    const added = request.op === Op.store && request.mode === StoreMode.add;
    const absent = added
      ? status === Status.stored
      : status === Status.miss || status === Status.notFound || status === Status.notStored;
    let found = absent ? "not_found" : "found";
    if (absent && (marks & ItemMark.expired) !== 0) found = "expired";
    if (absent && (marks & ItemMark.flushed) !== 0) found = "flushed";
    const bytes = absent ? 0 : reply.valueBytes;
    const key = uriEncodeKey(request);
    const shown = `key=${key} status=${found} clsid=${absent ? 0 : reply.queue}`;
    this.#write(`type=item_get ${shown} cfd=${descriptor} size=${bytes}`);
  }

  #stored(request: Request, reply: Reply, descriptor: number): void {
    if (!this.wants(WatchStream.mutations)) return;
    const status = STORE_STATUSES[reply.status] ?? "not_stored";
    const compares = (request.marks & Mark.compareCas) !== 0 && request.mode === StoreMode.set;
    const command = compares ? "cas" : (STORE_COMMANDS[request.mode] ?? "na");
    const ttl = request.exptime === 0 ? 0 : request.exptime - this.#clock.now;
    this.#write(
      `type=item_store key=${uriEncodeKey(request)} status=${status} cmd=${command} ttl=${ttl} ` +
        `clsid=${reply.queue} cfd=${descriptor} size=${request.valueBytes}`,
    );
  }

  #removed(request: Request, reply: Reply): void {
    if (!this.wants(WatchStream.deletions) || reply.status !== Status.deleted) return;
    const command = rulesOf(request).deleteName;
    if (command === "") return;
    const shown = `key=${uriEncodeKey(request)} cmd=${command}`;
    this.#write(`type=deleted ${shown} clsid=${reply.queue} size=${reply.totalBytes}`);
  }

  #write(fields: string): void {
    const microseconds = Math.floor((performance.timeOrigin + performance.now()) * 1000);
    const ts = `${Math.floor(microseconds / 1e6)}.${microseconds % 1e6}`;
    const head = `${WATCHED_PREFIX}${ts} gid=${this.#control.nextEvent()}`;
    this.#writer.write(Buffer.from(`${head} ${fields}\n`, "latin1"));
  }
}

const UNRESERVED = /[A-Za-z0-9\-._~]/;

/** Letters, digits and -._~ stay, every other byte is %XX. */
export function uriEncodeBytes(bytes: Uint8Array, start: number, end: number): string {
  let encoded = "";
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    const letter = String.fromCharCode(byte);
    encoded += UNRESERVED.test(letter)
      ? letter
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}

function uriEncodeKey(request: Request): string {
  return uriEncodeBytes(request.keyBytes, request.keyStart, request.keyEnd);
}

/** `tcp:127.0.0.1:4711` as memcached's fields. */
function peerFields(peer: string): string {
  const [kind = "", ...rest] = peer.split(":");
  if (kind !== "tcp" && kind !== "tcp6") return "rip=unix rport=0 transport=local";
  const port = rest.pop() ?? "0";
  return `rip=${rest.join(":").replace(/[[\]]/g, "")} rport=${port} transport=tcp`;
}
