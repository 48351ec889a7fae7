/**
 * Binary protocol packets for tests: built from named fields, expected with the CAS open or
 * captured.
 *
 *   0       1        2      4        5      6        8      12      16    24
 *   | magic | opcode | key  | extras | type | vbucket| body | opaque| CAS | extras, key, value
 *   |       |        | bytes| bytes  |      | status | bytes|       |     |
 *
 * packet() makes a request, response() a Pattern for one reply, responses() for several in a row.
 * Fields a test wants wrong (lengths, magic) can be given; otherwise they follow from the parts.
 */
import {
  type Captures,
  INCOMPLETE,
  type Message,
  MISMATCH,
  type Pattern,
  show,
} from "./template.ts";

const HEADER_BYTES = 24;

export const Opcode = {
  get: 0x00,
  set: 0x01,
  add: 0x02,
  replace: 0x03,
  delete: 0x04,
  increment: 0x05,
  decrement: 0x06,
  quit: 0x07,
  flush: 0x08,
  getQ: 0x09,
  noop: 0x0a,
  version: 0x0b,
  getK: 0x0c,
  getKQ: 0x0d,
  append: 0x0e,
  prepend: 0x0f,
  stat: 0x10,
  setQ: 0x11,
  addQ: 0x12,
  replaceQ: 0x13,
  deleteQ: 0x14,
  incrementQ: 0x15,
  decrementQ: 0x16,
  quitQ: 0x17,
  flushQ: 0x18,
  appendQ: 0x19,
  prependQ: 0x1a,
  verbosity: 0x1b,
  touch: 0x1c,
  gat: 0x1d,
  gatQ: 0x1e,
  saslList: 0x20,
  saslAuth: 0x21,
  saslStep: 0x22,
  gatK: 0x23,
  gatKQ: 0x24,
  configGet: 0x60,
  configSet: 0x64,
  configDelete: 0x66,
} as const;

export const BinaryStatus = {
  success: 0x00,
  notFound: 0x01,
  exists: 0x02,
  tooLarge: 0x03,
  invalid: 0x04,
  notStored: 0x05,
  nonNumeric: 0x06,
  authFailure: 0x20,
  authContinue: 0x21,
  unknownCommand: 0x81,
  outOfMemory: 0x82,
} as const;

/** The body text memcached sends with a status. */
const STATUS_TEXT: Readonly<Record<number, string>> = {
  [BinaryStatus.notFound]: "Not found",
  [BinaryStatus.exists]: "Data exists for key.",
  [BinaryStatus.tooLarge]: "Too large.",
  [BinaryStatus.invalid]: "Invalid arguments",
  [BinaryStatus.notStored]: "Not stored.",
  [BinaryStatus.nonNumeric]: "Non-numeric server-side value for incr or decr",
  [BinaryStatus.authFailure]: "Auth failure.",
  [BinaryStatus.unknownCommand]: "Unknown command",
  [BinaryStatus.outOfMemory]: "Out of memory",
};

type Text = string | Uint8Array;

export interface PacketFields {
  readonly magic?: number;
  readonly opcode: number;
  readonly key?: Text;
  readonly extras?: Uint8Array;
  readonly value?: Text;
  readonly opaque?: number;
  readonly cas?: bigint;
  readonly dataType?: number;
  readonly vbucket?: number;
  /** Lies about lengths, for malformed packets. */
  readonly keyBytes?: number;
  readonly extrasBytes?: number;
  readonly bodyBytes?: number;
}

/** A request's bytes. */
export function packet(fields: PacketFields): Buffer {
  const key = bytesOf(fields.key);
  const value = bytesOf(fields.value);
  const extras = Buffer.from(fields.extras ?? []);
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = fields.magic ?? 0x80;
  header[1] = fields.opcode;
  header.writeUInt16BE(fields.keyBytes ?? key.length, 2);
  header[4] = fields.extrasBytes ?? extras.length;
  header[5] = fields.dataType ?? 0;
  header.writeUInt16BE(fields.vbucket ?? 0, 6);
  header.writeUInt32BE(fields.bodyBytes ?? extras.length + key.length + value.length, 8);
  header.writeUInt32BE(fields.opaque ?? 0, 12);
  header.writeBigUInt64BE(fields.cas ?? 0n, 16);
  return Buffer.concat([header, extras, key, value]);
}

/** A request that carries the CAS captured under `name`. */
export function withCas(name: string, fields: PacketFields): Message {
  return (captures: Captures) => packet({ ...fields, cas: BigInt(captures.get(name) ?? 1) });
}

