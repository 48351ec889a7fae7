/**
 * What SIGHUP makes of a configuration that was reread: which of its changes take effect at
 * once, and which wait for a restart, since memory and threads are laid out when the server starts.
 */
import { OPTIONS } from "./options.ts";
import type { Settings } from "./settings.ts";

/** Options that a running server takes over. */
const LIVE = new Set(["verbosity"]);

export interface Reload {
  /** Names of options that changed and take effect now. */
  readonly live: readonly string[];
  /** Names of options that changed and take effect with the next start. */
  readonly waiting: readonly string[];
}

/** Compares what is in effect with what the sources say now. */
export function reloadOf(current: Settings, next: Settings): Reload {
  const changed = OPTIONS.filter((option) => option.shown(current) !== option.shown(next));
  const names = changed.map(({ name }) => name);
  return {
    live: names.filter((name) => LIVE.has(name)),
    waiting: names.filter((name) => !LIVE.has(name)),
  };
}
