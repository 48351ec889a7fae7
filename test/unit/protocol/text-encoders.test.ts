import { describe, expect, test } from "vitest";
import { ItemMark, type Reply } from "../../../src/command/reply.ts";
import { Status, WireError } from "../../../src/command/status.ts";
import { ERROR_LINES } from "../../../src/protocol/error-lines.ts";
import { NOW, replyTo } from "../../support/spoken.ts";

type Outcome = Partial<Reply>;
type Row = readonly [text: string, outcome: Outcome, reply: string, value?: string];

/**
 * Each row as it stands, and once more from what was saved of the request: a reply must not tell
 * the difference.
 */
function table(name: string, rows: readonly Row[]): void {
  describe(name, () => {
    for (const [text, outcome, reply, value] of rows) {
      const shown = JSON.stringify(text.slice(0, 60));
      test(`${shown} is answered ${JSON.stringify(reply.slice(0, 60))}`, () => {
        expect(replyTo(text, outcome, value)).toBe(reply);
        expect(replyTo(text, outcome, value, true)).toBe(reply);
      });
    }
  });
}

const hit = { status: Status.hit };
const miss = { status: Status.miss };
const stored = { status: Status.stored };
const notStored = { status: Status.notStored };
const exists = { status: Status.exists };
const notFound = { status: Status.notFound };
const nonNumeric = { status: Status.nonNumeric };
const outOfMemory = { status: Status.outOfMemory };
const number = { status: Status.stored, numberHigh: 0, numberLow: 10 };
const cas = { casLow: 7, casHigh: 0 };
const SET = "set foo 0 0 3\r\nbar\r\n";
const MS = "ms foo 3 k c s O9\r\nbar\r\n";

table("classic retrieval", [
  ["get foo\r\n", hit, "VALUE foo 0 3\r\nbar\r\nEND\r\n", "bar"],
  ["get foo\r\n", { ...hit, clientFlags: 4294967295 }, "VALUE foo 4294967295 0\r\n\r\nEND\r\n"],
  ["gets foo\r\n", { ...hit, ...cas }, "VALUE foo 0 1 7\r\nx\r\nEND\r\n", "x"],
  [
    "gets foo\r\n",
    { ...hit, casLow: -1, casHigh: -1 },
    "VALUE foo 0 1 18446744073709551615\r\nx\r\nEND\r\n",
    "x",
  ],
  ["get foo\r\n", miss, "END\r\n"],
  ["get foo bar\r\n", hit, "VALUE foo 0 1\r\nx\r\n", "x"],
  ["get foo bar\r\n", miss, ""],
  ["gat 0 foo\r\n", hit, "VALUE foo 0 1\r\nx\r\nEND\r\n", "x"],
  ["gat 0 foo\r\n", miss, "END\r\n"],
  ["gats 0 foo bar\r\n", { ...hit, ...cas }, "VALUE foo 0 1 7\r\nx\r\n", "x"],
]);

table("classic storage", [
  [SET, stored, "STORED\r\n"],
  [SET, notStored, "NOT_STORED\r\n"],
  [SET, exists, "EXISTS\r\n"],
  [SET, notFound, "NOT_FOUND\r\n"],
  [SET, { status: Status.tooLarge }, "SERVER_ERROR object too large for cache\r\n"],
  [SET, outOfMemory, "SERVER_ERROR out of memory storing object\r\n"],
  [SET, { status: Status.ownerLost }, lineOf(WireError.ownerLost)],
  ["set foo 0 0 3 noreply\r\nbar\r\n", stored, ""],
  ["set foo 0 0 3 noreply\r\nbar\r\n", outOfMemory, ""],
  ["set f 0 0 2000000\r\n", notFound, "SERVER_ERROR object too large for cache\r\n"],
  ["set f 0 0 2000000 noreply\r\n", notFound, ""],
]);

table("classic mutations", [
  ["delete foo\r\n", { status: Status.deleted }, "DELETED\r\n"],
  ["delete foo\r\n", notFound, "NOT_FOUND\r\n"],
  ["delete foo noreply\r\n", notFound, ""],
  ["touch foo 0\r\n", { status: Status.touched }, "TOUCHED\r\n"],
  ["touch foo 0\r\n", notFound, "NOT_FOUND\r\n"],
  ["incr foo 1\r\n", number, "10\r\n"],
  ["incr foo 1\r\n", { ...number, numberHigh: -1, numberLow: -1 }, "18446744073709551615\r\n"],
  ["incr foo 1\r\n", notFound, "NOT_FOUND\r\n"],
  ["decr foo 1 noreply\r\n", number, ""],
  ["incr foo 1\r\n", nonNumeric, lineOf(WireError.nonNumeric)],
  ["incr foo 1\r\n", outOfMemory, "SERVER_ERROR out of memory\r\n"],
]);

