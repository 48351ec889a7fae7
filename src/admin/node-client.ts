/**
 * Node client: the admin interface as a client of the node, over loopback connections in the meta
 * protocol.
 *
 *   HTTP PUT /keys/…  ──▶  ms <base64 key> … b  ──▶  the same listener, parser, router and shard as any client's
 *
 * Why not call a shard from the primary: a change then takes the one path that is tested and
 * counted, with the same limits, order and large values, on both transports; and an operator's
 * click can never do what no client could.
 *
 * Changes share one connection, which is closed when it is idle; they are answered in order, so a
 * queue of waiting parsers is all the state there is. A read has a connection to itself: it hangs up
 * as soon as it has the part of the value that is wanted, however long the rest. Whatever goes wrong
 * fails those who wait; the next request reconnects. With -Y a connection logs in first.
 */
import { connect, type Socket } from "node:net";
import type { Guard } from "./guard.ts";

/** Where the node listens. */
export type NodeAddress =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

/** One item as the node describes it. */
export interface NodeItem {
  /** Its value, or as much of it as was asked for. */
  readonly value: Buffer;
  readonly clientFlags: number;
  readonly cas: string;
  /** Seconds to live; -1 is for ever. */
  readonly ttl: number;
  /** Seconds since the last access. */
  readonly accessedAgo: number;
  readonly fetched: boolean;
  /** Length of the whole value. */
  readonly valueBytes: number;
}

/** What a login is made of; null where the node asks for none. */
export type Login = () => LoginWords | null;

interface LoginWords {
  readonly user: Buffer;
  readonly password: Buffer;
}

const IDLE_MILLISECONDS = 10_000;
const ANSWER_MILLISECONDS_MAX = 5000;
const WAITING_MAX = 64;
const READS_MAX = 16;
const CRLF = "\r\n";
/** The longest line a read is answered with. */
const HEAD_BYTES_MAX = 2048;

interface Waiting {
  /** Looks at what has come: the number of bytes it took, or 0 to wait for more. */
  readonly take: (bytes: Buffer) => number;
  readonly fail: (error: Error) => void;
}

export class NodeClient {
  readonly #address: NodeAddress;
  readonly #guard: Guard;
  readonly #login: Login;
  readonly #reads = new Set<Socket>();
  #socket: Socket | null = null;
  #received: Buffer = Buffer.alloc(0);
  #waiting: Waiting[] = [];

  constructor(address: NodeAddress, guard: Guard, login: Login = () => null) {
    this.#address = address;
    this.#guard = guard;
    this.#login = login;
  }

