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
import {
  AdminWord,
  ArithmeticMode,
  DeleteMode,
  ListForm,
  Op,
  ShutdownMode,
} from "../../command/op.ts";
import { Mark, type Request } from "../../command/request.ts";
import { WireError } from "../../command/status.ts";
import { bytesOf } from "../ascii.ts";
import type { LineTokens } from "../line-tokens.ts";
import type { ProtocolOptions } from "../protocol-options.ts";

const DELETE = bytesOf("delete");
const INCR = bytesOf("incr");
const DECR = bytesOf("decr");
const TOUCH = bytesOf("touch");
const FLUSH_ALL = bytesOf("flush_all");
const VERSION = bytesOf("version");
const VERBOSITY = bytesOf("verbosity");
const STATS = bytesOf("stats");
const QUIT = bytesOf("quit");
const SHUTDOWN = bytesOf("shutdown");
const GRACEFUL = bytesOf("graceful");
const CACHE_MEMLIMIT = bytesOf("cache_memlimit");
const SLABS = bytesOf("slabs");
const LRU = bytesOf("lru");
const LRU_CRAWLER = bytesOf("lru_crawler");
const WATCH = bytesOf("watch");
const DEBUGTIME = bytesOf("debugtime");
const CONFIG = bytesOf("config");
const CONFIG_GET = bytesOf("get");
const CONFIG_CLUSTER = bytesOf("cluster");

/** A delete with this many tokens and more is not a delete to memcached 1.6.18. */
const DELETE_TOKENS_MAX = 4;

/** What `parse` returns for a word that is no command of this class. */
export const NOT_HERE = -1;

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

  /**
   * Reads the line in the tokens. What is wrong with it, or none; `NOT_HERE` when its first word is
   * another command's.
   */
  parse(request: Request, bytes: Uint8Array): WireError | typeof NOT_HERE {
    const tokens = this.#tokens;
    switch (bytes[tokens.start(0)]) {
      case 0x64: // d
        if (tokens.is(bytes, 0, DELETE)) return this.#delete(request, bytes);
        if (tokens.is(bytes, 0, DECR)) {
          return this.#arithmetic(request, bytes, ArithmeticMode.decrement);
        }
        if (tokens.is(bytes, 0, DEBUGTIME)) return this.#admin(request, bytes, AdminWord.debugtime);
        return NOT_HERE;
      case 0x69: // i
        if (!tokens.is(bytes, 0, INCR)) return NOT_HERE;
        return this.#arithmetic(request, bytes, ArithmeticMode.increment);
      case 0x74: // t
        return tokens.is(bytes, 0, TOUCH) ? this.#touch(request, bytes) : NOT_HERE;
      case 0x76: // v
        if (tokens.is(bytes, 0, VERSION)) return this.#plain(request, Op.version);
        return tokens.is(bytes, 0, VERBOSITY) ? this.#verbosity(request, bytes) : NOT_HERE;
      case 0x66: // f
        return tokens.is(bytes, 0, FLUSH_ALL) ? this.#flushAll(request, bytes) : NOT_HERE;
      case 0x73: // s
        if (tokens.is(bytes, 0, STATS)) return this.#stats(request);
        if (tokens.is(bytes, 0, SLABS)) return this.#admin(request, bytes, AdminWord.slabs);
        return tokens.is(bytes, 0, SHUTDOWN) ? this.#shutdown(request, bytes) : NOT_HERE;
      case 0x71: // q
        if (!tokens.is(bytes, 0, QUIT)) return NOT_HERE;
        request.closeAfter = true;
        return this.#plain(request, Op.quit);
      case 0x63: // c
        if (tokens.is(bytes, 0, CACHE_MEMLIMIT)) return this.#cacheMemlimit(request, bytes);
        return tokens.is(bytes, 0, CONFIG) ? this.#config(request, bytes) : NOT_HERE;
      case 0x6c: // l
        if (tokens.is(bytes, 0, LRU)) return this.#admin(request, bytes, AdminWord.lru);
        if (!tokens.is(bytes, 0, LRU_CRAWLER)) return NOT_HERE;
        return this.#admin(request, bytes, AdminWord.lruCrawler);
      case 0x77: // w
        return tokens.is(bytes, 0, WATCH) ? this.#admin(request, bytes, AdminWord.watch) : NOT_HERE;
      default:
        return NOT_HERE;
    }
  }

  #plain(request: Request, op: Op): WireError {
    request.op = op;
    return WireError.none;
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
  #config(request: Request, bytes: Uint8Array): WireError {
    const tokens = this.#tokens;
    const asksList =
      this.#options.listsNodes &&
      tokens.count === 3 &&
      tokens.is(bytes, 1, CONFIG_GET) &&
      tokens.is(bytes, 2, CONFIG_CLUSTER);
    if (!asksList) return WireError.unknownCommand;
    request.level = ListForm.config;
    return this.#plain(request, Op.nodeList);
  }

  /** The words are left to whoever serves them, in the line, less the noreply. */
  #admin(request: Request, bytes: Uint8Array, word: AdminWord): WireError {
    const tokens = this.#tokens;
    const silent = word !== AdminWord.watch && word !== AdminWord.debugtime;
    request.op = Op.admin;
    request.level = word;
    request.noreply = silent && tokens.asksNoreply(bytes);
    if (request.noreply) request.lineEnd = tokens.end(tokens.count - 2);
    return WireError.none;
  }
}
