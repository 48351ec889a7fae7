/**
 * WireParser: the parser of every connection. Its first byte decides which protocol it speaks, for
 * its whole life.
 */
import type { Clock } from "../base/clock.ts";
import type { Request } from "../command/request.ts";
import { MAGIC_REQUEST } from "./binary/binary-packet.ts";
import { BinaryParser } from "./binary/binary-parser.ts";
import type { Parser } from "./protocol.ts";
import type { ProtocolOptions } from "./protocol-options.ts";
import { TextParser } from "./text/text-parser.ts";
import { WireProtocol, type WireState } from "./wire-state.ts";

export class WireParser implements Parser {
  readonly #text: TextParser;
  readonly #binary: BinaryParser;
  #needed = 0;

  constructor(options: ProtocolOptions, clock: Clock) {
    this.#text = new TextParser(options, clock);
    this.#binary = new BinaryParser(options, clock);
  }

  get needed(): number {
    return this.#needed;
  }

  parse(state: WireState, request: Request, bytes: Uint8Array, start: number, end: number): number {
    if (start === end) return this.#wait(0);
    if (state.protocol === WireProtocol.undecided) {
      const binary = bytes[start] === MAGIC_REQUEST;
      state.protocol = binary ? WireProtocol.binary : WireProtocol.text;
    }
    if (state.protocol === WireProtocol.text) {
      const consumed = this.#text.parse(state, request, bytes, start, end);
      return consumed === 0 ? this.#wait(this.#text.needed) : consumed;
    }
    const consumed = this.#binary.parse(state, request, bytes, start, end);
    return consumed === 0 ? this.#wait(this.#binary.needed) : consumed;
  }

  #wait(needed: number): number {
    this.#needed = needed;
    return 0;
  }
}
