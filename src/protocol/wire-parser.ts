/**
 * WireParser: the parser of every connection. Its first byte decides which protocol it speaks, for
 * its whole life, unless its listener has decided that before.
 */
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import type { Request } from "../command/request.ts";
import type { Parser } from "./protocol.ts";
import type { ProtocolOptions } from "./protocol-options.ts";
import { PROTOCOLS } from "./protocols.ts";
import { WireProtocol, type WireState } from "./wire-state.ts";

/** The protocol of a connection that begins with this byte. */
const WIRE_BY_FIRST_BYTE = wiresByFirstByte();

export class WireParser implements Parser {
  /** By `WireProtocol`; where none is decided yet, who decides. */
  readonly #parsers: readonly Parser[];
  #needed = 0;

  constructor(options: ProtocolOptions, clock: Clock) {
    const parsers: Parser[] = [];
    for (const { wire, parser } of PROTOCOLS) parsers[wire] = parser(options, clock);
    parsers[WireProtocol.undecided] = new DecidingParser(parsers);
    this.#parsers = parsers;
  }

  get needed(): number {
    return this.#needed;
  }

  parse(state: WireState, request: Request, bytes: Uint8Array, start: number, end: number): number {
    const parser = this.#parsers[state.protocol] as Parser;
    const consumed = parser.parse(state, request, bytes, start, end);
    if (consumed === 0) this.#needed = parser.needed;
    return consumed;
  }
}

/** Decides by the first byte, and has the protocol's own parser go on. */
class DecidingParser implements Parser {
  needed = 0;
  readonly #parsers: readonly Parser[];

  constructor(parsers: readonly Parser[]) {
    this.#parsers = parsers;
  }

  parse(state: WireState, request: Request, bytes: Uint8Array, start: number, end: number): number {
    assert(start < end, "there is a first byte");
    state.protocol = WIRE_BY_FIRST_BYTE[bytes[start] as number] as WireProtocol;
    const parser = this.#parsers[state.protocol] as Parser;
    const consumed = parser.parse(state, request, bytes, start, end);
    if (consumed === 0) this.needed = parser.needed;
    return consumed;
  }
}

function wiresByFirstByte(): Uint8Array {
  const others = PROTOCOLS.filter((protocol) => protocol.firstByte === null);
  assert(others.length === 1, "one protocol takes what no other begins with");
  const wires = new Uint8Array(256).fill(others[0]?.wire ?? WireProtocol.undecided);
  for (const { wire, firstByte } of PROTOCOLS) if (firstByte !== null) wires[firstByte] = wire;
  return wires;
}
