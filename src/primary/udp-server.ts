/**
 * UDP: -U. Datagrams come in through node:dgram on the primary thread, under either transport, and
 * each is a session of its own for the node transport's server.
 *
 *   datagram ─▶ eight bytes of frame ─▶ DatagramSession ─▶ server: parse, execute, write ─▶ messages ─▶ datagrams
 *                    └─ dropped: a part of a message, a server's own words, too many sessions
 *
 * Why the primary: UDP is off unless asked for, and slow over loopback anyway; workers' loops stay
 * free of it.
 *
 * A source address can be forged, so a reply may not be worth more than its request: all of it
 * together must take no more of the wire than one full datagram, else the client hears one line
 * that says so. `-o udp_multi_datagram` lifts that for networks where nobody forges addresses.
 */
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";
import { KIB } from "../base/unit.ts";
import type { ListenAddress, Settings } from "../config/settings.ts";
import { bindError, resolveTarget } from "../listen/listen.ts";
import type { Control } from "../memory/control.ts";
import {
  UDP_DATAGRAM_BYTES_MAX,
  UDP_FRAME_BYTES,
  UDP_PAYLOAD_BYTES_MAX,
  udpDatagramCount,
  udpRequestId,
  writeUdpFrame,
} from "../protocol/udp/udp-frame.ts";
import { isServersWord, udpMessageEnd, udpRefusal } from "../protocol/udp/udp-messages.ts";
import type { BellWatch, NativeBell } from "../transport/native-bell.ts";
import type { NodeTransport } from "../transport/node/node-transport.ts";
import type { WorkerData } from "../worker/messages.ts";
import { NodeServer } from "../worker/node-server.ts";
import { type DatagramReply, DatagramSession } from "./datagram-session.ts";
import { type Listening, listeningText, listenOptionsOf, shownDescriptor } from "./listeners.ts";

/** Datagrams in work at a time; one more is dropped. */
const SESSIONS_MAX = 64;
/** What a socket of ours may hold that the kernel has not taken; a reply after that is dropped. */
const SEND_QUEUE_BYTES_MAX = 4 * 1024 * KIB;
/** IPv4's and UDP's own headers: what every datagram costs before its first byte. */
const WIRE_HEADER_BYTES = 28;
const WIRE_BYTES_MAX = WIRE_HEADER_BYTES + UDP_DATAGRAM_BYTES_MAX;
/** With `udp_multi_datagram`: around a value of -I, and many small ones. */
const HEADS_BYTES_MAX = 64 * KIB;
/** The count in a frame has 16 bits. */
const DATAGRAMS_MAX = 0xffff;

interface Bound {
  readonly socket: Socket;
  readonly listening: Omit<Listening, "descriptor">;
  /** What came before anybody served: the kernel would keep it, node:dgram does not. */
  readonly early: Early;
}

class Early {
  readonly #datagrams: { datagram: Buffer; peer: RemoteInfo }[] = [];
  #serve: ((datagram: Buffer, peer: RemoteInfo) => void) | null = null;

  constructor(socket: Socket) {
    socket.on("message", (datagram, peer) => {
      if (this.#serve !== null) this.#serve(datagram, peer);
      else if (this.#datagrams.length < SESSIONS_MAX) this.#datagrams.push({ datagram, peer });
    });
  }

  /** Has them served, and all that come. */
  open(serve: (datagram: Buffer, peer: RemoteInfo) => void): void {
    this.#serve = serve;
    for (const { datagram, peer } of this.#datagrams.splice(0)) serve(datagram, peer);
  }
}

export class UdpServer {
  readonly #bound: readonly Bound[];
  readonly #settings: Settings;
  /** The first socket's number among all that listen. */
  #firstListener = 0;
  #watch: BellWatch | null = null;
  #sessionCount = 0;

  private constructor(bound: readonly Bound[], settings: Settings) {
    this.#bound = bound;
    this.#settings = settings;
  }

  /** Binds what the settings ask for. What comes from now on is served later. Throws SystemError. */
  static async bind(settings: Settings): Promise<UdpServer> {
    const bound: Bound[] = [];
    try {
      for (const asked of settings.udpListen) bound.push(...(await bindAddress(asked, settings)));
    } catch (error) {
      for (const { socket } of bound) socket.close();
      throw error;
    }
    return new UdpServer(bound, settings);
  }

  /** Its sockets, numbered on behind `listeners` others. */
  socketsAfter(listeners: number): Listening[] {
    this.#firstListener = listeners;
    return this.#bound.map(({ listening }, index) => ({
      ...listening,
      descriptor: shownDescriptor(this.#settings, listeners + index),
    }));
  }

  /** Serves from now on, through a server that serves other sockets too. */
  open(transport: NodeTransport, control: Control): void {
    this.#bound.forEach(({ socket, listening, early }, index) => {
      early.open((datagram, peer) => {
        if (control.openConnections() >= this.#settings.maxConnections) return;
        const session = this.#session(socket, datagram, peer);
        if (session === null) return;
        const listener = this.#firstListener + index;
        if (transport.adopt(session, listener, `udp:${listeningText(listening)}`)) {
          this.#sessionCount++;
          control.addOpenConnections(1);
        }
      });
    });
  }

