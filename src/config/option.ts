/**
 * What an option is: its names, what it takes, what it says about a wrong value, and what it
 * changes. options.ts is the table of them; flags, environment and files all end in `applyOption`,
 * so that a value means the same wherever it stands.
 */
import { ConfigError } from "../base/errors.ts";
import type { ListenEntry } from "./listen.ts";
import type { ExtendedSettings, Settings } from "./settings.ts";
import { booleanFrom, integerFrom } from "./values.ts";

/** memcached's exit code for most values it refuses. */
export const EXIT_FAILURE = 1;
/** EX_USAGE of sysexits.h: the rest, and the combinations. */
export const EXIT_USAGE = 64;

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** What the command line asks for: to serve, or one of the things that are printed instead. */
export type Wish =
  | "serve"
  | "help"
  | "version"
  | "license"
  | "check-config"
  | "print-config"
  | "completion";

export const SHELLS = ["bash", "zsh", "fish"] as const;
/** A shell that can complete our command line. */
export type Shell = (typeof SHELLS)[number];

/** Settings while they are being put together. */
export interface Draft extends Mutable<Omit<Settings, "extended">> {
  extended: Mutable<ExtendedSettings>;
  wish: Wish;
  /** --completion: the shell whose script is wanted. */
  shell: Shell;
  configFile: string;
  listenEntries: ListenEntry[];
  /** Things the operator must know that stop nothing; printed one a line. */
  warnings: string[];
}

/**
 * Why a value is not taken: memcached's words where it has some, what would be, and memcached's
 * exit code.
 */
export interface Refusal {
  readonly complaint: string;
  readonly allowed: string;
  readonly exitCode: number;
}

/** The names of an option and what the help says of it. */
export interface OptionNames {
  /** The short flag, or empty. */
  readonly letter: string;
  /** The long flag, and the key in a file. */
  readonly name: string;
  /** Further long names, on the command line and in files. */
  readonly aliases?: readonly string[];
  /** The help's lines. */
  readonly help: readonly string[];
}

export interface Option extends OptionNames {
  /** What the help calls the argument; empty = a switch. */
  readonly argument: string;
  /** The words the argument is one of, where it is one of a few. */
  readonly choices?: readonly string[];
  /** Makes the change, or says why not. A switch gets "yes" or "no". */
  apply(draft: Draft, text: string): Refusal | null;
  /**
   * The setting as an operator would write it after `name =`; null where a file has no use for it.
   */
  shown(settings: Settings): string | null;
}

/** Where a value was written. */
export interface Origin {
  /**
   * `SHARDCACHED_CONN_LIMIT`, `/etc/x.conf line 3`; a flag needs none, it is named by its option.
   */
  readonly place: string;
  /** A command line's switch stands for itself; elsewhere it may carry a yes or a no. */
  readonly isFlag: boolean;
}

/**
 * Applies one option. Throws a ConfigError of one line that names the option, the value and what is
 * allowed.
 */
export function applyOption(draft: Draft, option: Option, value: string, origin: Origin): void {
  let text = value;
  if (option.argument === "") {
    const on = origin.isFlag ? true : booleanFrom(value);
    if (on === null) {
      throw new ConfigError(
        `${option.name} is a switch (${origin.place}: got "${value}", allowed: yes or no)`,
        EXIT_USAGE,
      );
    }
    text = on ? "yes" : "no";
  }
  const refusal = option.apply(draft, text);
  if (refusal === null) return;
  const place = origin.isFlag ? flagText(option) : origin.place;
  throw new ConfigError(
    `${refusal.complaint} (${place}: got "${value}", allowed: ${refusal.allowed})`,
    refusal.exitCode,
  );
}

/** `-c, --conn-limit`, or whichever of the two there is. */
export function flagText(names: OptionNames): string {
  return names.letter === "" ? `--${names.name}` : `-${names.letter}, --${names.name}`;
}

type KeyOf<Value> = {
  [Key in keyof Settings]: Settings[Key] extends Value ? Key : never;
}[keyof Settings];
type NumberKey = KeyOf<number>;
type BooleanKey = KeyOf<boolean>;
type TextKey = KeyOf<string>;

/** A switch that turns `key` to `value`; in a file, `no` turns it back. */
export function switchOption(names: OptionNames, key: BooleanKey, value: boolean): Option {
  return {
    ...names,
    argument: "",
    apply(draft, text) {
      draft[key] = text === "yes" ? value : !value;
      return null;
    },
    shown: (settings) => (settings[key] === value ? "yes" : "no"),
  };
}

/** A switch that asks for something other than serving. */
export function wishOption(names: OptionNames, wish: Wish): Option {
  return {
    ...names,
    argument: "",
    apply(draft, text) {
      if (text === "yes") draft.wish = wish;
      return null;
    },
    shown: () => null,
  };
}

/** A whole number from `least` to `most`. `complaint` gets the text that was wrong. */
export function integerOption(
  names: OptionNames,
  key: NumberKey,
  bounds: { argument: string; least: number; most: number; exitCode: number },
  complaint: (text: string) => string,
): Option {
  return {
    ...names,
    argument: bounds.argument,
    apply(draft, text) {
      const value = integerFrom(text, bounds.least, bounds.most);
      if (value === null) {
        const allowed = `${bounds.least} to ${bounds.most}`;
        return { complaint: complaint(text), allowed, exitCode: bounds.exitCode };
      }
      draft[key] = value;
      return null;
    },
    shown: (settings) => String(settings[key]),
  };
}

/** A path or name that must not be empty. */
export function textOption(
  names: OptionNames,
  key: TextKey,
  argument: string,
  allowed: string,
): Option {
  return {
    ...names,
    argument,
    apply(draft, text) {
      if (text === "") {
        return { complaint: `No ${argument} specified`, allowed, exitCode: EXIT_FAILURE };
      }
      (draft[key] as string) = text;
      return null;
    },
    shown: (settings) => settings[key],
  };
}

/** One word of a list. */
export function choiceOption<Choice extends string>(
  names: OptionNames & { readonly argument: string },
  choices: readonly Choice[],
  complaint: (text: string) => string,
  assign: (draft: Draft, choice: Choice) => void,
  shown: (settings: Settings) => string | null,
): Option {
  return {
    ...names,
    choices,
    apply(draft, text) {
      const choice = choices.find((known) => known === text);
      if (choice === undefined) {
        return { complaint: complaint(text), allowed: choices.join(", "), exitCode: EXIT_USAGE };
      }
      assign(draft, choice);
      return null;
    },
    shown,
  };
}

/**
 * A switch for a build of memcached we are not: refused in the words of a memcached that is not
 * either.
 */
export function notBuilt(
  letter: string,
  name: string,
  argument: string,
  complaint: string,
): Option {
  return {
    letter,
    name,
    argument,
    help: [`not supported: ${complaint}`],
    apply: () => ({ complaint, allowed: "to leave the option out", exitCode: EXIT_USAGE }),
    shown: () => null,
  };
}
