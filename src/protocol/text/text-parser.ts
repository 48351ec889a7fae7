/**
 * TextParser: the classic and the meta protocol, from bytes to requests.
 *
 *   set <key> <flags> <exptime> <bytes>\r\n      read in one pass, without cutting the line into tokens
 *   everything else, and set with anything unusual  cut into tokens first, then by command
 *   a key of a line of several keys                 one request each; WireState knows we are inside
 *
 * The fast path never refuses: it reads the plain form, or leaves the line to the general path,
 * which knows every error. So the rules are written once. Plain gets have theirs before they come
 * here (get-scanner.ts).
 *
 * Invariants:
 *  - nothing outside bytes[start, end) is read, and no more than end - start is consumed;
 *  - a line of up to `KEYS_LINE_WHOLE_BYTES_MAX` bytes is not begun before its end is here and no
 *    key in it is too long, since one bad key makes the whole line answer an error and nothing else;
 *  - a longer one is served as it comes, so that its length is the client's alone to bear. A bad
 *    key after so many bytes ends the connection with the error, behind what was answered.
 */
import type { Clock } from "../../base/clock.ts";
import { decimalToInt32, NOT_A_NUMBER } from "../../base/decimal.ts";
import {
  KEY_BYTES_MAX,
  KEYS_LINE_SPACES_BYTES_MAX,
  KEYS_LINE_WHOLE_BYTES_MAX,
  LEADING_SPACES_MAX,
  LINE_BYTES_MAX,
} from "../../command/limits.ts";
import { ListForm, Op } from "../../command/op.ts";
import { Dialect, Mark, type Request } from "../../command/request.ts";
import { WireError } from "../../command/status.ts";
import { bytesOf, CR, LF, SPACE, ZERO } from "../ascii.ts";
import { DataBlock } from "../data-block.ts";
import { LineTokens } from "../line-tokens.ts";
import { MetaParser } from "../meta/meta-parser.ts";
import { CLOSE, type Parser } from "../protocol.ts";
import type { ProtocolOptions } from "../protocol-options.ts";
import type { WireState } from "../wire-state.ts";
import { AsciiLogin } from "./ascii-login.ts";
import { endsLine, holdsLineEnd, holdsLongKey } from "./line-search.ts";
import { LIST_KEY } from "./list-question.ts";
import { TextCommands } from "./text-commands.ts";
import { TextStorage } from "./text-storage.ts";
import { findTextCommand, Grammar, type TextCommand } from "./text-table.ts";

const SET_AND_SPACE = 0x73657420;
/** "set k 0 0 0\r\n…" is longer: the fast path may look at four bytes. */
const FAST_BYTES_MIN = 7;
const COMMAND_BYTES = 4;
/** The fast path reads numbers of up to nine digits: they fit 32 bits whatever they are. */
const FAST_DIGITS_MAX = 9;
/** A line shorter than this, its end included, is no line to memcached 1.6.45. */
const LINE_BYTES_MIN = 4;
const LINE_END_BYTES = 2;
/** What the fast path returns for a line it leaves to the general path. */
const NOT_PLAIN = -2;

const GET = bytesOf("get");
const GETS = bytesOf("gets");
const HTTP = bytesOf("HTTP/");

export class TextParser implements Parser {
  needed = 0;
  readonly #options: ProtocolOptions;
  readonly #clock: Clock;
  readonly #tokens = new LineTokens();
  readonly #block: DataBlock;
  readonly #commands: TextCommands;
  readonly #storage: TextStorage;
  readonly #meta: MetaParser;
  readonly #login: AsciiLogin;
  /** Where the number read last by `#plainNumber` ended. */
  #numberEnd = 0;

  constructor(options: ProtocolOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#block = new DataBlock(options);
    this.#commands = new TextCommands(options, clock, this.#tokens);
    this.#storage = new TextStorage(clock, this.#tokens, this.#block);
    this.#meta = new MetaParser(options, clock, this.#tokens, this.#block);
    this.#login = new AsciiLogin(this.#tokens);
  }

