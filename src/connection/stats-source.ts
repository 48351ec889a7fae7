/**
 * Stats source: the lines of one `stats` command, rendered when it was asked and worded as the
 * output takes them.
 */
import { Request } from "../command/request.ts";
import type { StatsEncoder } from "../protocol/protocol.ts";
import { statsEncoderOf } from "../protocol/protocols.ts";
import { StatsOutcome } from "../stats/render.ts";
import { BytesSource } from "./bytes-source.ts";
import { SOURCE_DONE, type Source } from "./source.ts";

/** More than any line's words around name and value, and more than any end. */
const LINE_BYTES_MAX = 256;
/** What memcached calls the dump, where it has a name. */
const DUMP_NAME = "detailed";
const NOTHING = new Uint8Array(0);

export class StatsSource implements Source {
  readonly endless = false;
  readonly #request: Request;
  readonly #encoder: StatsEncoder;
  readonly #names: string[] = [];
  readonly #values: string[] = [];
  /** `stats detail dump`, whole: longer maybe than what is filled at a time. */
  #list: Source = new BytesSource(NOTHING);
  #outcome: StatsOutcome = StatsOutcome.end;
  #next = 0;
  #ended = false;

  /** `request` is copied: it belongs to its thread, and this outlives its turn. */
  constructor(request: Request, bytes: Uint8Array) {
    const own = new Request(bytes);
    own.begin(request.op, request.dialect, bytes);
    own.opcode = request.opcode;
    own.opaque = request.opaque;
    own.noreply = request.noreply;
    own.quiet = request.quiet;
    this.#request = own;
    this.#encoder = statsEncoderOf(request);
  }

  add(name: string, value: string): void {
    this.#names.push(name);
    this.#values.push(value);
  }

  /** Says what follows the lines. */
  end(outcome: StatsOutcome): void {
    this.#outcome = outcome;
    if (outcome !== StatsOutcome.lines) return;
    const list = this.#encoder.listOf(this.#request, DUMP_NAME, this.#names);
    this.#list = new BytesSource(list);
    this.#names.length = 0;
  }

  fill(bytes: Uint8Array, at: number, end: number): number {
    if (this.#ended) return SOURCE_DONE;
    if (this.#outcome === StatsOutcome.lines) return this.#list.fill(bytes, at, end);
    let to = at;
    while (this.#next < this.#names.length) {
      const name = this.#names[this.#next] as string;
      const value = this.#values[this.#next] as string;
      if (to + name.length + value.length + 2 * LINE_BYTES_MAX > end) return to - at;
      to = this.#encoder.encodeStat(this.#request, name, value, bytes, to);
      this.#next++;
    }
    if (to + LINE_BYTES_MAX > end) return to - at;
    this.#ended = true;
    return this.#encodeEnd(bytes, to) - at;
  }

  release(): void {}

  #encodeEnd(bytes: Uint8Array, at: number): number {
    const encoder = this.#encoder;
    const request = this.#request;
    switch (this.#outcome) {
      case StatsOutcome.reset:
        return encoder.encodeDone(request, "RESET", bytes, at);
      case StatsOutcome.ok:
        return encoder.encodeDone(request, "OK", bytes, at);
      case StatsOutcome.unknown:
        return encoder.encodeRefusal(request, "ERROR", bytes, at);
      case StatsOutcome.detailUsage: {
        const usage = "CLIENT_ERROR usage: stats detail on|off|dump";
        return encoder.encodeRefusal(request, usage, bytes, at);
      }
      case StatsOutcome.detailNotAllowed:
        return encoder.encodeRefusal(request, "CLIENT_ERROR stats detail not allowed", bytes, at);
      default:
        return encoder.encodeStatsEnd(request, bytes, at);
    }
  }
}
