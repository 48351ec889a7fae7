/**
 * ReplyEncoder: the encoder of every dialect, by the request's. What is saved of a request is read
 * back the same way for all.
 */
import type { Clock } from "../base/clock.ts";
import type { Reply } from "../command/reply.ts";
import type { Request } from "../command/request.ts";
import type { WireError } from "../command/status.ts";
import type { DialectEncoder, Encoder } from "./protocol.ts";
import { dialectParts } from "./protocols.ts";
import { RequestRestorer } from "./saved-request.ts";

export class ReplyEncoder implements Encoder {
  /** By dialect. */
  readonly #encoders: readonly DialectEncoder[];
  readonly #restorer = new RequestRestorer();

  constructor(clock: Clock) {
    this.#encoders = dialectParts().map((parts) => parts.encoder(clock));
  }

  carriesValue(request: Request, reply: Reply): boolean {
    return this.#of(request).carriesValue(request, reply);
  }

  encode(request: Request, reply: Reply, out: Uint8Array, at: number): number {
    return this.#of(request).encode(request, reply, out, at);
  }

  encodeHead(request: Request, reply: Reply, out: Uint8Array, at: number): number {
    return this.#of(request).encodeHead(request, reply, out, at);
  }

  encodeTail(request: Request, out: Uint8Array, at: number): number {
    return this.#of(request).encodeTail(request, out, at);
  }

  encodeError(request: Request, error: WireError, out: Uint8Array, at: number): number {
    return this.#of(request).encodeError(request, error, out, at);
  }

  bound(request: Request): number {
    return this.#of(request).bound(request);
  }

  save(request: Request, out: Uint8Array, at: number): number {
    return this.#of(request).save(request, out, at);
  }

  restore(request: Request, from: Uint8Array, at: number): void {
    this.#restorer.restore(request, from, at);
  }

  #of(request: Request): DialectEncoder {
    return this.#encoders[request.dialect] as DialectEncoder;
  }
}
