/**
 * What the scanner takes in is what the parser would have read, request for request; what it
 * leaves, it leaves at a place where the parser goes on as if nothing had been taken.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Clock } from "../../../../src/base/clock.ts";
import { KeyHash } from "../../../../src/base/key-hash.ts";
import { BATCH_KEYS_MAX, BatchMark, GetBatch } from "../../../../src/command/get-batch.ts";
import { Op } from "../../../../src/command/op.ts";
import { Dialect, Request } from "../../../../src/command/request.ts";
import { GetScanner } from "../../../../src/protocol/text/get-scanner.ts";
import { TextParser } from "../../../../src/protocol/text/text-parser.ts";
import { WireState } from "../../../../src/protocol/wire-state.ts";
import { OPTIONS } from "../../../support/spoken.ts";

const ASCII = { ...OPTIONS, protocol: "ascii" } as const;
const REQUESTS_MAX = 20;

interface Key {
  readonly key: string;
  readonly last: boolean;
  readonly cas: boolean;
  readonly meta: boolean;
}

/**
 * The gets at the head of `input` as the parser reads them, up to the first request that is none,
 * and `count` keys.
 */
function parsed(input: string, count: number): { keys: Key[]; consumed: number; inside: boolean } {
  const bytes = Buffer.from(input, "latin1");
  const parser = new TextParser(ASCII, new Clock(0));
  const state = new WireState(ASCII);
  const request = new Request(bytes);
  const keys: Key[] = [];
  let at = 0;
  while (at < bytes.length && keys.length < count) {
    const taken = parser.parse(state, request, bytes, at, bytes.length);
    if (taken <= 0 || request.op !== Op.get) break;
    const key = bytes.toString("latin1", request.keyStart, request.keyEnd);
    if (request.dialect === Dialect.meta && !asksValueAlone(bytes, request)) break;
    const meta = request.dialect === Dialect.meta;
    keys.push({ key, last: request.lastKey, cas: request.withCas, meta });
    at += taken;
  }
  return { keys, consumed: at, inside: state.keysOp !== Op.none };
}

/** True for `mg <key> v`. */
function asksValueAlone(bytes: Buffer, request: Request): boolean {
  return bytes.toString("latin1", request.metaFlagsStart, request.lineEnd) === "v";
}

/** The same by the scanner, batch after batch. */
function scanned(input: string): { keys: Key[]; end: number; hashes: number[][] } {
  const bytes = Buffer.from(input, "latin1");
  const hash = new KeyHash(1, 2);
  const scanner = new GetScanner(hash);
  const state = new WireState(ASCII);
  const batch = new GetBatch();
  const keys: Key[] = [];
  const hashes: number[][] = [];
  let at = 0;
  while (true) {
    scanner.scan(state, bytes, at, bytes.length, REQUESTS_MAX, batch);
    if (batch.count === 0) break;
    for (let i = 0; i < batch.count; i++) {
      const start = batch.origin + (batch.starts[i] as number);
      const marks = batch.marks[i] as number;
      keys.push({
        key: bytes.toString("latin1", start, batch.origin + (batch.ends[i] as number)),
        last: (marks & BatchMark.last) !== 0,
        cas: (marks & BatchMark.withCas) !== 0,
        meta: (marks & BatchMark.meta) !== 0,
      });
      hashes.push([batch.lows[i] as number, batch.highs[i] as number]);
    }
    const marks = batch.marks[batch.count - 1] as number;
    state.keysOp = (marks & BatchMark.last) === 0 ? Op.get : Op.none;
    state.keysWithCas = (marks & BatchMark.withCas) !== 0;
    at = batch.end;
  }
  return { keys, end: at, hashes };
}

