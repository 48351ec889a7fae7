import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { ServerSeconds } from "../../src/base/unit.ts";
import { Reply } from "../../src/command/reply.ts";
import { Request } from "../../src/command/request.ts";
import { Status } from "../../src/command/status.ts";
import { CLOSE, type Encoder } from "../../src/protocol/protocol.ts";
import { ReplyEncoder } from "../../src/protocol/reply-encoder.ts";
import { WireParser } from "../../src/protocol/wire-parser.ts";
import { WireState } from "../../src/protocol/wire-state.ts";
import { poison } from "../../src/worker/poison.ts";
import { packet } from "../support/binary-packets.ts";
import { describeRequest, Listener, OPTIONS, testClock } from "../support/spoken.ts";

const RUNS = { numRuns: 1500 };
/**
 * Below the length at which an unfinished line closes the connection: that rule looks at the
 * pieces, on purpose.
 */
const SOUP_BYTES_MAX = 2000;
/** So many ends of each stream are tried: in the middle of a line end, of a token, of a value. */
const CUTS = 12;
/** Small limits, so that short soups reach every branch. */
const SMALL = { itemBytesMax: 200, inlineValueBytesMax: 40 };

const latin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "latin1"));
const token = fc.oneof(
  fc.constantFrom("a", "foo", "noreply", "0", "1", "3", "-1", "5", "Zm9v", "k".repeat(250)),
  fc.constantFrom(
    "v",
    "q",
    "k",
    "c",
    "t",
    "s",
    "b",
    "T30",
    "N5",
    "MS",
    "ME",
    "C1",
    "E2",
    "I",
    "O9",
  ),
  fc.constantFrom(
    "HTTP/1.1",
    "k".repeat(251),
    "4294967296",
    "F1",
    "D2",
    "J3",
    "x",
    "!",
    "R1",
    "\t",
  ),
  fc.string({ minLength: 1, maxLength: 6 }),
);
const word = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("get", "gets", "gat", "set", "add", "cas", "append") },
  { weight: 4, arbitrary: fc.constantFrom("mg", "ms", "md", "ma", "me", "mn") },
  { weight: 2, arbitrary: fc.constantFrom("delete", "incr", "touch", "flush_all", "verbosity") },
  { weight: 1, arbitrary: fc.constantFrom("version", "stats", "lru", "watch", "bogus", "", " ") },
);
const lineEnd = fc.constantFrom("\r\n", "\r\n", "\r\n", "\n", "\r\r\n", "");
const line = fc
  .tuple(word, fc.array(token, { maxLength: 6 }), lineEnd)
  .map(([name, tokens, end]) => latin1([name, ...tokens].join(" ") + end));
const key = fc
  .oneof(fc.string({ minLength: 1, maxLength: 12 }), fc.constantFrom("k".repeat(250)))
  .map((text) => text.replaceAll(/[^!-~]/g, "x"));
const EVERY_FLAG = `b c f h k l s t v O${"o".repeat(31)}`;
/** What clients really send. */
const plain = fc
  .tuple(
    key,
    fc.constantFrom(
      (name: string) => `get ${name}`,
      (name: string) => `gets ${name} ${name} b`,
      (name: string) => `gat 30 ${name}`,
      (name: string) => `set ${name} 5 0 3\r\nabc`,
      (name: string) => `set ${name} 123456789 0 3 noreply\r\nabc`,
      (name: string) => `cas ${name} 0 30 3 17\r\nabc`,
      (name: string) => `delete ${name}`,
      (name: string) => `incr ${name} 18446744073709551615`,
      (name: string) => `touch ${name} 5`,
      (name: string) => `mg ${name} v t k`,
      (name: string) => `mg ${Buffer.from(name).toString("base64").slice(0, 248)} ${EVERY_FLAG}`,
      (name: string) => `ma ${Buffer.from(name).toString("base64").slice(0, 248)} ${EVERY_FLAG}`,
      (name: string) => `ms ${name} 3 T5 c k O1\r\nabc`,
      (name: string) => `md ${name} q I T5`,
      (name: string) => `ma ${name} v N0 J5 t`,
      (name: string) => `me ${name}`,
    ),
  )
  .map(([name, command]) => latin1(`${command(name)}\r\n`));
