/**
 * BinaryParser: packets to requests. The header is checked against the opcode's row before anything
 * else is waited for, so a malformed packet is answered as soon as its 24 bytes are here.
 *
 * Order of the checks, as memcached's: magic, lengths, authentication, key length, opcode, shape.
 */
import type { Clock } from "../../base/clock.ts";
import { type ServerSeconds, UINT32_MAX } from "../../base/unit.ts";
import {
  AUTH_TOKEN_BYTES_MAX,
  KEY_BYTES_MAX,
  MECHANISM_BYTES_MAX,
  PACKET_BODY_BYTES_MAX,
} from "../../command/limits.ts";
import { LoginStep, Op, StoreMode } from "../../command/op.ts";
import { Dialect, Mark, type Request } from "../../command/request.ts";
import { WireError } from "../../command/status.ts";
import { bytesOf } from "../ascii.ts";
import { DataBlock, refuseTooLarge } from "../data-block.ts";
import { CLOSE, type Parser } from "../protocol.ts";
import type { ProtocolOptions } from "../protocol-options.ts";
import type { WireState } from "../wire-state.ts";
import {
  MAGIC_REQUEST,
  OPCODE_EXTRAS,
  OPCODE_MODE,
  OPCODE_OP,
  OPCODE_SHAPE,
  Opcode,
  PACKET_HEADER_BYTES,
  readWord,
  Shape,
} from "./binary-packet.ts";

const CLUSTER_KEY = bytesOf("cluster");
/** An arithmetic packet with this expiry creates nothing. */
const EXPIRY_NO_CREATE = UINT32_MAX;
const LOGIN_STEPS: Readonly<Record<number, LoginStep>> = {
  [Opcode.saslList]: LoginStep.list,
  [Opcode.saslAuth]: LoginStep.begin,
  [Opcode.saslStep]: LoginStep.step,
};

export class BinaryParser implements Parser {
  needed = 0;
  readonly #options: ProtocolOptions;
  readonly #clock: Clock;
  readonly #block: DataBlock;

  constructor(options: ProtocolOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#block = new DataBlock(options);
  }

  parse(state: WireState, request: Request, bytes: Uint8Array, start: number, end: number): number {
    if (bytes[start] !== MAGIC_REQUEST) return CLOSE;
    if (end - start < PACKET_HEADER_BYTES) return this.#wait(0);
    const keyBytes = ((bytes[start + 2] as number) << 8) | (bytes[start + 3] as number);
    const extrasBytes = bytes[start + 4] as number;
    const bodyBytes = readWord(bytes, start + 8) >>> 0;
    request.begin(Op.error, Dialect.binary, bytes);
    request.opcode = bytes[start + 1] as number;
    request.opaque = readWord(bytes, start + 12);
    request.keyStart = start + PACKET_HEADER_BYTES + extrasBytes;
    request.keyEnd = request.keyStart + keyBytes;
    request.valueBytes = bodyBytes - extrasBytes - keyBytes;
    const error = this.#headerError(state, request, extrasBytes, bodyBytes);
    if (error !== WireError.none) {
      request.error = error;
      if (error === WireError.unknownOpcode) request.swallowBytes = bodyBytes;
      else request.closeAfter = true;
      return PACKET_HEADER_BYTES;
    }
    if (request.keyEnd > end) return this.#wait(0);
    const shape = OPCODE_SHAPE[request.opcode] as number;
    request.op = OPCODE_OP[request.opcode] as Op;
    request.mode = OPCODE_MODE[request.opcode] as Request["mode"];
    request.quiet = (shape & Shape.quiet) !== 0;
    request.marks = Mark.binarySemantics;
    if (request.op === Op.get) {
      request.marks = Mark.binarySemantics | Mark.wantsValue;
      return request.keyEnd - start;
    }
    return this.#fill(request, bytes, start, end, extrasBytes);
  }

