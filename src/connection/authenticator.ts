/** Authenticator: checks logins, in the text protocol (-Y) and SASL PLAIN (-S). */
import type { Request } from "../command/request.ts";
import { WireError } from "../command/status.ts";
import type { Encoder } from "../protocol/protocol.ts";
import { type Connection, Verdict } from "./connection.ts";
import type { Output } from "./output.ts";
import type { SessionExtension } from "./session-commands.ts";

export class Authenticator implements SessionExtension {
  readonly #output: Output;

  constructor(output: Output) {
    this.#output = output;
  }

  perform(_connection: Connection, request: Request, encoder: Encoder): Verdict {
    const output = this.#output;
    output.at = encoder.encodeError(
      request,
      WireError.authenticationFailure,
      output.bytes,
      output.at,
    );
    return Verdict.done;
  }
}
