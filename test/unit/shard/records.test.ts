import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ServerSeconds } from "../../../src/base/unit.ts";
import { Op } from "../../../src/command/op.ts";
import { Reply } from "../../../src/command/reply.ts";
import { Mark, Request } from "../../../src/command/request.ts";
import { Status } from "../../../src/command/status.ts";
import { Arena } from "../../../src/memory/arena.ts";
import { readReply, writeReply, writeStatus } from "../../../src/shard/reply-record.ts";
import {
  readRequest,
  recordValueBytesMax,
  requestRecordBytes,
  writeRequest,
} from "../../../src/shard/request-record.ts";
import { poison } from "../../../src/worker/poison.ts";

const word = fc.integer({ min: 0, max: 0xffff_ffff });
const POSITION = 64;

/** Fields a record carries whatever its width, and those of a wide one. */
const NARROW = ["op", "mode", "marks", "clientFlags", "exptime", "handle"] as const;
const WIDE = [
  ...["casLow", "casHigh", "newCasLow", "newCasHigh", "deltaLow", "deltaHigh"],
  ...["initialLow", "initialHigh", "vivifyExptime", "recacheExptime"],
] as const;

describe("a request record", () => {
  test("gives back every field that was written", () => {
    fc.assert(
      fc.property(
        fc.record({
          op: fc.integer({ min: 1, max: 15 }),
          mode: fc.integer({ min: 0, max: 4 }),
          marks: fc.integer({ min: 0, max: 0x1f_ffff }),
          key: fc.uint8Array({ maxLength: 250 }),
          value: fc.uint8Array({ maxLength: 300 }),
          words: fc.array(word, { minLength: 14, maxLength: 14 }),
          valueBytes: fc.integer({ min: 0, max: 2 ** 40 }),
        }),
        (sample) => {
          const sent = new Request(new Uint8Array([...sample.value]));
          sent.keyBytes = new Uint8Array([0, ...sample.key]);
          sent.keyStart = 1;
          sent.keyEnd = 1 + sample.key.length;
          sent.valueEnd = sample.value.length;
          sent.valueBytes = sample.valueBytes;
          sent.hashLow = (sample.words[0] as number) | 0;
          sent.hashHigh = (sample.words[1] as number) | 0;
          const fields = sent as unknown as Record<string, number>;
          ["clientFlags", "exptime", "handle", ...WIDE].forEach((field, at) => {
            fields[field] = sample.words[at + 1] as number;
          });
          Object.assign(sent, {
            op: sample.op,
            mode: sample.mode,
            marks: sample.marks,
          });

          const arena = new Arena(new SharedArrayBuffer(2048));
          const bytes = requestRecordBytes(sent);
          expect(bytes % 8).toBe(0);
          arena.words[POSITION >>> 2] = bytes;
          writeRequest(arena, POSITION, sent);
          const got = new Request(new Uint8Array(0));
          poison(got);
          readRequest(arena, POSITION, got);

          for (const field of [...NARROW, "hashLow", "hashHigh", "valueBytes"] as const) {
            expect(got[field], field).toBe(sent[field]);
          }
          expect(got.keyBytes.slice(got.keyStart, got.keyEnd)).toEqual(sample.key);
          expect(got.bytes.slice(got.valueStart, got.valueEnd)).toEqual(sample.value);
          const wideMarks = Mark.compareCas | Mark.explicitCas | Mark.vivify | Mark.recache;
          const isWide = sample.op === Op.arithmetic || (sample.marks & wideMarks) !== 0;
          for (const field of WIDE) {
            const expected = isWide ? fields[field] : 0;
            expect((got as unknown as typeof fields)[field], field).toBe(expected);
          }
        },
      ),
    );
  });

  for (const ringBytes of [512, 4096, 65_536]) {
    test(`of the largest value of a ring of ${ringBytes} bytes is no larger than the ring`, () => {
      const request = new Request(new Uint8Array(0));
      request.op = Op.arithmetic;
      request.keyEnd = 250;
      request.valueEnd = recordValueBytesMax(ringBytes);
      expect(requestRecordBytes(request)).toBeLessThanOrEqual(ringBytes);
    });
  }
});

describe("a reply record", () => {
  const FIELDS = [
    ...["casLow", "casHigh", "clientFlags", "exptime", "accessed", "valueBytes", "numberLow"],
    ...["numberHigh", "totalBytes", "handle", "valueStart"],
  ] as const;

  test("gives back every field that was written", () => {
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 11, maxLength: 11 }),
        fc.integer({ min: 0, max: 13 }),
        fc.integer({ min: 0, max: 0xffff }),
        fc.integer({ min: 0, max: 3 }),
        (words, status, marks, queue) => {
          const sent = new Reply(new Uint8Array(0));
          Object.assign(sent, { status, marks, queue });
          FIELDS.forEach((field, at) => {
            (sent as unknown as Record<string, unknown>)[field] = words[at];
          });
          const arena = new Arena(new SharedArrayBuffer(128));
          writeReply(arena, POSITION, sent);
          const got = new Reply(sent.value);
          readReply(arena, POSITION, got);
          expect(got).toEqual(sent);
        },
      ),
    );
  });

  test("that is a status alone leaves nothing of the slot's last reply", () => {
    const arena = new Arena(new SharedArrayBuffer(128));
    arena.words.fill(0xffff_ffff);
    writeStatus(arena, POSITION, Status.ownerLost);
    const got = new Reply(new Uint8Array(0));
    got.exptime = 9 as ServerSeconds;
    readReply(arena, POSITION, got);
    const blank = new Reply(got.value);
    blank.status = Status.ownerLost;
    expect(got).toEqual(blank);
  });
});
