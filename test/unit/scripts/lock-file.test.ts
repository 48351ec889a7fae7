import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

interface Entry {
  readonly version?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

test("package-lock.json has every platform's packages, or npm ci refuses it on a fresh clone", () => {
  const text = readFileSync(new URL("../../../package-lock.json", import.meta.url), "utf8");
  const packages = (JSON.parse(text) as { packages: Record<string, Entry> }).packages;
  const missing: string[] = [];
  for (const [place, { optionalDependencies = {} }] of Object.entries(packages)) {
    for (const name of Object.keys(optionalDependencies)) {
      const nested = packages[`${place}/node_modules/${name}`];
      const entry = nested ?? packages[`node_modules/${name}`];
      if (entry?.version === undefined) missing.push(name);
    }
  }
  expect(missing).toEqual([]);
});