  /** An item without touching it, with at most `bytesMax` of its value; null when there is none. */
  read(key: Buffer, bytesMax: number): Promise<NodeItem | null> {
    if (this.#reads.size >= READS_MAX) {
      return Promise.reject(new Error("too many reads wait for the node"));
    }
    const line = `mg ${key.toString("base64")} b u v f c t l h s${CRLF}`;
    return new Promise((resolve, reject) => {
      const login = this.#login();
      const socket = this.#connect(ANSWER_MILLISECONDS_MAX, (error) => {
        this.#reads.delete(socket);
        reject(error);
      });
      this.#reads.add(socket);
      const reading = new ItemReading(bytesMax, greet(socket, login));
      this.#guard.on(socket, "data", "admin read", (chunk: Buffer) => {
        try {
          const item = reading.take(chunk);
          if (item === undefined) return;
          resolve(item);
        } catch (error) {
          reject(error as Error);
        }
        this.#reads.delete(socket);
        socket.destroy();
      });
      socket.write(line);
    });
  }

  /** Stores a value; `ttl` 0 is for ever. The node's answer: "HD" when stored. */
  write(key: Buffer, value: Buffer, clientFlags: number, ttl: number): Promise<string> {
    const head = `ms ${key.toString("base64")} ${value.length} b F${clientFlags} T${ttl}${CRLF}`;
    return this.#ask(head, value);
  }

  /** Deletes a key: "HD" when there was one, "NF" when not. */
  delete(key: Buffer): Promise<string> {
    return this.#ask(`md ${key.toString("base64")} b${CRLF}`, null);
  }

  /** Forgets every item: "OK". */
  flush(): Promise<string> {
    return this.#ask(`flush_all${CRLF}`, null);
  }

  close(): void {
    for (const socket of this.#reads) socket.destroy();
    this.#fail(new Error("the admin interface is closing"));
  }

  #ask(head: string, value: Buffer | null): Promise<string> {
    if (this.#waiting.length >= WAITING_MAX) {
      return Promise.reject(new Error("too many requests wait for the node"));
    }
    return new Promise((resolve, reject) => {
      const socket = this.#connected();
      const cancel = this.#guard.after("admin answer", ANSWER_MILLISECONDS_MAX, () => {
        this.#fail(new Error("the node did not answer in time"));
      });
      this.#waiting.push({
        take: (bytes) => {
          const end = bytes.indexOf(CRLF);
          if (end < 0) return 0;
          cancel();
          resolve(bytes.toString("latin1", 0, end));
          return end + CRLF.length;
        },
        fail: (error) => {
          cancel();
          reject(error);
        },
      });
      socket.write(head);
      if (value !== null) {
        socket.write(value);
        socket.write(CRLF);
      }
    });
  }

  /** A connection that is destroyed, and `failed` called, when it breaks or is silent for long. */
  #connect(silentMilliseconds: number, failed: (error: Error) => void): Socket {
    const socket = connect({ ...this.#address });
    socket.setNoDelay(true);
    socket.setTimeout(silentMilliseconds);
    socket.unref();
    this.#guard.on(socket, "timeout", "admin silence", () => {
      socket.destroy();
      failed(new Error("the node did not answer in time"));
    });
    this.#guard.on(socket, "error", "admin connection", failed);
    this.#guard.on(socket, "close", "admin connection", () => {
      failed(new Error("the node closed the connection"));
    });
    return socket;
  }

  #connected(): Socket {
    if (this.#socket !== null) return this.#socket;
    const login = this.#login();
    const socket = this.#connect(IDLE_MILLISECONDS, (error) => {
      if (this.#socket === socket) this.#fail(error);
    });
    this.#guard.on(socket, "data", "admin answer", (chunk: Buffer) => this.#receive(chunk));
    this.#socket = socket;
    if (greet(socket, login) > 0) {
      this.#waiting.push({
        take: (bytes) => {
          const end = bytes.indexOf(CRLF);
          if (end >= 0 && !bytes.toString("latin1", 0, end).startsWith("STORED")) {
            this.#fail(new Error(LOGIN_FAILED));
          }
          return end < 0 ? 0 : end + CRLF.length;
        },
        fail: () => {},
      });
    }
    return socket;
  }

  #receive(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    for (;;) {
      const [first] = this.#waiting;
      if (first === undefined || this.#received.length === 0) return;
      const used = first.take(this.#received);
      if (used === 0) {
        if (this.#received.length > HEAD_BYTES_MAX) this.#fail(new Error("an endless line"));
        return;
      }
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

/** Logs in where that is needed: how many answers come before all others. */
function greet(socket: Socket, login: LoginWords | null): number {
  if (login === null) return 0;
  const { user, password } = login;
  const bytes = user.length + 1 + password.length;
  socket.write(`set admin 0 0 ${bytes}${CRLF}`);
  socket.write(Buffer.concat([user, Buffer.from(" "), password, Buffer.from(CRLF)]));
  return 1;
}

const LOGIN_FAILED = "the node does not take the login of its own -Y file";

/**
 * The answer to one read as it comes: `VA <bytes> f0 c12 t-1 l5 h1 s10` and the value, or `EN`. What
 * is longer than wanted is not waited for, and each byte is copied once.
 */
class ItemReading {
  readonly #bytesMax: number;
  #loginsLeft: number;
  #head: Buffer = Buffer.alloc(0);
  #line: string | null = null;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(bytesMax: number, logins: number) {
    this.#bytesMax = bytesMax;
    this.#loginsLeft = logins;
  }

  /** The item, null when there is none, undefined until that is known. Throws what the node says. */
  take(chunk: Buffer): NodeItem | null | undefined {
    if (this.#line !== null) this.#add(chunk);
    else if (!this.#takeHead(chunk)) return undefined;
    const line = this.#line as string;
    if (line === "EN") return null;
    const [kind, length, ...flags] = line.split(" ");
    if (kind !== "VA") throw new Error(`the node said: ${line}`);
    const valueBytes = Number(length);
    const wanted = Math.min(valueBytes, this.#bytesMax);
    if (this.#bytes < wanted) return undefined;
    const flag = (letter: string): string =>
      flags.find((each) => each.startsWith(letter))?.slice(1) ?? "0";
    return {
      value: Buffer.concat(this.#chunks).subarray(0, wanted),
      clientFlags: Number(flag("f")),
      cas: flag("c"),
      ttl: Number(flag("t")),
      accessedAgo: Number(flag("l")),
      fetched: flag("h") === "1",
      valueBytes,
    };
  }

  /** False until the line that describes the item is there. */
  #takeHead(chunk: Buffer): boolean {
    this.#head = Buffer.concat([this.#head, chunk]);
    for (;;) {
      const end = this.#head.indexOf(CRLF);
      if (end < 0) {
        if (this.#head.length > HEAD_BYTES_MAX) throw new Error("the node answers an endless line");
        return false;
      }
      const line = this.#head.toString("latin1", 0, end);
      const rest = this.#head.subarray(end + CRLF.length);
      if (this.#loginsLeft === 0) {
        this.#line = line;
        this.#add(rest);
        return true;
      }
      this.#loginsLeft--;
      if (!line.startsWith("STORED")) throw new Error(LOGIN_FAILED);
      this.#head = rest;
    }
  }

  #add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }
}