table("small commands", [
  ["version\r\n", {}, "VERSION 1.6.45\r\n"],
  ["verbosity 1\r\n", {}, "OK\r\n"],
  ["verbosity 1 noreply\r\n", {}, ""],
  ["flush_all\r\n", {}, "OK\r\n"],
  ["cache_memlimit 64\r\n", {}, "OK\r\n"],
  ["quit\r\n", {}, ""],
  ["mn\r\n", {}, "MN\r\n"],
]);

const item = { ...hit, ...cas, clientFlags: 5, exptime: NOW, accessed: NOW };
const at = (seconds: number) => (NOW + seconds) as typeof NOW;

table("mg", [
  ["mg foo\r\n", hit, "HD\r\n"],
  ["mg foo v\r\n", hit, "VA 3\r\nbar\r\n", "bar"],
  ["mg foo v\r\n", hit, "VA 0\r\n\r\n", ""],
  ["mg foo s v f\r\n", item, "VA 3 s3 f5\r\nbar\r\n", "bar"],
  ["mg foo k O123 c s\r\n", item, "HD kfoo O123 c7 s3\r\n", "bar"],
  ["mg foo t\r\n", { ...item, exptime: at(30) }, "HD t30\r\n"],
  ["mg foo t\r\n", { ...item, exptime: at(-100) }, "HD t-1\r\n"],
  ["mg foo t\r\n", { ...item, exptime: at(-99) }, "HD t0\r\n"],
  ["mg foo h l\r\n", { ...item, accessed: at(-9) }, "HD h0 l9\r\n"],
  ["mg foo l h\r\n", { ...item, marks: ItemMark.fetched }, "HD l0 h1\r\n"],
  ["mg foo q\r\n", hit, "HD\r\n"],
  ["mg foo v q\r\n", hit, "VA 1\r\nx\r\n", "x"],
  ["mg foo u T30 P1 Lx O\r\n", hit, "HD O\r\n"],
  ["mg foo C7 v\r\n", item, "HD\r\n", "bar"],
  ["mg foo C8 v c\r\n", item, "VA 3 c7\r\nbar\r\n", "bar"],
  ["mg foo\r\n", miss, "EN\r\n"],
  ["mg foo k v O123 t\r\n", miss, "EN kfoo O123\r\n"],
  ["mg foo O123 k q\r\n", miss, ""],
  ["mg Zm9v b k\r\n", miss, "EN kZm9v b\r\n"],
  ["mg Zm9v b k\r\n", hit, "HD kfoo\r\n"],
  ["mg Zm9v b\r\n", hit, "HD\r\n"],
  ["mg foo k O1\r\n", { ...hit, marks: ItemMark.binaryKey }, "HD kZm9v b O1\r\n"],
  ["mg foo N30 v\r\n", { ...hit, marks: ItemMark.won }, "VA 0 W\r\n\r\n", ""],
  ["mg foo\r\n", { ...hit, marks: ItemMark.tokenSent }, "HD Z\r\n"],
  ["mg foo c\r\n", { ...item, marks: ItemMark.stale | ItemMark.won }, "HD c7 X W\r\n"],
  ["mg foo\r\n", { ...hit, marks: ItemMark.stale | ItemMark.tokenSent }, "HD Z X\r\n"],
  [
    "mg foo\r\n",
    { ...hit, marks: ItemMark.stale | ItemMark.tokenSent | ItemMark.won },
    "HD X W\r\n",
  ],
]);

table("ms", [
  ["ms foo 3\r\nbar\r\n", stored, "HD\r\n"],
  [MS, { ...stored, ...cas }, "HD kfoo c7 s6 O9\r\n", "foobar"],
  [MS, notStored, "NS kfoo c0 s3 O9\r\n"],
  [MS, exists, "EX kfoo c0 s3 O9\r\n"],
  [MS, notFound, "NF kfoo c0 s3 O9\r\n"],
  ["ms foo 3 MA C1\r\nbar\r\n", notFound, "NS\r\n"],
  ["ms foo 3 q k\r\nbar\r\n", stored, ""],
  ["ms foo 3 q k\r\nbar\r\n", notStored, "NS kfoo\r\n"],
  ["ms Zm9v 3 b k\r\nbar\r\n", stored, "HD kZm9v b\r\n"],
  ["ms foo 3 q\r\nbar\r\n", outOfMemory, lineOf(WireError.outOfMemoryStoring)],
  ["ms foo 3 q\r\nbar\r\n", { status: Status.tooLarge }, lineOf(WireError.tooLarge)],
  ["ms foo 2000000 q\r\n", notFound, lineOf(WireError.tooLarge)],
  ["ms foo 3 t f v h l\r\nbar\r\n", stored, "HD\r\n"],
]);

