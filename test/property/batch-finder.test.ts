/**
 * A batch of plain gets and a get for each key: whatever random content the shards have, a batch
 * that says hit or miss says what StoreReader says, with the same value, client flags and CAS; and
 * of a content that is plain it says it of every key.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KeyHash, shardOf } from "../../src/base/key-hash.ts";
import { KIB, MIB } from "../../src/base/unit.ts";
import { BATCH_KEYS_MAX } from "../../src/command/get-batch.ts";
import { DeleteMode, Op, StoreMode } from "../../src/command/op.ts";
import { Mark } from "../../src/command/request.ts";
import { BUCKETS_MIN } from "../../src/store/key-index.ts";
import { ReadOutcome } from "../../src/store/read-outcome.ts";
import { StoreReader } from "../../src/store/store-reader.ts";
import { SEED_HIGH, SEED_LOW, StoreHarness } from "../model/store-harness.ts";
import { BatchLookup } from "../support/batch-lookup.ts";
import { strangers, twins } from "../support/key-picker.ts";

/** No two of them share bucket and tag, so none is ever busy on account of another. */
const STRANGERS = strangers(new KeyHash(SEED_LOW, SEED_HIGH), BUCKETS_MIN, 2120);
/** Those that are read, and those that make the index grow. */
const KEYS = STRANGERS.slice(0, 120);
const CROWD = STRANGERS.slice(120);
/** Pairs that do share both, behind the others: where one is met first, the other is busy. */
const TWINS = ["a", "b", "c", "d"].flatMap((name) => {
  const hash = new KeyHash(SEED_LOW, SEED_HIGH);
  const first = (serial: number) => `${name}-${serial}`;
  return twins(hash, BUCKETS_MIN, first, (serial) => `${name}+${serial}`);
});
const NAMES = [...KEYS, ...TWINS];
const { hit, busy } = ReadOutcome;

type Command =
  | { kind: "set"; key: number; bytes: number; flags: number; ttl: number; marks: number }
  | { kind: "append" | "delete" | "stale" | "vivify"; key: number }
  | { kind: "touch"; key: number; ttl: number }
  | { kind: "pass"; seconds: number }
  | { kind: "flush"; wait: number }
  | { kind: "crowd"; items: number }
  | { kind: "sweep" }
  | { kind: "read"; keys: number[] };

const key = fc.nat(NAMES.length - 1);
const stranger = fc.nat(KEYS.length - 1);
const ttl = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 20 }));
const flags = fc.constantFrom(0, 0, 7, 0xffff_ffff);

function kind<T extends string>(name: T): { kind: fc.Arbitrary<T> } {
  return { kind: fc.constant(name) };
}

function setOf(
  key: fc.Arbitrary<number>,
  bytes: fc.Arbitrary<number>,
  ttl: fc.Arbitrary<number>,
  marks: fc.Arbitrary<number>,
) {
  return fc.record({ ...kind("set"), key, bytes, flags, ttl, marks });
}

function readOf(key: fc.Arbitrary<number>) {
  const keys = fc.array(key, { minLength: 1, maxLength: BATCH_KEYS_MAX, size: "max" });
  return fc.record({ ...kind("read"), keys });
}

const small = fc.nat(300);
const anyBytes = fc.oneof(
  { weight: 12, arbitrary: small },
  { weight: 2, arbitrary: fc.nat(20 * KIB) },
  { weight: 1, arbitrary: fc.nat(90 * KIB) },
);
const marks = fc.constantFrom(0, 0, 0, 0, Mark.binaryKey);
const none = fc.constant(0);
const crowd = fc.record({ ...kind("crowd"), items: fc.nat(CROWD.length) });

/** Everything that may happen to a shard. */
const anything: fc.Arbitrary<Command> = fc.oneof(
  { weight: 12, arbitrary: setOf(key, anyBytes, ttl, marks) },
  { weight: 6, arbitrary: readOf(key) },
  { weight: 3, arbitrary: fc.record({ ...kind("delete"), key }) },
  { weight: 2, arbitrary: fc.record({ ...kind("touch"), key, ttl }) },
  { weight: 1, arbitrary: fc.record({ ...kind("append"), key }) },
  { weight: 1, arbitrary: fc.record({ ...kind("stale"), key }) },
  { weight: 1, arbitrary: fc.record({ ...kind("vivify"), key }) },
  { weight: 2, arbitrary: fc.record({ ...kind("pass"), seconds: fc.nat(8) }) },
  { weight: 1, arbitrary: fc.record({ ...kind("flush"), wait: fc.nat(5) }) },
  { weight: 1, arbitrary: crowd },
  { weight: 1, arbitrary: fc.record(kind("sweep")) },
);

/** What leaves every item as plain as it was stored. */
const plain: fc.Arbitrary<Command> = fc.oneof(
  { weight: 12, arbitrary: setOf(stranger, small, none, none) },
  { weight: 6, arbitrary: readOf(stranger) },
  { weight: 3, arbitrary: fc.record({ ...kind("delete"), key: stranger }) },
  { weight: 1, arbitrary: fc.record({ ...kind("pass"), seconds: fc.nat(8) }) },
  { weight: 1, arbitrary: crowd },
);

