/**
 * Protocol: bytes to requests and replies to bytes, for every dialect. Pure functions over byte
 * ranges: nothing here knows a socket, a thread or the store.
 *
 *   bytes ── Parser ──▶ Request ──▶ router, store ──▶ Reply ── Encoder ──▶ bytes
 *
 * A reply that waits for another shard leaves a hole in the output. What it will need of its
 * request is saved in that hole by `save` and read back by `restore`; the two are exact opposites
 * (saved-request.ts draws the record).
 */
import type { Clock } from "../base/clock.ts";
import type { Reply } from "../command/reply.ts";
import type { Dialect, Request } from "../command/request.ts";
import type { WireError } from "../command/status.ts";
import type { ProtocolOptions } from "./protocol-options.ts";
import type { WireProtocol, WireState } from "./wire-state.ts";

/**
 * What a parser returns when the connection is to be closed without a word (replies due before are
 * still sent).
 */
export const CLOSE = -1;

export interface Parser {
  /**
   * After a 0: how many bytes from `start` on the request takes, as far as its head says: a value
   * is on its way. 0 while the head itself is not whole.
   */
  readonly needed: number;

  /**
   * Reads one request from bytes[start, end), which is not empty.
   *
   *   > 0    bytes consumed, and `request` is filled; its ranges are valid until the next call
   *   0      wait for more bytes, then call again with the same `start` contents
   *   CLOSE  close the connection
   *
   * - A line of several keys gives one request a key (`firstKey`, `lastKey`).
   * - What the client got wrong is a request too, `Op.error`, so that replies keep their order.
   * - `request.streamed`: only the head was consumed; `valueBytes` of value follow, and then
   *   `bodyTailBytes`.
   * - `request.swallowBytes`: the bytes after the consumed ones to be thrown away before
   *   answering.
   */
  parse(state: WireState, request: Request, bytes: Uint8Array, start: number, end: number): number;
}

/**
 * What one dialect's replies look like. All methods that write return the new end, and obey noreply
 * and quiet: then that is `at`.
 */
export interface DialectEncoder {
  /**
   * True when the reply carries a value: then it is `encodeHead`, the value, `encodeTail`; else
   * `encode`.
   */
  carriesValue(request: Request, reply: Reply): boolean;
  /** The whole reply of a request without a value in it. */
  encode(request: Request, reply: Reply, out: Uint8Array, at: number): number;
  /** What stands before the value. */
  encodeHead(request: Request, reply: Reply, out: Uint8Array, at: number): number;
  /** What stands after the value. */
  encodeTail(request: Request, out: Uint8Array, at: number): number;
  /** An error found after parsing, instead of the reply. */
  encodeError(request: Request, error: WireError, out: Uint8Array, at: number): number;
  /**
   * The most bytes that `encode`, `encodeHead` with `encodeTail`, `encodeError` or `save` write for
   * this request.
   */
  bound(request: Request): number;
  /** Writes what the reply will need of the request at out[at] (saved-request.ts). */
  save(request: Request, out: Uint8Array, at: number): number;
}

/** The encoder of every dialect, by the request's. */
export interface Encoder extends DialectEncoder {
  /**
   * Fills `request` from what `save` wrote. Its bytes are the encoder's own until the next
   * `restore`.
   */
  restore(request: Request, from: Uint8Array, at: number): void;
}

/**
 * What only memcached's protocols say: statistics, plain words, the steps of SASL. Off the request
 * path, so it may allocate; texts are latin1. Methods that write are as an encoder's.
 */
export interface StatsEncoder {
  /** One statistic. */
  encodeStat(request: Request, name: string, value: string, out: Uint8Array, at: number): number;
  /** The end of a list of statistics. */
  encodeStatsEnd(request: Request, out: Uint8Array, at: number): number;
  /** A list of whole lines with its end: longer, maybe, than what is written at a time. */
  listOf(request: Request, name: string, lines: readonly string[]): Uint8Array;
  /** What `stats reset` and the like are answered: `words`, where the protocol has words. */
  encodeDone(request: Request, words: string, out: Uint8Array, at: number): number;
  /** No such list, or not now: why, where the protocol has words. */
  encodeRefusal(request: Request, words: string, out: Uint8Array, at: number): number;
  /** A reply in plain words: a line of text, or a successful packet with that body. */
  encodeWords(request: Request, words: string, out: Uint8Array, at: number): number;
  /** The list of a cluster's nodes, as a whole reply. */
  nodeListOf(request: Request, list: Uint8Array): Uint8Array;
  /** SASL: go on with the next step. */
  encodeContinue(request: Request, out: Uint8Array, at: number): number;
}

/** What of a dialect is seen beside its bytes: in counters, in watchers' logs, in `stats`. */
export interface DialectRules {
  /** A read that would have set an exptime, and misses, counts as a get; else as a touch. */
  readonly countsMissedTouchAsGet: boolean;
  /** A delete whose CAS differs counts as a miss; else as nothing. */
  readonly countsRefusedDeleteAsMiss: boolean;
  /** What `watch deletions` calls a delete; empty where it shows none. */
  readonly deleteName: string;
  /** The key of `stats` is one name, with nothing behind it, rather than words. */
  readonly statsKeyIsName: boolean;
}

/**
 * What -vv shows of a conversation in one protocol, line by line, in memcached's words. Off the
 * request path, so it may allocate. Never a value, never a password, and nothing unprintable.
 */
export interface Conversation {
  /** What memcached calls the protocol. */
  readonly name: string;
  /**
   * The request whose head begins at bytes[start, end); null while it is not whole, or where it has
   * been shown before.
   */
  asked(
    descriptor: number,
    state: WireState,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): readonly string[] | null;
  /** What is answered, a value and all behind it left out; `isSilent`: it is not sent (noreply). */
  answered(
    descriptor: number,
    isSilent: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): readonly string[];
}

/** One language a connection's requests are in. */
export interface DialectParts {
  readonly dialect: Dialect;
  readonly encoder: (clock: Clock) => DialectEncoder;
  readonly stats: StatsEncoder;
  readonly rules: DialectRules;
}

/** One protocol: a row of protocols.ts. */
export interface Protocol {
  /** By which number a connection's state remembers it. */
  readonly wire: WireProtocol;
  /** The byte a connection in this protocol begins with; null for what begins with any other. */
  readonly firstByte: number | null;
  readonly parser: (options: ProtocolOptions, clock: Clock) => Parser;
  readonly conversation: Conversation;
  /** One, or several that mix freely on one connection. */
  readonly dialects: readonly DialectParts[];
}
