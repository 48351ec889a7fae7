/**
 * -l: the addresses to listen on, in memcached's grammar.
 *
 *   list    entry { "," | ";" entry }                    repeated -l options add up; between two separators
 *                                                        there may be nothing
 *   entry   [notls:|btls:|mtls:] [proto[<p>]:] [tag[<t>]: | tag_<t>_:] address [":" port]
 *   address name | IPv4 | "[" IPv6 "]" | bare IPv6 | "*"
 *
 * Without a port, -p applies. Names are resolved when the socket is bound, not here.
 */
import type { ListenAddress, ProtocolChoice } from "./settings.ts";
import { integerFrom } from "./values.ts";

const PORT_MAX = 65_535;
const TAG_LENGTH_MAX = 8;

/** memcached's words for a listener's protocol. */
const PROTOCOLS: Readonly<Record<string, ProtocolChoice>> = {
  ascii: "ascii",
  binary: "binary",
  negotiating: "auto",
};

const TLS_PREFIX = /^(notls|btls|mtls):/;
const PROTO_PREFIX = /^proto\[([^\]]*)\]:/;
const TAG_PREFIX = /^tag(?:\[([^\]]*)\]|_([^_]*)_):/;
const BRACKETED = /^\[([^\]]+)\](?::(.*))?$/;

/** An entry before -p and -B are known: null = theirs. */
export interface ListenEntry {
  readonly host: string;
  readonly port: number | null;
  readonly protocol: ProtocolChoice | null;
  readonly tag: string;
}

/** Reads a list. A string is memcached's complaint about its first wrong entry. */
export function listenEntriesFrom(text: string): ListenEntry[] | string {
  const entries: ListenEntry[] = [];
  const parts = text.split(/[,;]/).map((part) => part.trim());
  const named = parts.filter((part) => part !== "");
  if (named.length === 0) return `Invalid address: "${text}"`;
  for (const part of named) {
    const entry = listenEntryFrom(part);
    if (typeof entry === "string") return entry;
    entries.push(entry);
  }
  return entries;
}

function listenEntryFrom(text: string): ListenEntry | string {
  const tls = TLS_PREFIX.exec(text);
  if (tls !== null) return `'${tls[1]}' option is valid only when SSL is enabled`;
  let rest = text;
  let protocol: ProtocolChoice | null = null;
  let tag = "";
  const proto = PROTO_PREFIX.exec(rest);
  if (proto !== null) {
    const word = proto[1] as string;
    protocol = PROTOCOLS[word] ?? null;
    if (protocol === null) return wrongProtocol(word);
    rest = rest.slice(proto[0].length);
  }
  const tagged = TAG_PREFIX.exec(rest);
  if (tagged !== null) {
    tag = tagged[1] ?? tagged[2] ?? "";
    if (tag.length < 1 || tag.length > TAG_LENGTH_MAX) {
      return `Listener tags must be between 1 and 8 characters: "${tag}"`;
    }
    rest = rest.slice(tagged[0].length);
  }
  const bracketed = BRACKETED.exec(rest);
  if (bracketed !== null) {
    return entryAt(bracketed[1] as string, bracketed[2], protocol, tag);
  }
  if (rest.includes("[")) return `Invalid IPV6 address: "${rest}"`;
  const colons = rest.split(":").length - 1;
  if (colons !== 1) return entryAt(rest, undefined, protocol, tag); // a bare IPv6 address, or none
  const [host, port] = rest.split(":");
  return entryAt(host as string, port, protocol, tag);
}

/** Said at the start, not found out later: memcached takes any word, and serves what it likes. */
function wrongProtocol(word: string): string {
  if (word === "proxy") return 'This server is no proxy: "proto[proxy]"';
  return `Unknown listener protocol: "proto[${word}]"`;
}

function entryAt(
  host: string,
  portText: string | undefined,
  protocol: ProtocolChoice | null,
  tag: string,
): ListenEntry | string {
  if (host === "" || /\s/.test(host)) return `Invalid address: "${host}"`;
  if (portText === undefined) return { host, port: null, protocol, tag };
  const port = integerFrom(portText, 0, PORT_MAX);
  if (port === null) return `Invalid port number: "${portText}"`;
  return { host, port, protocol, tag };
}

/** Fills in -p where an entry has no port, and -B where it has no protocol. */
export function listenAddress(
  entry: ListenEntry,
  port: number,
  protocol: ProtocolChoice,
): ListenAddress {
  return {
    ...entry,
    port: entry.port ?? Math.max(0, port),
    protocol: entry.protocol ?? protocol,
  };
}

/** An address as -l takes it. */
export function listenText(address: { readonly host: string; readonly port: number }): string {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}
