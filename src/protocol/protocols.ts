/**
 * The protocols this server speaks, a row each. What stands beside a protocol's folder is shared
 * and knows none of them; the connection finds what it needs of one by the request's dialect.
 *
 *   first byte ─▶ row ─▶ parser ─▶ Request.dialect ─▶ encoder, statistics, rules
 */
import { assert } from "../base/assert.ts";
import { Dialect, type Request } from "../command/request.ts";
import { BINARY } from "./binary/binary-protocol.ts";
import type { DialectParts, DialectRules, Protocol, StatsEncoder } from "./protocol.ts";
import { TEXT } from "./text/text-protocol.ts";

export const PROTOCOLS: readonly Protocol[] = [TEXT, BINARY];

const PARTS: readonly DialectParts[] = PROTOCOLS.flatMap((protocol) => protocol.dialects).sort(
  (one, other) => one.dialect - other.dialect,
);

assert(PARTS.length === Object.keys(Dialect).length, "every dialect is some protocol's");
assert(
  PARTS.every((parts, index) => parts.dialect === index),
  "dialects are numbered from 0, and are one protocol's each",
);

const RULES = PARTS.map((parts) => parts.rules);
const STATS = PARTS.map((parts) => parts.stats);

/** Every dialect's parts, by its number. */
export function dialectParts(): readonly DialectParts[] {
  return PARTS;
}

/** How the request's dialect is counted and shown. */
export function rulesOf(request: Request): DialectRules {
  return RULES[request.dialect] as DialectRules;
}

/** How statistics and plain words are written in the request's dialect. */
export function statsEncoderOf(request: Request): StatsEncoder {
  return STATS[request.dialect] as StatsEncoder;
}
