/**
 * Connection table: who is connected, one row per connection slot of a thread, for `stats conns`
 * and the dashboard.
 *
 *   row  0 state | 4 descriptor | 8 opened at | 12 last command at | 16 bytes in | 24 bytes out | 32 requests |
 *        40 transport | 41 listen address index | 42 address bytes | 43 – | 44 address, to 84 bytes            128 bytes
 *
 * Behind the connections' rows lie the listeners', written by the primary in its own table.
 *
 * The thread that has the connection writes its row, plain stores; anybody reads. A row being
 * reused while somebody reads it shows a mixture once: this is a display, nothing relies on it.
 * Rows nobody has used are untouched pages.
 */
import type { Arena } from "./arena.ts";

const ROW_BYTES = 128;
const STATE = 0;
const DESCRIPTOR = 1;
const OPENED = 2;
const COMMAND = 3;
const BYTES_IN = 2;
const BYTES_OUT = 3;
const REQUESTS = 4;
const TRANSPORT_OFFSET = 40;
const LISTENER_OFFSET = 41;
const LENGTH_OFFSET = 42;
const ADDRESS_OFFSET = 44;
/** Addresses are cut here; a Unix socket's path has at most 107 bytes and shows its beginning. */
const ADDRESS_BYTES_MAX = ROW_BYTES - ADDRESS_OFFSET;

/** What a connection is doing (connection/connection.ts draws how it gets from one to the next). */
export const ConnectionState = {
  closed: 0,
  /** Waits for a command: none of it has come, or only a part of its line. */
  reading: 1,
  /** A value is coming in. */
  receiving: 2,
  /** The value of a refused request is coming in, and thrown away. */
  swallowing: 3,
  executing: 4,
  /** Goes on in this turn. */
  ready: 5,
  /** Another shard's reply. */
  awaiting: 6,
  /** The replies of all that it has sent to other shards before. */
  behind: 7,
  /** Room in a ring, or in a table of this thread's. */
  refused: 8,
  /** Room in a shard, for a large value. */
  crowded: 9,
  /** Room in its output: the client reads slowly, or earlier replies are not there yet. */
  draining: 10,
  /** What it sends by and by has nothing now: a watcher. */
  quiet: 11,
  /** Takes no more; closes when its replies have left. */
  closing: 12,
  /** Of listening sockets. */
  listening: 13,
} as const;
export type ConnectionState = (typeof ConnectionState)[keyof typeof ConnectionState];

/** As `stats conns` words them, by number: memcached's name for what comes closest. */
export const CONNECTION_STATE_NAMES = [
  "conn_closed",
  "conn_read",
  "conn_nread",
  "conn_swallow",
  "conn_parse_cmd",
  "conn_new_cmd",
  "conn_io_queue",
  "conn_io_queue",
  "conn_io_pending",
  "conn_nread",
  "conn_mwrite",
  "conn_watch",
  "conn_closing",
  "conn_listening",
] as const;

/** What the socket is. */
export const ConnectionTransport = { tcp: 0, tcp6: 1, unix: 2, udp: 3, tls: 4 } as const;
export type ConnectionTransport = (typeof ConnectionTransport)[keyof typeof ConnectionTransport];

/** By memcached's words for what a socket is; an address begins with one of them and a colon. */
const TRANSPORTS: Readonly<Record<string, ConnectionTransport>> = {
  tcp: ConnectionTransport.tcp,
  tcp6: ConnectionTransport.tcp6,
  unix: ConnectionTransport.unix,
  udp: ConnectionTransport.udp,
  udp6: ConnectionTransport.udp,
  // A peer without an address: only Unix sockets have such.
  "?": ConnectionTransport.unix,
};

/** What the socket with this address is: "tcp6:[::1]:11211", "unix:/tmp/s.sock". */
export function connectionTransport(address: string): ConnectionTransport {
  return TRANSPORTS[address.slice(0, address.indexOf(":"))] ?? ConnectionTransport.tcp;
}

/** Listening sockets a table has room for; more are served, not shown. */
export const LISTENERS_MAX = 32;

/** Bytes of a table of `slotCount` connections. */
export function connectionTableBytes(slotCount: number): number {
  return (slotCount + LISTENERS_MAX) * ROW_BYTES;
}

export class ConnectionTable {
  readonly slotCount: number;
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #doubles: Float64Array;
  readonly #base: number;

  constructor(arena: Arena, base: number, slotCount: number) {
    this.slotCount = slotCount;
    this.#bytes = arena.bytes;
    this.#words = arena.words;
    this.#doubles = arena.doubles;
    this.#base = base;
  }

