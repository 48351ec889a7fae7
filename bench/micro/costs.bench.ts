/**
 * What the building blocks cost on this machine: the figures that decisions on the request path
 * lean on. Each iteration does the thing named once; the loop around it costs about 0.3 ns.
 */
import koffi from "koffi";
import { KeyHash } from "../../src/base/key-hash.ts";
import type { MicroBench } from "./micro-bench.ts";

const words = new Int32Array(new SharedArrayBuffer(1 << 16));
const bytes = new Uint8Array(words.buffer);
const doubles = new Float64Array(words.buffer);
const other = new Uint8Array(new SharedArrayBuffer(1 << 16));
const MASK = (1 << 12) - 1;
for (let at = 0; at < bytes.length; at++) bytes[at] = Math.imul(at, 0x9e3779b1) >>> 24;

/** Node's undocumented but public way from bytes to a string without a view. */
interface Latin1Slicer {
  latin1Slice(start: number, end: number): string;
}

/**
 * A case of this file: `step` is inlined into its own loop, since each case runs in a process of
 * its own.
 */
function cost(name: string, full: number, run: (iterations: number) => number): MicroBench {
  return { name: `cost: ${name}`, iterations: { smoke: 100, full }, run };
}

/** The ways to copy `length` bytes: inside a buffer, between two, and byte by byte. */
function copies(length: number): MicroBench[] {
  const full = Math.ceil(20_000_000 / (100 + length));
  return [
    cost(`copyWithin of ${length} bytes`, full, (iterations) => {
      const from = bytes;
      for (let i = 0; i < iterations; i++) from.copyWithin(32768, i & MASK, (i & MASK) + length);
      return from[32768] as number;
    }),
    cost(`copyWithin of ${length} bytes, both ends 8-aligned`, full, (iterations) => {
      const from = bytes;
      for (let i = 0; i < iterations; i++) {
        const start = i & MASK & ~7;
        from.copyWithin(32768, start, start + length);
      }
      return from[32768] as number;
    }),
    cost(`set(subarray) of ${length} bytes`, full, (iterations) => {
      const from = bytes;
      const to = other;
      for (let i = 0; i < iterations; i++) to.set(from.subarray(i & MASK, (i & MASK) + length), 0);
      return to[0] as number;
    }),
    cost(`byte loop of ${length} bytes`, full, (iterations) => {
      const from = bytes;
      const to = other;
      for (let i = 0; i < iterations; i++) {
        const start = i & MASK;
        for (let at = 0; at < length; at++) to[at] = from[start + at] as number;
      }
      return to[0] as number;
    }),
  ];
}

const hash = new KeyHash(1, 2);
const getppid = process.platform === "win32" ? null : koffi.load(null).func("int getppid()");

const cases: MicroBench[] = [
  cost("plain load", 5_000_000, (iterations) => {
    let sum = 0;
    for (let i = 0; i < iterations; i++) sum = (sum + (words[i & MASK] as number)) | 0;
    return sum;
  }),
  cost("plain store", 5_000_000, (iterations) => {
    for (let i = 0; i < iterations; i++) words[8192 + (i & MASK)] = i;
    return words[8192] as number;
  }),
  cost("float64 increment", 5_000_000, (iterations) => {
    for (let i = 0; i < iterations; i++) {
      doubles[4096 + (i & 7)] = (doubles[4096 + (i & 7)] as number) + 1;
    }
    return doubles[4096] as number;
  }),
  cost("Atomics.load", 1_000_000, (iterations) => {
    let sum = 0;
    for (let i = 0; i < iterations; i++) sum = (sum + Atomics.load(words, i & MASK)) | 0;
    return sum;
  }),
  cost("Atomics.store", 1_000_000, (iterations) => {
    for (let i = 0; i < iterations; i++) Atomics.store(words, 8192 + (i & MASK), i);
    return words[8192] as number;
  }),
  cost("Atomics.exchange", 1_000_000, (iterations) => {
    let sum = 0;
    for (let i = 0; i < iterations; i++) sum ^= Atomics.exchange(words, 8192, i);
    return sum;
  }),
  cost("Atomics.notify, nobody waits", 500_000, (iterations) => {
    let woken = 0;
    for (let i = 0; i < iterations; i++) woken += Atomics.notify(words, 8192, 1);
    return woken;
  }),
  cost("key hash of 16 bytes", 500_000, (iterations) => {
    let sum = 0;
    for (let i = 0; i < iterations; i++) {
      hash.update(bytes, i & MASK, (i & MASK) + 16);
      sum ^= hash.low ^ hash.high;
    }
    return sum;
  }),
  cost("latin1 string of 16 bytes", 300_000, (iterations) => {
    const buffer = Buffer.from(words.buffer) as unknown as Latin1Slicer;
    let sum = 0;
    for (let i = 0; i < iterations; i++) {
      sum += buffer.latin1Slice(i & MASK, (i & MASK) + 16).charCodeAt(3);
    }
    return sum;
  }),
  cost("small object", 1_000_000, (iterations) => {
    let previous = { start: 0, end: 0 };
    let sum = 0;
    const kept: { start: number; end: number }[] = [previous, previous];
    for (let i = 0; i < iterations; i++) {
      previous = { start: i, end: i + 1 };
      kept[i & 1] = previous; // escapes, so it is really allocated
      sum = (sum + (kept[1 - (i & 1)] as { end: number }).end) | 0;
    }
    return sum;
  }),
  cost("BigInt addition, 64 bits", 2_000_000, (iterations) => {
    let sum = 0n;
    for (let i = 0; i < iterations; i++) sum = BigInt.asUintN(64, sum + 0x1234_5678_9abcn);
    return Number(sum & 0xffffn);
  }),
  cost("performance.now()", 300_000, (iterations) => {
    let previous = 0;
    let steps = 0;
    for (let i = 0; i < iterations; i++) {
      const now = performance.now();
      if (now < previous) steps++;
      previous = now;
    }
    return steps;
  }),
  ...[8, 16, 32, 100, 250, 4096].flatMap(copies),
];
if (getppid !== null) {
  cases.push(
    cost("koffi call, the cheapest system call", 100_000, (iterations) => {
      let sum = 0;
      for (let i = 0; i < iterations; i++) sum ^= getppid() as number;
      return sum;
    }),
  );
}

export default cases;
