/**
 * The protocols this server speaks, a row each. What stands beside a protocol's folder is shared
 * and knows none of them; the connection finds what it needs of one by the request's dialect.
 *
 *   first byte ─▶ row ─▶ parser ─▶ Request.dialect ─▶ encoder, statistics, rules
 */
import { assert } from "../base/assert.ts";
import { Dialect, type Request } from "../command/request.ts";
import { BINARY } from "./binary/binary-protocol.ts";
import type {
  Conversation,
  DialectParts,
  DialectRules,
  Protocol,
  StatsEncoder,
} from "./protocol.ts";
import { TEXT } from "./text/text-protocol.ts";
import type { WireProtocol } from "./wire-state.ts";

export const PROTOCOLS: readonly Protocol[] = [TEXT, BINARY];

const PARTS: readonly DialectParts[] = PROTOCOLS.flatMap((protocol) => protocol.dialects).sort(
  (one, other) => one.dialect - other.dialect,
);

assert(PARTS.length === Object.keys(Dialect).length, "every dialect is some protocol's");
assert(
  PARTS.every((parts, index) => parts.dialect === index),
  "dialects are numbered from 0, and are one protocol's each",
);

/** The protocol of a connection that begins with this byte. */
const BY_FIRST_BYTE = byFirstByte();
const CONVERSATIONS = PARTS.map(({ dialect }) => conversationIn(dialect));
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

/** The protocol that a connection speaks whose first byte this is. */
export function protocolOf(firstByte: number): Protocol {
  return BY_FIRST_BYTE[firstByte] as Protocol;
}

/** How the conversation of a connection is shown; null while its protocol is not decided. */
export function conversationOf(wire: WireProtocol): Conversation | null {
  return PROTOCOLS.find((protocol) => protocol.wire === wire)?.conversation ?? null;
}

/** How a reply to the request is shown. */
export function replyConversationOf(request: Request): Conversation {
  return CONVERSATIONS[request.dialect] as Conversation;
}

function conversationIn(dialect: Dialect): Conversation {
  const speaks = (protocol: Protocol) => protocol.dialects.some((own) => own.dialect === dialect);
  return (PROTOCOLS.find(speaks) as Protocol).conversation;
}

function byFirstByte(): readonly Protocol[] {
  const others = PROTOCOLS.filter((protocol) => protocol.firstByte === null);
  assert(others.length === 1, "one protocol takes what no other begins with");
  const protocols = new Array<Protocol>(256).fill(others[0] as Protocol);
  for (const protocol of PROTOCOLS) {
    if (protocol.firstByte !== null) protocols[protocol.firstByte] = protocol;
  }
  return protocols;
}
