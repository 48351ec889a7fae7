/**
 * Upload body: a large value goes on to its owner as it comes, in whatever pieces.
 *
 *   | value …, bodyBytes to come | tail |        the tail, a line end, is checked, and then upload-end.ts commits
 *
 * A full ring takes no more for now: the connection waits until it has moved.
 */
import type { Request } from "../../command/request.ts";
import { WireError } from "../../command/status.ts";
import { CR, LF } from "../../protocol/ascii.ts";
import type { Connection } from "../connection.ts";
import { Step } from "../step.ts";
import type { Operation, Wait } from "../wait.ts";
import { Stage, type StageTools } from "./stage.ts";
import type { UploadEnd } from "./upload-end.ts";

export class UploadBody extends Stage implements Operation {
  readonly #end: Pick<UploadEnd, "begin">;

  constructor(tools: StageTools, end: Pick<UploadEnd, "begin">) {
    super(tools);
    this.#end = end;
  }

  /** The request has been read: its value follows, for the upload that `ticket` names. */
  begin(connection: Connection, request: Request, ticket: number): Step {
    const wait = this.waits.of(connection);
    wait.goOnWith(this);
    wait.save(request, this.replies.encoder);
    wait.bodyBytes = request.valueBytes;
    wait.tailBytes = request.bodyTailBytes;
    wait.upload = ticket;
    return Step.follows;
  }

  run(connection: Connection, request: Request): Step {
    const wait = connection.wait as Wait;
    const input = this.input;
    if (wait.bodyBytes > 0) {
      const end = Math.min(input.end, input.at + wait.bodyBytes);
      const taken = this.router.uploadData(wait.upload, this.output.bytes, input.at, end);
      wait.bodyBytes -= taken;
      input.at += taken;
      if (input.at < end) return Step.refused;
      if (wait.bodyBytes > 0) return Step.value;
    }
    if (input.end - input.at < wait.tailBytes) return Step.value;
    if (wait.tailBytes > 0 && !endsLine(this.output.bytes, input.at)) {
      return this.#spoilt(connection, request, wait);
    }
    input.at += wait.tailBytes;
    return this.#end.begin(connection, request, wait);
  }

  /** Something else follows the value than its line end: nothing is stored. */
  #spoilt(connection: Connection, request: Request, wait: Wait): Step {
    if (!this.output.reserve(connection, this.replies.encoder.bound(request))) return Step.noRoom;
    this.router.letGo(wait.upload);
    this.input.at += wait.tailBytes;
    this.replies.writeError(request, WireError.badDataChunk);
    return Step.done;
  }
}

function endsLine(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === CR && bytes[at + 1] === LF;
}
