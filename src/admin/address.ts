/**
 * Address: where the admin interface listens.
 *
 *   --admin-listen 127.0.0.1:11280            TCP: the default
 *                  [::1]:11280
 *                  unix:/run/cache/admin.sock             a socket that its owner may use
 *                  unix:/run/cache/admin.sock,mode=660    and its group: who may connect may read
 *                  none
 */
import { ConfigError } from "../base/errors.ts";

const USAGE_EXIT = 64;
const SOCKET_MODE = 0o600;
/** What `sun_path` has room for, its NUL left out. */
const PATH_BYTES_MAX = 107;

export interface TcpAddress {
  readonly kind: "tcp";
  readonly host: string;
  readonly port: number;
}

export interface UnixAddress {
  readonly kind: "unix";
  readonly path: string;
  readonly mode: number;
}

export type AdminAddress = TcpAddress | UnixAddress;

/** Reads `--admin-listen`; null for "none". Throws ConfigError when it is no address. */
export function parseAdminListen(text: string): AdminAddress | null {
  if (text === "none" || text === "") return null;
  return text.startsWith("unix:") ? unixAddress(text) : tcpAddress(text);
}

function tcpAddress(text: string): TcpAddress {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const host = match?.[1] ?? match?.[2] ?? "";
  const port = Number(match?.[3]);
  if (match === null || port > 65_535 || host === "") {
    throw refused(text, "is not host:port, [IPv6]:port, unix:/path or none");
  }
  return { kind: "tcp", host, port };
}

function unixAddress(text: string): UnixAddress {
  const match = /^unix:(\/.*?)(?:,mode=([0-7]{3,4}))?$/.exec(text);
  const path = match?.[1] ?? "";
  if (match === null || /,mode=[^/]*$/.test(path)) {
    throw refused(text, "is not unix:/path or unix:/path,mode=660");
  }
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) {
    throw refused(text, `has a path of more than ${PATH_BYTES_MAX} bytes`);
  }
  return {
    kind: "unix",
    path,
    mode: match[2] === undefined ? SOCKET_MODE : Number.parseInt(match[2], 8),
  };
}

function refused(text: string, why: string): ConfigError {
  return new ConfigError(`--admin-listen: "${text}" ${why}`, USAGE_EXIT);
}

/** True for addresses only this machine can reach. */
export function isLocal(address: AdminAddress): boolean {
  return address.kind === "unix" || isLoopback(address.host);
}

/** True for hosts that are this machine itself. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** As the log and the service manager tell it. */
export function addressUrl(address: AdminAddress, port: number): string {
  if (address.kind === "unix") return `unix:${address.path}`;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `http://${host}:${port}/`;
}