const stored = fc
  .tuple(fc.constantFrom("set", "ms"), fc.string({ maxLength: 60 }), fc.boolean())
  .map(([name, text, right]) => {
    const value = Buffer.from(text, "utf8");
    const head = name === "ms" ? `ms k ${value.length} c T5` : `set k 1 0 ${value.length}`;
    return Buffer.concat([
      Buffer.from(`${head}\r\n`),
      value,
      Buffer.from(right ? "\r\n" : "x\r\n"),
    ]);
  });
const binary = fc
  .record({
    opcode: fc.oneof(fc.integer({ min: 0, max: 0x25 }), fc.nat(255)),
    key: fc.oneof(fc.string({ maxLength: 20 }), fc.constant("k".repeat(251))),
    extras: fc.constantFrom(0, 0, 4, 8, 20, 1).map((length) => new Uint8Array(length).fill(1)),
    value: fc.string({ maxLength: 60 }),
    cas: fc.bigInt({ min: 0n, max: 2n }),
  })
  .map((fields) => packet(fields));
const noise = fc.uint8Array({ maxLength: 12 });
const soup = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: line },
      { weight: 3, arbitrary: plain },
      { weight: 3, arbitrary: stored },
      noise,
    ),
    { maxLength: 12 },
  )
  .map((pieces) => Buffer.concat(pieces).subarray(0, SOUP_BYTES_MAX));
const binarySoup = fc
  .array(fc.oneof({ weight: 9, arbitrary: binary }, noise), { minLength: 1, maxLength: 8 })
  .map((pieces) => Buffer.concat(pieces));
const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 50 });

function hearInPieces(stream: Uint8Array, lengths: readonly number[]): string[] {
  const listener = new Listener(SMALL);
  const heard: string[] = [];
  let at = 0;
  for (let piece = 0; at < stream.length; piece++) {
    const end = at + (lengths[piece % lengths.length] as number);
    heard.push(...listener.hear(stream.subarray(at, end)));
    at = end;
  }
  return heard;
}

describe("a stream in any pieces gives the same requests as in one", () => {
  test("in text", () => {
    fc.assert(
      fc.property(soup, cuts, (stream, lengths) => {
        expect(hearInPieces(stream, lengths)).toEqual(new Listener(SMALL).hear(stream));
      }),
      RUNS,
    );
  });

  test("in packets", () => {
    fc.assert(
      fc.property(binarySoup, cuts, (stream, lengths) => {
        expect(hearInPieces(stream, lengths)).toEqual(new Listener(SMALL).hear(stream));
      }),
      RUNS,
    );
  });
});

/**
 * The bytes of `array`, which complain when one outside [start, end) is read, or any is written.
 */
function guarded(array: Uint8Array, start: number, end: number): Uint8Array {
  return new Proxy(array, {
    get(target, name) {
      const index = typeof name === "string" ? Number(name) : Number.NaN;
      if (Number.isNaN(index)) return Reflect.get(target, name, target);
      if (index < start || index >= end)
        throw new Error(`reads byte ${index} of [${start}, ${end})`);
      return target[index];
    },
    set() {
      throw new Error("a parser writes into its input");
    },
  });
}

test("a parser reads nothing outside [start, end), and consumes no more than is there", () => {
  const anything = fc.oneof(plain, plain, line, stored, soup, binarySoup, noise);
  const start = 7;
  const parseUpTo = (bytes: Uint8Array, end: number, authenticated: boolean): void => {
    const parser = new WireParser({ ...OPTIONS, ...SMALL }, testClock());
    const state = new WireState(OPTIONS);
    state.authenticated = authenticated;
    const request = new Request(bytes);
    for (let at = start; at < end; ) {
      const consumed = parser.parse(state, request, guarded(bytes, at, end), at, end);
      if (consumed === 0 || consumed === CLOSE) return;
      expect(consumed).toBeGreaterThan(0);
      at += consumed;
      expect(at).toBeLessThanOrEqual(end);
    }
  };
  fc.assert(
    fc.property(anything, fc.constantFrom(true, true, true, false), (stream, authenticated) => {
      const bytes = new Uint8Array(start + stream.length + 50).fill(0x20);
      bytes.set(stream, start);
      const whole = start + stream.length;
      for (let end = whole; end > start && end > whole - CUTS; end--) {
        parseUpTo(bytes, end, authenticated);
      }
    }),
    { numRuns: 400 },
  );
});

