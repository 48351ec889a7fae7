/**
 * DataBlock: the bytes after a storage line, the same for the classic commands and `ms`.
 *
 *    set key 0 0 5\r\n  hello \r\n
 *    `-- the line --´   `data´ `- must be exactly this, else bad data chunk, and reading goes on behind it
 *
 *   fits inline       wait until all of it is here, then the request holds it
 *   larger            the request is `streamed`: the connection carries the value to the shard as it arrives
 *   larger than -I    refused; the block is swallowed, and only then comes the answer
 */
import { ITEM_OVERHEAD_BYTES } from "../command/limits.ts";
import { DeleteMode, Op, REFUSED_CAS, StoreMode } from "../command/op.ts";
import { Mark, type Request } from "../command/request.ts";
import { WireError } from "../command/status.ts";
import { CR, LF } from "./ascii.ts";
import type { ProtocolOptions } from "./protocol-options.ts";

const LINE_END_BYTES = 2;
const CLIENT_FLAGS_BYTES = 4;
const CAS_BYTES = 8;

export class DataBlock {
  /** After a 0: bytes needed from `start` on. */
  needed = 0;
  readonly #itemBytesMax: number;
  readonly #inlineBytesMax: number;
  readonly #casBytes: number;

  constructor(options: ProtocolOptions) {
    this.#itemBytesMax = options.itemBytesMax;
    this.#inlineBytesMax = options.inlineValueBytesMax;
    this.#casBytes = options.casEnabled ? CAS_BYTES : 0;
  }

  /** True when an item of this key, client flags and value would be larger than -I allows. */
  isTooLarge(request: Request): boolean {
    const flagsBytes = request.clientFlags === 0 ? 0 : CLIENT_FLAGS_BYTES;
    const keyBytes = request.keyEnd - request.keyStart + 1;
    const valueBytes = request.valueBytes + LINE_END_BYTES;
    const itemBytes = ITEM_OVERHEAD_BYTES + keyBytes + flagsBytes + this.#casBytes + valueBytes;
    return itemBytes > this.#itemBytesMax;
  }

  /**
   * Completes a storage request whose line lies in bytes[start, dataStart), everything but its
   * value being filled. Bytes consumed from `start` on; 0 to wait.
   */
  complete(
    request: Request,
    bytes: Uint8Array,
    start: number,
    dataStart: number,
    end: number,
  ): number {
    if (this.isTooLarge(request)) {
      refuseTooLarge(request);
      request.swallowBytes = request.valueBytes + LINE_END_BYTES;
      return dataStart - start;
    }
    if (request.valueBytes > this.#inlineBytesMax) {
      request.streamed = true;
      request.bodyTailBytes = LINE_END_BYTES;
      return dataStart - start;
    }
    const dataEnd = dataStart + request.valueBytes;
    const next = dataEnd + LINE_END_BYTES;
    if (next > end) {
      this.needed = next - start;
      return 0;
    }
    request.valueStart = dataStart;
    request.valueEnd = dataEnd;
    if (bytes[dataEnd] !== CR || bytes[dataEnd + 1] !== LF) {
      request.refuse(WireError.badDataChunk);
    }
    return next - start;
  }
}

/** The answer will be `tooLarge`. Some stores remove the old item before it. */
export function refuseTooLarge(request: Request): void {
  request.error = WireError.tooLarge;
  const drops = (request.marks & Mark.dropsOldWhenRefused) !== 0;
  const compares = (request.marks & Mark.compareCas) !== 0 && request.mode === StoreMode.set;
  request.level = compares ? REFUSED_CAS : request.mode;
  request.op = drops ? Op.delete : Op.error;
  request.mode = DeleteMode.remove;
  request.marks &= Mark.binaryKey;
}
