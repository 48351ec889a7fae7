/**
 * Node client: the admin interface as a client of the node, over a loopback connection in the meta
 * protocol.
 *
 *   HTTP PUT /keys/…  ──▶  ms <base64 key> … b  ──▶  the same listener, parser, router and shard as any client's
 *
 * Why not call a shard from the primary: a change then takes the one path that is tested and
 * counted, with the same limits, order and large values, on both transports; and an operator's
 * click can never do what no client could. It costs one connection while it is used; idle, it is
 * closed.
 *
 * Requests are answered in order, so a queue of waiting parsers is all the state there is. Whatever
 * goes wrong with the connection fails every waiting request; the next one connects anew.
 */
import { connect, type Socket } from "node:net";

/** Where the node listens. */
export type NodeAddress =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

/** One item as the node describes it. */
export interface NodeItem {
  readonly value: Buffer;
  readonly clientFlags: number;
  readonly cas: string;
  /** Seconds to live; -1 is for ever. */
  readonly ttl: number;
  /** Seconds since the last access. */
  readonly accessedAgo: number;
  readonly fetched: boolean;
  readonly valueBytes: number;
}

const IDLE_MILLISECONDS = 10_000;
const ANSWER_MILLISECONDS_MAX = 5000;
const WAITING_MAX = 64;
const CRLF = "\r\n";

interface Waiting {
  /** Looks at what has come: the number of bytes it took, or 0 to wait for more. */
  readonly take: (bytes: Buffer) => number;
  readonly fail: (error: Error) => void;
}

export class NodeClient {
  readonly #address: NodeAddress;
  #socket: Socket | null = null;
  #received: Buffer = Buffer.alloc(0);
  #waiting: Waiting[] = [];

  constructor(address: NodeAddress) {
    this.#address = address;
  }

  /** An item without touching it; null when there is none. */
  async read(key: Buffer): Promise<NodeItem | null> {
    return this.#ask(`mg ${key.toString("base64")} b u v f c t l h s${CRLF}`, null, takeItem);
  }

  /** Stores a value; `ttl` 0 is for ever. The node's answer: "HD" when stored. */
  async write(key: Buffer, value: Buffer, clientFlags: number, ttl: number): Promise<string> {
    const head = `ms ${key.toString("base64")} ${value.length} b F${clientFlags} T${ttl}${CRLF}`;
    return this.#ask(head, value, takeLine);
  }

  /** Deletes a key: "HD" when there was one, "NF" when not. */
  async delete(key: Buffer): Promise<string> {
    return this.#ask(`md ${key.toString("base64")} b${CRLF}`, null, takeLine);
  }

  /** Forgets every item: "OK". */
  async flush(): Promise<string> {
    return this.#ask(`flush_all${CRLF}`, null, takeLine);
  }

  close(): void {
    this.#fail(new Error("the admin interface is closing"));
  }

  #ask<Answer>(
    head: string,
    value: Buffer | null,
    parse: (bytes: Buffer) => { used: number; answer: Answer } | null,
  ): Promise<Answer> {
    if (this.#waiting.length >= WAITING_MAX) {
      return Promise.reject(new Error("too many requests wait for the node"));
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#fail(new Error("the node did not answer in time"));
      }, ANSWER_MILLISECONDS_MAX);
      this.#waiting.push({
        take: (bytes) => {
          const parsed = parse(bytes);
          if (parsed === null) return 0;
          clearTimeout(timer);
          resolve(parsed.answer);
          return parsed.used;
        },
        fail: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      const socket = this.#connected();
      socket.write(head);
      if (value !== null) {
        socket.write(value);
        socket.write(CRLF);
      }
    });
  }

  #connected(): Socket {
    if (this.#socket !== null) return this.#socket;
    const socket = connect({ ...this.#address });
    socket.setNoDelay(true);
    socket.setTimeout(IDLE_MILLISECONDS, () => socket.destroy());
    socket.unref();
    socket.on("data", (chunk) => this.#receive(chunk));
    socket.on("error", (error) => {
      if (this.#socket === socket) this.#fail(error);
    });
    socket.on("close", () => {
      if (this.#socket === socket) this.#fail(new Error("the node closed the connection"));
    });
    this.#socket = socket;
    return socket;
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    for (;;) {
      const [first] = this.#waiting;
      if (first === undefined || this.#received.length === 0) return;
      const used = first.take(this.#received);
      if (used === 0) return;
      this.#received = this.#received.subarray(used);
      this.#waiting.shift();
    }
  }

  #fail(error: Error): void {
    const waiting = this.#waiting;
    this.#socket?.destroy();
    this.#socket = null;
    this.#waiting = [];
    this.#received = Buffer.alloc(0);
    for (const each of waiting) each.fail(error);
  }
}

function takeLine(bytes: Buffer): { used: number; answer: string } | null {
  const end = bytes.indexOf(CRLF);
  return end < 0 ? null : { used: end + 2, answer: bytes.toString("latin1", 0, end) };
}

/**
 * `VA <bytes> f0 c12 t-1 l5 h1 s10`, the value; or `EN`. Throws nothing: an error line is an item
 * that is not there.
 */
function takeItem(bytes: Buffer): { used: number; answer: NodeItem | null } | null {
  const line = takeLine(bytes);
  if (line === null) return null;
  const [kind, length, ...flags] = line.answer.split(" ");
  if (kind !== "VA") return { used: line.used, answer: null };
  const valueBytes = Number(length);
  const end = line.used + valueBytes;
  if (bytes.length < end + 2) return null;
  const flag = (letter: string): string =>
    flags.find((each) => each.startsWith(letter))?.slice(1) ?? "0";
  return {
    used: end + 2,
    answer: {
      value: Buffer.from(bytes.subarray(line.used, end)),
      clientFlags: Number(flag("f")),
      cas: flag("c"),
      ttl: Number(flag("t")),
      accessedAgo: Number(flag("l")),
      fetched: flag("h") === "1",
      valueBytes,
    },
  };
}
