/**
 * A Redis for tests, on machines that have none: RESP2 over TCP, answered by an ioredis-mock.
 *
 *   socket ──▶ commands (arrays of bulk strings, in any pieces) ──▶ ioredis-mock ──▶ replies, in order
 *
 * In a test: `await startRedisStandIn()`. As a peer of a comparison, which wants a command:
 * `node dist/test/support/redis-stand-in.js <port>`. Whether it answers as Redis does is held by
 * test/bench/resp.test.ts, which asks both the same.
 */
import { createServer, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import RedisMock from "ioredis-mock";

const CRLF = "\r\n";
const CRLF_BYTES = 2;
/** Commands whose answer is a status, `+OK`; of all others, strings are data. */
const STATUS_COMMANDS = new Set(["set", "flushall", "ping"]);
/** The value among the words of SET. */
const VALUE_WORD = 1;

type Reply = string | Buffer | number | null | Reply[];
type Command = (...values: (string | Buffer)[]) => Promise<Reply>;

export interface StandInOptions {
  port?: number;
  /** The value read from the store, counted from 1, that comes back with a wrong byte; 0: none. */
  lieAt?: number;
}

export interface RedisStandIn {
  readonly port: number;
  stop(): Promise<void>;
}

/** The words of the command at `start` and where it ends; null when it is not all there. */
function parseCommand(bytes: Buffer, start: number): { words: Buffer[]; end: number } | null {
  const line = (at: number, mark: string): { value: number; end: number } | null => {
    const feed = bytes.indexOf(CRLF, at);
    if (feed < 0) return null;
    if (bytes.toString("latin1", at, at + 1) !== mark)
      throw new Error(`Protocol error: no ${mark}`);
    return { value: Number(bytes.toString("latin1", at + 1, feed)), end: feed + CRLF_BYTES };
  };
  const head = line(start, "*");
  if (head === null) return null;
  const words: Buffer[] = [];
  let at = head.end;
  while (words.length < head.value) {
    const length = line(at, "$");
    if (length === null || length.end + length.value + CRLF_BYTES > bytes.length) return null;
    words.push(bytes.subarray(length.end, length.end + length.value));
    at = length.end + length.value + CRLF_BYTES;
  }
  return { words, end: at };
}

function encode(reply: Reply): Buffer {
  if (reply === null) return Buffer.from(`$-1${CRLF}`);
  if (typeof reply === "number") return Buffer.from(`:${reply}${CRLF}`);
  if (typeof reply === "string") return Buffer.from(`+${reply}${CRLF}`);
  if (Buffer.isBuffer(reply)) {
    return Buffer.concat([Buffer.from(`$${reply.length}${CRLF}`), reply, Buffer.from(CRLF)]);
  }
  return Buffer.concat([Buffer.from(`*${reply.length}${CRLF}`), ...reply.map(encode)]);
}

class StandIn {
  readonly #redis = new RedisMock();
  readonly #lieAt: number;
  #values = 0;

  constructor(lieAt: number) {
    this.#lieAt = lieAt;
  }

  /** Serves one connection; its commands are answered one after the other. */
  serve(socket: Socket): void {
    let rest: Buffer = Buffer.alloc(0);
    let last: Promise<unknown> = Promise.resolve();
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const commands: Buffer[][] = [];
      let at = 0;
      for (let next = parseCommand(bytes, at); next !== null; next = parseCommand(bytes, at)) {
        commands.push(next.words);
        at = next.end;
      }
      rest = bytes.subarray(at);
      last = last.then(async () => {
        const replies: Buffer[] = [];
        for (const words of commands) replies.push(await this.#answer(words));
        socket.write(Buffer.concat(replies));
      });
    });
  }

  async #answer([name, ...words]: Buffer[]): Promise<Buffer> {
    const command = String(name).toLowerCase();
    const isStatus = STATUS_COMMANDS.has(command);
    const methods = this.#redis as unknown as Record<string, Command | undefined>;
    const run = methods[`${command}Buffer`];
    if (run === undefined) return Buffer.from(`-ERR unknown command '${command}'${CRLF}`);
    try {
      // Values are bytes, and copied, since the mock keeps what it is given; keys and options are
      // text.
      const given = words.map((word, index) =>
        index === VALUE_WORD && command === "set" ? Buffer.from(word) : String(word),
      );
      const reply = await run.apply(this.#redis, given);
      return encode(isStatus ? String(reply) : this.#told(reply));
    } catch (error) {
      return Buffer.from(`-${(error as Error).message}${CRLF}`);
    }
  }

  #told(reply: Reply): Reply {
    if (Array.isArray(reply)) return reply.map((each) => this.#told(each));
    if (!Buffer.isBuffer(reply) || ++this.#values !== this.#lieAt) return reply;
    const wrong = Buffer.from(reply);
    wrong[wrong.length >> 1] = (wrong[wrong.length >> 1] as number) ^ 1;
    return wrong;
  }

  async close(): Promise<void> {
    await this.#redis.flushall();
    this.#redis.disconnect();
  }
}

/** Starts one on 127.0.0.1; port 0 is any free one. */
export async function startRedisStandIn(options: StandInOptions = {}): Promise<RedisStandIn> {
  const standIn = new StandIn(options.lieAt ?? 0);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    standIn.serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
      await standIn.close();
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const standIn = await startRedisStandIn({ port: Number(process.argv[2] ?? 0) });
  process.once("SIGTERM", () => void standIn.stop());
}
