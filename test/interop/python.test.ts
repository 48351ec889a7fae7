/**
 * Python's clients: pymemcache, python-memcached, pylibmc (text and binary); Django's caches;
 * Beaker's sessions.
 */
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { failuresOf, missing, runProgram } from "../support/run-program.ts";
import { cells, fleet } from "../support/server-matrix.ts";

/** The system's Python: the libraries are the distribution's packages. */
const PYTHON = "/usr/bin/python3";
const CLIENTS = fileURLToPath(new URL("./python/clients.py", import.meta.url));
const FRAMEWORKS = fileURLToPath(new URL("./python/frameworks.py", import.meta.url));

const SCENARIOS = [
  "set_and_get",
  "add_and_replace",
  "append_and_prepend",
  "compare_and_swap",
  "count",
  "touch",
  "delete",
  "many",
  "thirty_days",
  "ttl",
  "large_values",
  "too_large",
  "binary_safe",
  "long_key",
  "several_servers",
];

const FRAMEWORK_SCENARIOS = {
  django: ["pymemcache_cache", "pylibmc_cache", "versions_and_prefix", "sessions"],
  beaker: ["session", "cache_region"],
} as const;

const reason = missing(PYTHON);
const firsts = fleet({ size: "small" });
const seconds = fleet({ size: "small" });
expect(firsts.length).toBe(cells({ size: "small" }).length);

for (const library of ["pymemcache", "python-memcached", "pylibmc", "pylibmc-binary"]) {
  describe.skipIf(reason !== "")(`${library}${reason}`, () => {
    for (const [index, first] of firsts.entries()) {
      test(first.label, async () => {
        const second = seconds[index] ?? first;
        const ports = [first.server.port, second.server.port].map((port) => `127.0.0.1:${port}`);
        const outcome = await runProgram(PYTHON, ["-B", CLIENTS, library, ...ports]);
        const { passed, failed } = failuresOf(outcome.stdout);
        expect(failed, outcome.stderr).toEqual([]);
        expect(passed, outcome.stderr).toEqual(SCENARIOS);
      });
    }
  });
}

for (const [framework, scenarios] of Object.entries(FRAMEWORK_SCENARIOS)) {
  describe.skipIf(reason !== "")(`${framework}${reason}`, () => {
    for (const cell of firsts) {
      test(cell.label, async () => {
        const address = `127.0.0.1:${cell.server.port}`;
        const outcome = await runProgram(PYTHON, [FRAMEWORKS, framework, address]);
        const { passed, failed } = failuresOf(outcome.stdout);
        expect(failed, outcome.stderr).toEqual([]);
        expect(passed, outcome.stderr).toEqual(scenarios);
      });
    }
  });
}
