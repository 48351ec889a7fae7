/**
 * -u: the user the server becomes when root started it. Looked up first, so that a wrong name stops
 * the start before anything is bound; assumed after the sockets are bound, so that ports below 1024
 * work (memcached drops before, and cannot have both).
 */
import { execFileSync } from "node:child_process";
import { closeSync, openSync, readFileSync, statSync } from "node:fs";
import { ConfigError, SystemError } from "../base/errors.ts";

/** EX_NOUSER */
const EXIT_NO_USER = 67;

export interface Identity {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** The user of that name. Throws ConfigError, as memcached does, when there is none. */
export function findUser(name: string, passwd = passwdLines()): Identity {
  const fields = passwd.map((line) => line.split(":")).find(([user]) => user === name);
  const found = fields ?? lookedUp(name);
  const uid = Number(found?.[2]);
  const gid = Number(found?.[3]);
  if (found === undefined || !Number.isInteger(uid) || !Number.isInteger(gid)) {
    throw new ConfigError(
      `can't find the user ${name} to switch to ` +
        `(-u, --user: got "${name}", allowed: a user of this machine)`,
      EXIT_NO_USER,
    );
  }
  return { name, uid, gid };
}

/** Node's types leave this one out. */
const processOfUnix = process as unknown as { initgroups(user: string, gid: number): void };

/** Becomes that user, for good. Throws SystemError when the system refuses. */
export function assumeIdentity({ name, uid, gid }: Identity): void {
  try {
    if (process.getuid?.() === uid && uid === 0) return;
    processOfUnix.initgroups(name, gid);
    process.setgid?.(gid);
    process.setuid?.(uid);
  } catch (cause) {
    throw new SystemError(`failed to assume identity of user ${name}`, 71, { cause });
  }
}

/** Does something as that user, and is who we were again. Only root may. */
export function asUser<T>({ name, uid, gid }: Identity, act: () => T): T {
  const groups = process.getgroups?.() ?? [];
  const group = process.getegid?.() ?? 0;
  processOfUnix.initgroups(name, gid);
  process.setegid?.(gid);
  process.seteuid?.(uid);
  try {
    return act();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(group);
    process.setgroups?.(groups);
  }
}

/**
 * The first folder on the way to `file` that we may not enter, or the file itself when we may not
 * read it; empty when we may.
 */
export function closedPart(file: string): string {
  const parts = file.split("/");
  for (let count = 2; count < parts.length; count++) {
    const folder = parts.slice(0, count).join("/");
    try {
      statSync(`${folder}/.`);
    } catch {
      return folder;
    }
  }
  try {
    closeSync(openSync(file, "r"));
    return "";
  } catch {
    return file;
  }
}

/** True when a -u has an effect: only root may become somebody else. */
export function isRoot(): boolean {
  return process.getuid?.() === 0 || process.geteuid?.() === 0;
}

function passwdLines(): string[] {
  try {
    return readFileSync("/etc/passwd", "utf8").split("\n");
  } catch {
    return [];
  }
}

/** Users that are not in /etc/passwd: LDAP and its kin. */
function lookedUp(name: string): string[] | undefined {
  try {
    const line = execFileSync("getent", ["passwd", name], { encoding: "utf8", stdio: "pipe" });
    return line.trim().split(":");
  } catch {
    return undefined;
  }
}
