/**
 * Swallow: the value of a refused request is thrown away as it comes; its error is answered after
 * the last of its bytes.
 */
import type { Request } from "../../command/request.ts";
import type { WireError } from "../../command/status.ts";
import type { Connection } from "../connection.ts";
import { Step } from "../step.ts";
import type { Operation, Wait } from "../wait.ts";
import { Stage } from "./stage.ts";

export class Swallow extends Stage implements Operation {
  /** The request has been read: `bytes` follow, and then `error` is answered. */
  begin(connection: Connection, bytes: number, error: WireError): Step {
    const wait = this.waits.of(connection);
    wait.goOnWith(this);
    wait.bodyBytes = bytes;
    wait.error = error;
    return Step.follows;
  }

  run(connection: Connection, request: Request): Step {
    const wait = connection.wait as Wait;
    wait.bodyBytes -= this.input.take(wait.bodyBytes);
    if (wait.bodyBytes > 0) return Step.swallows;
    if (!this.output.reserve(connection, this.replies.encoder.bound(request))) return Step.noRoom;
    this.replies.writeError(request, wait.error);
    return Step.done;
  }
}
