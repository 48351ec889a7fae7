/**
 * Binary conversation: what -vv shows of the binary protocol, as memcached words it: the 24 bytes
 * of each header, four a line, and of a request what it is about.
 *
 *   <31 Read binary protocol data:         >31 Writing an error: Not found
 *   <31    0x80 0x00 0x00 0x01             >31 Writing bin response:
 *   … five lines more                      >31   0x81 0x00 0x00 0x00
 *   <31 GET a                              … five lines more
 *
 * Bodies are not shown but for the key and the numbers of an incr, so no value is, and nothing of a
 * login.
 *
 * Not on the request path: none of it runs while nobody looks.
 */
import { Op, StoreMode } from "../../command/op.ts";
import type { Conversation } from "../protocol.ts";
import { shownText } from "../shown-text.ts";
import type { WireState } from "../wire-state.ts";
import {
  MAGIC_REQUEST,
  OPCODE_EXTRAS,
  OPCODE_MODE,
  OPCODE_OP,
  PACKET_HEADER_BYTES,
  readWord,
} from "./binary-packet.ts";

const BYTES_PER_LINE = 4;
const STORE_NAMES: Readonly<Record<number, string>> = {
  [StoreMode.set]: "SET",
  [StoreMode.add]: "ADD",
  [StoreMode.replace]: "REPLACE",
};

export const BINARY_CONVERSATION: Conversation = { name: "binary", asked, answered };

function asked(
  descriptor: number,
  _state: WireState,
  bytes: Uint8Array,
  start: number,
  end: number,
): string[] | null {
  if (end - start < PACKET_HEADER_BYTES) return null;
  const magic = bytes[start] as number;
  const { keyBytes, extrasBytes, bodyBytes } = lengths(bytes, start);
  const bodyStart = start + PACKET_HEADER_BYTES;
  if (magic === MAGIC_REQUEST && end - bodyStart < extrasBytes + keyBytes) return null;
  const lines = [`<${descriptor} Read binary protocol data:`];
  for (const line of headerLines(bytes, start)) lines.push(`<${descriptor}    ${line}`);
  if (magic !== MAGIC_REQUEST) {
    return [...lines, `Invalid magic:  ${magic.toString(16).padStart(2, "0")}`];
  }
  const keyStart = bodyStart + extrasBytes;
  const key = shownText(bytes, keyStart, keyStart + keyBytes);
  const valueBytes = bodyBytes - extrasBytes - keyBytes;
  const about = subject(descriptor, bytes, start, key, valueBytes);
  return about === "" ? lines : [...lines, about];
}

/** What a request is about; empty for what memcached says nothing of. */
function subject(
  descriptor: number,
  bytes: Uint8Array,
  start: number,
  key: string,
  valueBytes: number,
): string {
  const opcode = bytes[start + 1] as number;
  const extrasBytes = OPCODE_EXTRAS[opcode] as number;
  if (extrasBytes !== 0 && bytes[start + 4] !== extrasBytes) return "";
  switch (OPCODE_OP[opcode]) {
    case Op.get:
      return `<${descriptor} GET ${key}`;
    case Op.fetch:
    case Op.touch:
      return `<${descriptor} TOUCH ${key}`;
    case Op.store: {
      const name = STORE_NAMES[OPCODE_MODE[opcode] as number];
      const value = `Value len is ${valueBytes}`;
      return name === undefined ? value : `<${descriptor} ${name} ${key} ${value}`;
    }
    case Op.delete:
      return `Deleting ${key}`;
    case Op.arithmetic: {
      const view = Buffer.from(bytes.subarray(start + PACKET_HEADER_BYTES));
      const [delta, initial] = [view.readBigInt64BE(0), view.readBigInt64BE(8)];
      return `incr ${key} ${delta}, ${initial}, ${view.readInt32BE(16)}`;
    }
    case Op.stats:
      return `<${descriptor} STATS ${key}`;
    default:
      return "";
  }
}

function answered(
  descriptor: number,
  _isSilent: boolean,
  bytes: Uint8Array,
  start: number,
  end: number,
): string[] {
  if (end - start < PACKET_HEADER_BYTES) return [];
  const lines: string[] = [];
  const status = ((bytes[start + 6] as number) << 8) | (bytes[start + 7] as number);
  const { keyBytes } = lengths(bytes, start);
  if (status !== 0 && keyBytes === 0) {
    const text = shownText(bytes, start + PACKET_HEADER_BYTES, end);
    lines.push(`>${descriptor} Writing an error: ${text}`);
  }
  lines.push(`>${descriptor} Writing bin response:`);
  for (const line of headerLines(bytes, start)) lines.push(`>${descriptor}   ${line}`);
  return lines;
}

function lengths(bytes: Uint8Array, start: number) {
  return {
    keyBytes: ((bytes[start + 2] as number) << 8) | (bytes[start + 3] as number),
    extrasBytes: bytes[start + 4] as number,
    bodyBytes: readWord(bytes, start + 8) >>> 0,
  };
}

function headerLines(bytes: Uint8Array, start: number): string[] {
  const lines: string[] = [];
  for (let at = start; at < start + PACKET_HEADER_BYTES; at += BYTES_PER_LINE) {
    const line = Array.from(bytes.subarray(at, at + BYTES_PER_LINE), hex);
    lines.push(line.join(" "));
  }
  return lines;
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}
