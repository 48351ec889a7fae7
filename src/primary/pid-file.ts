/**
 * -P: the process id and a line end in a file, written beside it and renamed, so that nobody reads
 * half a number.
 */
import { readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { SystemError } from "../base/errors.ts";

/**
 * Writes the file. Returns the process id it held if that process still lives, else 0. Throws
 * SystemError.
 */
export function writePidFile(path: string, pid: number): number {
  const running = livingPid(path);
  const temporary = `${path}.tmp`;
  try {
    writeFileSync(temporary, `${pid}\n`);
    renameSync(temporary, path);
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
  let text = "";
  try {
    text = readFileSync(path, "latin1");
  } catch {
    return 0;
  }
  const pid = Number.parseInt(text, 10);
  if (!(pid > 0)) return 0;
  try {
    process.kill(pid, 0);
    return pid;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM" ? pid : 0;
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
