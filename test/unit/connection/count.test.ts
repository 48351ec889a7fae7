import { describe, expect, test } from "vitest";
import { Op, StoreMode } from "../../../src/command/op.ts";
import { ItemMark, Reply } from "../../../src/command/reply.ts";
import { Dialect, Mark, Request } from "../../../src/command/request.ts";
import { Status } from "../../../src/command/status.ts";
import { countOutcome } from "../../../src/connection/count.ts";
import { Arena } from "../../../src/memory/arena.ts";
import { COUNTERS_BYTES, Counter, Counters } from "../../../src/memory/counters.ts";

type Moves = Partial<Record<keyof typeof Counter, number>>;

/** What an outcome moves. */
function moved(op: Op, marks: number, status: Status, replyMarks: number, mode = 0): Moves {
  const counters = new Counters(new Arena(new SharedArrayBuffer(COUNTERS_BYTES)), 0);
  const request = new Request(new Uint8Array(0));
  request.begin(op, Dialect.text, request.bytes);
  request.marks = marks;
  request.mode = mode as typeof request.mode;
  const reply = new Reply(request.bytes);
  reply.status = status;
  reply.marks = replyMarks;
  countOutcome(counters, request, reply);
  const moves: Moves = {};
  for (const [name, counter] of Object.entries(Counter)) {
    const value = counters.value(counter);
    if (value !== 0) moves[name as keyof typeof Counter] = value;
  }
  return moves;
}

describe("countOutcome()", () => {
  for (const [what, op, marks, misses] of [
    ["get", Op.get, 0, { cmdGet: 1, getMisses: 1 }],
    ["gat", Op.fetch, Mark.exptime, { cmdTouch: 1, touchMisses: 1 }],
    ["me", Op.inspect, 0, { cmdMeta: 1 }],
  ] as const) {
    test(`${what} counts the dead item it meets, expired or flushed`, () => {
      expect(moved(op, marks, Status.miss, 0)).toEqual(misses);
      const expired = moved(op, marks, Status.miss, ItemMark.expired);
      expect(expired).toEqual({ ...misses, getExpired: 1 });
      const flushed = moved(op, marks, Status.miss, ItemMark.flushed);
      expect(flushed).toEqual({ ...misses, getFlushed: 1 });
    });
  }

  for (const [mode, moves] of [
    ["set", { cmdSet: 1, casBadval: 1 }],
    ["replace", { cmdSet: 1, casBadval: 1 }],
    ["append", { cmdSet: 1 }],
    ["prepend", { cmdSet: 1 }],
  ] as const) {
    test(`a ${mode} with a wrong CAS`, () => {
      const marks = Mark.compareCas;
      expect(moved(Op.store, marks, Status.exists, 0, StoreMode[mode])).toEqual(moves);
    });
  }
});
