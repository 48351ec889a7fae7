/**
 * `stats conns`: every listening socket and every connection, as memcached lists them, by
 * descriptor.
 */
import {
  CONNECTION_STATE_NAMES,
  ConnectionState,
  ConnectionTransport,
} from "../memory/connection-table.ts";
import type { Emit } from "./general.ts";
import type { NodeView } from "./node-view.ts";

/** What memcached has for an address of no family: that of a client on a Unix socket. */
const UNNAMED = "<AF 0>";
const TRANSPORT_NAMES = ["tcp", "tcp6", "unix", "udp", "tls"] as const;

/** One connection, for the admin interface. */
export interface ConnectionView {
  readonly thread: number;
  readonly slot: number;
  readonly descriptor: number;
  readonly transport: string;
  readonly address: string;
  readonly listener: string;
  readonly state: string;
  readonly ageSeconds: number;
  readonly idleSeconds: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly requests: number;
}

/**
 * An address as memcached writes it: `tcp:127.0.0.1:11211`. A stream over TLS is shown as its TCP.
 */
function addressText(transport: number, address: string): string {
  if (transport === ConnectionTransport.unix && address === UNNAMED) return `?:${UNNAMED}`;
  const name = transport === ConnectionTransport.tls ? "tcp" : TRANSPORT_NAMES[transport];
  return `${name ?? "?"}:${address}`;
}

/** Every open connection, up to `countMax`. */
export function connectionsOf(view: NodeView, countMax: number): ConnectionView[] {
  const listeners = view.listeners();
  const now = view.now();
  const found: ConnectionView[] = [];
  view.connections.forEach((table, thread) => {
    for (let slot = 0; slot < table.slotCount && found.length < countMax; slot++) {
      const state = table.state(slot);
      if (state === ConnectionState.closed) continue;
      const transport = table.transport(slot);
      const listener = listeners[table.listener(slot)];
      found.push({
        thread,
        slot,
        descriptor: table.descriptor(slot),
        transport: TRANSPORT_NAMES[transport] ?? "?",
        address: addressText(transport, table.address(slot)),
        listener: listener === undefined ? "" : addressText(listener.transport, listener.address),
        state: CONNECTION_STATE_NAMES[state] ?? "conn_read",
        ageSeconds: Math.max(0, now - table.openedAt(slot)),
        idleSeconds: Math.max(0, now - table.lastCommandAt(slot)),
        bytesIn: table.bytesIn(slot),
        bytesOut: table.bytesOut(slot),
        requests: table.requests(slot),
      });
    }
  });
  return found;
}

/**
 * `stats conns`. `asker` is the descriptor of the connection that asks: it is the one that is
 * parsing a command.
 */
export function emitConnectionList(view: NodeView, asker: number, emit: Emit): void {
  for (const { descriptor, transport, address } of view.listeners()) {
    const isUdp = transport === ConnectionTransport.udp;
    if (isUdp) emit(`${descriptor}:UDP`, "UDP");
    emit(`${descriptor}:addr`, addressText(transport, address));
    emit(`${descriptor}:state`, isUdp ? "conn_read" : "conn_listening");
    emit(`${descriptor}:secs_since_last_cmd`, 0);
  }
  for (const connection of connectionsOf(view, Number.MAX_SAFE_INTEGER)) {
    const { descriptor } = connection;
    emit(`${descriptor}:addr`, connection.address);
    if (connection.listener !== "") emit(`${descriptor}:listen_addr`, connection.listener);
    emit(`${descriptor}:state`, descriptor === asker ? "conn_parse_cmd" : connection.state);
    emit(`${descriptor}:secs_since_last_cmd`, connection.idleSeconds);
  }
}
