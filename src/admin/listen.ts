/**
 * Listen: binds the admin server's address, and says in the operator's words why not.
 *
 *   claim ─▶ bound, before the cache accepts: a start with a taken address serves nobody
 *        who connects waits ─┐
 *   serve ─▶ connections go to the HTTP server, which takes long to load
 *
 * A Unix socket is bound under a umask that leaves it to its owner, so that at no moment more may
 * connect than its mode says. A socket nobody listens on any more, as a node that was killed leaves
 * it, is replaced; anything else of that name is not.
 */

import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { chmodSync, chownSync, lstatSync, unlinkSync } from "node:fs";
import type { Server as HttpServer } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { ConfigError, SystemError } from "../base/errors.ts";
import { type AdminAddress, addressUrl, type UnixAddress } from "./address.ts";
import type { Guard } from "./guard.ts";

const PORT_EXIT = 71;
const OWNER_ONLY = 0o177;
/** Who may wait until the HTTP server is there; more are hung up on. */
const WAITING_MAX = 64;

/** Whose a Unix socket is to be. */
export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** An address that is bound. */
export class Claim {
  readonly url: string;
  readonly #server: Server;
  readonly #waiting: Socket[] = [];
  #http: HttpServer | null = null;
  #guard: Guard | null = null;

  /** `server` listens at `address`. */
  constructor(server: Server, address: AdminAddress) {
    this.#server = server;
    const bound = server.address() as AddressInfo | string;
    this.url = addressUrl(address, typeof bound === "string" ? 0 : bound.port);
    server.on("connection", (socket) => {
      if (this.#guard === null) this.#take(socket);
      else if (!this.#guard.run("admin listener", () => this.#take(socket))) socket.destroy();
    });
    // Out of descriptors the system may accept nobody: that is no end of the listener.
    server.on("error", (error) => this.#guard?.failed("admin listener", error));
  }

  /** Has the HTTP server serve those who wait, and who comes from now on. */
  serve(http: HttpServer, guard: Guard): void {
    this.#http = http;
    this.#guard = guard;
    http.emit("listening"); // from here on it looks at its time limits
    for (const socket of this.#waiting.splice(0)) http.emit("connection", socket);
  }

  /** Nobody new; those who are served are the HTTP server's to close. */
  close(): void {
    this.#server.close();
  }

  #take(socket: Socket): void {
    if (this.#http !== null) {
      this.#http.emit("connection", socket);
      return;
    }
    socket.on("error", () => {}); // one who left
    if (this.#waiting.length >= WAITING_MAX) socket.destroy();
    else this.#waiting.push(socket);
  }
}

/** Throws SystemError when the address is taken, ConfigError when it cannot be had. */
export async function claimAddress(
  address: AdminAddress,
  owner: Owner | null = null,
): Promise<Claim> {
  const server = createServer();
  try {
    if (address.kind === "tcp") {
      const { address: host } = await lookup(address.host);
      await listening(server, { host, port: address.port });
    } else await listenUnix(server, address, owner);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") {
      const what = address.kind === "tcp" ? `port ${address.port}` : address.path;
      const why = `--admin-listen: ${what} is taken; choose another, or none`;
      throw new SystemError(why, PORT_EXIT, { cause });
    }
    throw new ConfigError(`--admin-listen: ${message}`, PORT_EXIT, { cause });
  }
  return new Claim(server, address);
}

async function listening(
  server: Server,
  where: { host: string; port: number } | { path: string },
): Promise<void> {
  const listens = once(server, "listening");
  server.listen(where);
  await listens;
}

async function listenUnix(
  server: Server,
  { path, mode }: UnixAddress,
  owner: Owner | null,
): Promise<void> {
  await removeDead(path);
  const before = process.umask(OWNER_ONLY);
  try {
    await listening(server, { path });
  } finally {
    process.umask(before);
  }
  if (owner !== null) chownSync(path, owner.uid, owner.gid);
  chmodSync(path, mode);
}

/** Removes a socket that nobody answers. */
async function removeDead(path: string): Promise<void> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return;
  const answered = await new Promise<boolean>((resolve) => {
    const socket = connect(path, () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
  if (!answered) unlinkSync(path);
}
