/**
 * Stats source: the lines of one `stats` command, rendered when it was asked and worded as the output takes them.
 */
import { Dialect, Request } from "../command/request.ts";
import { WireError } from "../command/status.ts";
import type { Encoder } from "../protocol/protocol.ts";
import { StatsOutcome } from "../stats/render.ts";
import { SOURCE_DONE, type Source } from "./source.ts";

/** More than any line's words around name and value, and more than any end. */
const LINE_BYTES_MAX = 256;

export class StatsSource implements Source {
  readonly endless = false;
  readonly #request: Request;
  readonly #encoder: Encoder;
  readonly #names: string[] = [];
  readonly #values: string[] = [];
  #outcome: StatsOutcome = StatsOutcome.end;
  #next = 0;
  #ended = false;

  /** `request` is copied: it belongs to its thread, and this outlives its turn. */
  constructor(request: Request, encoder: Encoder, bytes: Uint8Array) {
    const own = new Request(bytes);
    own.begin(request.op, request.dialect, bytes);
    own.opcode = request.opcode;
    own.opaque = request.opaque;
    own.noreply = request.noreply;
    own.quiet = request.quiet;
    this.#request = own;
    this.#encoder = encoder;
  }

  add(name: string, value: string): void {
    this.#names.push(name);
    this.#values.push(value);
  }

  /** Says what follows the lines. */
  end(outcome: StatsOutcome): void {
    this.#outcome = outcome;
  }

  fill(bytes: Uint8Array, at: number, end: number): number {
    if (this.#ended) return SOURCE_DONE;
    let to = at;
    while (this.#next < this.#names.length) {
      const name = this.#names[this.#next] as string;
      const value = this.#values[this.#next] as string;
      if (to + name.length + value.length + 2 * LINE_BYTES_MAX > end) return to - at;
      to =
        this.#outcome === StatsOutcome.lines
          ? this.#encoder.encodeWords(this.#request, name, bytes, to)
          : this.#encoder.encodeStat(this.#request, name, value, bytes, to);
      this.#next++;
    }
    this.#ended = true;
    return this.#encodeEnd(bytes, to) - at;
  }

  release(): void {}

  #encodeEnd(bytes: Uint8Array, at: number): number {
    const encoder = this.#encoder;
    const request = this.#request;
    const done = this.#outcome === StatsOutcome.reset || this.#outcome === StatsOutcome.ok;
    if (done && request.dialect === Dialect.binary)
      return encoder.encodeStatsEnd(request, bytes, at);
    switch (this.#outcome) {
      case StatsOutcome.reset:
        return encoder.encodeWords(request, "RESET", bytes, at);
      case StatsOutcome.ok:
        return encoder.encodeWords(request, "OK", bytes, at);
      case StatsOutcome.unknown:
        return encoder.encodeError(request, WireError.unknownCommand, bytes, at);
      case StatsOutcome.detailUsage:
        return encoder.encodeWords(
          request,
          "CLIENT_ERROR usage: stats detail on|off|dump",
          bytes,
          at,
        );
      case StatsOutcome.detailNotAllowed:
        return encoder.encodeWords(request, "CLIENT_ERROR stats detail not allowed", bytes, at);
      default:
        return encoder.encodeStatsEnd(request, bytes, at);
    }
  }
}
