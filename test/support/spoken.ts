/**
 * Spoken: bytes to requests to words, for tests of the protocol folder. A request is told in one
 * line, so that a table of tests reads like the protocol's own description.
 *
 *   "set apple 5 30 3\r\nred\r\n"   →   store set apple flags=5 exptime=130 value=red
 */
import { Clock } from "../../src/base/clock.ts";
import type { ServerSeconds } from "../../src/base/unit.ts";
import { ArithmeticMode, DeleteMode, Op, StoreMode } from "../../src/command/op.ts";
import { Reply } from "../../src/command/reply.ts";
import { Mark, Request } from "../../src/command/request.ts";
import { WireError } from "../../src/command/status.ts";
import { CLOSE } from "../../src/protocol/protocol.ts";
import type { ProtocolOptions } from "../../src/protocol/protocol-options.ts";
import { ReplyEncoder } from "../../src/protocol/reply-encoder.ts";
import { WireParser } from "../../src/protocol/wire-parser.ts";
import { type WireOptions, WireState } from "../../src/protocol/wire-state.ts";
import { poison } from "../../src/worker/poison.ts";

const EPOCH_UNIX = 1_700_000_000;
export const NOW = 100 as ServerSeconds;

export const OPTIONS: SpokenOptions = {
  itemBytesMax: 1024 * 1024,
  inlineValueBytesMax: 64 * 1024,
  casEnabled: true,
  flushEnabled: true,
  shutdownEnabled: false,
  protocol: "auto",
  asciiAuth: false,
  listsNodes: false,
  sasl: false,
};

/** What a parser and a connection are set to. */
export type SpokenOptions = ProtocolOptions & WireOptions;

export function testClock(): Clock {
  const clock = new Clock(EPOCH_UNIX);
  clock.now = NOW;
  return clock;
}

/**
 * Filled with what must not be read: a byte outside [start, end) that is looked at changes the
 * outcome.
 */
const POISON = 0x0a;

const nameOf = (codes: Record<string, number>, code: number): string =>
  Object.entries(codes).find(([, value]) => value === code)?.[0] ?? `?${code}`;

const latin1 = (bytes: Uint8Array, start: number, end: number): string =>
  Buffer.from(bytes.subarray(start, end)).toString("latin1");

const word64 = (high: number, low: number): bigint =>
  (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);

/** One connection's parser, fed with bytes in any pieces. */
export class Listener {
  readonly state: WireState;
  readonly request: Request;
  readonly #parser: WireParser;
  readonly #options: SpokenOptions;
  #unread = new Uint8Array(0);
  #skip = 0;
  closed = false;

