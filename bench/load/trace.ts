/**
 * A recorded request stream: CSV with the header `time_s,key_id,key_size,value_size,op,ttl`,
 * gzipped or not. Keys are dense numbers; a key keeps the sizes of its first line, and where the
 * recording has none they are drawn ("etc"). The columns lie in shared memory, so that all
 * generator threads read one copy.
 */
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import { parseSizes, type Sizes } from "./sizes.ts";

export interface Trace {
  name: string;
  requests: number;
  keyCount: number;
  /** Key of each request; SET_BIT marks a write. */
  keys: Uint32Array;
  /** By key; 0 where the recording does not say. */
  keyBytes: Uint16Array;
  valueBytes: Uint32Array;
}

export const SET_BIT = 0x8000_0000;

const VALUE_SALT = 0x7661;
/** Values larger than memcached's usual item limit are cut to it. */
const VALUE_BYTES_MAX = 1_000_000;

function shared32(length: number): Uint32Array {
  return new Uint32Array(new SharedArrayBuffer(4 * length));
}

/** The lines of a file, gzipped or not. Throws when it cannot be read. */
async function* linesOf(path: string): AsyncGenerator<string> {
  const file = createReadStream(path);
  const input = path.endsWith(".gz") ? file.pipe(createGunzip()) : file;
  file.on("error", (error) => input.destroy(error));
  try {
    yield* createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  } catch (error) {
    throw new Error(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  } finally {
    file.destroy();
  }
}

/** Reads the first `requestsMax` requests of the file. */
export async function loadTrace(path: string, requestsMax: number): Promise<Trace> {
  const keys: number[] = [];
  const keyBytes: number[] = [];
  const valueBytes: number[] = [];
  let head = true;
  for await (const line of linesOf(path)) {
    if (head) {
      if (!line.startsWith("time_s,key_id,")) throw new Error(`${path} is no trace: "${line}"`);
      head = false;
      continue;
    }
    const [, id, keySize, valueSize, op] = line.split(",");
    const key = Number(id);
    keys.push(op === "set" ? key + SET_BIT : key);
    keyBytes[key] ??= Number(keySize) || 0;
    valueBytes[key] ??= Math.min(VALUE_BYTES_MAX, Number(valueSize) || 0);
    if (keys.length >= requestsMax) break;
  }
  if (keys.length === 0) throw new Error(`${path} holds no requests`);
  const trace: Trace = {
    name: path,
    requests: keys.length,
    keyCount: keyBytes.length,
    keys: shared32(keys.length),
    keyBytes: new Uint16Array(new SharedArrayBuffer(2 * keyBytes.length)),
    valueBytes: shared32(valueBytes.length),
  };
  trace.keys.set(keys);
  for (let key = 0; key < keyBytes.length; key++) {
    trace.keyBytes[key] = keyBytes[key] ?? 0;
    trace.valueBytes[key] = valueBytes[key] ?? 0;
  }
  return trace;
}

class ColumnSizes implements Sizes {
  max: number;
  readonly #column: Uint16Array | Uint32Array;
  readonly #drawn: Sizes;

  constructor(column: Uint16Array | Uint32Array, drawn: Sizes) {
    this.#column = column;
    this.#drawn = drawn;
    this.max = drawn.max;
    for (const size of column) this.max = Math.max(this.max, size);
  }

  of(index: number): number {
    return this.#column[index] || this.#drawn.of(index);
  }
}

/**
 * Sizes of a trace's keys: shorter than the harness's own key names, they are made as long as
 * those.
 */
export function traceKeySizes(trace: Trace): Sizes {
  return new ColumnSizes(trace.keyBytes, parseSizes("20-51", VALUE_SALT));
}

export function traceValueSizes(trace: Trace): Sizes {
  return new ColumnSizes(trace.valueBytes, parseSizes("etc-value", VALUE_SALT));
}
