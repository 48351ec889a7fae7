/**
 * Send source: the connection's source (source.ts) writes into the output as fast as the socket
 * takes it, and no further request is executed.
 *
 *   fills ─▶ no room: waits for it ─▶ fills ─▶ nothing now: is asked again by and by ─▶ fills ─▶ at its end
 */
import type { Request } from "../../command/request.ts";
import type { Connection } from "../connection.ts";
import { SOURCE_DONE, type Source } from "../source.ts";
import { Step } from "../step.ts";
import type { Operation, Wait } from "../wait.ts";
import { Stage } from "./stage.ts";

/** What a source is offered at a time. */
const SOURCE_BYTES = 64 * 1024;

export class SendSource extends Stage implements Operation {
  /** The request has been read: its reply comes from `source`. */
  begin(connection: Connection, source: Source): Step {
    const wait = this.waits.of(connection);
    wait.goOnWith(this);
    wait.source = source;
    return Step.follows;
  }

  run(connection: Connection, _request: Request): Step {
    const output = this.output;
    const source = (connection.wait as Wait).source as Source;
    while (true) {
      if (!output.reserve(connection, SOURCE_BYTES)) return Step.noRoom;
      const written = source.fill(output.bytes, output.at, output.at + SOURCE_BYTES);
      if (written === SOURCE_DONE) return Step.done;
      if (written === 0) return Step.quiet;
      output.at += written;
    }
  }
}
