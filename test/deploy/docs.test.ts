/**
 * The guides: links lead somewhere, flags and metrics they name exist, no flag of memcached is left
 * out.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { variableOf } from "../../src/config/environment.ts";
import { OPTION_BY_NAME, OPTIONS } from "../../src/config/options.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const GUIDES = [
  "README.md",
  ...readdirSync(join(ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

/** Long flags of other programs the guides call. */
const OTHERS = new Set(["name", "memory", "set", "now", "include", "namespace", "hash"]);
/** Variables that are no options. */
const VARIABLES = new Set(["SHARDCACHED_CONFIG", "SHARDCACHED_ADMIN_TOKEN"]);

/** GitHub's name for a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, "")
    .replaceAll(" ", "-");
}

describe.each(GUIDES)("%s", (path) => {
  const text = read(path);

  test("links to files and headings that exist", () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
    for (const [link, file = "", anchor] of links) {
      const target = file === "" ? path : join(dirname(path), file);
      expect(existsSync(join(ROOT, target)), link).toBe(true);
      if (anchor === undefined) continue;
      const headings = [...read(target).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading);
      expect(headings.map((heading) => anchorOf(heading as string))).toContain(anchor);
    }
  });

  test("names only flags and variables there are", () => {
    if (path === "docs/performance.md") return; // speaks of other servers' flags
    const flags = [...text.matchAll(/(?<![\w-])--([a-z][a-z-]+)/g)].map(
      ([, name]) => name as string,
    );
    expect(flags.filter((name) => !OPTION_BY_NAME.has(name) && !OTHERS.has(name))).toEqual([]);
    const known = new Set([...OPTIONS.map(({ name }) => variableOf(name)), ...VARIABLES]);
    const variables = text.match(/\bSHARDCACHED_[A-Z_]*[A-Z]\b/g) ?? [];
    expect(variables.filter((name) => !known.has(name))).toEqual([]);
  });
});

test("docs/migrating-from-memcached.md goes through every letter", () => {
  const table = read("docs/migrating-from-memcached.md");
  const letters = OPTIONS.map(({ letter }) => letter).filter((letter) => letter !== "");
  expect(letters.filter((letter) => !table.includes(`\`-${letter}\``) && letter !== "o")).toEqual(
    [],
  );
});

test("README.md links every guide", () => {
  const readme = read("README.md");
  const guides = GUIDES.filter((path) => path !== "README.md");
  expect(guides.filter((path) => !readme.includes(path))).toEqual([]);
});
