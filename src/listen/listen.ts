/**
 * Listening sockets: what to listen on, the options memcached sets, and its words when it cannot.
 *
 *   ListenTarget ─▶ resolve names ─▶ socket bind listen ─▶ Listener { fd … }   listenNative()
 *                                └▶ net.Server.listen                            node-listen.ts
 *
 * Sockets accepted on Linux inherit TCP_NODELAY and SO_KEEPALIVE from the listening socket, so they
 * are set once, here.
 *
 * Messages: protocol reference "-l" and "-s". A port in use is one line; other failures name the
 * call that failed first.
 */
import { lookup } from "node:dns/promises";
import { chmodSync, lchownSync, lstatSync, unlinkSync } from "node:fs";
import { isIP, isIPv4 } from "node:net";
import { getSystemErrorName } from "node:util";
import { SystemError } from "../base/errors.ts";
import type { Libc } from "../libc/libc.ts";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  errorText,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
  SO_KEEPALIVE,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
} from "../libc/linux.ts";
import {
  ADDRESS_OFFSET,
  localPort,
  writeInetAddress,
  writeUnixAddress,
} from "../libc/socket-address.ts";
import { setOption, setTcpOptions } from "../libc/socket-options.ts";

/** memcached's exit code for what the operating system refuses. */
const EX_OSERR = 71;

export interface TcpTarget {
  readonly kind: "tcp";
  /** A name, a numeric address without brackets, or null: every address of the machine. */
  readonly host: string | null;
  /** 0 or -1: any free port. (That `-p 0` means no TCP at all is the caller's business.) */
  readonly port: number;
}

/** Whose a Unix socket's file is to be. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

export interface UnixTarget {
  readonly kind: "unix";
  readonly path: string;
  /** Permission bits of the socket file. */
  readonly mode: number;
  /** Whose the file is to be; whoever binds it, when not said. Only root may name another. */
  readonly owner?: Owner | null;
}

export type ListenTarget = TcpTarget | UnixTarget;

export interface ListenOptions {
  readonly backlog: number;
  /** The list as the operator wrote it with -l, null without: it decides the words of a failure. */
  readonly interfaces: string | null;
  /** For the words of a failure; TCP when not said. */
  readonly protocol?: "TCP" | "UDP";
}

/** A numeric address to bind; `wildcard` ones may fail when another family succeeds. */
export interface BindAddress {
  readonly address: string;
  readonly port: number;
}

export interface Listener {
  readonly fd: number;
  readonly kind: "tcp4" | "tcp6" | "unix";
  /** The port bound, 0 for a Unix socket. */
  readonly port: number;
  /** The address or the path bound. */
  readonly address: string;
}

/**
 * The numeric addresses of a target. Throws a SystemError in memcached's words when a name has
 * none.
 */
export async function resolveTarget(
  target: TcpTarget,
  options: ListenOptions,
): Promise<BindAddress[]> {
  const port = Math.max(0, target.port);
  if (target.host === null || target.host === "*") {
    return [
      { address: "0.0.0.0", port },
      { address: "::", port },
    ];
  }
  if (isIP(target.host) !== 0) return [{ address: target.host, port }];
  try {
    const found = await lookup(target.host, { all: true });
    const addresses = [...new Set(found.map((entry) => entry.address))];
    return addresses.map((address) => ({ address, port }));
  } catch (error) {
    const cause = "getaddrinfo(): Name or service not known";
    throw listenError(cause, target, options, "Invalid argument", error);
  }
}

/**
 * The failure of a target in memcached's words; `cause` is its first line, empty for a port in use.
 */
function listenError(
  cause: string,
  target: ListenTarget,
  options: ListenOptions,
  text: string,
  error?: unknown,
): SystemError {
  const protocol = options.protocol ?? "TCP";
  let line: string;
  if (target.kind === "unix") line = `failed to listen on UNIX socket: ${target.path}: ${text}`;
  else if (options.interfaces === null) {
    line = `failed to listen on ${protocol} port ${target.port}: ${text}`;
  } else line = `failed to listen on one of interface(s) ${options.interfaces}: ${text}`;
  const message = cause === "" ? line : `${cause}\n${line}`;
  return new SystemError(message, EX_OSERR, error === undefined ? undefined : { cause: error });
}

