/**
 * Socket addresses: to and from the kernel's structures, and to the text memcached prints in `stats
 * conns`.
 *
 *   sockaddr_in    | family u16 | port u16 BE | address 4 | zero 8 |
 *   sockaddr_in6   | family u16 | port u16 BE | flow u32 | address 16 | scope u32 |
 *   sockaddr_un    | family u16 | path, ended by 0 |
 *
 * They are read and written in the scratch memory of libc, always within one synchronous step:
 *
 *   byte 60 length u32 | 64 address, to 192
 */
import { isIPv4 } from "node:net";
import { assert } from "../base/assert.ts";
import type { Libc } from "./libc.ts";
import { AF_INET, AF_INET6, AF_UNIX } from "./linux.ts";

/**
 * Where in the scratch memory an address is read or written, and the word that holds its length.
 */
export const ADDRESS_OFFSET = 64;
const ADDRESS_LENGTH_OFFSET = 60;
/** sockaddr_storage; a Unix address needs 110. */
const ADDRESS_BYTES_MAX = 128;
/** sun_path with its closing 0. */
export const UNIX_PATH_BYTES_MAX = 108;

const INET_BYTES = 16;
const INET6_BYTES = 28;

/** Where a server listens. `host` is a numeric address, IPv6 without brackets. */
export type SocketAddress =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

/**
 * Writes the address of a server to the scratch memory, and the socket's family to its first two
 * bytes; the address's length, -1 when the path is too long. A path that begins with @ is in
 * Linux's abstract namespace.
 */
export function writeServerAddress(libc: Libc, to: SocketAddress): number {
  if (!("path" in to)) return writeInetAddress(libc, to.host, to.port);
  const length = writeUnixAddress(libc, to.path);
  if (length < 0 || !to.path.startsWith("@")) return length;
  libc.scratch.arena.bytes[ADDRESS_OFFSET + 2] = 0;
  return length - 1; // an abstract name has no closing 0
}

/** The family of what was written to the scratch memory. */
export function writtenFamily(libc: Libc): number {
  return libc.scratch.arena.bytes[ADDRESS_OFFSET] as number;
}

/**
 * Writes an IP address to the scratch memory; its length. `address` is numeric, IPv6 without
 * brackets.
 */
export function writeInetAddress(libc: Libc, address: string, port: number): number {
  const bytes = libc.scratch.arena.bytes;
  bytes.fill(0, ADDRESS_OFFSET, ADDRESS_OFFSET + ADDRESS_BYTES_MAX);
  const family = isIPv4(address) ? AF_INET : AF_INET6;
  bytes[ADDRESS_OFFSET] = family;
  bytes[ADDRESS_OFFSET + 2] = port >>> 8;
  bytes[ADDRESS_OFFSET + 3] = port & 0xff;
  if (family === AF_INET) {
    bytes.set(address.split(".").map(Number), ADDRESS_OFFSET + 4);
    return INET_BYTES;
  }
  bytes.set(inet6Bytes(address), ADDRESS_OFFSET + 8);
  return INET6_BYTES;
}

/**
 * Writes the path of a Unix socket to the scratch memory; the address's length, -1 when the path is
 * too long.
 */
export function writeUnixAddress(libc: Libc, path: string): number {
  const encoded = Buffer.from(path);
  if (encoded.length >= UNIX_PATH_BYTES_MAX) return -1;
  const bytes = libc.scratch.arena.bytes;
  bytes.fill(0, ADDRESS_OFFSET, ADDRESS_OFFSET + ADDRESS_BYTES_MAX);
  bytes[ADDRESS_OFFSET] = AF_UNIX;
  bytes.set(encoded, ADDRESS_OFFSET + 2);
  return 2 + encoded.length + 1;
}

