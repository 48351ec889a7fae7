/**
 * Replaces a small file as a whole: written beside it and renamed, so that nobody reads half of it.
 *
 * Only a plain file is replaced: a rename puts away whatever has the name, a device as well, and
 * root may.
 */
import { lstatSync, renameSync, writeFileSync } from "node:fs";

/** Throws what says why it cannot be. `temporary` lies in the same folder. */
export function replaceFile(path: string, temporary: string, text: string): void {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there !== undefined && !there.isFile() && !there.isSymbolicLink()) {
    throw new Error(`${path} is there and is no plain file`);
  }
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}
