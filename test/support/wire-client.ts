/**
 * A client that knows no protocol: sends bytes cut as the test wants, and compares what comes back.
 *
 *   send("set a 0 0 1\r\nx\r\n")  with fragmentBytes 3 →  "set" " a " "0 0" " 1\r" "\nx\r" "\n"
 *                                                         one write each, a loop turn between, no delay (TCP_NODELAY)
 *
 * Why a loop turn between the writes: the server gets to see most cuts as reads of their own. Which
 * ones it sees does not matter to a test: the reply must be the same.
 *
 * Invariant: a reply is compared as it arrives, so a wrong one fails at its first wrong byte, not
 * by time.
 */
import { connect, type Socket } from "node:net";
import { type Captures, type Expected, MISMATCH, type Pattern, pattern, show } from "./template.ts";
import type { TestServer } from "./test-server.ts";

/** Longest wait for bytes that a test expects. Never reached when the server is right. */
const REPLY_MILLISECONDS_MAX = 30_000;
/** After a wrong byte: how long to gather the rest of it for the message. */
const GATHER_MILLISECONDS = 50;
export const FRAGMENT_BYTES_WHOLE = 65_536;

export class WireClient {
  readonly #socket: Socket;
  readonly #fragmentBytes: number;
  #received: Buffer = Buffer.alloc(0);
  #chunks: Buffer[] = [];
  #ended = false;
  #error: NodeJS.ErrnoException | undefined;
  #wake: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  private constructor(socket: Socket, fragmentBytes: number) {
    this.#socket = socket;
    this.#fragmentBytes = fragmentBytes;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#wake?.();
    });
    socket.on("end", () => {
      this.#ended = true;
      this.#wake?.();
    });
    socket.on("drain", () => this.#wakeWriter?.());
    socket.on("close", () => {
      this.#ended = true;
      this.#wake?.();
      this.#wakeWriter?.();
    });
    socket.on("error", (error) => {
      this.#error = error;
      this.#ended = true;
      this.#wake?.();
    });
  }

  /** Connects; `allowHalfOpen` keeps our half open when the server closes its own. */
  static async connect(
    server: Pick<TestServer, "address">,
    fragmentBytes: number = FRAGMENT_BYTES_WHOLE,
  ): Promise<WireClient> {
    const socket = connect({ ...server.address, allowHalfOpen: true });
    await new Promise<void>((resolve, reject) => {
      socket.once("connect", resolve);
      socket.once("error", reject);
    });
    return new WireClient(socket, fragmentBytes);
  }

  get socket(): Socket {
    return this.#socket;
  }

  /** Why the connection broke, or undefined: a clean end, or still open. */
  get error(): NodeJS.ErrnoException | undefined {
    return this.#error;
  }

  get hasEnded(): boolean {
    return this.#ended;
  }

  /** Writes the bytes, cut. Resolves when the kernel has them. */
  async send(bytes: Uint8Array | string): Promise<void> {
    const buffer = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
    const step = this.#fragmentBytes;
    for (let at = 0; at < buffer.length && !this.#socket.destroyed; at += step) {
      const isLast = at + step >= buffer.length;
      const taken = this.#socket.write(buffer.subarray(at, at + step));
      if (!taken) await this.#drained();
      else if (!isLast) await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /**
   * Reads one reply and compares it; what was captured goes into `captures`. Throws with both
   * texts.
   */
  async expect(expected: Expected, captures: Captures = new Map()): Promise<void> {
    const wanted = pattern(expected);
    const deadline = Date.now() + REPLY_MILLISECONDS_MAX;
    for (;;) {
      const bytes = this.#take();
      const matched = wanted.match(bytes, captures);
      if (matched >= 0) {
        this.#received = bytes.subarray(matched);
        return;
      }
      if (matched === MISMATCH) await this.#fail(wanted, "");
      if (this.#ended) await this.#fail(wanted, ", then the connection ended");
      if (!(await this.#more(deadline))) await this.#fail(wanted, ", then nothing more");
    }
  }

  /** Sends and expects. */
  async ask(message: Uint8Array | string, reply: Expected, captures?: Captures): Promise<void> {
    await this.send(message);
    await this.expect(reply, captures);
  }

  /**
   * Expects the server to close, with nothing said before. A reset counts: our bytes may not have
   * been read.
   */
  async expectClose(): Promise<void> {
    const deadline = Date.now() + REPLY_MILLISECONDS_MAX;
    while (!this.#ended) {
      this.#take(); // what has come is no reason not to wait
      if (!(await this.#more(deadline))) throw new Error("the server keeps the connection open");
    }
    const rest = this.#take();
    if (rest.length > 0) throw new Error(`before the close: ${show(rest)}`);
  }

  /** Reads until `end` says how many bytes make the reply (0 = not yet), and returns them. */
  async readUntil(end: (bytes: Buffer) => number): Promise<Buffer> {
    const deadline = Date.now() + REPLY_MILLISECONDS_MAX;
    for (;;) {
      const bytes = this.#take();
      const count = end(bytes);
      if (count > 0) {
        this.#received = bytes.subarray(count);
        return bytes.subarray(0, count);
      }
      if (this.#ended) throw new Error(`the connection ended after ${show(bytes)}`);
      if (!(await this.#more(deadline))) throw new Error(`nothing more after ${show(bytes)}`);
    }
  }

  /** Everything that arrives until `isDone`, the connection's end, or the time is up. */
  async collect(isDone: (bytes: Buffer) => boolean, milliseconds: number): Promise<Buffer> {
    const deadline = Date.now() + milliseconds;
    for (;;) {
      const bytes = this.#take();
      if (isDone(bytes) || this.#ended || !(await this.#more(deadline))) {
        this.#received = Buffer.alloc(0);
        return bytes;
      }
    }
  }

  /** Reads up to and including the line `last`. */
  async readThrough(last: string): Promise<string> {
    const line = Buffer.from(last, "latin1");
    const bytes = await this.readUntil((got) => {
      if (got.subarray(0, line.length).equals(line)) return line.length;
      const at = got.indexOf(`\n${last}`, 0, "latin1");
      return at < 0 ? 0 : at + 1 + line.length;
    });
    return bytes.toString("latin1");
  }

  /** Stops reading: the server's output piles up in the socket buffers. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Closes our half and keeps reading. */
  end(): void {
    this.#socket.end();
  }

  /** Breaks the connection with a RST. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #take(): Buffer {
    if (this.#chunks.length > 0) {
      this.#received = Buffer.concat([this.#received, ...this.#chunks]);
      this.#chunks = [];
    }
    return this.#received;
  }

  /** Waits for bytes or the end. False when the time is up. */
  async #more(deadline: number): Promise<boolean> {
    if (this.#chunks.length > 0 || this.#ended) return true;
    const left = deadline - Date.now();
    if (left <= 0) return false;
    let timer: NodeJS.Timeout | undefined;
    const woken = await new Promise<boolean>((resolve) => {
      this.#wake = () => resolve(true);
      timer = setTimeout(() => resolve(false), left);
    });
    clearTimeout(timer);
    this.#wake = undefined;
    return woken;
  }

  async #drained(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wakeWriter = resolve;
    });
    this.#wakeWriter = undefined;
  }

  async #fail(wanted: Pattern, how: string): Promise<never> {
    await new Promise((resolve) => setTimeout(resolve, GATHER_MILLISECONDS));
    const error = this.#error === undefined ? "" : ` (${this.#error.code})`;
    throw new Error(`expected ${wanted}\n     got ${show(this.#take())}${how}${error}`);
  }
}
