import type { Request } from "../command/request.ts";
import type { Encoder } from "../protocol/protocol.ts";
import type { Connection, Verdict } from "./connection.ts";

/** A family of commands that concern no shard, kept in a file of its own. */
export interface SessionExtension {
  /** Does what `request` asks and writes the reply; room for one line has been reserved. */
  perform(connection: Connection, request: Request, encoder: Encoder): Verdict;
}