  constructor(options: Partial<SpokenOptions> = {}) {
    this.#options = { ...OPTIONS, ...options };
    this.#parser = new WireParser(this.#options, testClock());
    this.state = new WireState(this.#options);
    this.request = new Request(this.#unread);
  }

  /**
   * What the requests completed by `piece` say. A streamed value and a swallowed block are skipped,
   * as a server does.
   */
  hear(piece: string | Uint8Array): string[] {
    const fresh = typeof piece === "string" ? Buffer.from(piece, "latin1") : piece;
    const unread = Buffer.concat([this.#unread, fresh]);
    const margin = 300;
    const bytes = new Uint8Array(unread.length + 2 * margin).fill(POISON);
    bytes.set(unread, margin);
    const end = margin + unread.length;
    const heard: string[] = [];
    let at = margin;
    while (!this.closed && at < end) {
      const skipped = Math.min(this.#skip, end - at);
      this.#skip -= skipped;
      at += skipped;
      if (at === end) break;
      const parser = this.#parser;
      poison(this.request); // what the parser does not fill is seen
      const consumed = parser.parse(this.state, this.request, bytes, at, end);
      if (consumed === 0) {
        const needed = parser.needed;
        if (needed !== 0 && needed <= end - at) throw new Error(`waits for ${needed}, has it`);
        break;
      }
      if (consumed === CLOSE) {
        heard.push("close");
        this.closed = true;
        break;
      }
      if (consumed < 0 || consumed > end - at) throw new Error(`consumed ${consumed}`);
      at += consumed;
      heard.push(describeRequest(this.request));
      this.closed = this.request.closeAfter;
      this.#skip = this.request.swallowBytes;
      if (this.request.streamed) {
        this.#skip = this.request.valueBytes + this.request.bodyTailBytes;
      }
    }
    this.#unread = bytes.slice(at, end);
    return heard;
  }

  /** Bytes that were heard and are not understood yet. */
  get unreadBytes(): number {
    return this.#unread.length;
  }

  get needed(): number {
    return this.#parser.needed;
  }
}

/** What a whole conversation says; `waits` at the end when bytes are left over. */
export function requestsOf(
  text: string | Uint8Array,
  options: Partial<SpokenOptions> = {},
): string[] {
  const listener = new Listener(options);
  const heard = listener.hear(text);
  if (listener.unreadBytes > 0 && !listener.closed) heard.push("waits");
  return heard;
}

/** One request in one line. */
export function describeRequest(request: Request): string {
  const words = [nameOf(Op, request.op)];
  const has = (mark: number) => (request.marks & mark) !== 0;
  const key = latin1(request.keyBytes, request.keyStart, request.keyEnd);
  if (request.op === Op.store) words.push(nameOf(StoreMode, request.mode));
  if (request.op === Op.delete && request.error === WireError.none) {
    words.push(nameOf(DeleteMode, request.mode));
  }
  if (request.op === Op.arithmetic) words.push(nameOf(ArithmeticMode, request.mode));
  if (request.op < Op.version || request.op === Op.stats) words.push(key);
  if (request.op === Op.store) {
    if (request.clientFlags !== 0) words.push(`flags=${request.clientFlags}`);
    if (request.exptime !== 0) words.push(`exptime=${request.exptime}`);
    const value = latin1(request.bytes, request.valueStart, request.valueEnd);
    words.push(request.streamed ? `streamed=${request.valueBytes}` : `value=${value}`);
  } else if (request.op < Op.version) {
    if (has(Mark.exptime)) words.push(`exptime=${request.exptime}`);
    if (has(Mark.clientFlags)) words.push(`flags=${request.clientFlags}`);
  }
  if (request.op === Op.flushAll) words.push(`exptime=${request.exptime}`);
  if (request.op === Op.arithmetic) {
    words.push(`delta=${word64(request.deltaHigh, request.deltaLow)}`);
    if (has(Mark.vivify)) words.push(`initial=${word64(request.initialHigh, request.initialLow)}`);
  }
  if (has(Mark.vivify)) words.push(`vivify=${request.vivifyExptime}`);
  if (has(Mark.recache)) words.push(`recache=${request.recacheExptime}`);
  if (has(Mark.compareCas)) words.push(`cas=${word64(request.casHigh, request.casLow)}`);
  if (has(Mark.explicitCas)) words.push(`newCas=${word64(request.newCasHigh, request.newCasLow)}`);
  if (has(Mark.casMatchSkipsValue)) {
    words.push(`unlessCas=${word64(request.casHigh, request.casLow)}`);
  }
  for (const name of ["invalidate", "noBump", "binaryKey", "wantsValue", "exptimeBefore"] as const)
    if (has(Mark[name])) words.push(name);
  if (request.op === Op.authenticate) {
    words.push(latin1(request.bytes, request.valueStart, request.valueEnd));
  }
  if (request.op === Op.admin) {
    words.push(`"${latin1(request.bytes, request.lineStart, request.lineEnd)}"`);
  }
  if ([Op.verbosity, Op.cacheMemlimit, Op.shutdown].includes(request.op as never)) {
    words.push(`level=${request.level}`);
  }
  if (request.error !== WireError.none) words.push(nameOf(WireError, request.error));
  if (request.withCas) words.push("withCas");
  if (!request.firstKey) words.push("next");
  if (!request.lastKey) words.push("more");
  if (request.noreply) words.push("noreply");
  if (request.quiet) words.push("quiet");
  if (request.swallowBytes > 0) words.push(`swallow=${request.swallowBytes}`);
  if (request.closeAfter) words.push("closes");
  return words.join(" ").trim();
}

/**
 * What is answered to the first request in `text` when its outcome is `outcome` and the item's
 * value `value`.
 */
export function replyTo(
  text: string | Uint8Array,
  outcome: Partial<Reply>,
  value = "",
  saved = false,
): string {
  const clock = testClock();
  const parser = new WireParser(OPTIONS, clock);
  const encoder = new ReplyEncoder(clock);
  const input = typeof text === "string" ? Buffer.from(text, "latin1") : text;
  const bytes = new Uint8Array(input);
  const request = new Request(bytes);
  const consumed = parser.parse(new WireState(OPTIONS), request, bytes, 0, bytes.length);
  if (consumed <= 0) throw new Error(`no request in ${JSON.stringify(text)}`);
  const reply = Object.assign(new Reply(bytes), { valueBytes: value.length }, outcome);
  const out = new Uint8Array(2048);
  const bound = encoder.bound(request);
  if (saved) {
    const end = encoder.save(request, out, 5);
    if (end - 5 > bound) throw new Error(`saved ${end - 5}, bound ${bound}`);
    bytes.fill(0);
    encoder.restore(request, out, 5);
  }
  let end = 0;
  if (encoder.carriesValue(request, reply)) {
    end = encoder.encodeHead(request, reply, out, 0);
    out.set(Buffer.from(value, "latin1"), end);
    end = encoder.encodeTail(request, out, end + value.length);
    if (end - value.length > bound) throw new Error(`wrote ${end - value.length}, bound ${bound}`);
  } else {
    end = encoder.encode(request, reply, out, 0);
    if (end > bound) throw new Error(`wrote ${end}, bound ${bound}`);
  }
  return latin1(out, 0, end);
}
