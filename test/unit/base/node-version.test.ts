import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { NODE_LEAST, nodeProblem } from "../../../src/base/node-version.ts";

const fileOf = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../../${name}`, import.meta.url), "utf8"));

describe("nodeProblem()", () => {
  for (const version of ["20.19.0", "20.20.2", "22.0.0", "24.1.0", "26.10.0"]) {
    test(`${version} will do`, () => expect(nodeProblem(version)).toBeNull());
  }
  for (const version of ["18.20.4", "20.18.3", "16.0.0"]) {
    test(`${version} is told in one line what is needed`, () => {
      expect(nodeProblem(version)).toMatch(
        /^shardcached needs Node 20\.19 or newer, and this is \d/,
      );
    });
  }

  test("is what package.json promises", () => {
    expect(fileOf("package.json").engines.node).toBe(`>=${NODE_LEAST}`);
  });
});

/** True when a range of npm's, as far as those in use go, has Node 20.19 in it. */
function allowsLeast(range: string): boolean {
  return range.split("||").some((part) => {
    const match = /^\s*(>=|\^|>)?\s*v?(\d+)(?:\.(\d+|x))?/.exec(part);
    if (match === null) return part.trim() === "*";
    const [, sign = "", major, minor = "0"] = match;
    if (sign === "^" || sign === "") return Number(major) === 20 && Number(minor) <= 19;
    return Number(major) < 20 || (Number(major) === 20 && Number(minor) <= 19);
  });
}

describe("every package that is installed with ours", () => {
  const packages = fileOf("package-lock.json").packages as Record<
    string,
    { dev?: boolean; engines?: { node?: string } }
  >;
  for (const [path, { dev, engines }] of Object.entries(packages)) {
    const node = engines?.node;
    if (path === "" || dev === true || node === undefined) continue;
    test(`${path} (${node}) runs on Node ${NODE_LEAST}`, () => {
      expect(allowsLeast(node)).toBe(true);
    });
  }

  test("cookie 2, which wants Node 22, would be noticed", () => {
    expect(allowsLeast(">=22")).toBe(false);
  });
});
