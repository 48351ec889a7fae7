/**
 * The command line, as memcached's getopt_long reads it: `-m64`, `-m 64`, `-vv`, `-vm64`,
 * `--memory-limit=64`, `--memory-limit 64`, and `--memory-l 64`, since getopt takes a long name's
 * beginning where only one of memcached's has it. node:util cuts the line into tokens; the
 * complaints about what they say are getopt's.
 */
import { parseArgs } from "node:util";
import { ConfigError } from "../base/errors.ts";
import { didYouMean } from "./nearest.ts";
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
  /**
   * getopt's complaints, with memcached's exit code. A command line ends at the first: what comes
   * before it takes effect, so that `-h -x` is help.
   */
  readonly complaints: readonly ConfigError[];
  /** How many of `assignments` stand before the first complaint. */
  readonly heard: number;
}

interface TokenConfig {
  type: "boolean" | "string";
  /** Read by parseArgs. */
  multiple: true;
  /** Read by parseArgs. */
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

type Token = ReturnType<typeof tokensOf>[number];
type OptionToken = Extract<Token, { kind: "option" }>;

/** Reads arguments, past those that cannot be read. */
export function flagsFrom(args: readonly string[], program: string): Flags {
  const assignments: Assignment[] = [];
  const strays: string[] = [];
  const complaints: ConfigError[] = [];
  let heard = -1;
  for (const token of tokensOf(spelledOut(args))) {
    if (token.kind === "positional") strays.push(token.value);
    if (token.kind !== "option") continue;
    const option = optionOf(token);
    const wrong = whatIsWrong(token, option);
    if (option === undefined || wrong !== null) {
      if (complaints.length === 0) heard = assignments.length;
      const text = `${program}: ${wrong}\nIllegal argument "?"${suggestion(token, option)}`;
      complaints.push(new ConfigError(text, EXIT_FAILURE));
      continue;
    }
    const { rawName, value } = token;
    assignments.push({ option, value: value ?? "", origin: { place: rawName, isFlag: true } });
  }
  return { assignments, strays, complaints, heard: heard < 0 ? assignments.length : heard };
}

function tokensOf(args: readonly string[]) {
  const options = tokenConfig();
  return parseArgs({ args: [...args], options, strict: false, tokens: true }).tokens;
}

/**
 * The arguments with beginnings of long names made whole, one after the other: whether the next
 * argument is a name or a value depends on the name before it.
 */
function spelledOut(args: readonly string[]): readonly string[] {
  for (const token of tokensOf(args)) {
    if (token.kind !== "option" || optionOf(token) !== undefined) continue;
    const [option, another] = candidatesOf(token.rawName);
    if (option === undefined || another !== undefined) return args;
    const whole = [...args];
    whole[token.index] =
      `--${option.name}${(args[token.index] as string).slice(token.rawName.length)}`;
    return spelledOut(whole);
  }
  return args;
}

function optionOf({ rawName, name }: OptionToken): Option | undefined {
  return isLong(rawName) ? OPTION_BY_NAME.get(name) : OPTION_BY_LETTER.get(rawName.slice(1));
}

function isLong(rawName: string): boolean {
  return rawName.startsWith("--");
}

/** The options whose long name begins so. Ours, which have no letter, are not abbreviated. */
function candidatesOf(rawName: string): Option[] {
  if (!isLong(rawName)) return [];
  return OPTIONS.filter(({ letter, name }) => letter !== "" && `--${name}`.startsWith(rawName));
}

/** What a long name that nobody has was to be. */
function suggestion({ rawName, name }: OptionToken, option: Option | undefined): string {
  if (option !== undefined || !isLong(rawName)) return "";
  const meant = didYouMean(name, OPTION_BY_NAME.keys(), "--");
  return meant === "" ? "" : ` (${rawName}${meant})`;
}

/** getopt's complaint about a token, or null. */
function whatIsWrong({ rawName, value }: OptionToken, option: Option | undefined): string | null {
  if (option === undefined) {
    if (!isLong(rawName)) return `invalid option -- '${rawName.slice(1)}'`;
    const possible = candidatesOf(rawName).map(({ name }) => `'--${name}'`);
    return possible.length > 1
      ? `option '${rawName}' is ambiguous; possibilities: ${possible.join(" ")}`
      : `unrecognized option '${rawName}'`;
  }
  if (option.argument === "") {
    return value === undefined ? null : `option '${rawName}' doesn't allow an argument`;
  }
  if (value !== undefined) return null;
  return isLong(rawName)
    ? `option '${rawName}' requires an argument`
    : `option requires an argument -- '${rawName.slice(1)}'`;
}
