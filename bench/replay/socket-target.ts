/**
 * Replays a trace through a socket against any memcached server: a batch of `mg` without values (HD
 * or EN each), then the missing keys' sets, then the next batch. A batch ends before a key it has
 * already, so that every request finds what it would have found one at a time.
 */
import { createConnection, type Socket } from "node:net";
import type { ReplayOutcome } from "./outcome.ts";
import { type Trace, writeKey } from "./trace.ts";

const BATCH = 64;
const LETTER_H = 72;
const NEWLINE = 10;

/** The server's `host:port`; TTLs are left out: a trace's time does not pass here. */
export async function replaySocket(
  trace: Trace,
  server: string,
  itemBytesMax: number,
): Promise<ReplayOutcome> {
  const colon = server.lastIndexOf(":");
  const host = server.slice(0, colon);
  const socket = createConnection({ host, port: Number(server.slice(colon + 1)), noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  const out = Buffer.alloc(BATCH * (itemBytesMax + 512));
  const hits = new Uint8Array(BATCH);
  let misses = 0;
  let refused = 0;
  const began = process.hrtime.bigint();
  const asked = new Set<number>();
  for (let from = 0, count = 0; from < trace.count; from += count) {
    asked.clear();
    let end = 0;
    for (count = 0; count < BATCH && from + count < trace.count; count++) {
      const keyId = trace.keyIds[from + count] as number;
      if (asked.has(keyId)) break;
      asked.add(keyId);
      end += out.write("mg ", end, "latin1");
      end = writeKey(out, end, keyId, trace.keyBytes[keyId] as number);
      end += out.write("\r\n", end, "latin1");
    }
    await exchange(socket, out.subarray(0, end), hits, count);
    end = 0;
    for (let i = 0; i < count; i++) {
      const keyId = trace.keyIds[from + i] as number;
      if (hits[i] === 1) continue;
      misses++;
      const valueBytes = trace.valueBytes[keyId] as number;
      if (valueBytes > itemBytesMax) {
        refused++;
        continue;
      }
      end += out.write("set ", end, "latin1");
      end = writeKey(out, end, keyId, trace.keyBytes[keyId] as number);
      end += out.write(` 0 0 ${valueBytes} noreply\r\n`, end, "latin1");
      end += valueBytes;
      end += out.write("\r\n", end, "latin1");
    }
    if (end > 0 && !socket.write(Buffer.from(out.subarray(0, end)))) {
      await new Promise((resolve) => socket.once("drain", resolve));
    }
  }
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  socket.destroy();
  return { requests: trace.count, misses, refused, seconds, details: {} };
}

/** Sends a batch of mg and waits for its `count` reply lines. */
function exchange(
  socket: Socket,
  bytes: Uint8Array,
  hits: Uint8Array,
  count: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let seen = 0;
    let atLineStart = true;
    const onData = (chunk: Buffer): void => {
      for (const byte of chunk) {
        if (atLineStart) hits[seen] = byte === LETTER_H ? 1 : 0;
        atLineStart = byte === NEWLINE;
        if (atLineStart) seen++;
      }
      if (seen < count) return;
      socket.off("data", onData);
      socket.off("error", reject);
      resolve();
    };
    socket.on("data", onData);
    socket.on("error", reject);
    socket.write(bytes);
  });
}
