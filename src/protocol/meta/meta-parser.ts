/**
 * MetaParser: mg ms md ma mn me, from a line already cut into tokens.
 *
 *    mg <key> <flag>*       md <key> <flag>*       mn
 *    ms <key> <datalen> <flag>*  + data block      me <key> [b]
 *    ma <key> <flag>*
 *
 * What needs the store (who wins, what is stale) is not decided here: it is described by op, mode
 * and marks. The flags stay in the line from `request.metaFlagsStart` on, where the encoder finds
 * them in the order the client wants.
 */
import type { Clock } from "../../base/clock.ts";
import { decimalToInt32 } from "../../base/decimal.ts";
import { KEY_BYTES_MAX, WIRE_VALUE_BYTES_MAX } from "../../command/limits.ts";
import { ArithmeticMode, DeleteMode, Op, StoreMode } from "../../command/op.ts";
import { Dialect, Mark, type Request } from "../../command/request.ts";
import { WireError } from "../../command/status.ts";
import { bytesOf } from "../ascii.ts";
import type { DataBlock } from "../data-block.ts";
import type { LineTokens } from "../line-tokens.ts";
import type { ProtocolOptions } from "../protocol-options.ts";
import { holdsIllegalFlag, MetaFlags, NO_MODE } from "./meta-flags.ts";
import { META_BY_LETTER, MetaCommand } from "./meta-table.ts";

const LINE_END_BYTES = 2;
const BINARY_KEY_FLAG = bytesOf("b");
/** T and N, and which of them and of t stands left of the other. */
const EXPTIME_MARKS =
  Mark.exptime | Mark.exptimeBefore | Mark.exptimeLast | Mark.vivifyExptimeBefore;
/** Marks that every storing command may carry over from the scanner. */
const STORE_MARKS = Mark.binaryKey | Mark.clientFlags;

export class MetaParser {
  readonly #tokens: LineTokens;
  readonly #block: DataBlock;
  readonly #flags: MetaFlags;
  readonly #casEnabled: boolean;

  constructor(options: ProtocolOptions, clock: Clock, tokens: LineTokens, block: DataBlock) {
    this.#tokens = tokens;
    this.#block = block;
    this.#flags = new MetaFlags(clock);
    this.#casEnabled = options.casEnabled;
  }

  /** Reads the line in the tokens, a meta command's, and its data block. As `Parser.parse`. */
  parse(request: Request, bytes: Uint8Array, start: number, end: number): number {
    const tokens = this.#tokens;
    const lineBytes = tokens.next - start;
    const command = META_BY_LETTER[bytes[start + 1] as number] as MetaCommand;
    request.dialect = Dialect.meta;
    request.metaFlagsStart = tokens.count > 2 ? tokens.start(2) : tokens.lineEnd;
    if (command === MetaCommand.noop) {
      request.op = Op.noop;
      return lineBytes;
    }
    if (tokens.count < 2) {
      request.refuse(WireError.badFormat);
      return lineBytes;
    }
    request.keyStart = tokens.start(1);
    request.keyEnd = tokens.end(1);
    if (command === MetaCommand.store) return this.#store(request, bytes, start, end);
    const error = this.#command(command, request, bytes);
    if (error !== WireError.none) request.refuse(error);
    return lineBytes;
  }

