/**
 * What is printed instead of serving: -h, -V, -i, --print-config. The first line is memcached's,
 * version and all, since scripts read it (`memcached -V`, `memcached -h | head -1`); our own name
 * and version stand behind it.
 */
import { flagText, type Option } from "./option.ts";
import { OPTIONS } from "./options.ts";
import type { Settings } from "./settings.ts";

/** Descriptions start in this column, as in memcached's help. */
const HELP_COLUMN = 26;

/** `memcached 1.6.45 (shardcached 0.1.0)` */
export function versionText(protocolVersion: string, version: string): string {
  return `memcached ${protocolVersion} (shardcached ${version})`;
}

/** The whole of -h. */
export function helpText(firstLine: string): string {
  const lines = [firstLine];
  for (const option of OPTIONS) {
    lines.push(...optionLines(option));
    if (option.name === "verbose") lines.push(...VERBOSE_LINES);
  }
  return `${lines.join("\n")}\n`;
}

/** memcached lists the doubled and tripled flag too. */
const VERBOSE_LINES = [
  "-vv                       very verbose (also print client commands/responses)",
  "-vvv                      extremely verbose (internal state transitions)",
];

function optionLines(option: Option): string[] {
  const argument = option.argument === "" ? "" : `=<${option.argument}>`;
  const head = `${flagText(option)}${argument}`;
  const [first, ...rest] = option.help;
  const indent = " ".repeat(HELP_COLUMN);
  const space = " ".repeat(Math.max(1, HELP_COLUMN - head.length));
  return [`${head}${space}${first}`, ...rest.map((line) => indent + line)];
}

/** What the settings come to, as a configuration file that gives them again. */
export function configText(settings: Settings): string {
  const lines: string[] = [];
  for (const option of OPTIONS) {
    const value = option.shown(settings);
    if (value !== null && value !== "") lines.push(`${option.name} = ${value}`);
  }
  return `${lines.join("\n")}\n`;
}
