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
  /** By `WireProtocol`. */
  readonly #parsers: Parser[] = [];
  #needed = 0;

  constructor(options: ProtocolOptions, clock: Clock) {
    for (const { wire, parser } of PROTOCOLS) this.#parsers[wire] = parser(options, clock);
    this.#parsers[WireProtocol.undecided] = this;
  }

  get needed(): number {
    return this.#needed;
  }

  parse(state: WireState, request: Request, bytes: Uint8Array, start: number, end: number): number {
    if (start === end) return this.#wait(0);
    if (state.protocol === WireProtocol.undecided) {
      state.protocol = WIRE_BY_FIRST_BYTE[bytes[start] as number] as WireProtocol;
    }
    const parser = this.#parsers[state.protocol] as Parser;
    const consumed = parser.parse(state, request, bytes, start, end);
    return consumed === 0 ? this.#wait(parser.needed) : consumed;
  }

  #wait(needed: number): number {
    this.#needed = needed;
    return 0;
  }
}

function wiresByFirstByte(): Uint8Array {
  const others = PROTOCOLS.filter((protocol) => protocol.firstByte === null);
  assert(others.length === 1, "one protocol takes what no other begins with");
  const wires = new Uint8Array(256).fill(others[0]?.wire ?? WireProtocol.undecided);
  for (const { wire, firstByte } of PROTOCOLS) if (firstByte !== null) wires[firstByte] = wire;
  return wires;
}