/**
 * Shards, each in memory of its own, and their readers: an owner's, and those of another thread.
 */
class Shards {
  readonly stores: StoreHarness[];
  readonly hash = new KeyHash(SEED_LOW, SEED_HIGH);
  readonly sides: { readers: StoreReader[]; lookup: BatchLookup }[];
  busy = 0;
  #serial = 0;

  constructor(count: number, itemBytes: number) {
    this.stores = Array.from({ length: count }, () => new StoreHarness(itemBytes, {}, 128 * KIB));
    this.sides = [true, false].map((own) => {
      const readers = this.stores.map((h) => {
        const reader = new StoreReader(h.arena, h.base, h.clock);
        reader.setOwner(own);
        return reader;
      });
      const finders = readers.map((reader) => reader.batches);
      return { readers, lookup: new BatchLookup(finders, this.hash) };
    });
  }

  play(command: Command): void {
    switch (command.kind) {
      case "read":
        this.#read(command.keys.map((key) => NAMES[key] as string));
        return;
      case "pass":
        for (const h of this.stores) h.pass(command.seconds);
        return;
      case "flush":
        for (const h of this.stores) h.run(Op.flush, "", { exptime: h.clock.now + command.wait });
        return;
      case "crowd":
        for (const key of CROWD.slice(0, command.items)) this.#of(key).set(key, "");
        return;
      case "sweep":
        for (const h of this.stores) h.store.sweep(64 * KIB);
        return;
      default:
        this.#change(command, NAMES[command.key] as string);
    }
  }

  #of(key: string): StoreHarness {
    const bytes = Buffer.from(key, "latin1");
    this.hash.update(bytes, 0, bytes.length);
    return this.stores[shardOf(this.hash.high, this.stores.length)] as StoreHarness;
  }

  #change(command: Command & { key: number }, key: string): void {
    const h = this.#of(key);
    const serial = `[${this.#serial++}]`;
    if (command.kind === "set") {
      const { bytes, flags, ttl, marks } = command;
      const value = serial.repeat(Math.ceil(bytes / serial.length)).slice(0, bytes);
      const exptime = ttl === 0 ? 0 : h.clock.now + ttl;
      h.set(key, value, { clientFlags: flags, exptime, marks });
    } else if (command.kind === "touch") {
      h.run(Op.touch, key, { exptime: command.ttl === 0 ? 0 : h.clock.now + command.ttl });
    } else if (command.kind === "append") {
      h.set(key, serial, { mode: StoreMode.append });
    } else if (command.kind === "delete") {
      h.run(Op.delete, key);
    } else if (command.kind === "stale") {
      h.run(Op.delete, key, { mode: DeleteMode.invalidate });
    } else {
      h.run(Op.fetch, key, { vivifyExptime: h.clock.now + 10 });
    }
  }

  /**
   * Reads a batch as owner and as another thread, and holds each answer to that of a single get.
   */
  #read(keys: string[]): void {
    for (const { readers, lookup } of this.sides) {
      const answers: string[] = [];
      const expected: string[] = [];
      lookup.seek(keys);
      keys.forEach((key, at) => {
        const outcome = lookup.accept(at);
        if (outcome === busy) {
          this.busy++;
          return;
        }
        const found = outcome === hit ? shown(key, lookup, at) : `${key} missed`;
        answers.push(lookup.confirm(at) ? found : `${key} not confirmed`);
        const h = this.#of(key);
        h.reader = readers[this.stores.indexOf(h)] as StoreReader;
        const value = h.get(key);
        const { clientFlags } = h.reply;
        expected.push(
          value === null ? `${key} missed` : `${key} ${clientFlags} ${h.cas()} ${value}`,
        );
      });
      expect(answers).toEqual(expected);
    }
  }
}

/** What a batch found of a key. */
function shown(key: string, lookup: BatchLookup, at: number): string {
  return `${key} ${lookup.finder(at).clientFlags} ${lookup.cas(at)} ${lookup.value(at)}`;
}

function commands(one: fc.Arbitrary<Command>): fc.Arbitrary<Command[]> {
  return fc.array(one, { minLength: 1, maxLength: 120, size: "max" });
}
const ALL_STRANGERS: Command[] = [
  { kind: "read", keys: [...KEYS.keys()].slice(0, BATCH_KEYS_MAX) },
  { kind: "read", keys: [...KEYS.keys()].slice(BATCH_KEYS_MAX) },
];
const shardCount = fc.integer({ min: 1, max: 3 });

describe("BatchFinder, through BatchSearch", () => {
  test("says what StoreReader says, or busy", () => {
    fc.assert(
      fc.property(shardCount, commands(anything), (count, played) => {
        const shards = new Shards(count, MIB);
        for (const command of [...played, ...ALL_STRANGERS]) shards.play(command);
        for (const h of shards.stores) h.store.verify();
      }),
      { numRuns: 120 },
    );
  });

  test("is never busy where every item is plain", () => {
    fc.assert(
      fc.property(shardCount, commands(plain), (count, played) => {
        const shards = new Shards(count, MIB);
        for (const command of [...played, ...ALL_STRANGERS]) shards.play(command);
        expect(shards.busy).toBe(0);
      }),
      { numRuns: 80 },
    );
  });
});
