/** Pages that a test holds to the code: what they name is there, and what is there they name. */
import { readFileSync } from "node:fs";
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