/** A request that stores, for ever. */
export function setPacket(
  key: string,
  value: string,
  clientFlags = 0,
  opcode: number = Opcode.set,
): Buffer {
  return packet({ opcode, key, value, extras: storeExtras(clientFlags, 0) });
}

/** Extras of Set, Add, Replace. */
export function storeExtras(clientFlags: number, exptime: number): Buffer {
  const extras = Buffer.alloc(8);
  extras.writeUInt32BE(clientFlags, 0);
  extras.writeUInt32BE(exptime, 4);
  return extras;
}

/** Extras of Increment and Decrement. */
export function arithmeticExtras(delta: bigint, initial: bigint, exptime: number): Buffer {
  const extras = Buffer.alloc(20);
  extras.writeBigUInt64BE(delta, 0);
  extras.writeBigUInt64BE(initial, 8);
  extras.writeUInt32BE(exptime, 16);
  return extras;
}

/** Four bytes: extras of Touch, GAT, Flush; flags of a Get reply. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Eight bytes: the body of an Increment reply. */
export function uint64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(value);
  return bytes;
}

export interface ResponseFields {
  readonly opcode: number;
  readonly status?: number;
  readonly key?: Text;
  readonly extras?: Uint8Array;
  /** Default: the status' text, or nothing. */
  readonly value?: Text;
  readonly opaque?: number;
  /**
   * A number: exactly this. A name: not zero, captured under it, or equal to what was. Default:
   * exactly 0.
   */
  readonly cas?: bigint | string;
}

/** What a Get that finds `value` is answered, its CAS captured as "cas". */
export function hitFields(
  value: string,
  clientFlags = 0,
  more: Partial<ResponseFields> = {},
): ResponseFields {
  return { opcode: Opcode.get, extras: uint32(clientFlags), value, cas: "cas", ...more };
}

/** One expected reply packet. */
export function response(fields: ResponseFields): Pattern {
  const cas = fields.cas ?? 0n;
  const value = fields.value ?? STATUS_TEXT[fields.status ?? 0] ?? "";
  const bytes = packet({
    magic: 0x81,
    opcode: fields.opcode,
    vbucket: fields.status ?? 0,
    value,
    ...(fields.key !== undefined && { key: fields.key }),
    ...(fields.extras !== undefined && { extras: fields.extras }),
    ...(fields.opaque !== undefined && { opaque: fields.opaque }),
    ...(typeof cas === "bigint" && { cas }),
  });
  return new PacketPattern(bytes, typeof cas === "string" ? cas : undefined);
}

/** Several reply packets, in order, nothing between. */
export function responses(...fields: readonly ResponseFields[]): Pattern {
  return new SequencePattern(fields.map(response));
}

class PacketPattern implements Pattern {
  readonly #bytes: Buffer;
  readonly #casName: string | undefined;

  constructor(bytes: Buffer, casName: string | undefined) {
    this.#bytes = bytes;
    this.#casName = casName;
  }

  match(got: Buffer, captures: Captures): number {
    const wanted = this.#bytes;
    const casEnd = this.#casName === undefined ? 16 : HEADER_BYTES;
    const head = Math.min(got.length, 16);
    if (got.compare(wanted, 0, head, 0, head) !== 0) return MISMATCH;
    const end = Math.min(got.length, wanted.length);
    if (end > casEnd && got.compare(wanted, casEnd, end, casEnd, end) !== 0) return MISMATCH;
    if (got.length < wanted.length) return INCOMPLETE;
    if (this.#casName === undefined) return wanted.length;
    const cas = got.readBigUInt64BE(16).toString();
    const known = captures.get(this.#casName);
    if (cas === "0" || (known !== undefined && known !== cas)) return MISMATCH;
    captures.set(this.#casName, cas);
    return wanted.length;
  }

  toString(): string {
    const cas = this.#casName === undefined ? "" : ` with CAS {${this.#casName}}`;
    return `${show(this.#bytes)}${cas}`;
  }
}

class SequencePattern implements Pattern {
  readonly #patterns: readonly Pattern[];

  constructor(patterns: readonly Pattern[]) {
    this.#patterns = patterns;
  }

  match(got: Buffer, captures: Captures): number {
    const found: Captures = new Map(captures);
    let at = 0;
    for (const each of this.#patterns) {
      const matched = each.match(got.subarray(at), found);
      if (matched < 0) return matched;
      at += matched;
    }
    for (const [name, digits] of found) captures.set(name, digits);
    return at;
  }

  toString(): string {
    return this.#patterns.join("\n       + ");
  }
}

function bytesOf(text: Text | undefined): Buffer {
  return typeof text === "string" ? Buffer.from(text, "latin1") : Buffer.from(text ?? []);
}