/** The 16 bytes of a numeric IPv6 address, which `node:net` accepted as one. A zone is ignored. */
export function inet6Bytes(address: string): Uint8Array {
  let text = (address.split("%")[0] as string).toLowerCase();
  const tail = text.slice(text.lastIndexOf(":") + 1);
  if (isIPv4(tail)) {
    const [a, b, c, d] = tail.split(".").map(Number) as [number, number, number, number];
    const words = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
    text = text.slice(0, -tail.length) + words;
  }
  const [head, rest] = text.split("::") as [string, string | undefined];
  const front = head === "" ? [] : head.split(":");
  const back = rest === undefined || rest === "" ? [] : rest.split(":");
  const zeros = new Array<string>(8 - front.length - back.length).fill("0");
  const groups = [...front, ...zeros, ...back].map((group) => Number.parseInt(group, 16));
  assert(groups.length === 8 && groups.every((group) => group >= 0), "an IPv6 address");
  return Uint8Array.from(groups.flatMap((group) => [group >>> 8, group & 0xff]));
}

/**
 * An IPv6 address as glibc's inet_ntop writes it: the longest run of zero groups becomes `::`,
 * embedded IPv4 is dotted.
 */
export function inet6Text(bytes: Uint8Array): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) {
    groups.push(((bytes[i] as number) << 8) | (bytes[i + 1] as number));
  }
  let best = -1;
  let bestLength = 1;
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (start + length < 8 && groups[start + length] === 0) length++;
    if (length > bestLength) {
      best = start;
      bestLength = length;
    }
  }
  const hex = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(":");
  if (best === -1) return hex(0, 8);
  const tail = bytes.subarray(12, 16).join(".");
  if (best === 0 && bestLength === 6) return `::${tail}`;
  if (best === 0 && bestLength === 5 && groups[5] === 0xffff) return `::ffff:${tail}`;
  return `${hex(0, best)}::${hex(best + bestLength, 8)}`;
}

/** The peer of a connected descriptor, as memcached prints it. */
export function peerAddress(libc: Libc, fd: number): string {
  return told(libc, libc.sockets.getpeername, fd);
}

/** The local address of a descriptor, as memcached prints it. */
export function localAddress(libc: Libc, fd: number): string {
  return told(libc, libc.sockets.getsockname, fd);
}

/** The port of a bound descriptor, 0 when it has none. */
export function localPort(libc: Libc, fd: number): number {
  const text = localAddress(libc, fd);
  return text.startsWith("tcp") ? Number(text.slice(text.lastIndexOf(":") + 1)) : 0;
}

/** What memcached 1.6 prints for the peer of a Unix socket, which has no name. */
export const NO_ADDRESS = "?:<AF 0>";

function told(libc: Libc, ask: Libc["sockets"]["getsockname"], fd: number): string {
  const { scratch } = libc;
  scratch.arena.words[ADDRESS_LENGTH_OFFSET >>> 2] = ADDRESS_BYTES_MAX;
  const address = scratch.address(ADDRESS_OFFSET, ADDRESS_BYTES_MAX);
  const result = ask(fd, address, scratch.address(ADDRESS_LENGTH_OFFSET, 4));
  return result < 0 ? NO_ADDRESS : scratchAddress(libc);
}

function scratchAddress(libc: Libc): string {
  const bytes = libc.scratch.arena.bytes;
  const length = libc.scratch.arena.words[ADDRESS_LENGTH_OFFSET >>> 2] as number;
  const family = (bytes[ADDRESS_OFFSET] as number) | ((bytes[ADDRESS_OFFSET + 1] as number) << 8);
  const port = ((bytes[ADDRESS_OFFSET + 2] as number) << 8) | (bytes[ADDRESS_OFFSET + 3] as number);
  if (family === AF_INET) {
    const at = ADDRESS_OFFSET + 4;
    return `tcp:${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}:${port}`;
  }
  if (family === AF_INET6) {
    const address = inet6Text(bytes.subarray(ADDRESS_OFFSET + 8, ADDRESS_OFFSET + 24));
    return `tcp6:[${address}]:${port}`;
  }
  if (family !== AF_UNIX || length <= 2) return NO_ADDRESS;
  const path = bytes.slice(ADDRESS_OFFSET + 2, ADDRESS_OFFSET + length);
  const end = path.indexOf(0);
  return `unix:${Buffer.from(end === -1 ? path : path.subarray(0, end)).toString()}`;
}
