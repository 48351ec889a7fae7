/**
 * -P: the process id and a line end in a file, written beside it and renamed, so that nobody reads
 * half a number.
 */
import { closeSync, constants, fstatSync, openSync, readSync, unlinkSync } from "node:fs";
import { SystemError } from "../base/errors.ts";
import { replaceFile } from "./replace-file.ts";

/** More than any process id has. */
const PID_BYTES_MAX = 32;

/**
 * Writes the file. Returns the process id it held if that process still lives, else 0. Throws
 * SystemError.
 */
export function writePidFile(path: string, pid: number): number {
  const running = livingPid(path);
  const temporary = `${path}.tmp`;
  try {
    replaceFile(path, temporary, `${pid}\n`);
  } catch (cause) {
    throw new SystemError(
      `Could not open the pid file ${temporary} for writing: ${messageOf(cause)}`,
      71,
      {
        cause,
      },
    );
  }
  return running === pid ? 0 : running;
}

/** Removes the file; one that is gone or not ours to remove is left. */
export function removePidFile(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Dropped privileges may not reach its directory: memcached leaves it too.
  }
}

function livingPid(path: string): number {
  const text = beginningOf(path);
  const pid = Number.parseInt(text, 10);
  if (!(pid > 0)) return 0;
  try {
    process.kill(pid, 0);
    return pid;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM" ? pid : 0;
  }
}

/** A plain file's first bytes; empty where there is none. A device may have no end. */
function beginningOf(path: string): string {
  let fd = -1;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if (!fstatSync(fd).isFile()) return "";
    const bytes = Buffer.alloc(PID_BYTES_MAX);
    return bytes.toString("latin1", 0, readSync(fd, bytes));
  } catch {
    return "";
  } finally {
    if (fd !== -1) closeSync(fd);
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
