/**
 * BinaryStats: a packet each statistic, the name its key; an empty one ends the list. What has no
 * place for words is refused as a key that is not there.
 */
import type { Request } from "../../command/request.ts";
import { bytesOf, writeLatin1 } from "../ascii.ts";
import type { StatsEncoder } from "../protocol.ts";
import { PACKET_HEADER_BYTES } from "./binary-packet.ts";
import { Code, encodeText, NOTHING, writeHeader } from "./binary-response.ts";

const NOT_FOUND = bytesOf("Not found");
const FLAGS_BYTES = 4;

export class BinaryStats implements StatsEncoder {
  encodeStat(request: Request, name: string, value: string, out: Uint8Array, at: number): number {
    const bodyBytes = name.length + value.length;
    const to = writeHeader(request, Code.success, name.length, 0, bodyBytes, 0, 0, out, at);
    return writeLatin1(out, writeLatin1(out, to, name), value);
  }

  encodeStatsEnd(request: Request, out: Uint8Array, at: number): number {
    return encodeText(request, Code.success, NOTHING, out, at);
  }

  /** The list as text, its END included, is the value of one statistic. */
  listOf(request: Request, name: string, lines: readonly string[]): Uint8Array {
    const text = [...lines, "END"].map((line) => `${line}\r\n`).join(""); // alloc: a dump is no request
    const packets = new Uint8Array(2 * PACKET_HEADER_BYTES + name.length + text.length);
    this.encodeStatsEnd(request, packets, this.encodeStat(request, name, text, packets, 0));
    return packets;
  }

  encodeDone(request: Request, _words: string, out: Uint8Array, at: number): number {
    return this.encodeStatsEnd(request, out, at);
  }

  encodeRefusal(request: Request, _words: string, out: Uint8Array, at: number): number {
    return encodeText(request, Code.notFound, NOT_FOUND, out, at);
  }

  encodeWords(request: Request, words: string, out: Uint8Array, at: number): number {
    const to = writeHeader(request, Code.success, 0, 0, words.length, 0, 0, out, at);
    return writeLatin1(out, to, words);
  }

  /** As an item's value: client flags in the extras. */
  nodeListOf(request: Request, list: Uint8Array): Uint8Array {
    const bodyBytes = FLAGS_BYTES + list.length;
    const packet = new Uint8Array(PACKET_HEADER_BYTES + bodyBytes);
    const to = writeHeader(request, Code.success, 0, FLAGS_BYTES, bodyBytes, 0, 0, packet, 0);
    packet.set(list, to + FLAGS_BYTES);
    return packet;
  }

  encodeContinue(request: Request, out: Uint8Array, at: number): number {
    return encodeText(request, Code.authContinue, NOTHING, out, at);
  }
}
