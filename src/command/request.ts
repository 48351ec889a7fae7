/**
 * Request: the one description of what a client asked, whatever the protocol.
 *
 * A parser fills it, the router reads key and op, a store executes it, an encoder reads what the
 * reply must repeat. One object lives as long as its connection's thread and is filled again for
 * each request: numbers and borrowed byte ranges, so a request costs no garbage. `bytes` and every
 * range into it are valid until the next `parse`.
 *
 * A record of a ring is decoded into a Request too: the owner executes the same thing, with `bytes`
 * pointing into the ring.
 */
import type { ServerSeconds } from "../base/unit.ts";
import { type ArithmeticMode, type DeleteMode, Op, StoreMode } from "./op.ts";
import { WireError } from "./status.ts";

/** Which encoder answers. */
export const Dialect = { text: 0, meta: 1, binary: 2 } as const;
export type Dialect = (typeof Dialect)[keyof typeof Dialect];

/** Bits of `request.marks`: what a request asks beyond its op. Rings carry them as one word. */
export const Mark = {
  /** The item must have `cas`, or the answer is exists (notFound when absent). */
  compareCas: 1 << 0,
  /** The new item takes `newCas` (meta E). */
  explicitCas: 1 << 1,
  /** `exptime` counts: meta T; always set for touch, gat and classic stores. */
  exptime: 1 << 2,
  /** `vivifyExptime` counts: meta N, binary incr with an initial value, append that may create. */
  vivify: 1 << 3,
  /** `recacheExptime` counts: meta R. */
  recache: 1 << 4,
  /** meta I: in a store, a lower CAS stores stale; in a delete, see DeleteMode. */
  invalidate: 1 << 5,
  /** meta u: not an access. */
  noBump: 1 << 6,
  /** The key came in base64: the item is marked binary. */
  binaryKey: 1 << 7,
  /** The reply needs the value, not only the description. */
  wantsValue: 1 << 8,
  /** `clientFlags` counts (md x with F). */
  clientFlags: 1 << 9,
  /** meta mg C: equal CAS means no value is sent. */
  casMatchSkipsValue: 1 << 10,
  /** Binary: a compare on an absent key answers notFound for Add too. */
  binarySemantics: 1 << 11,
  /**
   * A fetch is sent again, and its first try won the right to recache: if that token is still out,
   * it is ours.
   */
  tokenHeld: 1 << 12,
  /** The reply tells the exptime from before this request changed it (meta t left of T). */
  exptimeBefore: 1 << 13,
  /** The same of an item this request creates (meta t left of N). */
  vivifyExptimeBefore: 1 << 14,
  /**
   * An item this request creates has `exptime` in the end, not `vivifyExptime` (meta N left of T).
   */
  exptimeLast: 1 << 15,
  /** `recacheExptime` is held against the exptime this request sets (meta T left of R). */
  recacheAfter: 1 << 16,
  /** A fetch from another thread, which will read the value by itself: see ItemMark.expiring. */
  valueApart: 1 << 17,
  /**
   * An upload that finds no room is answered `noRoomYet` while others may give some back: it will
   * be asked for again.
   */
  mayWait: 1 << 18,
  /**
   * A read that may win the right to recache: its reply has words for who has won. One that finds
   * its item stale, and nobody the winner yet, is the owner's to decide.
   */
  mayWin: 1 << 19,
  /**
   * A store there is no room for removes the old item: what the client believes replaced must not
   * come back.
   */
  dropsOldWhenRefused: 1 << 20,
} as const;

export class Request {
  op: Op = Op.none;
  dialect: Dialect = Dialect.text;
  mode: StoreMode | ArithmeticMode | DeleteMode = StoreMode.set;
  /** Bits of `Mark`. */
  marks = 0;

  /** Where key, value and line lie. */
  bytes: Uint8Array;
  /**
   * The key as stored: a base64 key (meta b) is decoded into the parser's own scratch, and
   * `keyBytes` points there.
   */
  keyBytes: Uint8Array;
  keyStart = 0;
  keyEnd = 0;
  /** KeyHash of the key; the router fills them. */
  hashLow = 0;
  hashHigh = 0;

