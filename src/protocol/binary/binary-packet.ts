/**
 * The binary protocol's packets: 24 bytes of header, then extras, key and value. All integers are
 * big-endian.
 *
 *  byte 0       1        2          4          5      6          8            12       16        24
 *       | magic | opcode | key      | extras   | type | vbucket  | body bytes | opaque | CAS     | extras, key, value
 *       |       |        | bytes    | bytes    | 0    | (status) | (all three)|        |         |
 *
 * What a packet of each opcode must look like is a table; a packet that does not is answered and
 * the connection closed.
 */
import { assert } from "../../base/assert.ts";
import { ArithmeticMode, Op, StoreMode } from "../../command/op.ts";

export const MAGIC_REQUEST = 0x80;
export const MAGIC_RESPONSE = 0x81;
export const PACKET_HEADER_BYTES = 24;

/** Opcodes that code names; the table below has them all. */
export const Opcode = {
  quitQuietly: 0x17,
  version: 0x0b,
  stat: 0x10,
  saslList: 0x20,
  saslAuth: 0x21,
  saslStep: 0x22,
} as const;

/** What a packet may hold, and how it is answered. */
export const Shape = {
  /** It must have a key. */
  key: 1 << 0,
  /** It may have one. */
  keyAllowed: 1 << 1,
  /** It may have a value. */
  value: 1 << 2,
  /** Extras may be absent. */
  extrasOptional: 1 << 3,
  /** No answer on the boring outcome. */
  quiet: 1 << 4,
  /** The answer holds the item's value. */
  wantsValue: 1 << 5,
  /** The answer repeats the key. */
  repeatsKey: 1 << 6,
} as const;

const KEYED = Shape.key | Shape.keyAllowed;
const STORES = KEYED | Shape.value;
const READS = KEYED | Shape.wantsValue;

/** [opcode, quiet twin or -1, op, mode, extras bytes, shape] */
type Row = readonly [number, number, Op, number, number, number];
const ROWS: readonly Row[] = [
  [0x00, 0x09, Op.get, 0, 0, READS],
  [0x0c, 0x0d, Op.get, 0, 0, READS | Shape.repeatsKey],
  [0x01, 0x11, Op.store, StoreMode.set, 8, STORES],
  [0x02, 0x12, Op.store, StoreMode.add, 8, STORES],
  [0x03, 0x13, Op.store, StoreMode.replace, 8, STORES],
  [0x04, 0x14, Op.delete, 0, 0, KEYED],
  [0x05, 0x15, Op.arithmetic, ArithmeticMode.increment, 20, KEYED],
  [0x06, 0x16, Op.arithmetic, ArithmeticMode.decrement, 20, KEYED],
  [0x07, 0x17, Op.quit, 0, 0, 0],
  [0x08, 0x18, Op.flushAll, 0, 4, Shape.extrasOptional],
  [0x0a, -1, Op.noop, 0, 0, 0],
  [0x0b, -1, Op.version, 0, 0, 0],
  [0x0e, 0x19, Op.store, StoreMode.append, 0, STORES],
  [0x0f, 0x1a, Op.store, StoreMode.prepend, 0, STORES],
  [0x10, -1, Op.stats, 0, 0, Shape.keyAllowed],
  [0x1c, -1, Op.touch, 0, 4, KEYED],
  [0x1d, 0x1e, Op.fetch, 0, 4, READS],
  [0x23, 0x24, Op.fetch, 0, 4, READS | Shape.repeatsKey],
  [0x20, -1, Op.authenticate, 0, 0, 0],
  [0x21, -1, Op.authenticate, 0, 0, STORES],
  [0x22, -1, Op.authenticate, 0, 0, STORES],
  [0x60, -1, Op.nodeList, 0, 0, KEYED],
];

/** By opcode: the op (`Op.none` for an unknown one), its mode, its extras, its shape. */
export const OPCODE_OP = new Uint8Array(256);
export const OPCODE_MODE = new Uint8Array(256);
export const OPCODE_EXTRAS = new Uint8Array(256);
export const OPCODE_SHAPE = new Uint8Array(256);

for (const [opcode, twin, op, mode, extras, shape] of ROWS) {
  fillRow(opcode, op, mode, extras, shape);
  if (twin >= 0) fillRow(twin, op, mode, extras, shape | Shape.quiet);
}

function fillRow(opcode: number, op: Op, mode: number, extras: number, shape: number): void {
  assert(OPCODE_OP[opcode] === Op.none, "an opcode has one row");
  OPCODE_OP[opcode] = op;
  OPCODE_MODE[opcode] = mode;
  OPCODE_EXTRAS[opcode] = extras;
  OPCODE_SHAPE[opcode] = shape;
}

/** The 32 bits at bytes[at], as they come: signed. */
export function readWord(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}

/** Writes 32 bits at out[at]. */
export function writeWord(out: Uint8Array, at: number, word: number): void {
  out[at] = word >>> 24;
  out[at + 1] = word >>> 16;
  out[at + 2] = word >>> 8;
  out[at + 3] = word;
}
