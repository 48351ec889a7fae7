/** Pages that a test holds to the code: what they name is there, and what is there they name. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { isNamedTest } from "../support/named-tests.ts";

const read = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), "utf8");

/** The cells of every row of a page's tables. */
function rowsOf(page: string): string[][] {
  return read(page)
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| ---"))
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

describe("docs/faults-of-others.md", () => {
  const rows = rowsOf("docs/faults-of-others.md").filter(([version]) => version !== "version");

  test("has a line for each fault, with a version, and what it is here", () => {
    expect(rows.length).toBeGreaterThan(70);
    for (const cells of rows) {
      expect(cells).toHaveLength(4);
      const [version, fault, here] = cells as [string, string, string, string];
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
      expect(fault).not.toBe("");
      expect(here).toMatch(/^(tested|cannot|see )/);
    }
  });

  test("names tests that are there, for every fault it calls tested", () => {
    const wrong = rows.filter(([, , here = "", shown = ""]) =>
      shown === "" ? here.startsWith("tested") : !isNamedTest(shown),
    );
    expect(wrong).toEqual([]);
  });
});

describe("docs/limits.md", () => {
  const rows = rowsOf("docs/limits.md").filter(([name]) => name?.startsWith("`"));

  test.each(rows.map(([name = "", value = "", , where = ""]) => [name, value, where]))(
    "%s is %s",
    (name, value, where) => {
      const constant = name.replaceAll("`", "");
      const text = read(`src/${where}`);
      const [, found = ""] = new RegExp(`const ${constant} = ([^;]+);`).exec(text) ?? [];
      expect(found, `${constant} in src/${where}`).toMatch(/^[\d_ *<]+$/);
      expect(new Function(`return ${found}`)()).toBe(Number(value));
    },
  );

  test("has every limit of src/command/limits.ts", () => {
    const limits = read("src/command/limits.ts").matchAll(/const (\w+_M(?:AX|IN)) =/g);
    const names = rows.map(([name]) => name);
    expect([...limits].map(([, name]) => `\`${name}\``).filter((n) => !names.includes(n))).toEqual(
      [],
    );
  });

  test("has every exit code, and every error code", () => {
    const page = read("docs/limits.md");
    const codes = read("src/base/errors.ts").matchAll(/"(ERR_\w+)"/g);
    for (const [, code] of codes) expect(page).toContain(`\`${code}\``);
    for (const code of [0, 1, 64, 69, 70, 71]) expect(page).toContain(`\n| ${code} | `);
  });
});

describe("SECURITY.md", () => {
  test("names tests that are there", () => {
    const claims = rowsOf("SECURITY.md").map(([, shown = ""]) => shown);
    const named = claims.filter((shown) => /^[\w-]+\/[\w/-]+$/.test(shown));
    expect(named.length).toBeGreaterThan(14);
    expect(named.filter((shown) => !isNamedTest(shown))).toEqual([]);
  });
});

describe("docs/adr/README.md", () => {
  test("has every page, with its status and date", () => {
    const folder = fileURLToPath(new URL("../../docs/adr/", import.meta.url));
    const index = read("docs/adr/README.md");
    for (const file of readdirSync(folder).filter((name) => /^\d/.test(name))) {
      const [, status, date] =
        /^Status: (.+), (\d{4}-\d\d-\d\d)$/m.exec(read(`docs/adr/${file}`)) ?? [];
      expect(index, file).toContain(`(${file})`);
      expect(index, file).toContain(`| ${status} | ${date} |`);
    }
  });
});

test("docs/README.md leads to every guide", () => {
  const folder = fileURLToPath(new URL("../../docs/", import.meta.url));
  const index = read("docs/README.md");
  const guides = readdirSync(folder).filter((name) => name.endsWith(".md") && name !== "README.md");
  for (const guide of guides) expect(index).toContain(`(${guide})`);
});

test("ARCHITECTURE.md names files and folders that exist", () => {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const quoted = [...read("ARCHITECTURE.md").matchAll(/`([\w./-]+\/[\w./-]*)`/g)];
  const paths = quoted.map(([, path]) => path as string);
  expect(paths.length).toBeGreaterThan(50);
  // Paths in a walk are short: below src, or beside the file they are named after.
  const places = ["", "src/", "src/connection/", "src/transport/"];
  const isThere = (path: string) => places.some((place) => existsSync(`${root}${place}${path}`));
  expect(paths.filter((path) => !isThere(path))).toEqual([]);
});

describe("CHANGELOG.md", () => {
  const lines = read("CHANGELOG.md").trimEnd().split("\n");

  test("has each entry once", () => {
    // An entry that two branches have worded in two ways still begins alike.
    const begins = lines.filter((line) => line.startsWith("- ")).map((line) => line.slice(0, 60));
    expect(begins.filter((line, index) => begins.indexOf(line) !== index)).toEqual([]);
  });

  test("has every entry under a heading, before the links to the versions", () => {
    const links = lines.findIndex((line) => line.startsWith("[Unreleased]: "));
    expect(links).toBeGreaterThan(0);
    expect(lines.slice(links).filter((line) => !/^\[[^\]]+\]: https:/.test(line))).toEqual([]);
    const headings = lines.filter((line) => line.startsWith("### "));
    const unreleased = headings.slice(0, headings.indexOf("### Protocols"));
    expect(unreleased).toEqual([...new Set(unreleased)]);
    const known = /^### (Added|Changed|Deprecated|Removed|Fixed|Security)$/;
    expect(unreleased.filter((heading) => !known.test(heading))).toEqual([]);
  });
});
