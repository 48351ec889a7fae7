/**
 * Faults: the owner dies at any store it makes to shared memory. A new Store over the same memory
 * recovers, `verify` holds, and every item the dying request did not concern is still there,
 * unchanged.
 *
 * The arena's words, halves, doubles and version stores count down to the fault; what was written
 * before it stays written, as it does when a thread is terminated.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KIB, MIB } from "../../src/base/unit.ts";
import { Op, StoreMode } from "../../src/command/op.ts";
import type { Arena } from "../../src/memory/arena.ts";
import { Counter } from "../../src/memory/counters.ts";
import { SequenceLock } from "../../src/memory/sequence-lock.ts";
import { ShardMemory } from "../../src/memory/shard-memory.ts";
import { RESERVE_SLABS } from "../../src/memory/shard-plan.ts";
import { StoreHarness } from "../model/store-harness.ts";

const DEATHS = 60;

class Fault extends Error {}

/** Counts stores down; at 0 the owner dies. */
class Fuse {
  left = Number.POSITIVE_INFINITY;

  burn(): void {
    this.left--;
    if (this.left <= 0) throw new Fault("the owner died here");
  }
}

/** A typed array whose element stores burn the fuse. */
function fused<T extends object>(array: T, fuse: Fuse): T {
  return new Proxy(array, {
    get: (target, name) => Reflect.get(target, name),
    set: (target, name, value) => {
      fuse.burn();
      return Reflect.set(target, name, value);
    },
  });
}

function fusedArena(arena: Arena, fuse: Fuse): Arena {
  return {
    buffer: arena.buffer,
    bytes: arena.bytes,
    ints: arena.ints,
    words: fused(arena.words, fuse),
    halves: fused(arena.halves, fuse),
    doubles: fused(arena.doubles, fuse),
  };
}

const operation = fc.record({
  kind: fc.constantFrom("set", "append", "delete", "touch", "count", "upload", "flush", "sweep"),
  key: fc.nat(60),
  bytes: fc.oneof(
    { weight: 6, arbitrary: fc.nat(900) },
    { weight: 1, arbitrary: fc.nat(100 * KIB) },
  ),
  fuse: fc.oneof(
    { weight: 1, arbitrary: fc.constant(0) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 60 }) },
    { weight: 1, arbitrary: fc.integer({ min: 1, max: 3000 }) },
  ),
});
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

function value(serial: number, bytes: number): string {
  const seed = `[${serial}]`;
  return seed.repeat(Math.ceil(bytes / seed.length)).slice(0, bytes);
}

function perform(h: StoreHarness, operation: Operation, serial: number): void {
  const name = `key-${operation.key}`;
  const text = value(serial, operation.bytes);
  if (operation.kind === "set") h.set(name, text);
  if (operation.kind === "append") h.set(name, text, { mode: StoreMode.append });
  if (operation.kind === "delete") h.run(Op.delete, name);
  if (operation.kind === "touch") h.run(Op.touch, name, { exptime: h.clock.now + 1000 });
  if (operation.kind === "count") h.run(Op.arithmetic, name);
  if (operation.kind === "sweep") h.store.sweep(64 * KIB);
  if (operation.kind === "flush" && serial % 4 === 0) h.run(Op.flush, "");
  if (operation.kind !== "upload") return;
  h.run(Op.uploadBegin, name, { valueBytes: text.length });
  const handle = h.reply.handle;
  const half = text.length >>> 1;
  h.run(Op.uploadData, "", { handle, value: text.slice(0, half) });
  h.run(Op.uploadData, "", { handle, value: text.slice(half) });
  h.run(Op.uploadEnd, "", { handle });
}

