/**
 * What a run sends, as plain data: it crosses threads, is printed with the results, and two runs
 * with the same one send the same requests.
 */
import { BinaryDialect } from "./binary-dialect.ts";
import type { Dialect } from "./dialect.ts";
import { MetaDialect } from "./meta-dialect.ts";
import { Payload } from "./payload.ts";
import { RespDialect } from "./resp-dialect.ts";
import { parseSizes } from "./sizes.ts";
import { TextDialect } from "./text-dialect.ts";
import { type Trace, traceKeySizes, traceValueSizes } from "./trace.ts";

export type Protocol = "text" | "meta" | "binary" | "resp";

export interface Workload {
  protocol: Protocol;
  /** Connections of the run, over all threads. */
  connections: number;
  /** Requests sent at once on a connection; the next batch leaves when all of it is answered. */
  depth: number;
  /** Keys of one get. */
  keysPerGet: number;
  keyCount: number;
  keySizes: string;
  valueSizes: string;
  popularity: string;
  /** The share of reads, 0 to 1. */
  reads: number;
  /** The share of reads that find their key; the others ask for keys that were never set. */
  hitRatio: number;
  /** Sets the key after every get that missed it, as an application does. */
  setOnMiss: boolean;
  ttl: number;
  keyPrefix: string;
  seed: number;
  /** Compares every returned key and value with what was stored. */
  verify: boolean;
  /** How the generator moves bytes; "auto" takes io_uring where the kernel has it. */
  sockets: "auto" | "epoll" | "io_uring";
  /** Requests from a recording instead of drawn ones. */
  trace: Trace | null;
}

/** memcached's usual picture: small values, nine reads to a write. */
export const WORKLOAD_DEFAULTS: Workload = {
  protocol: "text",
  connections: 50,
  depth: 1,
  keysPerGet: 1,
  keyCount: 100_000,
  keySizes: "16",
  valueSizes: "100",
  popularity: "uniform",
  reads: 0.9,
  hitRatio: 1,
  setOnMiss: false,
  ttl: 0,
  keyPrefix: "k",
  seed: 1,
  verify: false,
  sockets: "auto",
  trace: null,
};

const KEY_SALT = 0x6b65;
const VALUE_SALT = 0x7661;

/** Keys and values of the workload. */
export function payloadOf(workload: Workload): Payload {
  const { trace } = workload;
  return new Payload({
    prefix: workload.keyPrefix,
    keyCount: trace?.keyCount ?? workload.keyCount,
    keySizes: trace ? traceKeySizes(trace) : parseSizes(workload.keySizes, KEY_SALT),
    valueSizes: trace ? traceValueSizes(trace) : parseSizes(workload.valueSizes, VALUE_SALT),
  });
}

export function dialectOf(workload: Workload, payload: Payload): Dialect {
  switch (workload.protocol) {
    case "text":
      return new TextDialect(payload, workload.verify, workload.ttl);
    case "meta":
      return new MetaDialect(payload, workload.verify, workload.ttl);
    case "binary":
      return new BinaryDialect(payload, workload.verify, workload.ttl);
    case "resp":
      return new RespDialect(payload, workload.verify, workload.ttl);
  }
}

/** Throws when a number of the workload makes no sense, naming the option. */
export function checkWorkload(workload: Workload): void {
  const least = (name: keyof Workload, value: number, minimum: number) => {
    if (!(value >= minimum)) throw new Error(`${name}: at least ${minimum}, got ${value}`);
  };
  least("connections", workload.connections, 1);
  least("depth", workload.depth, 1);
  least("keysPerGet", workload.keysPerGet, 1);
  least("keyCount", workload.keyCount, 1);
  least("ttl", workload.ttl, 0);
  for (const name of ["reads", "hitRatio"] as const) {
    const value = workload[name];
    if (!(value >= 0 && value <= 1)) throw new Error(`${name}: 0 to 1, got ${value}`);
  }
}
