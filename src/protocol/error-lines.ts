/**
 * The text protocols' words for every wire error, and for what a store operation answers, as
 * memcached prints them.
 */
import { WireError } from "../command/status.ts";
import { bytesOf } from "./ascii.ts";

const WORDS: Record<keyof typeof WireError, string> = {
  none: "",
  unknownCommand: "ERROR",
  badFormat: "CLIENT_ERROR bad command line format",
  badDataChunk: "CLIENT_ERROR bad data chunk",
  tooLarge: "SERVER_ERROR object too large for cache",
  invalidExptime: "CLIENT_ERROR invalid exptime argument",
  invalidDelta: "CLIENT_ERROR invalid numeric delta argument",
  nonNumeric: "CLIENT_ERROR cannot increment or decrement non-numeric value",
  outOfMemoryStoring: "SERVER_ERROR out of memory storing object",
  invalidFlag: "CLIENT_ERROR invalid flag",
  duplicateFlag: "CLIENT_ERROR duplicate flag",
  tooManyFlags: "CLIENT_ERROR options flags are too long",
  badToken: "CLIENT_ERROR bad token in command line format",
  invalidInitialValue: "CLIENT_ERROR invalid numeric initial value",
  invalidDeltaValue: "CLIENT_ERROR invalid numeric delta value",
  badBase64Key: "CLIENT_ERROR error decoding key",
  opaqueTooLong: "CLIENT_ERROR opaque token too long",
  invalidOrDuplicateFlag: "CLIENT_ERROR invalid or duplicate flag",
  invalidStoreMode: "CLIENT_ERROR invalid mode for ms M token",
  invalidArithmeticMode: "CLIENT_ERROR invalid mode for ma M token",
  deleteUsage: "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]",
  flushNotAllowed: "CLIENT_ERROR flush_all not allowed",
  shutdownNotEnabled: "SERVER_ERROR: shutdown not enabled",
  invalidShutdownMode: "CLIENT_ERROR invalid shutdown mode",
  memlimitTooSmall: "MEMLIMIT_TOO_SMALL cannot set maxbytes to less than 8m",
  memlimitTooLarge: "MEMLIMIT_ADJUST_FAILED input value is megabytes not bytes",
  memlimitFailed: "MEMLIMIT_ADJUST_FAILED out of bounds or unable to adjust",
  unauthenticated: "CLIENT_ERROR unauthenticated",
  authenticationFailure: "CLIENT_ERROR authentication failure",
  badAuthToken: "CLIENT_ERROR bad authentication token format",
  authTokenTooLong: "CLIENT_ERROR auth token too long",
  badLineTermination: "CLIENT_ERROR bad command line termination",
  malformedPacket: "CLIENT_ERROR malformed packet",
  unknownOpcode: "ERROR",
  bodyTooShort: "CLIENT_ERROR malformed packet",
  authRequired: "CLIENT_ERROR unauthenticated",
  outOfMemoryWriting: "SERVER_ERROR out of memory writing get response",
  invalidFlushDelay: "CLIENT_ERROR invalid exptime argument",
  listUnknown: "SERVER_ERROR the list of nodes is not known yet",
  ownerLost: "SERVER_ERROR the shard restarted, the outcome is unknown",
};

/** The line of each wire error, its line end included, by number. */
export const ERROR_LINES: readonly Uint8Array[] = errorLines();
/** What arithmetic answers when there is no memory for a longer number, and md x for none. */
export const OUT_OF_MEMORY_LINE = bytesOf("SERVER_ERROR out of memory\r\n");
/** What ma answers when there is no memory for the item it was to create. */
export const OUT_OF_MEMORY_NEW_LINE = bytesOf("SERVER_ERROR Out of memory allocating new item\r\n");
export const ERROR_LINE_BYTES_MAX = Math.max(...ERROR_LINES.map((line) => line.length));

function errorLines(): Uint8Array[] {
  const lines: Uint8Array[] = [];
  for (const [name, error] of Object.entries(WireError)) {
    lines[error] = bytesOf(`${WORDS[name as keyof typeof WireError]}\r\n`);
  }
  return lines;
}
