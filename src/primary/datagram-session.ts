/**
 * DatagramSession: one datagram as a socket. The node transport serves it like any other client:
 *
 *   a datagram's payload ─▶ 'data' ─▶ 'end' ─▶ served ─▶ writes, gathered here ─▶ destroyed ─▶ finished(reply)
 *
 * Why a stream: order, waiting for other shards, large values and limits are what the connection
 * layer does for every socket; a datagram differs only in where the bytes come from and go.
 *
 * A reply that grows over `replyBytesMax` is dropped as it grows, and the session ends: what was
 * refused costs no memory.
 */
import { Duplex } from "node:stream";

/** What a session ends with. */
export interface DatagramReply {
  /** All of the reply; or, when it was refused, its beginning. */
  readonly bytes: Buffer;
  /** It was longer than the limit. */
  readonly isRefused: boolean;
}

export interface DatagramPeer {
  readonly family: "IPv4" | "IPv6";
  readonly address: string;
  readonly port: number;
}

export class DatagramSession extends Duplex {
  readonly remoteFamily: "udp4" | "udp6";
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #replyBytesMax: number;
  readonly #finished: (reply: DatagramReply) => void;
  #chunks: Buffer[] = [];
  #replyBytes = 0;
  #isRefused = false;

  /**
   * `payload` is what the datagram asked; `finished` is called once, when all of it is answered.
   */
  constructor(
    payload: Buffer,
    peer: DatagramPeer,
    replyBytesMax: number,
    finished: (reply: DatagramReply) => void,
  ) {
    super();
    this.remoteFamily = peer.family === "IPv6" ? "udp6" : "udp4";
    this.remoteAddress = peer.address;
    this.remotePort = peer.port;
    this.#replyBytesMax = replyBytesMax;
    this.#finished = finished;
    this.push(payload);
    this.push(null);
  }

  /** Nothing lingers here: every write is taken at once. */
  setTimeout(): void {}

  destroySoon(): void {
    this.destroy();
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#replyBytes += chunk.length;
    if (this.#replyBytes <= this.#replyBytesMax) {
      this.#chunks.push(chunk);
    } else if (!this.#isRefused) {
      this.#isRefused = true;
      this.#chunks = [this.#chunks[0] ?? chunk];
      this.destroy();
    }
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#finished({ bytes: Buffer.concat(this.#chunks), isRefused: this.#isRefused });
    this.#chunks = [];
    done(error);
  }
}
