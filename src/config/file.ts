/**
 * Configuration files, in either of two forms, line by line:
 *
 *   name = value   our own: every long option, `name` alone for a switch (config/shardcached.conf)
 *   -m 64          Debian's /etc/memcached.conf: command-line flags, one or more a line
 *   logfile FILE   Debian's directive for its start script: passed over, as its wrapper does
 *
 * -d and -h in flag lines are passed over too: Debian's scripts drop them, since whoever starts the
 * server says whether it goes into the background. `daemon = yes` means what it says.
 */
import { ConfigError } from "../base/errors.ts";
import type { Faults } from "./faults.ts";
import { type Assignment, flagsFrom } from "./flags.ts";
import { didYouMean } from "./nearest.ts";
import { EXIT_USAGE } from "./option.ts";
import { ASKED_ON_COMMAND_LINE, OPTION_BY_NAME } from "./options.ts";

/** A comment starts at a # that nothing escapes. */
const COMMENT = /(?<!\\)#.*$/;
const ASSIGNMENT = /^([A-Za-z][\w-]*)\s*(?:=\s*(.*))?$/;
/** Directives of Debian's wrapper scripts. */
const PASSED_OVER = /^logfile\s/;
const FLAGS_PASSED_OVER = /^-[dh]/;
/** Options that make no sense in a file. */
const NOT_IN_FILE = new Set([...ASKED_ON_COMMAND_LINE, "config"]);
const NAMES_IN_FILE = [...OPTION_BY_NAME.keys()].filter((name) => !NOT_IN_FILE.has(name));

/** Reads a file's text. A line that is wrong is a fault that names the file and the line. */
export function fileAssignments(text: string, path: string, faults: Faults): Assignment[] {
  const assignments: Assignment[] = [];
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.replace(COMMENT, "").replaceAll("\\#", "#").trim();
    if (line === "" || PASSED_OVER.test(line)) continue;
    const place = `${path} line ${index + 1}`;
    const read = line.startsWith("-") ? flagLine : assignmentLine;
    assignments.push(...(faults.collect(() => read(line, place)) ?? []));
  }
  return assignments;
}

function flagLine(line: string, place: string): Assignment[] {
  if (FLAGS_PASSED_OVER.test(line)) return [];
  const { assignments, strays, complaints } = flagsFrom(words(line), place);
  if (complaints[0] !== undefined) throw complaints[0];
  const stray = strays[0];
  if (stray !== undefined) throw new ConfigError(`${place}: "${stray}" belongs to no option`, 64);
  return assignments.map(({ option, value, origin }) => ({
    option,
    value,
    origin: { place: `${place}, ${origin.place}`, isFlag: option.argument === "" },
  }));
}

function assignmentLine(line: string, place: string): Assignment[] {
  const match = ASSIGNMENT.exec(line);
  const name = match?.[1] ?? line;
  const option = OPTION_BY_NAME.get(name);
  if (match === null || option === undefined || NOT_IN_FILE.has(option.name)) {
    throw new ConfigError(
      `${place}: "${name}" is no option${didYouMean(name, NAMES_IN_FILE)} ` +
        "(allowed: long option names, as -h lists them)",
      EXIT_USAGE,
    );
  }
  const value = unquoted((match[2] ?? "").trim());
  return [{ option, value, origin: { place: `${place}, ${name}`, isFlag: false } }];
}

/** Cuts a line of flags at blanks, quotes respected. */
function words(line: string): string[] {
  return [...line.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([word]) => unquoted(word));
}

function unquoted(text: string): string {
  return text.replaceAll(/"([^"]*)"|'([^']*)'/g, (_, double, single) => double ?? single);
}
