/**
 * AsciiLogin: with -Y, all that an ASCII connection may do before it is authenticated.
 *
 *    set <anything> <anything> <anything> <bytes>\r\n<user> <password>\r\n
 *
 * A set in disguise, so that any client can log in. Nothing is stored; noreply is not honoured. The
 * request is `Op.authenticate` with `<user> <password>` as its value; whoever checks it sets
 * `state.authenticated`.
 */
import { decimalToUint32, NOT_A_NUMBER } from "../../base/decimal.ts";
import { AUTH_TOKEN_BYTES_MAX } from "../../command/limits.ts";
import { LoginStep, Op } from "../../command/op.ts";
import type { Request } from "../../command/request.ts";
import { WireError } from "../../command/status.ts";
import { bytesOf, CR, LF, SPACE } from "../ascii.ts";
import type { LineTokens } from "../line-tokens.ts";
import { CLOSE } from "../protocol.ts";

const SET = bytesOf("set");
/** A line with fewer bytes before its `\n` closes the connection. */
const LINE_BYTES_MIN = 6;
/** set, three tokens nobody looks at, and the length. */
const LOGIN_TOKENS = 5;

export class AsciiLogin {
  /** After a 0: bytes needed from `start` on. */
  needed = 0;
  readonly #tokens: LineTokens;

  constructor(tokens: LineTokens) {
    this.#tokens = tokens;
  }

  /** Reads the line in the tokens, which begins at `start`, and its payload. As `Parser.parse`. */
  parse(request: Request, bytes: Uint8Array, start: number, end: number): number {
    const tokens = this.#tokens;
    const lineBytes = tokens.next - start;
    if (lineBytes - 1 < LINE_BYTES_MIN) return CLOSE;
    request.refuse(WireError.unauthenticated);
    if (tokens.count < LOGIN_TOKENS || tokens.start(0) !== start) return lineBytes;
    if (!tokens.beginsWith(bytes, 0, SET) || bytes[tokens.next - 2] !== CR) return lineBytes;
    const tokenBytes = decimalToUint32(bytes, tokens.start(4), tokens.end(4));
    if (tokenBytes === NOT_A_NUMBER) return lineBytes;
    if (tokenBytes > AUTH_TOKEN_BYTES_MAX) {
      request.error = WireError.authTokenTooLong;
      return lineBytes;
    }
    const tokenEnd = tokens.next + tokenBytes;
    if (tokenEnd + 2 > end) {
      this.needed = tokenEnd + 2 - start;
      return 0;
    }
    request.valueStart = tokens.next;
    request.valueEnd = tokenEnd;
    request.valueBytes = tokenBytes;
    if (bytes[tokenEnd] !== CR || bytes[tokenEnd + 1] !== LF) {
      request.error = WireError.badLineTermination;
    } else if (!holdsSpace(bytes, tokens.next, tokenEnd)) {
      request.error = WireError.badAuthToken;
    } else {
      request.op = Op.authenticate;
      request.level = LoginStep.password;
      request.error = WireError.none;
    }
    return tokenEnd + 2 - start;
  }
}

function holdsSpace(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] === SPACE) return true;
  return false;
}
