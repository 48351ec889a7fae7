/**
 * TextStorage: set add replace append prepend cas, from a line already cut into tokens.
 *
 *    <command> <key> <flags> <exptime> <bytes> [<cas unique>] [noreply]\r\n  + data block (data-block.ts)
 *
 * The byte count decides how a wrong line is taken. Until it is understood nobody knows where the
 * block ends, so what follows is read as commands; once it is, everything else that is wrong
 * swallows the block and gives one error.
 */
import type { Clock } from "../../base/clock.ts";
import { DecimalReader, decimalToInt32, NOT_A_NUMBER } from "../../base/decimal.ts";
import { KEY_BYTES_MAX, WIRE_VALUE_BYTES_MAX } from "../../command/limits.ts";
import { Op, type StoreMode } from "../../command/op.ts";
import { Mark, type Request } from "../../command/request.ts";
import { WireError } from "../../command/status.ts";
import type { DataBlock } from "../data-block.ts";
import type { LineTokens } from "../line-tokens.ts";
import type { TextCommand } from "./text-table.ts";

/** <command> <key> <flags> <exptime> <bytes> */
const TOKENS_MIN = 5;
const LINE_END_BYTES = 2;

export class TextStorage {
  readonly #clock: Clock;
  readonly #tokens: LineTokens;
  readonly #block: DataBlock;
  readonly #decimal = new DecimalReader();

  constructor(clock: Clock, tokens: LineTokens, block: DataBlock) {
    this.#clock = clock;
    this.#tokens = tokens;
    this.#block = block;
  }

  /** Reads the line in the tokens, `command`'s, and its data block. As `Parser.parse`. */
  parse(
    command: TextCommand,
    request: Request,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    const tokens = this.#tokens;
    const lineBytes = tokens.next - start;
    const valueBytes =
      tokens.count < TOKENS_MIN ? -1 : decimalToInt32(bytes, tokens.start(4), tokens.end(4));
    if (valueBytes < 0 || valueBytes > WIRE_VALUE_BYTES_MAX) {
      request.refuse(WireError.badFormat);
      return lineBytes;
    }
    request.op = Op.store;
    request.mode = command.mode as StoreMode;
    request.marks = command.marks;
    request.noreply = tokens.asksNoreply(bytes);
    request.valueBytes = valueBytes;
    if (!this.#tryFields(request, bytes)) {
      request.refuse(WireError.badFormat);
      request.swallowBytes = valueBytes + LINE_END_BYTES;
      return lineBytes;
    }
    return this.#block.complete(request, bytes, start, tokens.next, end);
  }

  /** Takes key, flags, exptime and CAS unique. False when one of them is wrong. */
  #tryFields(request: Request, bytes: Uint8Array): boolean {
    const tokens = this.#tokens;
    const decimal = this.#decimal;
    request.keyStart = tokens.start(1);
    request.keyEnd = tokens.end(1);
    if (request.keyEnd - request.keyStart > KEY_BYTES_MAX) return false;
    const clientFlags = decimal.lenientUint32(bytes, tokens.start(2), tokens.end(2));
    if (clientFlags === NOT_A_NUMBER) return false;
    const exptime = decimal.lenientInt32(bytes, tokens.start(3), tokens.end(3));
    if (exptime === NOT_A_NUMBER) return false;
    request.clientFlags = clientFlags;
    request.exptime = this.#clock.deadline(exptime);
    if ((request.marks & Mark.compareCas) === 0) return true;
    if (tokens.count === TOKENS_MIN) return false;
    if (!decimal.tryUint64(bytes, tokens.start(5), tokens.end(5))) return false;
    request.casLow = decimal.low;
    request.casHigh = decimal.high;
    return true;
  }
}