  /**
   * The value, when all of it is in `bytes`. Streamed values have `streamed` set and only
   * `valueBytes`.
   */
  valueStart = 0;
  valueEnd = 0;
  /** The declared length of the value. */
  valueBytes = 0;
  /**
   * The value does not lie in `bytes`: its `valueBytes` bytes follow on the wire, and then
   * `bodyTailBytes`.
   */
  streamed = false;
  /** What must follow a streamed value: a line end, or nothing. */
  bodyTailBytes: 0 | 2 = 0;

  clientFlags = 0;
  /** A deadline on the server clock (base/clock.ts): parsers convert. 0 is never. */
  exptime = 0 as ServerSeconds;
  vivifyExptime = 0 as ServerSeconds;
  /** An item that dies before this is to be recached: a deadline too. */
  recacheExptime = 0 as ServerSeconds;
  casLow = 0;
  casHigh = 0;
  newCasLow = 0;
  newCasHigh = 0;
  deltaLow = 0;
  deltaHigh = 0;
  initialLow = 0;
  initialHigh = 0;

  /** No reply at all, errors included (classic noreply). */
  noreply = false;
  /** No reply on the boring outcome (meta q, binary quiet opcodes). */
  quiet = false;

  /**
   * Op.get of several keys on one line: this is the first, the last. Both true for a single key.
   */
  firstKey = true;
  lastKey = true;
  /** gets, gats: the CAS is printed. */
  withCas = false;

  /**
   * What the line got wrong. With Op.error it is the whole answer. With another op the op is done
   * all the same, silently, and then the error is answered: a set that is too large is a delete of
   * the old item with `tooLarge`.
   */
  error: WireError = WireError.none;
  /** The connection is closed once the reply has been sent. */
  closeAfter = false;
  /**
   * Before answering: this many bytes of the stream are thrown away (a value that is too large, or
   * wrong).
   */
  swallowBytes = 0;

  /** The command line without its line end: meta flags, admin words. */
  lineStart = 0;
  lineEnd = 0;
  /** Meta: where the flags begin in the line. */
  metaFlagsStart = 0;
  /** Binary: opcode, opaque (32 bits as sent), and the extras length. */
  opcode = 0;
  opaque = 0;
  /**
   * A plain number of small commands: verbosity level, memory limit in MiB, shutdown mode, which
   * admin word.
   */
  level = 0;

  /** Upload id or lease id, with the ops that need one. */
  handle = 0;
  /** The thread that asks: what it leaves open in a store when it dies is found by this number. */
  requester = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.keyBytes = bytes;
  }

  /**
   * A new request: whatever says how to answer is reset. Numbers an op reads (key, value, exptime
   * …) are the parser's.
   */
  begin(op: Op, dialect: Dialect, bytes: Uint8Array): void {
    this.op = op;
    this.dialect = dialect;
    this.mode = StoreMode.set;
    this.marks = 0;
    this.bytes = bytes;
    this.keyBytes = bytes;
    this.valueStart = 0; // whose range is not empty travels with its request
    this.valueEnd = 0;
    this.streamed = false;
    this.bodyTailBytes = 0;
    this.noreply = false;
    this.quiet = false;
    this.firstKey = true;
    this.lastKey = true;
    this.withCas = false;
    this.error = WireError.none;
    this.closeAfter = false;
    this.swallowBytes = 0;
  }

  /** Its bytes lie `distance` further on now; a key that does not lie among them stays. */
  move(distance: number): void {
    if (this.keyBytes === this.bytes) {
      this.keyStart += distance;
      this.keyEnd += distance;
    }
    if (this.valueEnd > this.valueStart) {
      this.valueStart += distance;
      this.valueEnd += distance;
    }
    this.lineStart += distance;
    this.lineEnd += distance;
    this.metaFlagsStart += distance;
  }

  /** Makes it an error that answers `error`; noreply stays as it is. */
  refuse(error: WireError): void {
    this.op = Op.error;
    this.error = error;
    this.marks = 0;
  }
}
