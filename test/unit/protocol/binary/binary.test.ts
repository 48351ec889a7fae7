import { describe, expect, test } from "vitest";
import type { Reply } from "../../../../src/command/reply.ts";
import { Request } from "../../../../src/command/request.ts";
import { Status, WireError } from "../../../../src/command/status.ts";
import type { ProtocolOptions } from "../../../../src/protocol/protocol-options.ts";
import { statsEncoderOf } from "../../../../src/protocol/protocols.ts";
import { ReplyEncoder } from "../../../../src/protocol/reply-encoder.ts";
import { WireParser } from "../../../../src/protocol/wire-parser.ts";
import {
  arithmeticExtras,
  Opcode,
  type PacketFields,
  packet,
  storeExtras,
  uint32,
} from "../../../support/binary-packets.ts";
import { Listener, OPTIONS, replyTo, requestsOf, testClock } from "../../../support/spoken.ts";

type Row = readonly [name: string, fields: PacketFields, ...requests: string[]];
const VERSION = packet({ opcode: Opcode.version });
const OPAQUE = 0xdeadbeef;
const KEY_251 = "k".repeat(251);
const MAX64 = 0xffff_ffff_ffff_ffffn;

/**
 * Each packet is followed by Version: where the connection stays open, it must still be in step.
 */
function table(title: string, rows: readonly Row[], options: Partial<ProtocolOptions> = {}): void {
  describe(title, () => {
    for (const [name, fields, ...requests] of rows) {
      test(`${name} is ${requests.join(", ").slice(0, 90)}`, () => {
        const stream = Buffer.concat([packet(fields), VERSION]);
        expect(requestsOf(stream, options)).toEqual(requests);
      });
    }
  });
}

const set = (opcode: number, fields: Partial<PacketFields> = {}): PacketFields => ({
  opcode,
  key: "foo",
  extras: storeExtras(5, 30),
  value: "bar",
  ...fields,
});

table("reads", [
  ["Get", { opcode: Opcode.get, key: "foo" }, "get foo wantsValue", "version"],
  ["GetQ", { opcode: Opcode.getQ, key: "foo" }, "get foo wantsValue quiet", "version"],
  ["GetK", { opcode: Opcode.getK, key: "a b\n" }, "get a b\n wantsValue", "version"],
  ["GetKQ", { opcode: Opcode.getKQ, key: "foo" }, "get foo wantsValue quiet", "version"],
  [
    "GAT",
    { opcode: Opcode.gat, key: "foo", extras: uint32(30) },
    "fetch foo exptime=130 wantsValue",
    "version",
  ],
  [
    "GATKQ",
    { opcode: Opcode.gatKQ, key: "foo", extras: uint32(0) },
    "fetch foo exptime=0 wantsValue quiet",
    "version",
  ],
  [
    "Touch",
    { opcode: Opcode.touch, key: "foo", extras: uint32(5) },
    "touch foo exptime=105",
    "version",
  ],
]);

table("stores", [
  ["Set", set(Opcode.set), "store set foo flags=5 exptime=130 value=bar", "version"],
  ["SetQ", set(Opcode.setQ), "store set foo flags=5 exptime=130 value=bar quiet", "version"],
  [
    "Set with CAS",
    set(Opcode.set, { cas: MAX64 }),
    `store set foo flags=5 exptime=130 value=bar cas=${MAX64}`,
    "version",
  ],
  ["Add", set(Opcode.add), "store add foo flags=5 exptime=130 value=bar", "version"],
  ["Replace", set(Opcode.replace), "store replace foo flags=5 exptime=130 value=bar", "version"],
  [
    "an empty value",
    set(Opcode.set, { value: "" }),
    "store set foo flags=5 exptime=130 value=",
    "version",
  ],
  [
    "an expiry of 0xffffffff",
    set(Opcode.set, { extras: storeExtras(0, 0xffff_ffff) }),
    `store set foo exptime=${0xffff_ffff - 1_700_000_000} value=bar`,
    "version",
  ],
  [
    "Append",
    { opcode: Opcode.append, key: "foo", value: "x" },
    "store append foo value=x",
    "version",
  ],
  [
    "PrependQ",
    { opcode: Opcode.prependQ, key: "foo", value: "x" },
    "store prepend foo value=x quiet",
    "version",
  ],
  [
    "a large value",
    set(Opcode.set, { value: "x".repeat(70000) }),
    "store set foo flags=5 exptime=130 streamed=70000",
    "version",
  ],
  [
    "a Set too large",
    set(Opcode.set, { value: "x".repeat(2000000) }),
    "delete foo tooLarge swallow=2000000",
    "version",
  ],
  [
    "an Add too large",
    set(Opcode.addQ, { value: "x".repeat(2000000) }),
    "error tooLarge quiet swallow=2000000",
    "version",
  ],
  [
    "a Set too large with CAS",
    set(Opcode.set, { value: "x".repeat(2000000), cas: 1n }),
    "error tooLarge swallow=2000000",
    "version",
  ],
]);

