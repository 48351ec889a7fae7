/** Ruby's Dalli and PHP's memcached extension. */
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { failuresOf, missing, runProgram } from "../support/run-program.ts";
import { fleet } from "../support/server-matrix.ts";

const DALLI = fileURLToPath(new URL("./ruby/dalli.rb", import.meta.url));
const PHP = fileURLToPath(new URL("./php/memcached.php", import.meta.url));

const CLIENTS = [
  {
    name: "Ruby: Dalli",
    program: "ruby",
    args: [DALLI],
    scenarios: `set_and_get add_and_replace append_and_prepend cas count touch_and_delete many
      large_and_binary stats_and_version several_servers`,
  },
  ...["text", "binary"].map((protocol) => ({
    name: `PHP: memcached, ${protocol}`,
    program: "php",
    args: [PHP, protocol],
    scenarios: `set_and_get add_and_replace append_and_prepend cas count touch_and_delete many
      thirty_days large_and_binary stats_and_version several_servers`,
  })),
];

const firsts = fleet({ size: "small" });
const seconds = fleet({ size: "small" });

for (const { name, program, args, scenarios } of CLIENTS) {
  const reason = missing(program);
  describe.skipIf(reason !== "")(`${name}${reason}`, () => {
    for (const [index, first] of firsts.entries()) {
      test(first.label, async () => {
        const pair = [first, seconds[index] ?? first];
        const addresses = pair.map((cell) => `127.0.0.1:${cell.server.port}`);
        const outcome = await runProgram(program, [...args, ...addresses]);
        const { passed, failed } = failuresOf(outcome.stdout);
        expect(failed, outcome.stderr).toEqual([]);
        expect(passed, outcome.stderr).toEqual(scenarios.split(/\s+/));
      });
    }
  });
}
