/**
 * TextStats: statistics, dumps and plain words as lines.
 *
 *   STAT <name> <value>\r\n … END\r\n
 */
import { ListForm } from "../../command/op.ts";
import type { Request } from "../../command/request.ts";
import { bytesOf, writeBytes, writeLatin1, writeLineEnd } from "../ascii.ts";
import type { StatsEncoder } from "../protocol.ts";

const END = bytesOf("END\r\n");
const LINE_END_AND_END = bytesOf("\r\nEND\r\n");

export class TextStats implements StatsEncoder {
  encodeStat(request: Request, name: string, value: string, out: Uint8Array, at: number): number {
    return request.noreply ? at : writeLatin1(out, at, `STAT ${name} ${value}\r\n`); // alloc: a stat is no request
  }

  encodeStatsEnd(request: Request, out: Uint8Array, at: number): number {
    return request.noreply ? at : writeBytes(out, at, END);
  }

  listOf(_request: Request, _name: string, lines: readonly string[]): Uint8Array {
    return Buffer.from([...lines, "END"].map((line) => `${line}\r\n`).join(""), "latin1"); // alloc: a dump is no request
  }

  encodeDone(request: Request, words: string, out: Uint8Array, at: number): number {
    return this.encodeWords(request, words, out, at);
  }

  encodeRefusal(request: Request, words: string, out: Uint8Array, at: number): number {
    return this.encodeWords(request, words, out, at);
  }

  encodeWords(request: Request, words: string, out: Uint8Array, at: number): number {
    return request.noreply ? at : writeLineEnd(out, writeLatin1(out, at, words));
  }

  nodeListOf(request: Request, list: Uint8Array): Uint8Array {
    const isItem = request.level === ListForm.item;
    const name = isItem ? "VALUE AmazonElastiCache:cluster" : "CONFIG cluster";
    const head = Buffer.from(`${name} 0 ${list.length}\r\n`, "latin1"); // alloc: a poll a minute
    return Buffer.concat([head, list, LINE_END_AND_END]); // alloc: the same
  }

  /** No text login has a second step. */
  encodeContinue(_request: Request, _out: Uint8Array, at: number): number {
    return at;
  }
}
