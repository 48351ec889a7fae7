/**
 * TextCommands: the classic commands that are one line and no more, from delete to shutdown. Each
 * reads the tokens of its line and fills the request; which words are an error, and which error, is
 * memcached 1.6.45's choice throughout, except for surplus arguments of delete, where memccapable
 * wants 1.6.18's.
 */
import type { Clock } from "../../base/clock.ts";
import {
  DecimalReader,
  decimalToInt32,
  decimalToUint32,
  NOT_A_NUMBER,
} from "../../base/decimal.ts";
import type { ServerSeconds } from "../../base/unit.ts";
import {
  KEY_BYTES_MAX,
  MEMLIMIT_MIB_MAX,
  MEMLIMIT_MIB_MIN,
  VERBOSITY_MAX,
} from "../../command/limits.ts";
import { type ArithmeticMode, DeleteMode, Op, ShutdownMode } from "../../command/op.ts";
import { Mark, type Request } from "../../command/request.ts";
import { WireError } from "../../command/status.ts";
import { bytesOf } from "../ascii.ts";
import type { LineTokens } from "../line-tokens.ts";
import type { ProtocolOptions } from "../protocol-options.ts";
import { Grammar, type TextCommand } from "./text-table.ts";

const GRACEFUL = bytesOf("graceful");
const CONFIG_GET = bytesOf("get");
const CONFIG_CLUSTER = bytesOf("cluster");

/** A delete with this many tokens and more is not a delete to memcached 1.6.18. */
const DELETE_TOKENS_MAX = 4;

export class TextCommands {
  readonly #options: ProtocolOptions;
  readonly #clock: Clock;
  readonly #tokens: LineTokens;
  readonly #decimal = new DecimalReader();

  constructor(options: ProtocolOptions, clock: Clock, tokens: LineTokens) {
    this.#options = options;
    this.#clock = clock;
    this.#tokens = tokens;
  }

  /** Reads the line in the tokens, `command`'s. What is wrong with it, or none. */
  parse(command: TextCommand, request: Request, bytes: Uint8Array): WireError {
    switch (command.grammar) {
      case Grammar.delete:
        return this.#delete(request, bytes);
      case Grammar.arithmetic:
        return this.#arithmetic(request, bytes, command.mode as ArithmeticMode);
      case Grammar.touch:
        return this.#touch(request, bytes);
      case Grammar.verbosity:
        return this.#verbosity(request, bytes);
      case Grammar.flushAll:
        return this.#flushAll(request, bytes);
      case Grammar.stats:
        return this.#stats(request);
      case Grammar.shutdown:
        return this.#shutdown(request, bytes);
      case Grammar.cacheMemlimit:
        return this.#cacheMemlimit(request, bytes);
      case Grammar.config:
        return this.#config(command, request, bytes);
      case Grammar.admin:
        return this.#admin(request, command.mode, this.#tokens.asksNoreply(bytes));
      case Grammar.adminReplying:
        return this.#admin(request, command.mode, false);
      default:
        request.op = command.op;
        request.closeAfter = command.op === Op.quit;
        return WireError.none;
    }
  }