test("a line of 3000 bytes in any pieces is closed or served, and never waits for ever", () => {
  const text = fc.constantFrom("get ", "gets ", "gat 0 ", "mg ", " get ", "x");
  fc.assert(
    fc.property(text, cuts, (head, lengths) => {
      const heard = hearInPieces(latin1(`${head}${"k ".repeat(1500)}\r\n`), lengths);
      const expected = head === "get " || head === "gets " ? 1500 : 1;
      expect(heard.length).toBe(expected);
      if (head === "gat 0 ") expect(heard).toEqual(["close"]);
    }),
    { numRuns: 50 },
  );
});

const word32 = fc.oneof(fc.nat(0xffff_ffff), fc.constantFrom(0, 0xffff_ffff, 0xffff_ffff));
const seconds = fc.nat(0xffff_ffff).map((value) => value as ServerSeconds);
const outcome = fc.record({
  status: fc.oneof(
    fc.constantFrom(Status.hit, Status.stored),
    fc.constantFrom(...Object.values(Status)),
  ),
  marks: fc.nat(511),
  casLow: word32,
  casHigh: word32,
  clientFlags: word32,
  exptime: seconds,
  accessed: seconds,
  valueBytes: fc.nat(1 << 30),
  numberLow: word32,
  numberHigh: word32,
  totalBytes: word32,
  queue: fc.nat(3),
});
const anyRequest = fc
  .oneof(line, stored, binary, soup, binarySoup)
  .filter((text) => text.length > 0);

interface Encoded {
  readonly text: string;
  readonly bytes: number;
}

function encoded(encoder: Encoder, request: Request, reply: Reply): Encoded {
  const out = new Uint8Array(1024).fill(0xa5);
  let end = 0;
  if (encoder.carriesValue(request, reply)) {
    end = encoder.encodeHead(request, reply, out, 0);
    end = encoder.encodeTail(request, out, end);
  } else {
    end = encoder.encode(request, reply, out, 0);
  }
  expect(out.subarray(end).every((byte) => byte === 0xa5)).toBe(true);
  return { text: Buffer.from(out.subarray(0, end)).toString("latin1"), bytes: end };
}

test("an encoder writes no more than bound(), and what was saved answers as the request would", () => {
  const options = { ...OPTIONS, ...SMALL };
  fc.assert(
    fc.property(anyRequest, outcome, fc.boolean(), (text, fields, sasl) => {
      const parser = new WireParser({ ...options, sasl }, testClock());
      const encoder = new ReplyEncoder(testClock());
      const bytes = new Uint8Array(text);
      const state = new WireState(OPTIONS);
      const request = new Request(bytes);
      const reply = Object.assign(new Reply(bytes), fields);
      for (let at = 0; at < bytes.length; ) {
        poison(request);
        const consumed = parser.parse(state, request, bytes, at, bytes.length);
        if (consumed <= 0) break;
        at += consumed;
        const bound = encoder.bound(request);
        const plain = encoded(encoder, request, reply);
        expect(plain.bytes).toBeLessThanOrEqual(bound);
        const hole = new Uint8Array(1024);
        expect(encoder.save(request, hole, 3)).toBeLessThanOrEqual(3 + bound);
        const before = describeRequest(request);
        const restored = new Request(new Uint8Array(0));
        poison(restored);
        encoder.restore(restored, hole, 3);
        expect(encoded(encoder, restored, reply), before).toEqual(plain);
      }
    }),
    RUNS,
  );
});