  parse(state: WireState, request: Request, bytes: Uint8Array, start: number, end: number): number {
    if (state.keysOp !== Op.none) return this.#key(state, request, bytes, start, start, end);
    if (state.searchedBytes === 0 && end - start >= FAST_BYTES_MIN && state.authenticated) {
      const word =
        ((bytes[start] as number) << 24) |
        ((bytes[start + 1] as number) << 16) |
        ((bytes[start + 2] as number) << 8) |
        (bytes[start + 3] as number);
      if (word === SET_AND_SPACE) {
        const consumed = this.#plainSet(request, bytes, start, end);
        if (consumed !== NOT_PLAIN) return consumed;
      }
    }
    return this.#line(state, request, bytes, start, end);
  }

  /**
   * `set <key> <flags> <exptime> <bytes>\r\n` in its plainest form. `NOT_PLAIN` when it is anything
   * else.
   */
  #plainSet(request: Request, bytes: Uint8Array, start: number, end: number): number {
    const keyStart = start + COMMAND_BYTES;
    let at = keyStart;
    while (at < end && (bytes[at] as number) > SPACE) at += 1;
    if (at >= end || bytes[at] !== SPACE) return NOT_PLAIN;
    if (at === keyStart || at - keyStart > KEY_BYTES_MAX) return NOT_PLAIN;
    const keyEnd = at;
    const clientFlags = this.#plainNumber(bytes, at + 1, end, SPACE);
    if (clientFlags < 0) return NOT_PLAIN;
    const exptime = this.#plainNumber(bytes, this.#numberEnd + 1, end, SPACE);
    if (exptime < 0) return NOT_PLAIN;
    const valueBytes = this.#plainNumber(bytes, this.#numberEnd + 1, end, CR);
    if (valueBytes < 0) return NOT_PLAIN;
    at = this.#numberEnd + 1;
    if (at >= end || bytes[at] !== LF) return NOT_PLAIN;
    request.begin(Op.store, Dialect.text, bytes);
    request.marks = Mark.exptime | Mark.dropsOldWhenRefused;
    request.keyStart = keyStart;
    request.keyEnd = keyEnd;
    request.clientFlags = clientFlags;
    request.exptime = this.#clock.deadline(exptime);
    request.valueBytes = valueBytes;
    return this.#dataBlock(request, bytes, start, at + 1, end);
  }

  /**
   * One to nine digits before `delimiter`; the place of the delimiter is in `#numberEnd`. -1 when
   * it is anything else.
   */
  #plainNumber(bytes: Uint8Array, start: number, end: number, delimiter: number): number {
    const last = Math.min(end, start + FAST_DIGITS_MAX + 1);
    let value = 0;
    for (let at = start; at < last; at++) {
      const byte = bytes[at] as number;
      const digit = byte - ZERO;
      if (digit >= 0 && digit <= 9) {
        value = value * 10 + digit;
        continue;
      }
      if (byte !== delimiter || at === start) return -1;
      this.#numberEnd = at;
      return value;
    }
    return -1;
  }

  #dataBlock(
    request: Request,
    bytes: Uint8Array,
    start: number,
    dataStart: number,
    end: number,
  ): number {
    const consumed = this.#block.complete(request, bytes, start, dataStart, end);
    if (consumed === 0) this.needed = this.#block.needed;
    return consumed;
  }

  /** The general path: any line. */
  #line(state: WireState, request: Request, bytes: Uint8Array, start: number, end: number): number {
    const tokens = this.#tokens;
    const searched = state.searchedBytes;
    const waits = searched > 0 && !holdsLineEnd(bytes, start + searched, end);
    if (waits || !tokens.scan(bytes, start, end)) {
      return this.#unfinished(state, request, bytes, start, end);
    }
    state.searchedBytes = 0;
    request.begin(Op.error, Dialect.text, bytes);
    request.lineStart = start;
    request.lineEnd = tokens.lineEnd;
    return this.#command(state, request, bytes, start, end);
  }

  /**
   * The line in the tokens, by its first word. A method of its own, so that the scan above is
   * compiled tightly.
   */
  #command(
    state: WireState,
    request: Request,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    const tokens = this.#tokens;
    const lineBytes = tokens.next - start;
    if (!state.authenticated) {
      const consumed = this.#login.parse(request, bytes, start, end);
      if (consumed === 0) this.needed = this.#login.needed;
      return consumed;
    }
    if (lineBytes < LINE_BYTES_MIN) {
      request.error = WireError.badFormat;
      return lineBytes;
    }
    if (tokens.count === 0 || tokens.start(0) !== start) {
      return this.#unknown(request, bytes, lineBytes);
    }
    const command = findTextCommand(bytes, start, tokens.end(0));
    if (command === null) return this.#unknown(request, bytes, lineBytes);
    switch (command.grammar) {
      case Grammar.keys:
      case Grammar.touchedKeys:
        return this.#keysLine(command, state, request, bytes, start);
      case Grammar.storage: {
        const consumed = this.#storage.parse(command, request, bytes, start, end);
        if (consumed === 0) this.needed = this.#block.needed;
        return consumed;
      }
      case Grammar.meta: {
        const consumed = this.#meta.parse(request, bytes, start, end);
        if (consumed === 0) this.needed = this.#block.needed;
        return consumed;
      }
      default: {
        const error = this.#commands.parse(command, request, bytes);
        if (error !== WireError.none) request.refuse(error);
        return lineBytes;
      }
    }
  }

  /** A word nobody knows: a browser is sent away, everybody else told so. */
  #unknown(request: Request, bytes: Uint8Array, lineBytes: number): number {
    const tokens = this.#tokens;
    if (tokens.count > 0 && tokens.beginsWith(bytes, tokens.count - 1, HTTP)) return CLOSE;
    request.error = WireError.unknownCommand;
    request.noreply = tokens.asksNoreply(bytes);
    return lineBytes;
  }

  /** No line end yet: wait, unless nothing useful can come of so long a line. */
  #unfinished(
    state: WireState,
    request: Request,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    state.searchedBytes = end - start;
    this.needed = 0;
    if (end - start <= LINE_BYTES_MAX) return 0;
    let at = start;
    while (at < end && bytes[at] === SPACE) at += 1;
    if (at - start > LEADING_SPACES_MAX || !state.authenticated) return CLOSE;
    const afterGet = bytes[at + GET.length] === 0x73 ? at + GETS.length : at + GET.length;
    const mayGrow =
      bytes[at] === GET[0] &&
      bytes[at + 1] === GET[1] &&
      bytes[at + 2] === GET[2] &&
      bytes[afterGet] === SPACE;
    if (!mayGrow) return CLOSE;
    if (end - start <= KEYS_LINE_WHOLE_BYTES_MAX) return 0;
    return this.#beginKeys(state, request, bytes, start, afterGet, end);
  }

  /** A get or gets that is too long to wait for its end: its first key, which lies behind `at`. */
  #beginKeys(
    state: WireState,
    request: Request,
    bytes: Uint8Array,
    start: number,
    afterGet: number,
    end: number,
  ): number {
    let keyStart = afterGet;
    while (keyStart < end && bytes[keyStart] === SPACE) keyStart += 1;
    if (keyStart === end && end - start <= KEYS_LINE_SPACES_BYTES_MAX) return 0;
    if (keyStart === end || holdsLongKey(bytes, keyStart, start + KEYS_LINE_WHOLE_BYTES_MAX)) {
      return this.#badKey(state, request, bytes, start, end);
    }
    state.searchedBytes = 0;
    state.keysOp = Op.get;
    state.keysWithCas = bytes[afterGet - 1] !== GET[2];
    return this.#firstKey(state, request, bytes, start, keyStart, end);
  }

  /** A key that is too long, in a line that may have been answered in part: it is the last. */
  #badKey(
    state: WireState,
    request: Request,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    state.keysOp = Op.none;
    request.begin(Op.error, Dialect.text, bytes);
    request.error = WireError.badFormat;
    request.closeAfter = true;
    return end - start;
  }

  /** get, gets, gat, gats: the first key of the line. */
  #keysLine(
    command: TextCommand,
    state: WireState,
    request: Request,
    bytes: Uint8Array,
    start: number,
  ): number {
    const tokens = this.#tokens;
    const touches = command.grammar === Grammar.touchedKeys;
    const firstKey = touches ? 2 : 1;
    const lineBytes = tokens.next - start;
    if (this.#options.listsNodes && this.#asksList(request, bytes)) return lineBytes;
    if (tokens.count <= firstKey) {
      request.error = WireError.badFormat;
      return lineBytes;
    }
    let exptime = 0;
    if (touches) {
      exptime = decimalToInt32(bytes, tokens.start(1), tokens.end(1));
      if (exptime === NOT_A_NUMBER) {
        request.error = WireError.invalidExptime;
        return lineBytes;
      }
    }
    const keysStart = tokens.start(firstKey);
    const judgedEnd = Math.min(tokens.lineEnd, start + KEYS_LINE_WHOLE_BYTES_MAX);
    if (holdsLongKey(bytes, keysStart, judgedEnd)) {
      request.error = WireError.badFormat;
      return lineBytes;
    }
    if (touches) state.keysExptime = this.#clock.deadline(exptime);
    state.keysOp = command.op;
    state.keysWithCas = command.mode === 1;
    return this.#firstKey(state, request, bytes, start, keysStart, tokens.next);
  }

  /** True when the line is `get AmazonElastiCache:cluster`: then `request` is that. */
  #asksList(request: Request, bytes: Uint8Array): boolean {
    const tokens = this.#tokens;
    if (tokens.count !== 2 || !tokens.is(bytes, 0, GET) || !tokens.is(bytes, 1, LIST_KEY)) {
      return false;
    }
    request.op = Op.nodeList;
    request.level = ListForm.item;
    return true;
  }

  /**
   * The first key, at `keysStart`, of a line whose beginning is right; the state knows what it
   * asks.
   */
  #firstKey(
    state: WireState,
    request: Request,
    bytes: Uint8Array,
    start: number,
    keysStart: number,
    end: number,
  ): number {
    const consumed = this.#key(state, request, bytes, start, keysStart, end);
    request.firstKey = true;
    return consumed;
  }

  /**
   * The key at `keyStart` of a line of keys. Consumes from `start` to the next key or line; 0 when
   * what follows the key is not here.
   */
  #key(
    state: WireState,
    request: Request,
    bytes: Uint8Array,
    start: number,
    keyStart: number,
    end: number,
  ): number {
    let at = keyStart;
    while (true) {
      while (at < end && (bytes[at] as number) > SPACE) at += 1;
      if (at >= end || at - keyStart > KEY_BYTES_MAX) break;
      if (bytes[at] === SPACE || endsLine(bytes, at, end)) break;
      at += 1;
    }
    const keyEnd = at;
    while (at < end && bytes[at] === SPACE) at += 1;
    if (keyEnd - keyStart > KEY_BYTES_MAX) return this.#badKey(state, request, bytes, start, end);
    if (at >= end || (at + 1 === end && bytes[at] === CR)) {
      if (end - start > KEYS_LINE_SPACES_BYTES_MAX) {
        return this.#badKey(state, request, bytes, start, end); // a key, and spaces without an end
      }
      this.needed = 0;
      return 0;
    }
    const last = endsLine(bytes, at, end);
    const op = state.keysOp;
    request.begin(op, Dialect.text, bytes);
    request.marks = Mark.wantsValue;
    if (op === Op.fetch) {
      request.marks = Mark.wantsValue | Mark.exptime;
      request.exptime = state.keysExptime;
    }
    request.withCas = state.keysWithCas;
    request.keyStart = keyStart;
    request.keyEnd = keyEnd;
    request.firstKey = false;
    request.lastKey = last;
    if (!last) return at - start;
    state.keysOp = Op.none;
    return at + (bytes[at] === CR ? LINE_END_BYTES : 1) - start;
  }
}
