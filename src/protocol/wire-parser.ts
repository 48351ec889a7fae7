/** WireParser: the parser of every connection. Its first byte decides which protocol it speaks, for its whole life. */
import type { Clock } from "../base/clock.ts";
import type { Request } from "../command/request.ts";
import type { Parser, ProtocolOptions } from "./protocol.ts";
import { TextParser } from "./text-parser.ts";
import type { WireState } from "./wire-state.ts";

export class WireParser implements Parser {
  readonly #text: TextParser;

  constructor(options: ProtocolOptions, clock: Clock) {
    this.#text = new TextParser(options, clock);
  }

  get needed(): number {
    return this.#text.needed;
  }

  parse(state: WireState, request: Request, bytes: Uint8Array, start: number, end: number): number {
    return this.#text.parse(state, request, bytes, start, end);
  }
}
