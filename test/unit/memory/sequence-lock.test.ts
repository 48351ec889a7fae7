import { describe, expect, test } from "vitest";
import { Arena } from "../../../src/memory/arena.ts";
import { SequenceLock } from "../../../src/memory/sequence-lock.ts";

describe("SequenceLock", () => {
  test("a version is odd while it is written, and another afterwards", () => {
    const arena = new Arena(new SharedArrayBuffer(64));
    const lock = new SequenceLock(arena);
    const before = lock.beginRead(3);
    expect(before & 1).toBe(0);
    expect(lock.unchanged(3, before)).toBe(true);
    lock.beginWrite(3);
    expect(lock.isHeld(3)).toBe(true);
    expect(lock.beginRead(3) & 1).toBe(1);
    lock.endWrite(3);
    expect(lock.isHeld(3)).toBe(false);
    expect(lock.unchanged(3, before)).toBe(false);
  });

  test("a version goes round past 2^31", () => {
    const arena = new Arena(new SharedArrayBuffer(64));
    const lock = new SequenceLock(arena);
    arena.ints[0] = 0x7fff_fffe;
    lock.beginWrite(0);
    lock.endWrite(0);
    const version = lock.beginRead(0);
    expect(version & 1).toBe(0);
    expect(lock.unchanged(0, version)).toBe(true);
  });
});
