/**
 * Faults: everything that is wrong with a configuration, in the order it was found. A start ends at
 * the first; --check-config names them all.
 */
import { ConfigError, SystemError } from "../base/errors.ts";

export type Fault = ConfigError | SystemError;

export class Faults {
  readonly all: Fault[] = [];

  /** Runs one check. What it throws is one more fault, and null is returned. */
  collect<T>(check: () => T): T | null {
    try {
      return check();
    } catch (error) {
      if (!(error instanceof ConfigError || error instanceof SystemError)) throw error;
      this.all.push(error);
      return null;
    }
  }

  /** Throws the first. */
  throwFirst(): void {
    const [first] = this.all;
    if (first !== undefined) throw first;
  }

  /** Throws all of them as one, with the first one's exit code. */
  throwAll(): void {
    const [first] = this.all;
    if (first === undefined) return;
    const lines = new Set(this.all.map(({ message }) => message));
    throw new ConfigError([...lines].join("\n"), first.exitCode, { cause: first });
  }
}
