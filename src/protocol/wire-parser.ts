/**
 * WireParser: the parser of every connection. Its first byte decides which protocol it speaks, for
 * its whole life, unless its listener has decided that before.
 */
import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import type { Request } from "../command/request.ts";
import type { Parser } from "./protocol.ts";
import type { ProtocolOptions } from "./protocol-options.ts";
import { PROTOCOLS, protocolOf } from "./protocols.ts";
import { WireProtocol, type WireState } from "./wire-state.ts";

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
    state.protocol = protocolOf(bytes[start] as number).wire;
    const parser = this.#parsers[state.protocol] as Parser;
    const consumed = parser.parse(state, request, bytes, start, end);
    if (consumed === 0) this.needed = parser.needed;
    return consumed;
  }
}
