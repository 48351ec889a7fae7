/**
 * What a suboption of -o is, and how the usual kinds are made. suboptions.ts is the table of them.
 */
import { type Draft, EXIT_FAILURE, type Refusal } from "./option.ts";
import type { ExtendedSettings } from "./settings.ts";
import { decimalFrom, integerFrom } from "./values.ts";

/**
 * One suboption. `missing` is memcached's complaint when a value is needed and none came; null
 * where it may be left out.
 */
export interface Suboption {
  readonly name: string;
  readonly missing: string | null;
  apply(draft: Draft, value: string | null): Refusal | null;
}

export function refuse(complaint: string, allowed: string, exitCode = EXIT_FAILURE): Refusal {
  return { complaint, allowed, exitCode };
}

type ExtendedKey<Value> = {
  [Key in keyof ExtendedSettings]: ExtendedSettings[Key] extends Value ? Key : never;
}[keyof ExtendedSettings];

/** A word that turns `key` on, and `no_<word>` that turns it off. */
export function pair(name: string, key: ExtendedKey<boolean>): Suboption[] {
  return [
    word(name, (draft) => set(draft, key, true)),
    word(`no_${name}`, (draft) => set(draft, key, false)),
  ];
}

export function set(draft: Draft, key: ExtendedKey<boolean>, value: boolean): void {
  draft.extended[key] = value;
}

/** What a number that is one setting changes. */
export function into(key: ExtendedKey<number>): (draft: Draft, value: number) => void {
  return (draft, value) => {
    draft.extended[key] = value;
  };
}

/** A word without a value; one that is written all the same is not looked at, as in memcached. */
export function word(name: string, change: (draft: Draft) => void): Suboption {
  return {
    name,
    missing: null,
    apply(draft) {
      change(draft);
      return null;
    },
  };
}

/** A number. `missing` and `complaint` are memcached's. */
export function number(
  name: string,
  range: { least: number; most: number; missing?: string },
  complaint: (value: string) => string,
  change: (draft: Draft, value: number) => void,
): Suboption {
  return {
    name,
    missing: range.missing ?? `Missing ${name} argument`,
    apply(draft, text) {
      const value = integerFrom(text as string, range.least, range.most);
      if (value === null) {
        return refuse(complaint(text as string), `${range.least} to ${range.most}`);
      }
      change(draft, value);
      return null;
    },
  };
}

/** A fraction or factor strictly between two bounds; checked alone where `key` is null. */
export function fraction(
  name: string,
  above: number,
  below: number,
  complaint: string,
  key: ExtendedKey<number> | null,
): Suboption {
  return {
    name,
    missing: `Missing ${name} argument`,
    apply(draft, text) {
      const value = decimalFrom(text as string);
      if (value === null || value <= above || value >= below) {
        const allowed = Number.isFinite(below)
          ? `above ${above}, below ${below}`
          : `above ${above}`;
        return refuse(complaint, allowed);
      }
      if (key !== null) draft.extended[key] = value;
      return null;
    },
  };
}

/** A suboption of a build we are not. */
export function ignored(name: string, why: string): Suboption {
  return word(name, (draft) => {
    draft.warnings.push(`WARNING: -o ${name} has no effect: ${why}`);
  });
}
