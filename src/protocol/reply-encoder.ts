/**
 * ReplyEncoder: the encoder of every dialect, by the request's. What is saved of a request is the
 * same for all.
 */
import type { Clock } from "../base/clock.ts";
import type { Reply } from "../command/reply.ts";
import { Dialect, type Request } from "../command/request.ts";
import type { WireError } from "../command/status.ts";
import { BinaryEncoder } from "./binary/binary-encoder.ts";
import { MetaEncoder } from "./meta/meta-encoder.ts";
import type { Encoder } from "./protocol.ts";
import { RequestRestorer, saveRequest } from "./saved-request.ts";
import { ClassicEncoder } from "./text/classic-encoder.ts";

export class ReplyEncoder implements Encoder {
  readonly #classic = new ClassicEncoder();
  readonly #meta: MetaEncoder;
  readonly #binary = new BinaryEncoder();
  readonly #restorer = new RequestRestorer();

  constructor(clock: Clock) {
    this.#meta = new MetaEncoder(clock);
  }

  carriesValue(request: Request, reply: Reply): boolean {
    return request.dialect === Dialect.meta
      ? this.#meta.carriesValue(request, reply)
      : this.#classic.carriesValue(request, reply);
  }

  encode(request: Request, reply: Reply, out: Uint8Array, at: number): number {
    if (request.dialect === Dialect.text) return this.#classic.encode(request, reply, out, at);
    if (request.dialect === Dialect.meta) return this.#meta.encode(request, reply, out, at);
    return this.#binary.encode(request, reply, out, at);
  }

  encodeHead(request: Request, reply: Reply, out: Uint8Array, at: number): number {
    if (request.dialect === Dialect.text) return this.#classic.encodeHead(request, reply, out, at);
    if (request.dialect === Dialect.meta) return this.#meta.encodeHead(request, reply, out, at);
    return this.#binary.encodeHead(request, reply, out, at);
  }

  encodeTail(request: Request, out: Uint8Array, at: number): number {
    if (request.dialect === Dialect.text) return this.#classic.encodeTail(request, out, at);
    if (request.dialect === Dialect.meta) return this.#meta.encodeTail(out, at);
    return at;
  }

  encodeError(request: Request, error: WireError, out: Uint8Array, at: number): number {
    if (request.dialect === Dialect.text) return this.#classic.encodeError(request, error, out, at);
    if (request.dialect === Dialect.meta) return this.#meta.encodeError(error, out, at);
    return this.#binary.encodeError(request, error, out, at);
  }

  encodeStat(request: Request, name: string, value: string, out: Uint8Array, at: number): number {
    return request.dialect === Dialect.binary
      ? this.#binary.encodeStat(request, name, value, out, at)
      : this.#classic.encodeStat(request, name, value, out, at);
  }

  encodeStatsEnd(request: Request, out: Uint8Array, at: number): number {
    return request.dialect === Dialect.binary
      ? this.#binary.encodeStatsEnd(request, out, at)
      : this.#classic.encodeStatsEnd(request, out, at);
  }

  encodeWords(request: Request, words: string, out: Uint8Array, at: number): number {
    return request.dialect === Dialect.binary
      ? this.#binary.encodeWords(request, words, out, at)
      : this.#classic.encodeWords(request, words, out, at);
  }

  encodeContinue(request: Request, out: Uint8Array, at: number): number {
    return this.#binary.encodeContinue(request, out, at);
  }

  bound(request: Request): number {
    if (request.dialect === Dialect.text) return this.#classic.bound(request);
    if (request.dialect === Dialect.meta) return this.#meta.bound(request);
    return this.#binary.bound(request);
  }

  save(request: Request, out: Uint8Array, at: number): number {
    return saveRequest(request, out, at);
  }

  restore(request: Request, from: Uint8Array, at: number): void {
    this.#restorer.restore(request, from, at);
  }
}