table("the rest", [
  ["Delete", { opcode: Opcode.delete, key: "foo" }, "delete remove foo", "version"],
  [
    "DeleteQ with CAS",
    { opcode: Opcode.deleteQ, key: "foo", cas: 7n },
    "delete remove foo cas=7 quiet",
    "version",
  ],
  [
    "Increment",
    { opcode: Opcode.increment, key: "n", extras: arithmeticExtras(MAX64, 5n, 30) },
    `arithmetic increment n delta=${MAX64} initial=5 vivify=130`,
    "version",
  ],
  [
    "DecrementQ that creates nothing",
    { opcode: Opcode.decrementQ, key: "n", extras: arithmeticExtras(1n, 5n, 0xffff_ffff), cas: 3n },
    "arithmetic decrement n delta=1 cas=3 quiet",
    "version",
  ],
  ["Quit", { opcode: Opcode.quit }, "quit closes"],
  ["QuitQ", { opcode: Opcode.quitQ }, "quit quiet closes"],
  ["Flush", { opcode: Opcode.flush }, "flushAll exptime=0", "version"],
  ["Flush later", { opcode: Opcode.flush, extras: uint32(10) }, "flushAll exptime=110", "version"],
  ["FlushQ", { opcode: Opcode.flushQ }, "flushAll exptime=0 quiet", "version"],
  ["No-op", { opcode: Opcode.noop }, "noop", "version"],
  ["Stat", { opcode: Opcode.stat }, "stats", "version"],
  ["Stat of a kind", { opcode: Opcode.stat, key: "detail on" }, "stats detail on", "version"],
]);

table("malformed packets", [
  ["an unknown opcode", { opcode: Opcode.verbosity }, "error unknownOpcode", "version"],
  [
    "an unknown opcode with a body",
    { opcode: 0x3f, key: "foo", extras: uint32(1), value: "xyz" },
    "error unknownOpcode swallow=10",
    "version",
  ],
  [
    "SASL when it is off",
    { opcode: Opcode.saslAuth, key: "PLAIN", value: "\0a\0b" },
    "error unknownOpcode swallow=9",
    "version",
  ],
  [
    "a key and extras longer than the body",
    { opcode: Opcode.get, key: "a", bodyBytes: 0 },
    "error bodyTooShort closes",
  ],
  [
    "a body over 1 GiB",
    set(Opcode.set, { bodyBytes: (1 << 30) + 1 }),
    "error malformedPacket closes",
  ],
  ["a key of 251 bytes", { opcode: Opcode.get, key: KEY_251 }, "error malformedPacket closes"],
  ["Get without a key", { opcode: Opcode.get }, "error malformedPacket closes"],
  [
    "Get with extras",
    { opcode: Opcode.get, key: "a", extras: uint32(0) },
    "error malformedPacket closes",
  ],
  [
    "Get with a value",
    { opcode: Opcode.get, key: "a", value: "x" },
    "error malformedPacket closes",
  ],
  [
    "Set without extras",
    { opcode: Opcode.set, key: "a", value: "x" },
    "error malformedPacket closes",
  ],
  ["Append with extras", set(Opcode.append), "error malformedPacket closes"],
  ["Touch without extras", { opcode: Opcode.touch, key: "a" }, "error malformedPacket closes"],
  ["No-op with a body", { opcode: Opcode.noop, value: "x" }, "error malformedPacket closes"],
  ["Version with a key", { opcode: Opcode.version, key: "x" }, "error malformedPacket closes"],
  [
    "Flush with eight bytes of extras",
    { opcode: Opcode.flush, extras: storeExtras(0, 0) },
    "error malformedPacket closes",
  ],
  [
    "Increment with a short extras",
    { opcode: Opcode.increment, key: "n", extras: uint32(0) },
    "error malformedPacket closes",
  ],
]);

