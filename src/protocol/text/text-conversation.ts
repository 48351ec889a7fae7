/**
 * Text conversation: what -vv shows of the classic and the meta protocol, as memcached words it.
 *
 *   get a                     <31 get a
 *   VALUE a 0 5 … END         >31 sending key a     >31 END
 *   STORED to a noreply       >31 NOREPLY STORED
 *
 * Beyond memcached, which shows no reply to a meta command, its first line is shown: `>31 HD`.
 *
 * A line is all that is shown of a request, so no value is; and before a login none but the one it
 * begins with, since what a client in disorder sends next may be its password.
 *
 * Not on the request path: none of it runs while nobody looks.
 */
import { Op } from "../../command/op.ts";
import { CR, LF } from "../ascii.ts";
import type { Conversation } from "../protocol.ts";
import { shownText } from "../shown-text.ts";
import type { WireState } from "../wire-state.ts";

/** `VALUE <key> <flags> <bytes>`: the line in front of a value. */
const VALUE_LINE = /^VALUE (\S+) /;
/** `VA <bytes> …`: the same in the meta protocol; what follows is the value. */
const META_VALUE_LINE = /^VA /;
/** What a login begins with; its password is in its value. */
const LOGIN_LINE = /^set \S+ \d+ -?\d+ \d+$/;

export const TEXT_CONVERSATION: Conversation = { name: "ascii", asked, answered };

function asked(
  descriptor: number,
  state: WireState,
  bytes: Uint8Array,
  start: number,
  end: number,
): string[] | null {
  if (state.keysOp !== Op.none) return null; // the line has been shown with its first key
  const lineBytes = bytes.subarray(start, end).indexOf(LF);
  if (lineBytes < 0) return null;
  const line = shownText(bytes, start, withoutReturn(bytes, start, start + lineBytes));
  const isShown = state.authenticated || LOGIN_LINE.test(line);
  return [`<${descriptor} ${isShown ? line : "(not shown: not logged in)"}`];
}

function answered(
  descriptor: number,
  isSilent: boolean,
  bytes: Uint8Array,
  start: number,
  end: number,
): string[] {
  const lines: string[] = [];
  let at = start;
  while (at < end) {
    const lineBytes = bytes.subarray(at, end).indexOf(LF);
    const lineEnd = lineBytes < 0 ? end : at + lineBytes;
    const textEnd = withoutReturn(bytes, at, lineEnd);
    const line = shownText(bytes, at, textEnd);
    if (line !== "") lines.push(line);
    if (META_VALUE_LINE.test(line)) break;
    at = lineEnd + 1;
  }
  const prefix = `>${descriptor} ${isSilent ? "NOREPLY " : ""}`;
  return lines.map((line) => {
    const key = VALUE_LINE.exec(line)?.[1];
    return `${prefix}${key === undefined ? line : `sending key ${key}`}`;
  });
}

/** Where a line that ends at `end` does without its carriage return. */
function withoutReturn(bytes: Uint8Array, start: number, end: number): number {
  return end > start && bytes[end - 1] === CR ? end - 1 : end;
}