/** Plays operations, the owner dying in some of them; checks everything after each death. */
function play(itemBytes: number, prefill: number, operations: Operation[], exact: boolean): void {
  const fuse = new Fuse();
  const h = new StoreHarness(itemBytes, {}, 256 * KIB);
  for (let i = 0; i < prefill; i++) h.set(`fill-${i}`, "f".repeat(i % 700));
  const { beginWrite, endWrite } = SequenceLock.prototype;
  SequenceLock.prototype.beginWrite = function (word) {
    fuse.burn();
    beginWrite.call(this, word);
  };
  SequenceLock.prototype.endWrite = function (word) {
    fuse.burn();
    endWrite.call(this, word);
  };
  try {
    h.store = h.attach(fusedArena(h.arena, fuse));
    operations.forEach((operation, serial) => {
      const before = snapshot(h);
      fuse.left = operation.fuse === 0 ? Number.POSITIVE_INFINITY : operation.fuse;
      let died = false;
      try {
        perform(h, operation, serial);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        died = true;
      }
      fuse.left = Number.POSITIVE_INFINITY;
      if (died) {
        h.store = h.attach();
        h.store.recover();
        h.store = h.attach(fusedArena(h.arena, fuse));
      }
      h.store.verify();
      if (operation.kind === "flush") return;
      const after = snapshot(h);
      for (const [key, text] of before) {
        if (key === operation.key) continue;
        const now = after.get(key);
        if (exact) expect(now === text).toBe(true);
        else expect(now === undefined || now === text).toBe(true);
      }
    });
  } finally {
    SequenceLock.prototype.beginWrite = beginWrite;
    SequenceLock.prototype.endWrite = endWrite;
  }
}

function snapshot(h: StoreHarness): Map<number, string> {
  const items = new Map<number, string>();
  for (let key = 0; key <= 60; key++) {
    const text = h.getWhole(`key-${key}`);
    if (text !== null) items.set(key, text);
  }
  return items;
}

describe("Store.recover()", () => {
  test("after a death at any store: all other items are there, unchanged", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 40, size: "max" }), (operations) => {
        play(16 * MIB, 400, operations, true);
      }),
      { numRuns: 30 },
    );
  });

  test("after a death while evicting, compacting and splitting: nothing is wrong, nothing is torn", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 60, size: "max" }), (operations) => {
        play(MIB, 2600, operations, false);
      }),
      { numRuns: 20 },
    );
  });

  test("after deaths in evictions that had taken the reserve, there is a reserve again", () => {
    const fuse = new Fuse();
    const h = new StoreHarness(MIB, {}, 256 * KIB);
    const { header } = new ShardMemory(h.arena, h.base);
    let stored = 0;
    let taken = 0;
    for (let death = 0; death < DEATHS; death++) {
      fuse.left = Number.POSITIVE_INFINITY;
      h.store = h.attach(fusedArena(h.arena, fuse));
      fuse.left = 20_000 + ((death * 7919) % 20_000);
      try {
        while (true) {
          const name = `key-${stored++}`;
          h.set(name, value(stored, stored % 3000));
          for (let read = 0; read < stored % 4; read++) h.get(name);
        }
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
      }
      if (header.freeSlabs() < RESERVE_SLABS) taken++;
      h.store = h.attach();
      const evicted = h.counters.value(Counter.evictions);
      h.store.recover();
      expect(h.counters.value(Counter.evictions)).toBe(evicted);
      h.store.verify();
    }
    expect(taken).toBeGreaterThan(0);
  });

  test("a recovery that dies itself is begun anew, and loses nothing", () => {
    const fuse = new Fuse();
    const h = new StoreHarness(2 * MIB, {}, 256 * KIB);
    for (let i = 0; i < 300; i++) h.set(`key-${i % 60}`, value(i, (i * 37) % 3000));
    h.set("key-60", value(60, 200 * KIB));
    const before = snapshot(h);
    for (let stores = 1; stores < 4000; stores = Math.ceil(stores * 1.2)) {
      fuse.left = Number.POSITIVE_INFINITY;
      const fragile = h.attach(fusedArena(h.arena, fuse));
      fuse.left = stores;
      try {
        fragile.recover();
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
      }
      h.store = h.attach();
      expect(h.store.recover()).toBe(0);
      h.store.verify();
      expect(snapshot(h)).toEqual(before);
    }
  });

  test("what was half received, leased or orphaned when the owner died is accounted for", () => {
    const h = new StoreHarness(8 * MIB, {}, MIB);
    h.set("kept", "x".repeat(200_000));
    h.set("gone", "y".repeat(200_000));
    h.run(Op.lease, "kept", { requester: 1 });
    h.run(Op.lease, "gone", { requester: 1 });
    h.run(Op.delete, "gone");
    h.run(Op.uploadBegin, "half", { valueBytes: 150_000 });
    h.run(Op.uploadData, "", { handle: h.reply.handle, value: "z".repeat(100_000) });
    h.store = h.attach();
    expect(h.store.recover()).toBe(0);
    h.store.verify();
    expect(h.getWhole("kept")).toBe("x".repeat(200_000));
    h.store.releaseLeasesOf(1);
    h.store.verify();
    expect(h.getWhole("half")).toBe(null);
  });
});
