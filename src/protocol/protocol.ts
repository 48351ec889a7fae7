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
import type { Reply } from "../command/reply.ts";
import type { Request } from "../command/request.ts";
import type { WireError } from "../command/status.ts";
import type { WireState } from "./wire-state.ts";

/**
 * What a parser returns when the connection is to be closed without a word (replies due before are
 * still sent).
 */
export const CLOSE = -1;

export interface Parser {
  /**
   * After a 0: how many bytes from `start` on are needed before it makes sense to parse again; 0
   * when unknown.
   */
  readonly needed: number;

  /**
   * Reads one request from bytes[start, end).
   *
   *   > 0    bytes consumed, and `request` is filled; its ranges are valid until the next call
   *   0      wait for more bytes, then call again with the same `start` contents
   *   CLOSE  close the connection
   *
   * - A line of several keys gives one request a key (`firstKey`, `lastKey`).
   * - What the client got wrong is a request too, `Op.error`, so that replies keep their order.
   * - `request.streamed`: only the head was consumed; `valueBytes` of value follow, and in text a
   *   line end.
   * - `request.swallowBytes`: so many bytes after the consumed ones are to be thrown away before
   *   answering.
   */
  parse(state: WireState, request: Request, bytes: Uint8Array, start: number, end: number): number;
}

/** All methods that write return the new end, and obey noreply and quiet: then that is `at`. */
export interface Encoder {
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
  /** One statistic; the text of both is latin1. */
  encodeStat(request: Request, name: string, value: string, out: Uint8Array, at: number): number;
  /** The end of a list of statistics. */
  encodeStatsEnd(request: Request, out: Uint8Array, at: number): number;
  /** A reply in plain words: a line of text, or a successful packet with that body. */
  encodeWords(request: Request, words: string, out: Uint8Array, at: number): number;
  /** SASL: go on with the next step. */
  encodeContinue(request: Request, out: Uint8Array, at: number): number;
  /**
   * The most bytes that `encode`, `encodeHead` with `encodeTail`, `encodeError` or `save` write for
   * this request.
   */
  bound(request: Request): number;
  /** Writes what the reply will need of the request at out[at]. */
  save(request: Request, out: Uint8Array, at: number): number;
  /**
   * Fills `request` from what `save` wrote. Its bytes are the encoder's own until the next
   * `restore`.
   */
  restore(request: Request, from: Uint8Array, at: number): void;
}
