/**
 * Libc: no address leaves that was not checked, errors come as negated numbers, and it loads
 * wherever a thread asks.
 */
import { PerformanceObserver } from "node:perf_hooks";
import { describe, expect, test } from "vitest";
import { Libc, libcAvailable, libcProblem } from "../../../src/libc/libc.ts";
import { EAGAIN, EFD_NONBLOCK } from "../../../src/libc/linux.ts";
import { Arena } from "../../../src/memory/arena.ts";

const EBADF = 9;
const ARENA_BYTES = 4096;

describe("Libc", () => {
  const libc = Libc.load();
  const arena = new Arena(new SharedArrayBuffer(ARENA_BYTES));
  const memory = libc.memory(arena);

  test("is available where the tests run", () => {
    expect(libcProblem()).toBe(null);
    expect(libcAvailable()).toBe(true);
  });

  test("is one object per thread", () => {
    expect(Libc.load()).toBe(libc);
  });

  for (const [offset, length] of [
    [-1, 1],
    [0, ARENA_BYTES + 1],
    [ARENA_BYTES, 1],
    [ARENA_BYTES - 8, 9],
    [0, -1],
    [Number.NaN, 1],
    [0, Number.NaN],
    [Number.POSITIVE_INFINITY, 0],
    [2 ** 52, 1],
    [1.5, 1],
  ] as const) {
    test(`refuses the range ${offset}, ${length}`, () => {
      expect(() => memory.address(offset, length)).toThrow("a");
    });
  }

  for (const [offset, length] of [
    [0, ARENA_BYTES],
    [ARENA_BYTES, 0],
    [ARENA_BYTES - 1, 1],
  ] as const) {
    test(`hands the range ${offset}, ${length} to the kernel, whose error comes back negated`, () => {
      expect(libc.sockets.recv(-1, memory.address(offset, length), length, 0)).toBe(-EBADF);
    });
  }

  test("a cached address is that of its own offset, not of its neighbour in the cache", () => {
    const far = libc.memory(new Arena(new SharedArrayBuffer(1 << 20)));
    const first = far.address(0, 1);
    for (let offset = 0; offset < 1 << 20; offset += 4096 + 64) {
      expect(far.address(offset, 1)).toBe(first + offset);
      expect(far.address(0, 1)).toBe(first);
    }
  });

  test("addresses of a few offsets that differ in high bits only make no garbage", async () => {
    const far = libc.memory(new Arena(new SharedArrayBuffer(1 << 20)));
    const offsets = [0, 1 << 16, 1 << 17];
    const collections: number[] = [];
    for (let round = 0; round < 5; round++) {
      let seen = 0;
      const observer = new PerformanceObserver((list) => {
        seen += list.getEntries().length;
      });
      observer.observe({ entryTypes: ["gc"] });
      let sum = 0;
      for (let i = 0; i < 2_000_000; i++) sum += far.address(offsets[i % 3] as number, 100) % 3;
      expect(sum).toBeGreaterThanOrEqual(0);
      await new Promise((resolve) => setTimeout(resolve, 5));
      observer.disconnect();
      collections.push(seen);
    }
    // What else runs here may be collected once or twice; two million boxes would be, in every
    // round.
    expect(Math.min(...collections)).toBe(0);
  });

  test("refuses memory that may move", () => {
    expect(() => libc.memory(new Arena(new ArrayBuffer(64)))).toThrow("shared memory");
  });

  test("an arena's plain view and its shared one are the same memory", () => {
    const plain = libc.arena(new SharedArrayBuffer(64));
    Atomics.store(plain.ints, 3, 0x01020304);
    expect(plain.words[3]).toBe(0x01020304);
    plain.bytes[12] = 9;
    expect(Atomics.load(plain.ints, 3)).toBe(0x01020309);
    expect(libc.arena(plain.buffer as SharedArrayBuffer).bytes.buffer).toBe(plain.bytes.buffer);
  });

  test("reads and writes memory where it says", () => {
    const fd = libc.files.eventfd(0, EFD_NONBLOCK);
    expect(libc.files.read(fd, memory.address(64, 8), 8)).toBe(-EAGAIN);
    arena.words[16] = 5;
    arena.words[17] = 0;
    expect(libc.files.write(fd, memory.address(64, 8), 8)).toBe(8);
    expect(libc.files.read(fd, memory.address(128, 8), 8)).toBe(8);
    expect([arena.words[32], arena.words[33]]).toEqual([5, 0]);
    expect(libc.files.close(fd)).toBe(0);
    expect(libc.files.close(fd)).toBe(-EBADF);
  });
});
