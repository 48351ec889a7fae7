/**
 * Model: random commands against the store and against a plain Map, with a clock moved by hand.
 *
 * Without pressure the two must agree exactly; in a shard that is far too small the store may have
 * lost an item, but what it returns must be what was stored last.
 */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GIB, KIB, MIB } from "../../src/base/unit.ts";
import { ArithmeticMode, Op, StoreMode } from "../../src/command/op.ts";
import { Status } from "../../src/command/status.ts";
import { StoreHarness } from "./store-harness.ts";

interface Known {
  value: string;
  clientFlags: number;
  exptime: number;
  cas: bigint;
}

type Command =
  | { kind: "store"; key: number; mode: number; bytes: number; flags: number; ttl: number }
  | { kind: "cas"; key: number; right: boolean; bytes: number }
  | { kind: "get" | "delete"; key: number }
  | { kind: "touch"; key: number; ttl: number }
  | { kind: "count"; key: number; mode: number; delta: number }
  | { kind: "number"; key: number; value: number }
  | { kind: "pass"; seconds: number }
  | { kind: "sweep" }
  | { kind: "flush" }
  | { kind: "recover" };

const key = fc.nat(40);
const ttl = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 20 }));

function commandOf(valueBytesMax: number): fc.Arbitrary<Command> {
  const bytes = fc.oneof(
    { weight: 6, arbitrary: fc.nat(200) },
    { weight: 1, arbitrary: fc.nat(valueBytesMax) },
  );
  const mode = fc.constantFrom(...Object.values(StoreMode));
  const flags = fc.constantFrom(0, 0, 7, 0xffff_ffff);
  return fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ kind: fc.constant("store" as const), key, mode, bytes, flags, ttl }),
    },
    { weight: 5, arbitrary: fc.record({ kind: fc.constant("get" as const), key }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("delete" as const), key }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("touch" as const), key, ttl }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("count" as const),
        key,
        mode: fc.constantFrom(...Object.values(ArithmeticMode)),
        delta: fc.nat(1000),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("number" as const), key, value: fc.nat(2000) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("cas" as const), key, right: fc.boolean(), bytes }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("pass" as const), seconds: fc.nat(9) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("sweep" as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("recover" as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("flush" as const) }) },
  ) as fc.Arbitrary<Command>;
}

/** Plays commands on both sides. */
class Play {
  readonly h: StoreHarness;
  readonly known = new Map<number, Known>();
  readonly exact: boolean;
  #serial = 0;

  constructor(h: StoreHarness, exact: boolean) {
    this.h = h;
    this.exact = exact;
  }

  /** What the model has of a key, expired items gone. */
  live(key: number): Known | undefined {
    const item = this.known.get(key);
    if (item !== undefined && item.exptime !== 0 && item.exptime <= this.h.clock.now) {
      this.known.delete(key);
      return undefined;
    }
    return item;
  }

  /**
   * Under pressure the store may have lost what the model has; then the model forgets it as well.
   */
  agree(key: number): Known | undefined {
    const item = this.live(key);
    if (this.exact || item === undefined) return item;
    if (this.h.run(Op.lease, `key-${key}`) === Status.hit) {
      this.h.run(Op.release, "", { handle: this.h.reply.handle });
      return item;
    }
    this.known.delete(key);
    return undefined;
  }

  text(bytes: number): string {
    const seed = `<${this.#serial++}>`;
    return seed.repeat(Math.ceil(bytes / seed.length)).slice(0, bytes);
  }

  play(command: Command): void {
    const h = this.h;
    if (command.kind === "pass") {
      h.pass(command.seconds);
      return;
    }
    if (command.kind === "sweep") {
      h.store.sweep(32 * KIB);
      return;
    }
    if (command.kind === "recover") {
      expect(h.store.recover()).toBe(0);
      return;
    }
    if (command.kind === "flush") {
      h.run(Op.flush, "");
      this.known.clear();
      return;
    }
    const name = `key-${command.key}`;
    const item = this.agree(command.key);
    switch (command.kind) {
      case "store":
        this.store(command.key, name, item, command);
        return;
      case "number": {
        const value = String(command.value);
        expect(h.set(name, value)).toBe(Status.stored);
        this.known.set(command.key, { value, clientFlags: 0, exptime: 0, cas: h.cas() });
        return;
      }
      case "cas": {
        const value = this.text(command.bytes);
        const cas = (item?.cas ?? 5n) + (command.right ? 0n : 1000n);
        const status = h.set(name, value, { cas });
        if (item === undefined) expect(status).toBe(Status.notFound);
        else if (!command.right) expect(status).toBe(Status.exists);
        else {
          this.stored(command.key, status, { value, clientFlags: 0, exptime: 0, cas: h.cas() });
        }
        return;
      }
      case "get":
        this.check(command.key, item);
        return;
      case "delete": {
        const status = h.run(Op.delete, name);
        expect(status).toBe(item === undefined ? Status.notFound : Status.deleted);
        this.known.delete(command.key);
        return;
      }
      case "touch": {
        const exptime = command.ttl === 0 ? 0 : h.clock.now + command.ttl;
        const status = h.run(Op.touch, name, { exptime });
        expect(status).toBe(item === undefined ? Status.notFound : Status.touched);
        if (item !== undefined) item.exptime = exptime;
        return;
      }
      case "count":
        this.count(command.key, name, item, command.mode, BigInt(command.delta));
    }
  }