  #command(command: MetaCommand, request: Request, bytes: Uint8Array): WireError {
    switch (command) {
      case MetaCommand.get:
        return this.#get(request, bytes);
      case MetaCommand.delete:
        return this.#delete(request, bytes);
      case MetaCommand.arithmetic:
        return this.#arithmetic(request, bytes);
      default:
        return this.#inspect(request, bytes);
    }
  }

  /** Scans the flags from token `first` on. What is wrong with key or flags, or none. */
  #scan(request: Request, bytes: Uint8Array, first: number): WireError {
    if (request.keyEnd - request.keyStart > KEY_BYTES_MAX) return WireError.badFormat;
    const error = this.#flags.scan(request, bytes, this.#tokens, first);
    if (error === WireError.none) return error;
    const illegal = holdsIllegalFlag(bytes, request.metaFlagsStart, this.#tokens.lineEnd);
    return illegal ? WireError.badFormat : error;
  }

  #get(request: Request, bytes: Uint8Array): WireError {
    const error = this.#scan(request, bytes, 2);
    if (error !== WireError.none) return error;
    const flags = this.#flags;
    if (flags.hasLower(0x75)) request.marks |= Mark.noBump; // u
    if (flags.hasUpper(0x43)) request.marks |= Mark.casMatchSkipsValue; // C
    if (flags.hasUpper(0x45) && this.#casEnabled) request.marks |= Mark.explicitCas; // E
    const effects = (request.marks & (Mark.exptime | Mark.vivify | Mark.recache)) !== 0;
    // Only its owner can note when an item was read last: who asks for that (l) is served there.
    const dates = flags.hasLower(0x6c) && (request.marks & Mark.noBump) === 0;
    request.op = effects || dates ? Op.fetch : Op.get;
    request.marks = (request.marks & ~Mark.clientFlags) | Mark.mayWin;
    request.clientFlags = 0;
    return WireError.none;
  }

  #store(request: Request, bytes: Uint8Array, start: number, end: number): number {
    const tokens = this.#tokens;
    const lineBytes = tokens.next - start;
    request.metaFlagsStart = tokens.count > 3 ? tokens.start(3) : tokens.lineEnd;
    const valueBytes =
      tokens.count < 3 ? -1 : decimalToInt32(bytes, tokens.start(2), tokens.end(2));
    if (valueBytes < 0 || valueBytes > WIRE_VALUE_BYTES_MAX) {
      request.refuse(WireError.badFormat);
      return lineBytes;
    }
    request.valueBytes = valueBytes;
    let error = this.#scan(request, bytes, 3);
    if (error === WireError.none && !this.#tryStoreMode(request))
      error = WireError.invalidStoreMode;
    if (error !== WireError.none) {
      request.refuse(error);
      // A line with an illegal flag was never understood, so its block is read as commands.
      const understood = !holdsIllegalFlag(bytes, request.metaFlagsStart, tokens.lineEnd);
      request.swallowBytes = understood ? valueBytes + LINE_END_BYTES : 0;
      return lineBytes;
    }
    this.#storeMarks(request);
    return this.#block.complete(request, bytes, start, tokens.next, end);
  }

  /** Takes the M flag. False when there is no such mode. */
  #tryStoreMode(request: Request): boolean {
    switch (this.#flags.mode) {
      case NO_MODE:
      case 0x53: // S
        request.mode = StoreMode.set;
        return true;
      case 0x45: // E
        request.mode = StoreMode.add;
        return true;
      case 0x41: // A
        request.mode = StoreMode.append;
        return true;
      case 0x50: // P
        request.mode = StoreMode.prepend;
        return true;
      case 0x52: // R
        request.mode = StoreMode.replace;
        return true;
      default:
        return false;
    }
  }

  #storeMarks(request: Request): void {
    const flags = this.#flags;
    const mode = request.mode;
    const extends_ = mode === StoreMode.append || mode === StoreMode.prepend;
    const compares = flags.hasUpper(0x43) && mode !== StoreMode.add; // C
    let marks = (request.marks & STORE_MARKS) | Mark.exptime | Mark.dropsOldWhenRefused;
    if (extends_) marks |= request.marks & Mark.vivify;
    if (compares) marks |= Mark.compareCas;
    if (compares && !extends_ && flags.hasUpper(0x49)) marks |= Mark.invalidate; // I
    if (flags.hasUpper(0x45) && this.#casEnabled) marks |= Mark.explicitCas; // E
    request.op = Op.store;
    request.marks = marks;
  }

  #delete(request: Request, bytes: Uint8Array): WireError {
    const error = this.#scan(request, bytes, 2);
    if (error !== WireError.none) return error;
    const flags = this.#flags;
    const invalidates = flags.hasUpper(0x49); // I
    const blanks = flags.hasLower(0x78); // x
    request.op = Op.delete;
    request.mode = invalidates
      ? blanks
        ? DeleteMode.invalidateBlank
        : DeleteMode.invalidate
      : blanks
        ? DeleteMode.blank
        : DeleteMode.remove;
    let marks = request.marks & Mark.binaryKey;
    if (flags.hasUpper(0x43)) marks |= Mark.compareCas; // C
    if (invalidates || blanks) {
      marks |= request.marks & (blanks ? Mark.exptime | Mark.clientFlags : Mark.exptime);
      if (flags.hasUpper(0x45) && this.#casEnabled) marks |= Mark.explicitCas; // E
    }
    request.marks = marks;
    return WireError.none;
  }

  #arithmetic(request: Request, bytes: Uint8Array): WireError {
    request.deltaLow = 1;
    request.deltaHigh = 0;
    request.initialLow = 0;
    request.initialHigh = 0;
    if (this.#scan(request, bytes, 2) !== WireError.none) {
      const illegal = holdsIllegalFlag(bytes, request.metaFlagsStart, this.#tokens.lineEnd);
      return illegal ? WireError.badFormat : WireError.invalidOrDuplicateFlag;
    }
    const flags = this.#flags;
    switch (flags.mode) {
      case NO_MODE:
      case 0x49: // I
      case 0x2b: // +
        request.mode = ArithmeticMode.increment;
        break;
      case 0x44: // D
      case 0x2d: // -
        request.mode = ArithmeticMode.decrement;
        break;
      default:
        return WireError.invalidArithmeticMode;
    }
    let marks = request.marks & (Mark.binaryKey | Mark.wantsValue | Mark.vivify | EXPTIME_MARKS);
    const compares = flags.hasUpper(0x43) && (request.casLow !== 0 || request.casHigh !== 0);
    if (compares) marks |= Mark.compareCas;
    if (flags.hasUpper(0x45) && this.#casEnabled) marks |= Mark.explicitCas; // E
    request.op = Op.arithmetic;
    request.marks = marks;
    request.clientFlags = 0;
    return WireError.none;
  }

  /** me knows one flag, b, right behind the key, and looks at no other. It is not an access. */
  #inspect(request: Request, bytes: Uint8Array): WireError {
    const tokens = this.#tokens;
    if (request.keyEnd - request.keyStart > KEY_BYTES_MAX) return WireError.badFormat;
    const isBinary = tokens.count > 2 && tokens.is(bytes, 2, BINARY_KEY_FLAG);
    if (isBinary && !this.#flags.tryDecodeKey(request)) return WireError.badFormat;
    request.op = Op.inspect;
    request.marks |= Mark.noBump;
    return WireError.none;
  }
}
