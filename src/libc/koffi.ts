/**
 * koffi, loaded so that a thread started later needs nothing of it from the disk.
 *
 *   first in the process   require("koffi") ─▶ its library's path becomes known to later threads
 *   a later thread         process.dlopen(path): the library is in the process already
 *
 * Why: a worker that dies is followed by another at any time, when -u may have given up the right
 * to read the installation, or an upgrade taken it away. koffi's scripts only look for the library.
 */
import { createRequire } from "node:module";
import { getEnvironmentData, setEnvironmentData } from "node:worker_threads";
import type Koffi from "koffi";

/** What a thread hands to those it starts. */
const LIBRARY_KEY = "shardcached: koffi's library";
const LIBRARY_SUFFIX = "koffi.node";

/** Throws when it cannot be had. */
export function loadKoffi(): typeof Koffi {
  const known = getEnvironmentData(LIBRARY_KEY);
  if (typeof known === "string") return openLibrary(known);
  const require = createRequire(import.meta.url);
  const koffi = require("koffi") as typeof Koffi;
  const path = Object.keys(require.cache).find((name) => name.endsWith(LIBRARY_SUFFIX));
  if (path !== undefined) setEnvironmentData(LIBRARY_KEY, path);
  return koffi;
}

function openLibrary(path: string): typeof Koffi {
  const library = { exports: {} };
  process.dlopen(library, path);
  return library.exports as typeof Koffi;
}
