/** Responses of the binary protocol: the header, and packets that are a header and a text. */
import type { Request } from "../../command/request.ts";
import { writeBytes } from "../ascii.ts";
import { MAGIC_RESPONSE, PACKET_HEADER_BYTES, writeWord } from "./binary-packet.ts";

export const NOTHING = new Uint8Array(0);

/** The status field of a response. */
export const Code = {
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
  internal: 0x84,
} as const;
export type Code = (typeof Code)[keyof typeof Code];

/** Writes a packet that is a text, or nothing. */
export function encodeText(
  request: Request,
  code: Code,
  text: Uint8Array,
  out: Uint8Array,
  at: number,
): number {
  return writeBytes(out, writeHeader(request, code, 0, 0, text.length, 0, 0, out, at), text);
}

/** Writes a response header at out[at]. Where the body goes. */
export function writeHeader(
  request: Request,
  code: Code,
  keyBytes: number,
  extrasBytes: number,
  bodyBytes: number,
  casHigh: number,
  casLow: number,
  out: Uint8Array,
  at: number,
): number {
  out[at] = MAGIC_RESPONSE;
  out[at + 1] = request.opcode;
  out[at + 2] = keyBytes >>> 8;
  out[at + 3] = keyBytes;
  out[at + 4] = extrasBytes;
  out[at + 5] = 0;
  out[at + 6] = code >>> 8;
  out[at + 7] = code;
  writeWord(out, at + 8, bodyBytes);
  writeWord(out, at + 12, request.opaque);
  writeWord(out, at + 16, casHigh);
  writeWord(out, at + 20, casLow);
  return at + PACKET_HEADER_BYTES;
}
