/**
 * WireState: what a parser must remember of one connection between two requests. A plain record of
 * numbers, so that an idle connection costs little and any thread's parser can serve it.
 */

import type { ServerSeconds } from "../base/unit.ts";
import { Op } from "../command/op.ts";

/** Which protocol the connection speaks; its first byte decides, where its listener has not. */
export const WireProtocol = { undecided: 0, text: 1, binary: 2 } as const;
export type WireProtocol = (typeof WireProtocol)[keyof typeof WireProtocol];

/** What a listener's connections begin with. */
export interface WireOptions {
  /** The listener's `proto[…]`, or -B. */
  readonly protocol: "auto" | "ascii" | "binary";
  /** -Y: a text connection must log in first. */
  readonly asciiAuth: boolean;
  /** -S: a binary connection must authenticate first. */
  readonly sasl: boolean;
}

export class WireState {
  protocol: WireProtocol;
  /**
   * False until a login has succeeded, where one is needed. Whoever checks the password sets it.
   */
  authenticated: boolean;
  /** SASL: a mechanism was begun without data, so a step may follow. */
  saslBegun = false;
  /** So many bytes of an unfinished line hold no line end: they are not searched again. */
  searchedBytes = 0;
  /** Inside a line of several keys: what is done with each. `Op.none` between requests. */
  keysOp: Op = Op.none;
  keysWithCas = false;
  keysExptime = 0 as ServerSeconds;

  constructor(options: WireOptions) {
    this.protocol = protocolOf(options);
    this.authenticated = !options.asciiAuth && !options.sasl;
  }
}

/** Where one protocol alone has a login, the other has no way in. */
function protocolOf({ protocol, asciiAuth, sasl }: WireOptions): WireProtocol {
  if (protocol === "ascii") return WireProtocol.text;
  if (protocol === "binary") return WireProtocol.binary;
  if (asciiAuth === sasl) return WireProtocol.undecided;
  return asciiAuth ? WireProtocol.text : WireProtocol.binary;
}
