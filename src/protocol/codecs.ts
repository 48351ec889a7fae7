/** Codecs: the parser and the encoders of one thread. */
import type { Clock } from "../base/clock.ts";
import type { Encoder, Parser } from "./protocol.ts";
import type { ProtocolOptions } from "./protocol-options.ts";
import { ReplyEncoder } from "./reply-encoder.ts";
import { WireParser } from "./wire-parser.ts";

export interface Codecs {
  readonly parser: Parser;
  /** By Dialect. One object serves them all: a call site that sees one class is inlined. */
  readonly encoders: readonly Encoder[];
}

/** Makes what a thread needs to speak to its connections. Buffers in them are shared by all requests of the thread. */
export function createCodecs(options: ProtocolOptions, clock: Clock): Codecs {
  const encoder = new ReplyEncoder(clock);
  return { parser: new WireParser(options, clock), encoders: [encoder, encoder, encoder] };
}