table("md", [
  ["md foo\r\n", { status: Status.deleted }, "HD\r\n"],
  ["md foo I\r\n", stored, "HD\r\n"],
  ["md foo q k\r\n", { status: Status.deleted }, ""],
  ["md foo q k O1 c\r\n", notFound, "NF kfoo O1\r\n"],
  ["md foo C1\r\n", exists, "EX\r\n"],
  ["md foo x\r\n", notStored, "NS\r\n"],
  ["md foo x\r\n", outOfMemory, "SERVER_ERROR out of memory\r\n"],
]);

table("ma", [
  ["ma foo\r\n", number, "HD\r\n"],
  ["ma foo v\r\n", number, "VA 2\r\n10\r\n"],
  [
    "ma foo O1 t v c k\r\n",
    { ...number, ...cas, exptime: at(30) },
    "VA 2 O1 t30 c7 kfoo\r\n10\r\n",
  ],
  ["ma foo v q\r\n", number, ""],
  ["ma foo q k O1 t\r\n", notFound, "NF kfoo O1\r\n"],
  ["ma foo q\r\n", notStored, "NS\r\n"],
  ["ma foo q C9\r\n", exists, "EX\r\n"],
  ["ma foo q\r\n", nonNumeric, lineOf(WireError.nonNumeric)],
  ["ma foo q\r\n", outOfMemory, "SERVER_ERROR out of memory\r\n"],
  [
    "ma foo q N0\r\n",
    { ...outOfMemory, marks: ItemMark.created },
    "SERVER_ERROR Out of memory allocating new item\r\n",
  ],
]);

table("me", [
  ["me foo\r\n", miss, "EN\r\n"],
  [
    "me foo\r\n",
    { ...item, exptime: at(30), accessed: at(-4), totalBytes: 63, queue: 2 },
    "ME foo exp=30 la=4 cas=7 fetch=no cls=2 size=63\r\n",
  ],
  [
    "me Zm9v b\r\n",
    { ...item, exptime: at(-100), marks: ItemMark.fetched | ItemMark.binaryKey, queue: 1 },
    "ME Zm9v exp=-1 la=0 cas=7 fetch=yes cls=1 size=0\r\n",
  ],
]);

function lineOf(error: WireError): string {
  return Buffer.from(ERROR_LINES[error] as Uint8Array).toString("latin1");
}

describe("every wire error", () => {
  for (const [name, error] of Object.entries(WireError)) {
    test(`${name} has a line of text`, () => {
      expect(lineOf(error)).toMatch(/^((CLIENT_|SERVER_)?ERROR[ :\r]|MEMLIMIT_|\r).*\n$/s);
    });
  }

  for (const [text, reply] of [
    ["bogus\r\n", "ERROR\r\n"],
    ["bogus noreply\r\n", ""],
    ["get\r\n", "CLIENT_ERROR bad command line format\r\n"],
    ["gat x foo\r\n", "CLIENT_ERROR invalid exptime argument\r\n"],
    ["incr foo x\r\n", "CLIENT_ERROR invalid numeric delta argument\r\n"],
    ["incr foo noreply\r\n", ""],
    ["set foo 0 0 3\r\nbarba\r\n", "CLIENT_ERROR bad data chunk\r\n"],
    ["ms foo 3 q\r\nbarba\r\n", "CLIENT_ERROR bad data chunk\r\n"],
    ["mg foo q S\r\n", "CLIENT_ERROR invalid flag\r\n"],
    ["mg foo v v\r\n", "CLIENT_ERROR duplicate flag\r\n"],
    ["ma foo v v\r\n", "CLIENT_ERROR invalid or duplicate flag\r\n"],
    ["shutdown\r\n", "SERVER_ERROR: shutdown not enabled\r\n"],
    ["cache_memlimit 1\r\n", "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m\r\n"],
    [
      "delete a b c\r\n",
      "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]\r\n",
    ],
  ] as const) {
    test(`${JSON.stringify(text)} is answered ${JSON.stringify(reply)}`, () => {
      expect(replyTo(text, {})).toBe(reply);
    });
  }
});
