/**
 * Authenticator: judges logins, in the text protocol (-Y) and by SASL PLAIN in the binary one (-S).
 *
 *   text     <user> <password>                          as the value of a set; the parser made it Op.authenticate
 *   binary   list ─▶ PLAIN · auth ─▶ authenticated, refused, or "go on" when it has no data yet · step ─▶ as auth
 *
 * Every entry is compared, whole, and none ends the search: the time a refusal takes tells nothing
 * of which user exists or how much of a password was right (CVE-2026-47783 was such a loop that
 * ended early). Digests are compared, so lengths are equal.
 *
 * Nothing but this is possible before it has succeeded: the parsers see to that. Here, tries are
 * counted: a connection that keeps guessing is closed.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { MECHANISM_BYTES_MAX } from "../command/limits.ts";
import { LoginStep } from "../command/op.ts";
import { Reply } from "../command/reply.ts";
import type { Request } from "../command/request.ts";
import { Status, WireError } from "../command/status.ts";
import { Counter, type Counters } from "../memory/counters.ts";
import { statsEncoderOf } from "../protocol/protocols.ts";
import type { Connection } from "./connection.ts";
import type { Output } from "./output.ts";
import type { Replies } from "./replies.ts";

/** A connection that failed so often is closed. */
const FAILURES_MAX = 10;
const SPACE = 0x20;
const MECHANISM = "PLAIN";

/** One user who may log in. */
export interface Login {
  readonly user: Uint8Array;
  readonly password: Uint8Array;
}

export interface AuthenticatorParts {
  readonly output: Output;
  readonly replies: Replies;
  readonly counters: Counters;
  /** Who may log in by the text protocol; read again after a SIGHUP. */
  readonly textLogins: () => readonly Login[];
  /** Who may log in by SASL; read for every attempt. */
  readonly saslLogins: () => readonly Login[];
  /** Tells the operator of a failure. */
  readonly failed: (slot: number) => void;
}

export class Authenticator {
  readonly #parts: AuthenticatorParts;
  readonly #reply: Reply;

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts;
    this.#reply = new Reply(parts.output.bytes);
  }

  /** Answers a login; room for the answer was reserved. */
  judge(connection: Connection, request: Request): void {
    if (request.level === LoginStep.password) this.#password(connection, request);
    else this.#sasl(connection, request);
  }

  #password(connection: Connection, request: Request): void {
    const payload = Buffer.from(request.bytes.subarray(request.valueStart, request.valueEnd));
    const space = payload.indexOf(SPACE);
    const user = payload.subarray(0, space);
    const known = isKnown(this.#parts.textLogins(), user, payload.subarray(space + 1));
    if (this.#judge(connection, request, known)) {
      this.#reply.status = Status.stored;
      this.#parts.replies.write(request, this.#reply);
    } else {
      this.#parts.replies.writeError(request, WireError.authenticationFailure);
    }
  }

  #sasl(connection: Connection, request: Request): void {
    const { output, replies, saslLogins } = this.#parts;
    const { wire } = connection;
    const step = request.level;
    const encoder = statsEncoderOf(request);
    if (step === LoginStep.list) {
      replies.said(request, encoder.encodeWords(request, MECHANISM, output.bytes, output.at));
      return;
    }
    const name = request.keyBytes.subarray(request.keyStart, request.keyEnd);
    if (name.length > MECHANISM_BYTES_MAX) {
      replies.writeError(request, WireError.malformedPacket);
      return;
    }
    const data = Buffer.from(request.bytes.subarray(request.valueStart, request.valueEnd));
    const plain = Buffer.from(name).toString("latin1").toUpperCase() === MECHANISM;
    const begun = wire.saslBegun;
    wire.saslBegun = false;
    if (step !== LoginStep.step && plain && data.length === 0) {
      wire.saslBegun = true;
      replies.said(request, encoder.encodeContinue(request, output.bytes, output.at));
      return;
    }
    const inTurn = plain && (step !== LoginStep.step || begun);
    const [, user, password] = splitPlain(data);
    const known = inTurn && isKnown(saslLogins(), user, password);
    if (this.#judge(connection, request, known)) {
      const words = "Authenticated";
      replies.said(request, encoder.encodeWords(request, words, output.bytes, output.at));
    } else {
      replies.writeError(request, WireError.authRequired);
    }
  }

  /** Counts an attempt, and lets the connection in or out. */
  #judge(connection: Connection, request: Request, known: boolean): boolean {
    const { counters, failed } = this.#parts;
    counters.add(Counter.authCmds, 1);
    connection.wire.authenticated = known;
    if (known) return true;
    counters.add(Counter.authErrors, 1);
    failed(connection.slot);
    connection.authFailures++;
    if (connection.authFailures >= FAILURES_MAX) request.closeAfter = true;
    return false;
  }
}

/** The three parts of a PLAIN message: authorization id, user, password (RFC 4616). */
function splitPlain(data: Buffer): [Buffer, Buffer, Buffer] {
  const first = data.indexOf(0);
  const second = first < 0 ? -1 : data.indexOf(0, first + 1);
  const nothing = Buffer.alloc(0);
  if (second < 0) return [nothing, nothing, nothing];
  return [data.subarray(0, first), data.subarray(first + 1, second), data.subarray(second + 1)];
}

/**
 * True when one of the logins is this one. Looks at all of them, in a time that depends on their
 * number only.
 */
function isKnown(logins: readonly Login[], user: Uint8Array, password: Uint8Array): boolean {
  const userDigest = digest(user);
  const passwordDigest = digest(password);
  let known = 0;
  for (const login of logins) {
    const sameUser = timingSafeEqual(digest(login.user), userDigest) ? 1 : 0;
    const samePassword = timingSafeEqual(digest(login.password), passwordDigest) ? 1 : 0;
    known |= sameUser & samePassword;
  }
  return known === 1;
}

function digest(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest();
}
