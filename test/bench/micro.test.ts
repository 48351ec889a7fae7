import { relative } from "node:path";
import { describe, expect, test } from "vitest";
import { casesOf, type MicroBench, measureMicro } from "../../bench/micro/micro-bench.ts";
import { benchFiles } from "../../bench/micro/run.ts";

const root = new URL("../../bench/micro/", import.meta.url).pathname;
const modules = await Promise.all(
  benchFiles(root).map(async (file) => {
    const module = (await import(file)) as { default: MicroBench | readonly MicroBench[] };
    return [relative(root, file), casesOf(module)] as const;
  }),
);

test("there are micro-benchmarks", () => {
  expect(modules.length).toBeGreaterThan(0);
});

describe.each(modules)("%s", (_, cases) => {
  for (const bench of cases) {
    test(`${bench.name}: runs at its smoke size`, () => {
      const result = measureMicro(bench, "smoke");
      expect(Number.isFinite(result.checksum)).toBe(true);
      expect(result.nanoseconds.median).toBeGreaterThanOrEqual(0);
      expect(bench.iterations.full).toBeGreaterThanOrEqual(bench.iterations.smoke);
    });
  }
});