  store(
    key: number,
    name: string,
    item: Known | undefined,
    command: Extract<Command, { kind: "store" }>,
  ): void {
    const { mode } = command;
    const value = this.text(command.bytes);
    const exptime = command.ttl === 0 ? 0 : this.h.clock.now + command.ttl;
    const clientFlags = command.flags;
    const status = this.h.set(name, value, { mode, clientFlags, exptime });
    const next: Known = { value, clientFlags, exptime, cas: this.h.cas() };
    if (mode === StoreMode.append || mode === StoreMode.prepend) {
      if (item === undefined) {
        expect(status).toBe(Status.notStored);
        return;
      }
      next.value = mode === StoreMode.append ? item.value + value : value + item.value;
      next.clientFlags = item.clientFlags;
      next.exptime = item.exptime;
      const total = 48 + name.length + 1 + 8 + next.value.length + 2 + 4;
      if (status === Status.notStored && total > this.h.plan.itemBytesMax) return;
      if (status === Status.notStored && !this.exact) {
        this.known.delete(key);
        return;
      }
    } else if (mode !== StoreMode.set && (mode === StoreMode.add) !== (item === undefined)) {
      expect(status).toBe(Status.notStored);
      return;
    }
    this.stored(key, status, next);
  }

  stored(key: number, status: number, next: Known): void {
    if (!this.exact && status !== Status.stored) {
      expect([Status.notStored, Status.notFound]).toContain(status);
      this.known.delete(key);
      return;
    }
    expect(status).toBe(Status.stored);
    this.known.set(key, next);
  }

  count(key: number, name: string, item: Known | undefined, mode: number, delta: bigint): void {
    const status = this.h.run(Op.arithmetic, name, { mode, delta });
    if (item === undefined) {
      expect(status).toBe(Status.notFound);
      return;
    }
    if (!/^\d+ *$/.test(item.value)) {
      expect(status).toBe(Status.nonNumeric);
      return;
    }
    if (!this.exact && status === Status.notFound) {
      this.known.delete(key);
      return;
    }
    expect(status).toBe(Status.stored);
    const before = BigInt(item.value.trimEnd());
    let number = mode === ArithmeticMode.increment ? before + delta : before - delta;
    if (number < 0n) number = 0n;
    const digits = String(number);
    const value = digits.length > item.value.length ? digits : digits.padEnd(item.value.length);
    this.known.set(key, { ...item, value, cas: this.h.cas() });
  }

  check(key: number, item: Known | undefined): void {
    const found = this.read(`key-${key}`);
    if (item === undefined) {
      expect(found === null).toBe(true);
      return;
    }
    expect(found === item.value).toBe(true);
    expect(this.h.reply.clientFlags).toBe(item.clientFlags);
    expect(this.h.reply.exptime).toBe(item.exptime);
    expect(this.h.cas()).toBe(item.cas);
  }

  read(name: string): string | null {
    return this.h.getWhole(name);
  }
}

interface Run {
  readonly itemBytes: number;
  readonly valueBytesMax: number;
  readonly exact: boolean;
  readonly runs: number;
  readonly farBytes?: number;
}

function run({ itemBytes, valueBytesMax, exact, runs, farBytes = 0 }: Run): void {
  fc.assert(
    fc.property(fc.array(commandOf(valueBytesMax), { maxLength: 300, size: "max" }), (commands) => {
      const play = new Play(new StoreHarness(itemBytes, {}, 256 * KIB, farBytes), exact);
      if (!exact) for (let i = 0; i < 3000; i++) play.h.set(`fill-${i}`, "f".repeat(150));
      let fill = 0;
      for (const command of commands) {
        play.play(command);
        if (!exact) for (let i = 0; i < 20; i++) play.h.set(`more-${fill++}`, "m".repeat(i * 30));
        play.h.store.verify();
      }
      for (let key = 0; key <= 40; key++) play.check(key, play.agree(key));
    }),
    { numRuns: runs },
  );
}

describe("Store against a Map", () => {
  test("small and large values, nothing evicted: exactly the same", () => {
    run({ itemBytes: 32 * MIB, valueBytesMax: 100 * KIB, exact: true, runs: 40 });
  });

  test("under eviction pressure: what is found is what was stored last", () => {
    run({ itemBytes: MIB, valueBytesMax: 60 * KIB, exact: false, runs: 12 });
  });

  test("where byte offsets are no 31-bit numbers", () => {
    const farBytes = 3 * GIB;
    run({ itemBytes: 8 * MIB, valueBytesMax: 60 * KIB, exact: true, runs: 6, farBytes });
  });
});