describe("GetScanner", () => {
  it.each([
    ["leaves the key that asks for the list to the parser", "get AmazonElastiCache:cluster\r\n", 0],
    ["takes what comes before it", "get a\r\nget AmazonElastiCache:cluster\r\nget b\r\n", 1],
    ["takes keys that begin like it", "get AmazonElastiCache:cluster1\r\n", 1],
    ["takes it where it is asked for otherwise", "gets AmazonElastiCache:cluster\r\n", 1],
  ])("where there is a cluster, %s", (_, input, count) => {
    const bytes = Buffer.from(input, "latin1");
    const scanner = new GetScanner(new KeyHash(1, 2), true);
    const batch = new GetBatch();
    scanner.scan(new WireState(ASCII), bytes, 0, bytes.length, REQUESTS_MAX, batch);
    expect(batch.count).toBe(count);
  });

  it.each([
    ["one get", "get a\r\n", 1],
    ["several, and a gets", "get a\r\nget bb ccc\r\ngets d e\r\n", 5],
    ["up to what is no get", "get a\r\nset b 0 0 1\r\nx\r\nget c\r\n", 1],
    ["no line that is not whole", "get a b c\r\nget d e", 3],
    ["no line without a carriage return", "get a\n", 0],
    ["no two spaces", "get a  b\r\n", 0],
    ["no trailing space", "get a \r\n", 0],
    ["no key of 251 bytes, nor the keys before it", `get a ${"k".repeat(251)}\r\n`, 0],
    ["a key of 250 bytes", `get ${"k".repeat(250)}\r\n`, 1],
    ["no control byte in a key", "get a\tb\r\n", 0],
    ["bytes above 127", "get caf\xe9 \xff\xfe\r\n", 2],
    ["no command in capitals", "GET a\r\n", 0],
    ["no gat", "gat 0 a\r\n", 0],
    ["meta gets of a value", "mg a v\r\nget b\r\nmg c v\r\n", 3],
    ["no other meta get", "mg a\r\n", 0],
    ["no meta get of more", "mg a v f\r\n", 0],
    ["no meta get whose line is not whole", "mg a v\r", 0],
    ["no meta get of a key of 251 bytes", `mg ${"k".repeat(251)} v\r\n`, 0],
    ["no more than it may", "get a\r\n".repeat(REQUESTS_MAX + 5), REQUESTS_MAX],
  ])("takes %s", (_, input, count) => {
    const batch = new GetBatch();
    const bytes = Buffer.from(input, "latin1");
    const scanner = new GetScanner(new KeyHash(1, 2));
    scanner.scan(new WireState(ASCII), bytes, 0, bytes.length, REQUESTS_MAX, batch);
    expect(batch.count).toBe(count);
  });

  it("takes a line of more keys than a batch holds, batch by batch", () => {
    const names = Array.from({ length: 3 * BATCH_KEYS_MAX + 7 }, (_, i) => `key-${i}`);
    const { keys, end } = scanned(`get ${names.join(" ")}\r\nget x\r\n`);
    expect(keys.map(({ key }) => key)).toEqual([...names, "x"]);
    expect(keys.filter(({ last }) => last)).toHaveLength(2);
    expect(end).toBe(`get ${names.join(" ")}\r\nget x\r\n`.length);
  });

  it("takes nothing of a long line whose end is not here, or holds a key that is too long", () => {
    const names = Array.from({ length: BATCH_KEYS_MAX + 7 }, (_, i) => `key-${i}`).join(" ");
    expect(scanned(`get ${names}`).keys).toEqual([]);
    expect(scanned(`get ${names} ${"k".repeat(251)}\r\n`).keys).toEqual([]);
  });

  it("reads what the parser reads, and stops where the parser goes on", () => {
    const key = fc.oneof(
      fc.stringMatching(/^[!-~]{1,12}$/),
      fc.constantFrom("k".repeat(249), "k".repeat(250), "k".repeat(251), "", "a\tb", "\xff"),
    );
    const line = fc
      .tuple(
        fc.constantFrom("get ", "gets ", "get  ", "mg ", "GET ", "gat 0 "),
        fc.array(key, { minLength: 1, maxLength: 6 }),
        fc.constantFrom("\r\n", "\r\n", "\r\n", "\n", " \r\n", " v\r\n", " v\r\n", " v s\r\n", ""),
      )
      .map(([word, keys, end]) => word + keys.join(" ") + end);
    fc.assert(
      fc.property(fc.array(line, { minLength: 1, maxLength: 8 }), (lines) => {
        const input = lines.join("");
        const { keys, end, hashes } = scanned(input);
        const reference = parsed(input, keys.length);
        expect(keys).toEqual(reference.keys);
        expect(end).toBe(reference.consumed);
        const hash = new KeyHash(1, 2);
        keys.forEach((found, index) => {
          const bytes = Buffer.from(found.key, "latin1");
          hash.update(bytes, 0, bytes.length);
          expect(hashes[index]).toEqual([hash.low, hash.high]);
        });
      }),
      { numRuns: 500 },
    );
  });
});
