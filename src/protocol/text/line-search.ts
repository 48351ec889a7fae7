/** Questions about a line that has not been cut into tokens. */
import { KEY_BYTES_MAX } from "../../command/limits.ts";
import { CR, LF, SPACE } from "../ascii.ts";

/** True when a line end stands at bytes[at]. */
export function endsLine(bytes: Uint8Array, at: number, end: number): boolean {
  return bytes[at] === LF || (bytes[at] === CR && at + 1 < end && bytes[at + 1] === LF);
}

/** True when bytes[start, end) holds the end of a line. */
export function holdsLineEnd(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] === LF) return true;
  return false;
}

/**
 * True when a key in bytes[start, end) is too long. It looks back from where the longest key would
 * end: short keys are skipped by the dozen.
 */
export function holdsLongKey(bytes: Uint8Array, start: number, end: number): boolean {
  let keyStart = start;
  while (end - keyStart > KEY_BYTES_MAX) {
    let at = keyStart + KEY_BYTES_MAX;
    while (at >= keyStart && bytes[at] !== SPACE) at -= 1;
    if (at < keyStart) return true;
    keyStart = at + 1;
  }
  return false;
}