table("with -F", [["Flush", { opcode: Opcode.flush }, "error flushNotAllowed", "version"]], {
  flushEnabled: false,
});

describe("the first byte", () => {
  test("another magic later closes the connection", () => {
    expect(requestsOf(Buffer.concat([VERSION, Buffer.from("version\r\n")]))).toEqual([
      "version",
      "close",
    ]);
  });
  test("ASCII input to a binary server closes the connection", () => {
    expect(requestsOf("version\r\n", { protocol: "binary" })).toEqual(["close"]);
  });
  test("0x80 is a byte of a line to an ASCII server", () => {
    expect(requestsOf("\x80\x0b\x00\r\n", { protocol: "ascii" })).toEqual(["error unknownCommand"]);
  });
  test("a packet later in an ASCII connection is a line", () => {
    expect(requestsOf("version\r\n\x80\x0b\x00\r\n")).toEqual(["version", "error unknownCommand"]);
  });
  test("a value may come in pieces", () => {
    const listener = new Listener();
    const whole = packet(set(Opcode.set));
    expect(listener.hear(whole.subarray(0, 10))).toEqual([]);
    expect(listener.needed).toBe(0);
    expect(listener.hear(whole.subarray(10, 30))).toEqual([]);
    expect(listener.needed).toBe(0); // the key is not whole
    expect(listener.hear(whole.subarray(30, 36))).toEqual([]);
    expect(listener.needed).toBe(38);
    expect(listener.hear(whole.subarray(36))).toEqual([
      "store set foo flags=5 exptime=130 value=bar",
    ]);
  });
});

/** A reply's packet, its parts named. */
function answer(fields: PacketFields, outcome: Partial<Reply>, value = "", saved = false): string {
  const request = packet({ opaque: OPAQUE, ...fields });
  const bytes = Buffer.from(replyTo(request, outcome, value, saved), "latin1");
  if (bytes.length === 0) return "";
  expect([bytes[0], bytes[1], bytes[5]]).toEqual([0x81, fields.opcode, 0]);
  expect(bytes.readUInt32BE(12)).toBe(OPAQUE);
  const keyBytes = bytes.readUInt16BE(2);
  const extrasBytes = bytes[4] as number;
  const bodyBytes = bytes.readUInt32BE(8);
  expect(bytes.length).toBe(24 + bodyBytes);
  const words = [`${bytes.readUInt16BE(6).toString(16)}`];
  const cas = bytes.readBigUInt64BE(16);
  if (cas !== 0n) words.push(`cas=${cas}`);
  const body = bytes.subarray(24);
  if (extrasBytes > 0) words.push(`extras=${body.subarray(0, extrasBytes).toString("hex")}`);
  const key = body.subarray(extrasBytes, extrasBytes + keyBytes);
  if (keyBytes > 0) words.push(`key=${key.toString("latin1")}`);
  const rest = body.subarray(extrasBytes + keyBytes);
  if (rest.length > 0)
    words.push(rest.length === 8 ? rest.toString("hex") : rest.toString("latin1"));
  return words.join(" ");
}

