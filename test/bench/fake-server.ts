/**
 * A small memcached in a thread of its own, so that it serves while a generator keeps the test's
 * thread busy. It can lie once, and it can stall once.
 */
import { Worker } from "node:worker_threads";

export interface FakeServerOptions {
  /** The hit whose value comes back wrong, counted from 1; 0: never. */
  lieAt?: number;
  /** How it lies: a flipped byte, another key's value, half of one version and half of another. */
  lie?: "flip" | "swap" | "tear";
  /** The request before which the server sleeps, counted from 1; 0: never. */
  stallAt?: number;
  stallMilliseconds?: number;
  /** The request at which the server closes the connection instead of answering; 0: never. */
  closeAt?: number;
}

export interface FakeServer {
  port: number;
  stop(): Promise<void>;
}

/**
 * Classic text: get of one key or many, set. Requests are cut by lines and lengths, values are
 * bytes.
 */
const SOURCE = `
const { createServer } = require("node:net");
const { parentPort, workerData } = require("node:worker_threads");
const { lieAt = 0, lie = "flip", stallAt = 0, stallMilliseconds = 0, closeAt = 0 } = workerData;
const store = new Map();
const older = new Map();
let hits = 0, requests = 0;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

function told(key, value) {
  if (++hits !== lieAt) return value;
  if (lie === "flip") {
    const wrong = Buffer.from(value);
    wrong[wrong.length >> 1] ^= 1;
    return wrong;
  }
  if (lie === "swap") for (const [other, bytes] of store) if (other !== key) return bytes;
  const before = older.get(key) ?? value;
  return Buffer.concat([before.subarray(0, 50), value.subarray(50)]);
}

function serve(socket, bytes) {
  let at = 0;
  const out = [];
  for (;;) {
    const feed = bytes.indexOf(10, at);
    if (feed < 0) break;
    const words = bytes.toString("latin1", at, feed - 1).split(" ");
    let next = feed + 1;
    if (words[0] === "set") {
      const length = Number(words[4]);
      if (next + length + 2 > bytes.length) break;
      if (store.has(words[1])) older.set(words[1], store.get(words[1]));
      store.set(words[1], Buffer.from(bytes.subarray(next, next + length)));
      next += length + 2;
      out.push(Buffer.from("STORED\\r\\n"));
    } else {
      for (const key of words.slice(1)) {
        const value = store.get(key);
        if (value === undefined) continue;
        const said = told(key, value);
        out.push(Buffer.from("VALUE " + key + " 0 " + said.length + "\\r\\n"), said);
        out.push(Buffer.from("\\r\\n"));
      }
      out.push(Buffer.from("END\\r\\n"));
    }
    requests++;
    if (requests === stallAt) Atomics.wait(sleeper, 0, 0, stallMilliseconds);
    if (requests === closeAt) { socket.destroy(); return Buffer.alloc(0); }
    at = next;
  }
  if (out.length > 0) socket.write(Buffer.concat(out));
  return bytes.subarray(at);
}

const server = createServer((socket) => {
  let rest = Buffer.alloc(0);
  socket.setNoDelay(true);
  socket.on("data", (data) => { rest = serve(socket, rest.length ? Buffer.concat([rest, data]) : data); });
  socket.on("error", () => {});
});
server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));
`;

/** Starts the server; it listens when the promise resolves. */
export async function startFakeServer(options: FakeServerOptions = {}): Promise<FakeServer> {
  const worker = new Worker(SOURCE, { eval: true, workerData: options });
  const port = await new Promise<number>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
  });
  return {
    port,
    async stop() {
      await worker.terminate();
    },
  };
}
