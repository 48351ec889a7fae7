/**
 * Stats source: the lines of one `stats` command, rendered when it was asked and worded as the
 * output takes them.
 */
import { Dialect, Request } from "../command/request.ts";
import { WireError } from "../command/status.ts";
import type { Encoder } from "../protocol/protocol.ts";
import { StatsOutcome } from "../stats/render.ts";
import { SOURCE_DONE, type Source } from "./source.ts";

/** More than any line's words around name and value, and more than any end. */
const LINE_BYTES_MAX = 256;
/** What memcached calls the dump in its packet. */
const DUMP_NAME = "detailed";

export class StatsSource implements Source {
  readonly endless = false;
  readonly #request: Request;
  readonly #encoder: Encoder;
  readonly #names: string[] = [];
  readonly #values: string[] = [];
  /**
   * `stats detail dump` in the binary protocol: one packet, longer maybe than what is filled at a
   * time.
   */
  #packet: Buffer = Buffer.alloc(0);
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
    if (outcome === StatsOutcome.lines && this.#request.dialect === Dialect.binary) {
      this.#packet = this.#linesAsPacket();
      this.#names.length = 0;
    }
  }

  fill(bytes: Uint8Array, at: number, end: number): number {
    if (this.#ended) return SOURCE_DONE;
    const copied = this.#packet.copy(bytes, at, 0, end - at);
    this.#packet = this.#packet.subarray(copied);
    let to = at + copied;
    if (this.#packet.length > 0) return copied;
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
    if (to + LINE_BYTES_MAX > end) return to - at;
    this.#ended = true;
    return this.#encodeEnd(bytes, to) - at;
  }

  release(): void {}

  /** The dump as text, its END included, is the value of a statistic. */
  #linesAsPacket(): Buffer {
    const text = [...this.#names, "END"].map((line) => `${line}\r\n`).join("");
    const packet = Buffer.alloc(DUMP_NAME.length + text.length + LINE_BYTES_MAX);
    return packet.subarray(0, this.#encoder.encodeStat(this.#request, DUMP_NAME, text, packet, 0));
  }

  #encodeEnd(bytes: Uint8Array, at: number): number {
    const encoder = this.#encoder;
    const request = this.#request;
    if (request.dialect === Dialect.binary) {
      return isRefused(this.#outcome)
        ? encoder.encodeError(request, WireError.unknownCommand, bytes, at)
        : encoder.encodeStatsEnd(request, bytes, at);
    }
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

/** The binary protocol has no words for why. */
function isRefused(outcome: StatsOutcome): boolean {
  return (
    outcome === StatsOutcome.unknown ||
    outcome === StatsOutcome.detailUsage ||
    outcome === StatsOutcome.detailNotAllowed
  );
}
