/**
 * The command line, as memcached's getopt_long reads it: `-m64`, `-m 64`, `-vv`, `-vm64`,
 * `--memory-limit=64`, `--memory-limit 64`. node:util cuts it into tokens; the complaints about
 * what they say are getopt's.
 */
import { parseArgs } from "node:util";
import { ConfigError } from "../base/errors.ts";
import { EXIT_FAILURE, type Option, type Origin } from "./option.ts";
import { OPTION_BY_LETTER, OPTION_BY_NAME, OPTIONS } from "./options.ts";

/** One option with its value, from wherever it was written. */
export interface Assignment {
  readonly option: Option;
  readonly value: string;
  readonly origin: Origin;
}

export interface Flags {
  readonly assignments: readonly Assignment[];
  /** Arguments that belong to no option. memcached passes over them without a word. */
  readonly strays: readonly string[];
}

interface TokenConfig {
  type: "boolean" | "string";
  multiple: true;
  short?: string;
}

/** What parseArgs needs to know: every long name, and the letter at the first of them. */
function tokenConfig(): Record<string, TokenConfig> {
  const config: Record<string, TokenConfig> = {};
  for (const option of OPTIONS) {
    const type = option.argument === "" ? "boolean" : "string";
    for (const alias of option.aliases ?? []) config[alias] = { type, multiple: true };
    config[option.name] = { type, multiple: true };
    if (option.letter !== "") (config[option.name] as TokenConfig).short = option.letter;
  }
  return config;
}

/**
 * Reads arguments. Throws getopt's complaint, with memcached's exit code, at the first it cannot
 * read.
 */
export function flagsFrom(args: readonly string[], program: string): Flags {
  const assignments: Assignment[] = [];
  const strays: string[] = [];
  const { tokens } = parseArgs({
    args: [...args],
    options: tokenConfig(),
    strict: false,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === "positional") strays.push(token.value);
    if (token.kind !== "option") continue;
    const { rawName, value } = token;
    const isLong = rawName.startsWith("--");
    const option = isLong ? OPTION_BY_NAME.get(token.name) : letterOption(rawName.slice(1));
    if (option === undefined) {
      const what = isLong ? `unrecognized option '${rawName}'` : invalidLetter(rawName);
      throw illegal(program, what);
    }
    if (option.argument === "" && value !== undefined) {
      throw illegal(program, `option '${rawName}' doesn't allow an argument`);
    }
    if (option.argument !== "" && value === undefined) {
      const what = isLong
        ? `option '${rawName}' requires an argument`
        : `option requires an argument -- '${rawName.slice(1)}'`;
      throw illegal(program, what);
    }
    assignments.push({ option, value: value ?? "", origin: { place: rawName, isFlag: true } });
  }
  return { assignments, strays };
}

function letterOption(letter: string): Option | undefined {
  return OPTION_BY_LETTER.get(letter);
}

function invalidLetter(rawName: string): string {
  return `invalid option -- '${rawName.slice(1)}'`;
}

function illegal(program: string, what: string): ConfigError {
  return new ConfigError(`${program}: ${what}\nIllegal argument "?"`, EXIT_FAILURE);
}
