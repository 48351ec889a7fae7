/**
 * Listen: binds the admin server to its address, and says in the operator's words why not.
 *
 * A Unix socket is bound under a umask that leaves it to its owner, so that at no moment more may
 * connect than its mode says. A socket nobody listens on any more, as a node that was killed leaves
 * it, is replaced; anything else of that name is not.
 */

import { lookup } from "node:dns/promises";
import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import { connect } from "node:net";
import type { FastifyInstance } from "fastify";
import { ConfigError, SystemError } from "../base/errors.ts";
import type { AdminAddress, UnixAddress } from "./address.ts";

const PORT_EXIT = 71;
const OWNER_ONLY = 0o177;

/** Throws SystemError when the address is taken, ConfigError when it cannot be had. */
export async function listen(server: FastifyInstance, address: AdminAddress): Promise<void> {
  try {
    if (address.kind === "tcp") {
      // By number: of a name with several addresses fastify would make further servers, which
      // nothing of ours watches.
      const { address: host } = await lookup(address.host);
      await server.listen({ host, port: address.port });
    } else await listenUnix(server, address);
  } catch (cause) {
    await server.close();
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === "EADDRINUSE") {
      const what = address.kind === "tcp" ? `port ${address.port}` : address.path;
      const why = `--admin-listen: ${what} is taken; choose another, or none`;
      throw new SystemError(why, PORT_EXIT, { cause });
    }
    throw new ConfigError(`--admin-listen: ${message}`, PORT_EXIT, { cause });
  }
}

async function listenUnix(server: FastifyInstance, { path, mode }: UnixAddress): Promise<void> {
  await removeDead(path);
  const before = process.umask(OWNER_ONLY);
  try {
    await server.listen({ path });
  } finally {
    process.umask(before);
  }
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
