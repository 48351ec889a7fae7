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
  environmentWarnings,
  PORT_FILE_VARIABLE,
  SASL_FILE_VARIABLE,
} from "./environment.ts";
import { Faults } from "./faults.ts";
import { fileAssignments } from "./file.ts";
import { type Assignment, type Flags, flagsFrom } from "./flags.ts";
import { type ListenEntry, listenAddress } from "./listen.ts";
import { checkMachine, type Machine } from "./machine.ts";
import { didYouMean } from "./nearest.ts";
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
/** Nor less than this many items of -I: a shard must hold one, and no item exceeds half of -m. */
const SHARD_ITEMS_DEFAULT_MIN = 2;

export interface Sources {
  readonly args: readonly string[];
  readonly environment: Environment;
  /** Worker threads when nobody says: the cores there are. */
  readonly cores: number;
  readonly machine: Machine;
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
  /** What is wrong: empty unless `wish` is --check-config, which names all of it. */
  readonly faults: Faults;
}

/** The words that may stand in front of, or instead of, the options. */
const COMMANDS = ["top", "help"];

/** Throws a ConfigError with one clear line and memcached's exit code. */
export function loadSettings(sources: Sources): Loaded {
  const flags = flagsFrom(sources.args, sources.program);
  const faults = new Faults();
  const asked = emptyDraft();
  for (const { option, value, origin } of flags.assignments.slice(0, flags.heard)) {
    faults.collect(() => applyOption(asked, option, value, origin));
    if (faults.all.length === 0 && isImmediate(asked.wish)) return loaded(asked, asked.warnings);
  }
  faults.all.push(...flags.complaints, ...strayFaults(flags, sources.program));
  const checks = flags.assignments.some(({ option }) => option.name === "check-config");
  if (!checks) faults.throwFirst();

  const draft = draftOf(flags, sources, faults);
  const warnings = [...draft.warnings, ...environmentWarnings(sources.environment)];
  const { settings, shell } = loaded(draft, []);
  validate(settings, faults);
  warnings.push(...warningsOf(settings));
  warnings.push(...(faults.collect(() => checkMachine(settings, sources.machine)) ?? []));
  if (!checks) faults.throwFirst();
  const wish = checks ? "check-config" : draft.wish;
  return { wish, shell, settings, warnings, faults };
}

/** All sources, one over the other. */
function draftOf(flags: Flags, sources: Sources, faults: Faults): Draft {
  const { environment } = sources;
  const draft = emptyDraft();
  const named = flags.assignments.findLast(({ option }) => option.name === "config")?.value;
  const path = named || (environment["SHARDCACHED_CONFIG"] ?? "");
  if (path !== "") {
    const text = faults.collect(() => textOf(path, sources)) ?? "";
    applyAll(draft, fileAssignments(text, path, faults), faults);
  }
  applyAll(draft, environmentAssignments(environment), faults);
  // Those before the first complaint have been heard already, and their faults noted.
  applyAll(draft, flags.assignments.slice(0, flags.heard), new Faults());
  applyAll(draft, flags.assignments.slice(flags.heard), faults);
  draft.portFile = environment[PORT_FILE_VARIABLE] ?? "";
  draft.saslPasswordFile ||= environment[SASL_FILE_VARIABLE] ?? "";
  complete(draft, sources.cores);
  return draft;
}

/**
 * Arguments that belong to no option. memcached passes over them; here one may be a command
 * misspelt, and a server nobody wanted the result.
 */
function strayFaults({ strays }: Flags, program: string): ConfigError[] {
  return strays.map(
    (stray) =>
      new ConfigError(
        `${program}: "${stray}" is no command and belongs to no option` +
          `${didYouMean(stray, COMMANDS)}\n` +
          `usage: ${program} [options] | ${program} top [url] | ${program} help`,
        EXIT_USAGE,
      ),
  );
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

/** Applies one source as a whole: its -l and -v replace those of earlier sources, and add up. */
function applyAll(draft: Draft, assignments: readonly Assignment[], faults: Faults): void {
  const names = new Set(assignments.map(({ option }) => option.name));
  if (names.has("listen")) {
    draft.listenEntries = [];
    draft.listenText = "";
  }
  if (names.has("verbose")) draft.verbosity = 0;
  for (const { option, value, origin } of assignments) {
    faults.collect(() => applyOption(draft, option, value, origin));
  }
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
  const standard: ListenEntry = { host: HOST_DEFAULT, port: null, protocol: null, tag: "" };
  const entries = draft.listenEntries.length === 0 ? [standard] : draft.listenEntries;
  return entries.map((entry) => listenAddress(entry, port === PORT_ANY ? 0 : port, draft.protocol));
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
  return { wish, shell, settings, warnings, faults: new Faults() };
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
