/**
 * Verbose log: what -vv shows of conversations and -vvv of states, in memcached's words, written by
 * the thread it happens on into its log ring, where the primary finds it (primary/verbose-lines.ts).
 *
 *   <31 new auto-negotiating client connection
 *   31: Client using the ascii protocol
 *   31: going from conn_read to conn_parse_cmd        -vvv
 *   <31 get a
 *   >31 sending key a
 *   >31 END
 *   <31 connection closed.
 *
 * What a request and a reply look like is their protocol's to say (protocol/protocol.ts,
 * `Conversation`). Callers ask `EventLog.isWatched` first, so nothing of this runs, and nothing is
 * formatted, while nobody looks; then it may allocate.
 *
 * A reply is shown when it is written: one that waits for another shard may be shown behind replies
 * it is sent before.
 *
 * Not on the request path: none of it runs while nobody looks.
 */
import type { Clock } from "../base/clock.ts";
import type { Reply } from "../command/reply.ts";
import type { Request } from "../command/request.ts";
import type { WireError } from "../command/status.ts";
import { CONNECTION_STATE_NAMES, type ConnectionState } from "../memory/connection-table.ts";
import { type Control, VerboseStream } from "../memory/control.ts";
import { type LogWriter, VERBOSE_PREFIX } from "../memory/log-ring.ts";
import { conversationOf, protocolOf, replyConversationOf } from "../protocol/protocols.ts";
import { ReplyEncoder } from "../protocol/reply-encoder.ts";
import { WireProtocol, type WireState } from "../protocol/wire-state.ts";

export class VerboseLog {
  readonly #control: Control;
  readonly #writer: LogWriter;
  readonly #encoder: ReplyEncoder;
  /** The descriptor of the connection that is being served. */
  #served = 0;

  constructor(control: Control, clock: Clock, writer: LogWriter) {
    this.#control = control;
    this.#writer = writer;
    this.#encoder = new ReplyEncoder(clock);
  }

  /** A connection was accepted. A datagram is none. */
  opened(peer: string, wire: WireState, descriptor: number): void {
    if (!this.#shows(VerboseStream.requests) || isDatagram(peer)) return;
    const name = conversationOf(wire.protocol)?.name;
    // memcached has a full stop behind one and not the other.
    const kind = name === undefined ? "auto-negotiating" : name;
    this.#write(`<${descriptor} new ${kind} client connection${name === undefined ? "" : "."}`);
  }

  closed(peer: string, descriptor: number): void {
    if (!this.#shows(VerboseStream.requests) || isDatagram(peer)) return;
    this.#write(`<${descriptor} connection closed.`);
  }

  /** -vvv: memcached's names for both states, as `stats conns` has them. */
  became(descriptor: number, from: ConnectionState, to: ConnectionState): void {
    if (!this.#shows(VerboseStream.states)) return;
    const [left, entered] = [CONNECTION_STATE_NAMES[from], CONNECTION_STATE_NAMES[to]];
    if (left !== entered) this.#write(`${descriptor}: going from ${left} to ${entered}`);
  }

  /** From now on, what is answered is answered to this connection. */
  serves(descriptor: number): void {
    this.#served = descriptor;
  }

  /**
   * The connection being served goes on with a request at bytes[at, end). True when its head was
   * shown: it is not to be shown again.
   */
  reads(wire: WireState, bytes: Uint8Array, at: number, end: number): boolean {
    if (!this.#shows(VerboseStream.requests) || at === end) return false;
    const descriptor = this.#served;
    let protocol = wire.protocol;
    if (protocol === WireProtocol.undecided) {
      protocol = protocolOf(bytes[at] as number).wire;
      const name = conversationOf(protocol)?.name;
      this.#write(`${descriptor}: Client using the ${name} protocol`);
    }
    const lines = conversationOf(protocol)?.asked(descriptor, wire, bytes, at, end) ?? null;
    if (lines === null) return false;
    this.#show(lines);
    return true;
  }

  /** A request is answered; with a value, if its reply carries one, which is not shown. */
  answered(request: Request, reply: Reply, descriptor = this.#served): void {
    if (!this.#shows(VerboseStream.requests)) return;
    const encoder = this.#encoder;
    this.#showReply(request, descriptor, (out) => {
      if (!encoder.carriesValue(request, reply)) return encoder.encode(request, reply, out, 0);
      return encoder.encodeTail(request, out, encoder.encodeHead(request, reply, out, 0));
    });
  }

  /** The connection being served is answered with an error. */
  refused(request: Request, error: WireError): void {
    if (!this.#shows(VerboseStream.requests)) return;
    this.#showReply(request, this.#served, (out) =>
      this.#encoder.encodeError(request, error, out, 0),
    );
  }

  /** The connection being served is answered with bytes[start, end). */
  said(request: Request, bytes: Uint8Array, start: number, end: number): void {
    if (!this.#shows(VerboseStream.requests)) return;
    this.#show(replyConversationOf(request).answered(this.#served, false, bytes, start, end));
  }

  /** Shows what `encode` writes, even where noreply keeps it from being sent. */
  #showReply(request: Request, descriptor: number, encode: (out: Uint8Array) => number): void {
    const out = new Uint8Array(this.#encoder.bound(request));
    const isSilent = request.noreply;
    request.noreply = false;
    const end = encode(out);
    request.noreply = isSilent;
    this.#show(replyConversationOf(request).answered(descriptor, isSilent, out, 0, end));
  }

  #shows(stream: number): boolean {
    return (this.#control.watched() & stream) !== 0;
  }

  #show(lines: readonly string[]): void {
    for (const line of lines) this.#write(line);
  }

  #write(line: string): void {
    this.#writer.write(Buffer.from(`${VERBOSE_PREFIX}${line}\n`, "latin1"));
  }
}

function isDatagram(peer: string): boolean {
  return peer.startsWith("udp");
}