/** The failure of binding `target`, from the name of an error. */
export function bindError(
  call: string,
  target: ListenTarget,
  options: ListenOptions,
  name: string,
  error?: unknown,
): SystemError {
  const text = errorText(name);
  const quiet = name === "EADDRINUSE" && target.kind === "tcp";
  return listenError(quiet ? "" : `${call}: ${text}`, target, options, text, error);
}

/** Removes a socket file a predecessor left. Other files stay, and make the bind fail. */
export function removeStaleSocket(path: string): void {
  try {
    if (lstatSync(path).isSocket()) unlinkSync(path);
  } catch {
    // It is not there, or not ours to see: bind says what matters.
  }
}

/**
 * Gives a socket file its mode and its owner: with -u, that user, who could not connect to root's
 * nor remove it.
 */
export function settleSocketFile({ path, mode, owner }: UnixTarget): void {
  chmodSync(path, mode);
  if (owner != null) lchownSync(path, owner.uid, owner.gid);
}

/**
 * Opens the listening sockets of a target. At least one of its addresses must be had; a family the
 * machine does not have is skipped. Throws a SystemError in memcached's words.
 */
export async function listenNative(
  libc: Libc,
  target: ListenTarget,
  options: ListenOptions,
): Promise<Listener[]> {
  if (target.kind === "unix") return [listenUnix(libc, target, options)];
  const addresses = await resolveTarget(target, options);
  const listeners: Listener[] = [];
  let skipped = 0;
  let port = Math.max(0, target.port);
  for (const { address } of addresses) {
    const result = tryListenTcp(libc, address, port, options.backlog);
    if (result.fd >= 0) {
      listeners.push(result);
      // Any free port: the second family takes the first one's.
      if (port === 0) port = result.port;
    } else if (result.fd === -EAFNOSUPPORT || result.fd === -EADDRNOTAVAIL) {
      skipped = result.fd;
    } else {
      for (const listener of listeners) libc.files.close(listener.fd);
      throw bindError("bind()", target, options, getSystemErrorName(result.fd));
    }
  }
  if (listeners.length === 0) {
    throw bindError("bind()", target, options, getSystemErrorName(skipped));
  }
  return listeners;
}

/** A bound and listening socket; on failure its `fd` is the negated errno. */
function tryListenTcp(libc: Libc, address: string, port: number, backlog: number): Listener {
  const inet6 = !isIPv4(address); // isIPv6 is a regular expression that takes 5 ms to compile
  const kind = inet6 ? "tcp6" : "tcp4";
  const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const fd = libc.sockets.socket(inet6 ? AF_INET6 : AF_INET, type, 0);
  if (fd < 0) return { fd, kind, port, address };
  if (inet6) setOption(libc, fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  setOption(libc, fd, SOL_SOCKET, SO_REUSEADDR, 1);
  setTcpOptions(libc, fd);
  const length = writeInetAddress(libc, address, port);
  let result = libc.sockets.bind(fd, libc.scratch.address(ADDRESS_OFFSET, length), length);
  if (result === 0) result = libc.sockets.listen(fd, backlog);
  if (result < 0) {
    libc.files.close(fd);
    return { fd: result, kind, port, address };
  }
  return { fd, kind, port: localPort(libc, fd), address };
}

function listenUnix(libc: Libc, target: UnixTarget, options: ListenOptions): Listener {
  const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
  const fd = libc.sockets.socket(AF_UNIX, type, 0);
  if (fd < 0) throw bindError("socket()", target, options, getSystemErrorName(fd));
  removeStaleSocket(target.path);
  setOption(libc, fd, SOL_SOCKET, SO_REUSEADDR, 1);
  setOption(libc, fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  const length = writeUnixAddress(libc, target.path);
  if (length < 0) {
    libc.files.close(fd);
    throw bindError("bind()", target, options, "ENAMETOOLONG");
  }
  // The file appears with its final mode: the mask says which bits bind leaves out.
  const mask = process.umask(~target.mode & 0o777);
  let result = libc.sockets.bind(fd, libc.scratch.address(ADDRESS_OFFSET, length), length);
  process.umask(mask);
  if (result === 0) {
    settleSocketFile(target);
    result = libc.sockets.listen(fd, options.backlog);
  }
  if (result < 0) {
    libc.files.close(fd);
    throw bindError("bind()", target, options, getSystemErrorName(result));
  }
  return { fd, kind: "unix", port: 0, address: target.path };
}
