import { describe, expect, test } from "vitest";
import { Op } from "../../../src/command/op.ts";
import { Reply } from "../../../src/command/reply.ts";
import { Dialect, Request } from "../../../src/command/request.ts";
import { Status } from "../../../src/command/status.ts";
import { Counter } from "../../../src/memory/counters.ts";
import { SharedMemory } from "../../../src/primary/shared-memory.ts";
import { ThreadMemory } from "../../../src/worker/thread-memory.ts";
import { loadFrom } from "../config/load-from.ts";

/** More than -m 8 holds, so that the small queue has turned over when all are set. */
const KEYS = 12_000;
const VALUE = Buffer.alloc(1000);

/** A worker's memory as a start with `flags` gives it. */
function worker(flags: readonly string[]): ThreadMemory {
  const { settings } = loadFrom({ args: ["-t", "1", ...flags] });
  const memory = new SharedMemory(settings, "node");
  return new ThreadMemory(memory.dataOf(0, 0, { bells: [], listeners: [] }), null);
}

/** Items that got from the small to the main queue when each was read so often right after its set. */
function promotions(memory: ThreadMemory, reads: number): number {
  const store = memory.openStore(0);
  const { hash } = memory;
  const reply = new Reply(VALUE);
  const ask = (op: Op, key: string) => {
    const input = Buffer.concat([Buffer.from(key), VALUE]);
    const request = new Request(input);
    request.begin(op, Dialect.text, input);
    request.keyStart = 0;
    request.keyEnd = key.length;
    request.valueStart = key.length;
    request.valueEnd = input.length;
    hash.update(input, 0, key.length);
    request.hashLow = hash.low;
    request.hashHigh = hash.high;
    store.execute(request, reply);
  };
  for (let i = 0; i < KEYS; i++) {
    ask(Op.store, `key-${i}`);
    expect(reply.status).toBe(Status.stored);
    for (let read = 0; read < reads; read++) ask(Op.get, `key-${i}`);
  }
  return memory.counters.value(Counter.promotions);
}

describe("--promote-hits: an item read as often as it says is promoted, no other", () => {
  for (const wanted of [1, 2, 3]) {
    for (const reads of [0, 1, 2, 3]) {
      const kept = reads >= wanted;
      test(`--promote-hits ${wanted}: items read ${reads} times are ${kept ? "" : "not "}promoted`, () => {
        const memory = worker(["-m", "8", "--promote-hits", String(wanted)]);
        const promoted = promotions(memory, reads);
        if (kept) expect(promoted).toBeGreaterThan(KEYS / 4);
        else expect(promoted).toBe(0);
      });
    }
  }
});
