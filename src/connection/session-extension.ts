/**
 * SessionExtension: what does the commands that concern the connection or the node, for the
 * performer or for another.
 */
import type { Request } from "../command/request.ts";
import type { Connection, Verdict } from "./connection.ts";

export interface SessionExtension {
  /**
   * Does what `request` asks and writes the reply. Anything but `done`: nothing has happened, call
   * again.
   */
  perform(connection: Connection, request: Request): Verdict;
}