  /** Fills the row of a new connection. `address` as in `127.0.0.1:40000`, of one-byte characters. */
  open(
    slot: number,
    descriptor: number,
    transport: ConnectionTransport,
    listener: number,
    address: string,
    now: number,
  ): void {
    const row = this.#base + slot * ROW_BYTES;
    const word = row >>> 2;
    this.#words[word + DESCRIPTOR] = descriptor;
    this.#words[word + OPENED] = now;
    this.#words[word + COMMAND] = now;
    this.#doubles.fill(0, row / 8 + BYTES_IN, row / 8 + REQUESTS + 1);
    this.#bytes[row + TRANSPORT_OFFSET] = transport;
    this.#bytes[row + LISTENER_OFFSET] = listener;
    const length = Math.min(address.length, ADDRESS_BYTES_MAX);
    for (let at = 0; at < length; at++) {
      this.#bytes[row + ADDRESS_OFFSET + at] = address.charCodeAt(at);
    }
    this.#bytes[row + LENGTH_OFFSET] = length;
    this.#words[word + STATE] = ConnectionState.reading;
  }

  /** Fills the row of listening socket number `listener`; its slot is `slotCount + listener`. */
  openListener(
    listener: number,
    descriptor: number,
    transport: ConnectionTransport,
    address: string,
    now: number,
  ): void {
    if (listener >= LISTENERS_MAX) return;
    const slot = this.slotCount + listener;
    this.open(slot, descriptor, transport, listener, address, now);
    this.setState(slot, ConnectionState.listening);
  }

  close(slot: number): void {
    this.#words[((this.#base + slot * ROW_BYTES) >>> 2) + STATE] = ConnectionState.closed;
  }

  state(slot: number): ConnectionState {
    return this.#words[((this.#base + slot * ROW_BYTES) >>> 2) + STATE] as ConnectionState;
  }

  setState(slot: number, state: ConnectionState): void {
    this.#words[((this.#base + slot * ROW_BYTES) >>> 2) + STATE] = state;
  }

  /** Counts what one turn moved on a connection: once per turn and socket, not once per request. */
  moved(slot: number, bytesIn: number, bytesOut: number, requests: number, now: number): void {
    const row = this.#base + slot * ROW_BYTES;
    const at = row / 8;
    this.#doubles[at + BYTES_IN] = (this.#doubles[at + BYTES_IN] as number) + bytesIn;
    this.#doubles[at + BYTES_OUT] = (this.#doubles[at + BYTES_OUT] as number) + bytesOut;
    this.#doubles[at + REQUESTS] = (this.#doubles[at + REQUESTS] as number) + requests;
    if (requests > 0) this.#words[(row >>> 2) + COMMAND] = now;
  }

  descriptor(slot: number): number {
    return this.#words[((this.#base + slot * ROW_BYTES) >>> 2) + DESCRIPTOR] as number;
  }

  openedAt(slot: number): number {
    return this.#words[((this.#base + slot * ROW_BYTES) >>> 2) + OPENED] as number;
  }

  lastCommandAt(slot: number): number {
    return this.#words[((this.#base + slot * ROW_BYTES) >>> 2) + COMMAND] as number;
  }

  bytesIn(slot: number): number {
    return this.#doubles[(this.#base + slot * ROW_BYTES) / 8 + BYTES_IN] as number;
  }

  bytesOut(slot: number): number {
    return this.#doubles[(this.#base + slot * ROW_BYTES) / 8 + BYTES_OUT] as number;
  }

  requests(slot: number): number {
    return this.#doubles[(this.#base + slot * ROW_BYTES) / 8 + REQUESTS] as number;
  }

  transport(slot: number): ConnectionTransport {
    return this.#bytes[this.#base + slot * ROW_BYTES + TRANSPORT_OFFSET] as ConnectionTransport;
  }

  /** Which listener it came through: an index into the listeners' addresses. */
  listener(slot: number): number {
    return this.#bytes[this.#base + slot * ROW_BYTES + LISTENER_OFFSET] as number;
  }

  address(slot: number): string {
    const row = this.#base + slot * ROW_BYTES;
    const length = this.#bytes[row + LENGTH_OFFSET] as number;
    const start = row + ADDRESS_OFFSET;
    return Buffer.from(this.#bytes.slice(start, start + length)).toString("latin1");
  }

  /** Closes every row: for the successor of a thread that died. */
  clear(): void {
    for (let slot = 0; slot < this.slotCount; slot++) {
      if (this.state(slot) !== ConnectionState.closed) this.close(slot);
    }
  }
}
