/** Settings from texts alone: no files, no environment, two cores. */
import { ConfigError } from "../../../src/base/errors.ts";
import { type Loaded, loadSettings } from "../../../src/config/load.ts";
import type { Machine } from "../../../src/config/machine.ts";

export interface Given {
  args?: readonly string[];
  environment?: Readonly<Record<string, string>>;
  files?: Readonly<Record<string, string>>;
  cores?: number;
  machine?: Partial<Machine>;
}

/** A machine on which anything can be had. */
const LARGE: Machine = { memoryBytes: 2 ** 44, addressBytesMax: Number.POSITIVE_INFINITY };

export function loadFrom({
  args = [],
  environment = {},
  files = {},
  cores = 2,
  machine = {},
}: Given): Loaded {
  return loadSettings({
    args,
    environment,
    cores,
    machine: { ...LARGE, ...machine },
    program: "shardcached",
    readFile(path) {
      const text = files[path];
      if (text === undefined) throw new Error(`ENOENT: no such file, open '${path}'`);
      return text;
    },
  });
}

/** What is refused: the message's lines and the exit code. */
export function refusalOf(given: Given): { message: string; exitCode: number } {
  try {
    loadFrom(given);
  } catch (error) {
    if (error instanceof ConfigError) return { message: error.message, exitCode: error.exitCode };
    throw error;
  }
  throw new Error(`${JSON.stringify(given)} was accepted`);
}