  /** Takes token 1 as the key. False when it is too long. */
  #tryKey(request: Request): boolean {
    request.keyStart = this.#tokens.start(1);
    request.keyEnd = this.#tokens.end(1);
    return request.keyEnd - request.keyStart <= KEY_BYTES_MAX;
  }

  #delete(request: Request, bytes: Uint8Array): WireError {
    const tokens = this.#tokens;
    if (tokens.count < 2) return WireError.badFormat;
    request.noreply = tokens.asksNoreply(bytes);
    const surplus = tokens.count - 2 - (request.noreply && tokens.count > 2 ? 1 : 0);
    if (tokens.count > DELETE_TOKENS_MAX) return WireError.unknownCommand;
    if (surplus > 1) return WireError.deleteUsage;
    if (!this.#tryKey(request)) return WireError.badFormat;
    request.op = Op.delete;
    request.mode = DeleteMode.remove;
    return WireError.none;
  }

  #arithmetic(request: Request, bytes: Uint8Array, mode: ArithmeticMode): WireError {
    const tokens = this.#tokens;
    const decimal = this.#decimal;
    if (tokens.count < 3) return WireError.badFormat;
    request.noreply = tokens.asksNoreply(bytes);
    if (!this.#tryKey(request)) return WireError.badFormat;
    if (!decimal.tryUint64(bytes, tokens.start(2), tokens.end(2))) {
      return WireError.invalidDelta;
    }
    request.op = Op.arithmetic;
    request.mode = mode;
    request.deltaLow = decimal.low;
    request.deltaHigh = decimal.high;
    return WireError.none;
  }

  #touch(request: Request, bytes: Uint8Array): WireError {
    const tokens = this.#tokens;
    if (tokens.count < 3) return WireError.badFormat;
    request.noreply = tokens.asksNoreply(bytes);
    if (!this.#tryKey(request)) return WireError.badFormat;
    const exptime = decimalToInt32(bytes, tokens.start(2), tokens.end(2));
    if (exptime === NOT_A_NUMBER) return WireError.invalidExptime;
    request.op = Op.touch;
    request.marks = Mark.exptime;
    request.exptime = this.#clock.deadline(exptime);
    return WireError.none;
  }

  #verbosity(request: Request, bytes: Uint8Array): WireError {
    const tokens = this.#tokens;
    if (tokens.count < 2) return WireError.badFormat;
    request.noreply = tokens.asksNoreply(bytes);
    const level = decimalToUint32(bytes, tokens.start(1), tokens.end(1));
    if (level === NOT_A_NUMBER) return WireError.badFormat;
    request.op = Op.verbosity;
    request.level = Math.min(level, VERBOSITY_MAX);
    return WireError.none;
  }

  #flushAll(request: Request, bytes: Uint8Array): WireError {
    const tokens = this.#tokens;
    request.noreply = tokens.asksNoreply(bytes);
    if (!this.#options.flushEnabled) return WireError.flushNotAllowed;
    let delay = 0;
    if (tokens.count > (request.noreply ? 2 : 1)) {
      delay = decimalToInt32(bytes, tokens.start(1), tokens.end(1));
      if (delay === NOT_A_NUMBER) return WireError.invalidFlushDelay;
    }
    request.op = Op.flushAll;
    request.exptime = delay > 0 ? this.#clock.deadline(delay) : (0 as ServerSeconds);
    return WireError.none;
  }

  /** The argument, all of it, is the key, as in the binary protocol: empty for the general list. */
  #stats(request: Request): WireError {
    const tokens = this.#tokens;
    request.op = Op.stats;
    request.keyStart = tokens.count > 1 ? tokens.start(1) : tokens.lineEnd;
    request.keyEnd = tokens.count > 1 ? tokens.end(tokens.count - 1) : tokens.lineEnd;
    return WireError.none;
  }

  #shutdown(request: Request, bytes: Uint8Array): WireError {
    const tokens = this.#tokens;
    request.noreply = tokens.asksNoreply(bytes);
    if (!this.#options.shutdownEnabled) return WireError.shutdownNotEnabled;
    request.level = ShutdownMode.interrupt;
    if (tokens.count > (request.noreply ? 2 : 1)) {
      if (!tokens.is(bytes, 1, GRACEFUL)) return WireError.invalidShutdownMode;
      request.level = ShutdownMode.graceful;
    }
    request.op = Op.shutdown;
    request.closeAfter = true;
    return WireError.none;
  }

  #cacheMemlimit(request: Request, bytes: Uint8Array): WireError {
    const tokens = this.#tokens;
    request.noreply = tokens.asksNoreply(bytes);
    const level =
      tokens.count < 2 ? NOT_A_NUMBER : decimalToUint32(bytes, tokens.start(1), tokens.end(1));
    if (level === NOT_A_NUMBER) return WireError.unknownCommand;
    if (level < MEMLIMIT_MIB_MIN) return WireError.memlimitTooSmall;
    if (level > MEMLIMIT_MIB_MAX) return WireError.memlimitTooLarge;
    request.op = Op.cacheMemlimit;
    request.level = level;
    return WireError.none;
  }

  /** The one thing of a node's configuration that is told: the list, where there is a cluster. */
  #config(command: TextCommand, request: Request, bytes: Uint8Array): WireError {
    const tokens = this.#tokens;
    const asksList =
      this.#options.listsNodes &&
      tokens.count === 3 &&
      tokens.is(bytes, 1, CONFIG_GET) &&
      tokens.is(bytes, 2, CONFIG_CLUSTER);
    if (!asksList) return WireError.unknownCommand;
    request.op = command.op;
    request.level = command.mode;
    return WireError.none;
  }

  /** The words are left to whoever serves them, in the line, less the noreply. */
  #admin(request: Request, word: number, noreply: boolean): WireError {
    const tokens = this.#tokens;
    request.op = Op.admin;
    request.level = word;
    request.noreply = noreply;
    if (noreply) request.lineEnd = tokens.end(tokens.count - 2);
    return WireError.none;
  }
}
