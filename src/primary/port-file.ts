/**
 * MEMCACHED_PORT_FILENAME: which ports were bound, for whoever started us with -p -1. memcached's
 * format, one line a socket, written beside the file and renamed.
 */
import { SystemError } from "../base/errors.ts";
import type { Listening } from "./listeners.ts";
import { replaceFile } from "./replace-file.ts";

const WORDS = {
  tcp4: "TCP INET",
  tcp6: "TCP INET6",
  udp4: "UDP INET",
  udp6: "UDP INET6",
} as const;

/** Writes `TCP INET: 11211` and its kin. */
export function writePortFile(path: string, sockets: readonly Listening[]): void {
  const lines = sockets.map(({ kind, port }) =>
    kind === "unix" ? "" : `${WORDS[kind]}: ${port}\n`,
  );
  const temporary = `${path}.lck`;
  try {
    replaceFile(path, temporary, lines.join(""));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SystemError(`Failed to write the port file ${path}: ${why}`, 71, { cause });
  }
}
