/**
 * A logical client over a socket: it plays a script (script.ts) in the classic text protocol, one
 * request at a time, against any memcached server. The answer counts as there when its last byte
 * has been read.
 */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Operation, Told } from "./history.ts";
import { type Script, Way } from "./script.ts";

const LINES: Record<string, Told> = {
  STORED: "stored",
  NOT_STORED: "notStored",
  EXISTS: "exists",
  NOT_FOUND: "notFound",
  DELETED: "deleted",
  TOUCHED: "touched",
};
const NON_NUMERIC = "CLIENT_ERROR cannot increment or decrement non-numeric value";
/** An owner died with the request in hand. */
const LOST = "SERVER_ERROR the shard restarted, the outcome is unknown";
const END = "END\r\n";

interface Answer {
  readonly told: Told;
  readonly value: Uint8Array | null;
  readonly cas: number;
}

export class SocketClient {
  readonly #script: Script;
  readonly #socket: Socket;
  #received = Buffer.alloc(0);

  constructor(script: Script, port: number) {
    this.#script = script;
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
  }

  /** Plays the whole script. */
  async play(): Promise<Operation[]> {
    await once(this.#socket, "connect");
    const script = this.#script;
    while (script.next()) {
      const request = this.#requestBytes();
      script.asked();
      this.#socket.write(request);
      const answer = await this.#answer(script.operation);
      script.answered(answer.told, answer.value, answer.cas);
    }
    this.#socket.end();
    return script.recorded;
  }

  #requestBytes(): Buffer {
    const { operation, payload, way } = this.#script;
    const { action, key, cas } = operation;
    switch (action) {
      case "get":
        return Buffer.from(way === Way.fetch ? `gats 0 ${key}\r\n` : `gets ${key}\r\n`);
      case "incr":
        return Buffer.from(`incr ${key} ${operation.value}\r\n`);
      case "delete":
        return Buffer.from(way === Way.expire ? `touch ${key} -1\r\n` : `delete ${key}\r\n`);
      case "touch":
        return Buffer.from(`touch ${key} 0\r\n`);
      default: {
        const unique = action === "cas" ? ` ${cas}` : "";
        const line = `${action} ${key} 0 0 ${payload.length}${unique}\r\n`;
        return Buffer.concat([Buffer.from(line), payload, Buffer.from("\r\n")]);
      }
    }
  }

  async #answer(operation: Operation): Promise<Answer> {
    for (;;) {
      const answer = this.#parse(operation);
      if (answer !== null) return answer;
      const [bytes] = (await once(this.#socket, "data")) as [Buffer];
      this.#received = Buffer.concat([this.#received, bytes]);
    }
  }

  /** The answer, once it is whole. */
  #parse(operation: Operation): Answer | null {
    const lineEnd = this.#received.indexOf("\r\n");
    if (lineEnd < 0) return null;
    const line = this.#received.toString("latin1", 0, lineEnd);
    if (operation.action === "get") {
      if (line === "END") return this.#take(lineEnd + 2, "miss", null, 0);
      const [, key, , bytes, cas] = line.split(" ");
      if (key !== operation.key) throw new Error(`${operation.key} was answered ${line}`);
      const end = lineEnd + 2 + Number(bytes);
      if (this.#received.length < end + 2 + END.length) return null;
      const value = this.#received.subarray(lineEnd + 2, end);
      return this.#take(end + 2 + END.length, "hit", value, Number(cas));
    }
    const told = operation.action === "delete" && line === "TOUCHED" ? "deleted" : LINES[line];
    if (told !== undefined) return this.#take(lineEnd + 2, told, null, 0);
    if (line === NON_NUMERIC) return this.#take(lineEnd + 2, "nonNumeric", null, 0);
    if (line === LOST) return this.#take(lineEnd + 2, "unknown", null, 0);
    if (!/^\d+$/.test(line)) throw new Error(`${operation.action} was answered ${line}`);
    return this.#take(lineEnd + 2, "number", this.#received.subarray(0, lineEnd), 0);
  }

  #take(bytes: number, told: Told, value: Uint8Array | null, cas: number): Answer {
    this.#received = this.#received.subarray(bytes);
    return { told, value, cas };
  }
}

/** One number of a server's `stats`. */
export async function readStat(port: number, name: string): Promise<number> {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.end("stats\r\n");
  let text = "";
  for await (const bytes of socket) text += String(bytes);
  return Number(new RegExp(`^STAT ${name} (\\d+)`, "m").exec(text)?.[1]);
}
