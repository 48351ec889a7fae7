/**
 * An option that is accepted and changes nothing is a lie. Each option and suboption is applied:
 * it is refused, or it sets something that the server reads, or its row in docs/protocol-support.md
 * says that it does nothing.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { Draft } from "../../../src/config/option.ts";
import { ASKED_ON_COMMAND_LINE, OPTIONS } from "../../../src/config/options.ts";
import { EXTENDED_DEFAULTS, SETTINGS_DEFAULTS } from "../../../src/config/settings.ts";
import { SUBOPTIONS } from "../../../src/config/suboptions.ts";
import { loadFrom } from "./load-from.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const PAGE = readFileSync(join(ROOT, "docs/protocol-support.md"), "utf8");
/** What a row says of what is taken for memcached's sake. */
const SAYS_SO =
  /Checked|Accepted|Nothing|no effect|not kept yet|there are no|not used|is fixed|by itself/i;
/** Where a setting is not acted on: it is parsed there, or printed. */
const ONLY_SHOWN = /\/src\/(config|stats\/settings-list)/;
/** What is acted on under the name of a setting made of it (config/load.ts, cluster-options.ts). */
const BECOMES: Readonly<Record<string, string>> = {
  udpPort: "udpListen",
  listenEntries: "listen",
  clusterAdvertise: "clusterAddressOf",
};

const sources = readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => join(ROOT, "src", name))
  .filter((path) => !ONLY_SHOWN.test(path))
  .map((path) => readFileSync(path, "utf8"));

const isRead = (key: string) =>
  sources.some((source) => new RegExp(`\\b${BECOMES[key] ?? key}\\b`).test(source));

/** The row that names it. */
const rowOf = (name: string) =>
  PAGE.split("\n").find(
    (line) => line.startsWith("| `") && line.split("|")[1]?.includes(`\`${name}\``),
  ) ?? "";

/** A draft that notes which of its fields are set. */
function notingDraft(): { draft: Draft; keys: Set<string> } {
  const keys = new Set<string>();
  const noting = <T extends object>(target: T): T =>
    new Proxy(target, {
      set(object, key, value) {
        keys.add(String(key));
        return Reflect.set(object, key, value);
      },
    });
  const lists = {
    listenEntries: noting([]),
    warnings: [],
    wish: "serve",
    shell: "bash",
    configFile: "",
  };
  const extended = noting({ ...EXTENDED_DEFAULTS });
  const draft = noting({ ...SETTINGS_DEFAULTS, ...lists, extended }) as unknown as Draft;
  return { draft, keys };
}

/** Values worth trying, the first that is taken. */
const VALUES = [
  ...["7", "yes", "ascii", "node", "bash", "127.0.0.1:1", ":", "64m", "0.5", "1.5", "/a/path"],
  ...["jenkins", "100-200", "a=127.0.0.1:1", "/f:64m", "0", "1"],
];

type Outcome = "refused" | "nothing" | readonly string[];

/** What applying does, with the first value it takes. */
function outcomeOf(apply: (draft: Draft, value: string) => unknown): Outcome {
  let taken = false;
  for (const value of VALUES) {
    const { draft, keys } = notingDraft();
    let refusal: unknown;
    try {
      refusal = apply(draft, value);
    } catch (error) {
      refusal = error;
    }
    if (refusal !== null && refusal !== undefined) continue;
    taken = true;
    if (keys.size > 0) return [...keys];
  }
  return taken ? "nothing" : "refused";
}

function holds(name: string, row: string, outcome: Outcome): void {
  if (outcome === "refused") return;
  if (outcome !== "nothing" && outcome.some(isRead)) return;
  expect(row, `${name} is taken and changes nothing; no row says so`).toMatch(SAYS_SO);
}

test("a setting that is parsed and printed alone counts as not read", () => {
  expect(isRead("growthFactor")).toBe(false);
  expect(isRead("promoteHits")).toBe(true);
});

test("-l and -U beside -s serve nothing, and a warning says so", () => {
  for (const args of [
    ["-l", "127.0.0.1"],
    ["-U", "11211"],
  ]) {
    const { warnings } = loadFrom({ args: ["-s", "/a/path", ...args] });
    expect(warnings.join("\n")).toContain("-s disables network support");
  }
  expect(loadFrom({ args: ["-s", "/a/path"] }).warnings).toEqual([]);
});

describe("each option is refused, changes what is read, or is said to do nothing", () => {
  for (const option of OPTIONS) {
    // -o has its own test below, and --config names a file that is read at once (sources.test.ts).
    if (
      option.name === "extended" ||
      option.name === "config" ||
      ASKED_ON_COMMAND_LINE.has(option.name)
    )
      continue;
    test(`--${option.name}`, () => {
      const outcome = outcomeOf((draft, value) => option.apply(draft, value));
      holds(option.name, rowOf(`--${option.name}`), outcome);
    });
  }
});

describe("each suboption of -o is refused, changes what is read, or is said to do nothing", () => {
  for (const suboption of SUBOPTIONS) {
    test(suboption.name, () => {
      const outcome = outcomeOf((draft, value) => suboption.apply(draft, value));
      holds(suboption.name, rowOf(suboption.name), outcome);
    });
  }
});