describe("replies", () => {
  const get = { opcode: Opcode.get, key: "foo" };
  const getQ = { opcode: Opcode.getQ, key: "foo" };
  const getK = { opcode: Opcode.getK, key: "foo" };
  const gatKQ = { opcode: Opcode.gatKQ, key: "foo", extras: uint32(0) };
  const gatK = { opcode: Opcode.gatK, key: "foo", extras: uint32(0) };
  const touch = { opcode: Opcode.touch, key: "foo", extras: uint32(0) };
  const incr = { opcode: Opcode.increment, key: "n", extras: arithmeticExtras(1n, 0n, 0) };
  const append = { opcode: Opcode.append, key: "foo", value: "x", cas: 5n };
  const cas = { casLow: 7, casHigh: 1 };
  const hit = { status: Status.hit, clientFlags: 5, ...cas };
  for (const [name, fields, outcome, expected, value] of [
    ["a Get hit", get, hit, "0 cas=4294967303 extras=00000005 bar", "bar"],
    ["a Get miss", get, { status: Status.miss }, "1 Not found"],
    ["a GetQ hit", getQ, hit, "0 cas=4294967303 extras=00000005 bar", "bar"],
    ["a GetQ miss", getQ, { status: Status.miss }, ""],
    ["a GetK hit", getK, hit, "0 cas=4294967303 extras=00000005 key=foo bar", "bar"],
    ["a GetK miss", getK, { status: Status.miss }, "1 key=foo"],
    ["a GATK hit", gatK, hit, "0 cas=4294967303 extras=00000005 key=foo bar", "bar"],
    ["a GATK miss", gatK, { status: Status.miss }, "1 key=foo"],
    ["a GATKQ miss", gatKQ, { status: Status.miss }, ""],
    ["a Touch", touch, { ...hit, status: Status.touched }, "0 cas=4294967303 extras=00000005"],
    ["a Touch miss", touch, { status: Status.notFound }, "1 Not found"],
    ["a Set", set(Opcode.set), { status: Status.stored, ...cas }, "0 cas=4294967303"],
    ["a SetQ", set(Opcode.setQ), { status: Status.stored, ...cas }, ""],
    ["a failed SetQ", set(Opcode.setQ), { status: Status.exists }, "2 Data exists for key."],
    ["a Replace miss", set(Opcode.replaceQ), { status: Status.notFound }, "1 Not found"],
    [
      "an Add of a present key",
      set(Opcode.addQ),
      { status: Status.notStored },
      "2 Data exists for key.",
    ],
    ["a Replace of nothing", set(Opcode.replace), { status: Status.notStored }, "1 Not found"],
    ["an Append miss", append, { status: Status.notStored }, "5 Not stored."],
    ["an Append miss with CAS", append, { status: Status.notFound }, "5 Not stored."],
    [
      "no memory",
      set(Opcode.set),
      { status: Status.outOfMemory },
      "82 Out of memory allocating item",
    ],
    ["too large", set(Opcode.set), { status: Status.tooLarge }, "3 Too large."],
    ["a lost owner", set(Opcode.setQ), { status: Status.ownerLost }, "84 Internal error"],
    ["a Delete", { opcode: Opcode.delete, key: "foo" }, { status: Status.deleted }, "0"],
    ["a DeleteQ", { opcode: Opcode.deleteQ, key: "foo" }, { status: Status.deleted }, ""],
    [
      "a DeleteQ miss",
      { opcode: Opcode.deleteQ, key: "foo" },
      { status: Status.notFound },
      "1 Not found",
    ],
    [
      "an Increment",
      incr,
      { status: Status.stored, numberHigh: 1, numberLow: -1, ...cas },
      "0 cas=4294967303 00000001ffffffff",
    ],
    ["an IncrementQ", { ...incr, opcode: Opcode.incrementQ }, { status: Status.stored }, ""],
    [
      "a word incremented",
      incr,
      { status: Status.nonNumeric },
      "6 Non-numeric server-side value for incr or decr",
    ],
    [
      "an Increment without memory",
      incr,
      { status: Status.outOfMemory },
      "82 Out of memory incrementing value",
    ],
    ["Version", { opcode: Opcode.version }, { status: Status.ok }, "0 1.6.45"],
    ["No-op", { opcode: Opcode.noop }, { status: Status.ok }, "0"],
    ["Quit", { opcode: Opcode.quit }, { status: Status.ok }, "0"],
    ["QuitQ", { opcode: Opcode.quitQ }, { status: Status.ok }, ""],
    ["Flush", { opcode: Opcode.flush }, { status: Status.ok }, "0"],
    ["FlushQ", { opcode: Opcode.flushQ }, { status: Status.ok }, ""],
    ["an unknown opcode", { opcode: 0x3f }, {}, "81 Unknown command"],
    ["a malformed packet", { opcode: Opcode.get }, {}, "4 Invalid arguments"],
    ["a large Set", set(Opcode.setQ, { value: "x".repeat(2000000) }), {}, "3 Too large."],
  ] as const) {
    test(`${name} is answered "${expected}"`, () => {
      expect(answer(fields, outcome, value)).toBe(expected);
      expect(answer(fields, outcome, value, true)).toBe(expected);
    });
  }
});