  #wait(needed: number): number {
    this.needed = needed;
    return 0;
  }

  /** What is wrong with the header, or none. All but an unknown opcode close the connection. */
  #headerError(
    state: WireState,
    request: Request,
    extrasBytes: number,
    bodyBytes: number,
  ): WireError {
    const { opcode, valueBytes } = request;
    const keyBytes = request.keyEnd - request.keyStart;
    if (valueBytes < 0) return WireError.bodyTooShort;
    if (bodyBytes > PACKET_BODY_BYTES_MAX) return WireError.malformedPacket;
    if (!state.authenticated && !isServedToAnyone(opcode)) return WireError.authRequired;
    if (keyBytes > KEY_BYTES_MAX) return WireError.malformedPacket;
    const op = OPCODE_OP[opcode];
    const { sasl, listsNodes } = this.#options;
    const isOff = (op === Op.authenticate && !sasl) || (op === Op.nodeList && !listsNodes);
    if (op === Op.none || isOff) {
      return WireError.unknownOpcode;
    }
    const shape = OPCODE_SHAPE[opcode] as number;
    const extrasRight =
      extrasBytes === OPCODE_EXTRAS[opcode] ||
      (extrasBytes === 0 && (shape & Shape.extrasOptional) !== 0);
    const keyRight = keyBytes === 0 ? (shape & Shape.key) === 0 : (shape & Shape.keyAllowed) !== 0;
    const valueRight = valueBytes === 0 || (shape & Shape.value) !== 0;
    return extrasRight && keyRight && valueRight ? WireError.none : WireError.malformedPacket;
  }

  #fill(
    request: Request,
    bytes: Uint8Array,
    start: number,
    end: number,
    extrasBytes: number,
  ): number {
    const extras = start + PACKET_HEADER_BYTES;
    switch (request.op) {
      case Op.store:
        this.#compareCas(request, bytes, start);
        request.marks |= Mark.exptime;
        if (request.mode === StoreMode.set && (request.marks & Mark.compareCas) === 0) {
          request.marks |= Mark.dropsOldWhenRefused;
        }
        request.clientFlags = extrasBytes === 0 ? 0 : readWord(bytes, extras) >>> 0;
        request.exptime =
          extrasBytes === 0 ? (0 as ServerSeconds) : this.#expiry(bytes, extras + 4);
        return this.#value(request, start, end);
      case Op.delete:
        this.#compareCas(request, bytes, start);
        break;
      case Op.arithmetic:
        this.#compareCas(request, bytes, start);
        this.#arithmetic(request, bytes, extras);
        break;
      case Op.fetch:
        request.marks |= Mark.wantsValue | Mark.exptime;
        request.exptime = this.#expiry(bytes, extras);
        break;
      case Op.touch:
        request.marks |= Mark.exptime;
        request.exptime = this.#expiry(bytes, extras);
        break;
      case Op.flushAll:
        request.exptime = extrasBytes === 0 ? (0 as ServerSeconds) : this.#expiry(bytes, extras);
        if (!this.#options.flushEnabled) request.refuse(WireError.flushNotAllowed);
        break;
      case Op.quit:
        request.closeAfter = true;
        break;
      case Op.nodeList:
        if (!isClusterKey(request)) request.refuse(WireError.unknownCommand);
        break;
      case Op.authenticate:
        return this.#authentication(request, start, end);
      default:
        break;
    }
    return request.keyEnd - start;
  }

  /** An expiry field is unsigned: no number in it has passed. */
  #expiry(bytes: Uint8Array, at: number): ServerSeconds {
    return this.#clock.deadline(readWord(bytes, at) >>> 0);
  }

  #compareCas(request: Request, bytes: Uint8Array, start: number): void {
    request.casHigh = readWord(bytes, start + 16) >>> 0;
    request.casLow = readWord(bytes, start + 20) >>> 0;
    if (request.casHigh !== 0 || request.casLow !== 0) request.marks |= Mark.compareCas;
  }

  #arithmetic(request: Request, bytes: Uint8Array, extras: number): void {
    request.deltaHigh = readWord(bytes, extras) >>> 0;
    request.deltaLow = readWord(bytes, extras + 4) >>> 0;
    request.initialHigh = readWord(bytes, extras + 8) >>> 0;
    request.initialLow = readWord(bytes, extras + 12) >>> 0;
    request.clientFlags = 0;
    const expiry = readWord(bytes, extras + 16) >>> 0;
    if (expiry === EXPIRY_NO_CREATE) return;
    request.marks |= Mark.vivify;
    request.vivifyExptime = this.#clock.deadline(expiry);
  }

  #value(request: Request, start: number, end: number): number {
    const headBytes = request.keyEnd - start;
    if (this.#block.isTooLarge(request)) {
      refuseTooLarge(request);
      request.swallowBytes = request.valueBytes;
      return headBytes;
    }
    if (request.valueBytes > this.#options.inlineValueBytesMax) {
      request.streamed = true;
      return headBytes;
    }
    return this.#waitForValue(request, start, end);
  }

  #waitForValue(request: Request, start: number, end: number): number {
    request.valueStart = request.keyEnd;
    request.valueEnd = request.keyEnd + request.valueBytes;
    if (request.valueEnd > end) return this.#wait(request.valueEnd - start);
    return request.valueEnd - start;
  }

  /** A mechanism's name is the key, its data the value. */
  #authentication(request: Request, start: number, end: number): number {
    request.level = LOGIN_STEPS[request.opcode] as LoginStep;
    const nameTooLong = request.keyEnd - request.keyStart > MECHANISM_BYTES_MAX;
    if (nameTooLong || request.valueBytes > AUTH_TOKEN_BYTES_MAX) {
      request.refuse(nameTooLong ? WireError.malformedPacket : WireError.tooLarge);
      request.swallowBytes = request.valueBytes;
      return request.keyEnd - start;
    }
    return this.#waitForValue(request, start, end);
  }
}

/** Of a node's configuration, only the list of nodes is told. */
function isClusterKey({ keyBytes, keyStart, keyEnd }: Request): boolean {
  if (keyEnd - keyStart !== CLUSTER_KEY.length) return false;
  return CLUSTER_KEY.every((byte, at) => keyBytes[keyStart + at] === byte); // alloc: a poll a minute
}

/** What is served before a login. */
function isServedToAnyone(opcode: number): boolean {
  return (
    opcode === Opcode.version ||
    opcode === Opcode.saslList ||
    opcode === Opcode.saslAuth ||
    opcode === Opcode.saslStep
  );
}
