/**
 * WireState: what a parser must remember of one connection between two requests. A plain record of
 * numbers, so that an idle connection costs little and any thread's parser can serve it.
 */

import type { ServerSeconds } from "../base/unit.ts";
import { Op } from "../command/op.ts";
import type { ProtocolOptions } from "./protocol-options.ts";

/** Which protocol the connection speaks; its first byte decides. */
export const WireProtocol = { undecided: 0, text: 1, binary: 2 } as const;
export type WireProtocol = (typeof WireProtocol)[keyof typeof WireProtocol];

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

  constructor(options: ProtocolOptions) {
    this.protocol = protocolOf(options);
    this.authenticated = !options.asciiAuth && !options.sasl;
  }
}

/** A login ties a connection to the protocol it is made in. */
function protocolOf(options: ProtocolOptions): WireProtocol {
  if (options.asciiAuth || options.protocol === "ascii") return WireProtocol.text;
  if (options.sasl || options.protocol === "binary") return WireProtocol.binary;
  return WireProtocol.undecided;
}
