import { describe, expect, test } from "vitest";
import { loadFrom, refusalOf } from "./load-from.ts";

const GIB = 2 ** 30;
const MACHINE = { memoryBytes: 24 * GIB, addressBytesMax: Number.POSITIVE_INFINITY };

function load(line: string, machine = MACHINE) {
  return loadFrom({ args: line.split(" "), machine, cores: 4 });
}

describe("the machine against the settings", () => {
  for (const line of ["-m 64", "-m 16g", "-m 18g -t 64", "-t 64 -m 1g -c 100000"]) {
    test(`${line} is nothing to speak of`, () => {
      expect(load(line).warnings).toEqual([]);
    });
  }

  test("-m in bytes by mistake is one line, and no threads", () => {
    const given = { args: ["-m", "1073741824"], machine: MACHINE, cores: 4 };
    expect(refusalOf(given)).toEqual({
      message:
        'Invalid item memory (-m, --memory-limit: got "1048576g", allowed: what this machine has, ' +
        "24 GB; a number without a unit counts megabytes: was -m 1g meant?)",
      exitCode: 64,
    });
  });

  test("item memory for more threads than there can be is refused", () => {
    const machine = { memoryBytes: 2 ** 41 };
    expect(refusalOf({ args: ["-m", "2048g"], machine, cores: 4 }).message).toContain(
      "which takes 820 threads, allowed: 255",
    );
  });

  for (const [line, machine, words] of [
    ["-m 64g", MACHINE, "-m 64g with 26 threads needs about 80.6 GB"],
    ["-m 20g -t 64", MACHINE, "needs about 26.2 GB"],
    ["-m 400m -t 2", { ...MACHINE, memoryBytes: 512 * 2 ** 20 }, "has 512 MB"],
    ["-m 64 -t 64", { ...MACHINE, memoryBytes: GIB }, "with 64 threads needs about 1.3 GB"],
  ] as const) {
    test(`${line} is warned of where there is less`, () => {
      expect(load(line, machine).warnings).toEqual([expect.stringContaining(words)]);
    });
  }

  test("an address space too small for the threads is one line, not V8's last words", () => {
    const machine = { ...MACHINE, addressBytesMax: 1_024_000_000 };
    const { message, exitCode } = refusalOf({ args: ["-t", "2"], machine });
    expect(message).toMatch(/^the limit of addresses is too low \(ulimit -v: 977 MB, -t 2 with/);
    expect(exitCode).toBe(71);
    expect(load("-t 2", { ...MACHINE, addressBytesMax: 4_096_000_000 }).warnings).toEqual([]);
  });
});