describe("the StatsEncoder of a request's dialect", () => {
  const out = new Uint8Array(256);
  const requestOf = (input: Buffer): Request => {
    const request = new Request(new Uint8Array(input));
    const parser = new WireParser(OPTIONS, testClock());
    parser.parse(new Listener().state, request, request.bytes, 0, input.length);
    return request;
  };
  const written = (end: number) => Buffer.from(out.subarray(0, end));

  test("encodeStat(), encodeStatsEnd() and encodeWords() speak text", () => {
    const request = requestOf(Buffer.from("stats\r\n"));
    const encoder = statsEncoderOf(request);
    expect(written(encoder.encodeStat(request, "pid", "5", out, 0)).toString()).toBe(
      "STAT pid 5\r\n",
    );
    expect(written(encoder.encodeStatsEnd(request, out, 0)).toString()).toBe("END\r\n");
    expect(written(encoder.encodeWords(request, "RESET", out, 0)).toString()).toBe("RESET\r\n");
  });

  test("encodeStat(), encodeStatsEnd(), encodeWords() and encodeContinue() speak packets", () => {
    const request = requestOf(packet({ opcode: Opcode.stat, opaque: 7 }));
    const encoder = statsEncoderOf(request);
    const header = "811000030000000000000004000000070000000000000000";
    expect(written(encoder.encodeStat(request, "pid", "5", out, 0)).toString("hex")).toBe(
      header + Buffer.from("pid5").toString("hex"),
    );
    expect(written(encoder.encodeStatsEnd(request, out, 0)).toString("hex")).toBe(
      "811000000000000000000000000000070000000000000000",
    );
    const words = written(encoder.encodeWords(request, "PLAIN", out, 0));
    expect(words.subarray(24).toString()).toBe("PLAIN");
    expect(written(encoder.encodeContinue(request, out, 0)).readUInt16BE(6)).toBe(0x21);
    const refused = written(encoder.encodeRefusal(request, "why", out, 0));
    const unknown = new ReplyEncoder(testClock());
    const end = unknown.encodeError(request, WireError.unknownCommand, out, 0);
    expect(refused).toEqual(written(end));
    expect(refused.readUInt16BE(6)).toBe(1);
  });

  test("encodeDone() and encodeRefusal() have words in text, and none in packets", () => {
    const line = requestOf(Buffer.from("stats\r\n"));
    const text = statsEncoderOf(line);
    expect(written(text.encodeDone(line, "RESET", out, 0)).toString()).toBe("RESET\r\n");
    expect(written(text.encodeRefusal(line, "ERROR", out, 0)).toString()).toBe("ERROR\r\n");
    const stat = requestOf(packet({ opcode: Opcode.stat, opaque: 7 }));
    const done = written(statsEncoderOf(stat).encodeDone(stat, "RESET", out, 0));
    expect(done).toEqual(written(statsEncoderOf(stat).encodeStatsEnd(stat, out, 0)));
  });

  test("listOf() ends a list of lines, as lines or as the value of one packet", () => {
    const line = requestOf(Buffer.from("stats detail dump\r\n"));
    const lines = ["PREFIX a get 1", "PREFIX b get 2"];
    const text = "PREFIX a get 1\r\nPREFIX b get 2\r\nEND\r\n";
    const list = statsEncoderOf(line).listOf(line, "detailed", lines);
    expect(Buffer.from(list).toString()).toBe(text);
    const stat = requestOf(packet({ opcode: Opcode.stat, opaque: 7 }));
    const packets = Buffer.from(statsEncoderOf(stat).listOf(stat, "detailed", lines));
    expect(packets.subarray(24, -24).toString()).toBe(`detailed${text}`);
    expect(packets.subarray(-24)).toEqual(
      written(statsEncoderOf(stat).encodeStatsEnd(stat, out, 0)),
    );
  });
});
