/**
 * Settings from where they are written: defaults < file < environment < flags.
 *
 *   flags ──▶ which file, which wish (-h, -V …)
 *   file, environment, flags ──▶ draft ──▶ checks of combinations ──▶ Settings
 *
 * A later source replaces what an earlier one said; of -l and -v, which add up inside one source,
 * it replaces the whole. Pure but for `readFile`, so that tests need no disk.
 */
import { ConfigError } from "../base/errors.ts";
import {
  type Environment,
  environmentAssignments,
  PORT_FILE_VARIABLE,
  SASL_FILE_VARIABLE,
} from "./environment.ts";
import { fileAssignments } from "./file.ts";
import { type Assignment, flagsFrom } from "./flags.ts";
import { type ListenEntry, listenAddress } from "./listen.ts";
import { applyOption, type Draft, EXIT_USAGE, type Shell, type Wish } from "./option.ts";
import { PORT_ANY, SETTINGS_DEFAULTS, type Settings } from "./settings.ts";
import { validate, warningsOf } from "./validate.ts";

/**
 * Without -l, only this machine is served: a cache open to the world is an accident. memcached
 * binds every address.
 */
const HOST_DEFAULT = "127.0.0.1";

/** Without -t, no shard gets less than this: many cores and a small -m would leave slivers. */
const SHARD_BYTES_DEFAULT_MIN = 8 * 1024 * 1024;
/** Nor more than this: with its index a shard must fit one buffer of 4 GiB. */
const SHARD_BYTES_DEFAULT_MAX = 2.5 * 1024 * 1024 * 1024;
/** Nor less than so many items of -I: a shard is to hold one, and no item exceeds half of -m. */
const SHARD_ITEMS_DEFAULT_MIN = 2;

export interface Sources {
  readonly args: readonly string[];
  readonly environment: Environment;
  /** Worker threads when nobody says: the cores there are. */
  readonly cores: number;
  /** How the program was called, for getopt's complaints. */
  readonly program: string;
  readFile(path: string): string;
}

export interface Loaded {
  readonly wish: Wish;
  /** Whose script `wish` asks for, when it is "completion". */
  readonly shell: Shell;
  readonly settings: Settings;
  readonly warnings: readonly string[];
}

/** Throws a ConfigError with one clear line and memcached's exit code. */
export function loadSettings(sources: Sources): Loaded {
  const flags = flagsFrom(sources.args, sources.program);
  const asked = emptyDraft();
  for (const { option, value, origin } of flags.assignments) {
    applyOption(asked, option, value, origin);
    if (isImmediate(asked.wish)) return loaded(asked, asked.warnings);
  }
  if (flags.complaint !== null) throw flags.complaint;

  const environment = environmentAssignments(sources.environment);
  const draft = emptyDraft();
  const path = asked.configFile || (sources.environment["SHARDCACHED_CONFIG"] ?? "");
  if (path !== "") applyAll(draft, fileAssignments(textOf(path, sources), path));
  applyAll(draft, environment);
  applyAll(draft, flags.assignments);
  for (const stray of flags.strays) {
    draft.warnings.push(`WARNING: "${stray}" belongs to no option and is not looked at`);
  }
  draft.portFile = sources.environment[PORT_FILE_VARIABLE] ?? "";
  draft.saslPasswordFile ||= sources.environment[SASL_FILE_VARIABLE] ?? "";
  complete(draft, sources.cores);
  const result = loaded(draft, draft.warnings);
  validate(result.settings);
  return { ...result, warnings: [...result.warnings, ...warningsOf(result.settings)] };
}

/**
 * -h, -i, -V and --completion are answered where they stand; what comes after them is not looked
 * at.
 */
function isImmediate(wish: Wish): boolean {
  return ["help", "license", "version", "completion"].includes(wish);
}

function emptyDraft(): Draft {
  return {
    ...SETTINGS_DEFAULTS,
    extended: { ...SETTINGS_DEFAULTS.extended },
    wish: "serve",
    shell: "bash",
    configFile: "",
    listenEntries: [],
    warnings: [],
  };
}

/** Applies one source as a whole: -l and -v start anew, then add up. */
function applyAll(draft: Draft, assignments: readonly Assignment[]): void {
  const names = new Set(assignments.map(({ option }) => option.name));
  if (names.has("listen")) {
    draft.listenEntries = [];
    draft.listenText = "";
  }
  if (names.has("verbose")) draft.verbosity = 0;
  for (const { option, value, origin } of assignments) applyOption(draft, option, value, origin);
  if (names.has("udp-port") && !names.has("port") && draft.udpPort !== 0) {
    draft.port = draft.udpPort; // memcached: -U alone moves TCP to that port
  }
}

/** Fills in what depends on other options. */
function complete(draft: Draft, cores: number): void {
  draft.verbosity = Math.min(3, draft.verbosity);
  if (draft.threads === 0) {
    const itemsBytes = SHARD_ITEMS_DEFAULT_MIN * draft.itemBytesMax;
    const shardBytes = Math.max(SHARD_BYTES_DEFAULT_MIN, itemsBytes);
    const affordable = Math.floor(draft.memoryBytes / shardBytes);
    const needed = Math.ceil(draft.memoryBytes / SHARD_BYTES_DEFAULT_MAX);
    draft.threads = Math.max(1, needed, Math.min(cores, affordable));
  }
  const { port, udpPort } = draft;
  const isInet = draft.unixSocket === "";
  draft.listen = isInet && port !== 0 ? addresses(draft, port) : [];
  draft.udpListen = isInet && udpPort !== 0 ? addresses(draft, udpPort) : [];
}

/** Where -l says, on `port` but where -l names one. */
function addresses(draft: Draft, port: number): Settings["listen"] {
  const standard: ListenEntry = { host: HOST_DEFAULT, port: null, protocol: "auto", tag: "" };
  const entries = draft.listenEntries.length === 0 ? [standard] : draft.listenEntries;
  return entries.map((entry) => listenAddress(entry, port === PORT_ANY ? 0 : port));
}

function loaded(draft: Draft, warnings: readonly string[]): Loaded {
  const {
    wish,
    shell,
    configFile: _,
    listenEntries: _entries,
    warnings: _own,
    ...settings
  } = draft;
  return { wish, shell, settings, warnings };
}

function textOf(path: string, sources: Sources): string {
  try {
    return sources.readFile(path);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError(`Could not read the configuration file ${path}: ${why}`, EXIT_USAGE, {
      cause,
    });
  }
}