  /**
   * Serves from now on, through a server of its own: under the native transport the primary has no
   * other.
   */
  openAlone(data: WorkerData, control: Control, bell: NativeBell, asked: () => void): void {
    const server = new NodeServer(data, asked, undefined, bell);
    this.#watch = bell.watch(data.self, () => server.wake());
    server.start();
    this.open(server.transport, control);
  }

  /** Hears no more. */
  close(): void {
    this.#watch?.stop();
    for (const { socket } of this.#bound) socket.close();
  }

  /** What serves one datagram; null when it is to be dropped. */
  #session(socket: Socket, datagram: Buffer, peer: RemoteInfo): DatagramSession | null {
    const requestId = udpRequestId(datagram, 0, datagram.length);
    if (requestId < 0 || peer.port === 0 || this.#sessionCount >= SESSIONS_MAX) return null;
    if (isServersWord(datagram, UDP_FRAME_BYTES, datagram.length)) return null;
    const { itemBytesMax, extended } = this.#settings;
    const replyBytesMax = extended.udpMultiDatagram
      ? itemBytesMax + HEADS_BYTES_MAX
      : UDP_PAYLOAD_BYTES_MAX;
    const payload = datagram.subarray(UDP_FRAME_BYTES);
    return new DatagramSession(payload, peer, replyBytesMax, (reply) => {
      this.#sessionCount--;
      this.#answer(socket, peer, requestId, reply);
    });
  }

  #answer(socket: Socket, peer: RemoteInfo, requestId: number, reply: DatagramReply): void {
    const { bytes, isRefused } = reply;
    if (bytes.length === 0) return;
    const datagrams = isRefused ? null : this.#datagrams(requestId, bytes);
    for (const datagram of datagrams ?? framed(requestId, udpRefusal(bytes))) {
      if (!canSend(socket)) return;
      socket.send(datagram, peer.port, peer.address, () => {}); // one that is lost is lost
    }
  }

  /** The reply as datagrams; null when it is too large. */
  #datagrams(requestId: number, reply: Uint8Array): Buffer[] | null {
    const datagrams: Buffer[] = [];
    let wireBytes = 0;
    for (let at = 0; at < reply.length; ) {
      const end = udpMessageEnd(reply, at, reply.length);
      if (udpDatagramCount(end - at) > DATAGRAMS_MAX) return null;
      for (const datagram of framed(requestId, reply.subarray(at, end))) {
        datagrams.push(datagram);
        wireBytes += WIRE_HEADER_BYTES + datagram.length;
      }
      if (!this.#settings.extended.udpMultiDatagram && wireBytes > WIRE_BYTES_MAX) return null;
      at = end;
    }
    return datagrams;
  }
}

/** Sockets that were closed, and those whose peers do not keep up, take nothing. */
function canSend(socket: Socket): boolean {
  try {
    return socket.getSendQueueSize() < SEND_QUEUE_BYTES_MAX;
  } catch {
    return false;
  }
}

/** One message as datagrams. */
function framed(requestId: number, message: Uint8Array): Buffer[] {
  const count = udpDatagramCount(message.length);
  return Array.from({ length: count }, (_, sequence) => {
    const start = sequence * UDP_PAYLOAD_BYTES_MAX;
    const part = message.subarray(start, start + UDP_PAYLOAD_BYTES_MAX);
    const datagram = Buffer.allocUnsafe(UDP_FRAME_BYTES + part.length);
    datagram.set(part, writeUdpFrame(datagram, 0, requestId, sequence, count));
    return datagram;
  });
}

/**
 * Binds one entry of -l on every address it stands for; a family the machine has not is skipped.
 */
async function bindAddress(asked: ListenAddress, settings: Settings): Promise<Bound[]> {
  const target = { kind: "tcp", host: asked.host, port: asked.port } as const;
  const options = { ...listenOptionsOf(settings), protocol: "UDP" } as const;
  const bound: Bound[] = [];
  let skipped = "";
  let port = asked.port;
  for (const { address } of await resolveTarget(target, options)) {
    const ipv6 = isIPv6(address);
    const socket = createSocket({ type: ipv6 ? "udp6" : "udp4", ipv6Only: ipv6 });
    const early = new Early(socket);
    try {
      const listens = once(socket, "listening");
      socket.bind({ address, port, exclusive: true });
      await listens;
    } catch (error) {
      socket.close();
      skipped = (error as NodeJS.ErrnoException).code ?? "EINVAL";
      if (skipped === "EAFNOSUPPORT" || skipped === "EADDRNOTAVAIL") continue;
      for (const other of bound) other.socket.close();
      throw bindError("bind()", target, options, skipped, error);
    }
    socket.on("error", () => {}); // what a peer refused
    port = socket.address().port;
    const kind = ipv6 ? "udp6" : "udp4";
    bound.push({ socket, listening: { kind, address, port, asked }, early });
  }
  if (bound.length === 0) throw bindError("bind()", target, options, skipped);
  return bound;
}
