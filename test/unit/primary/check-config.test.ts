import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Faults } from "../../../src/config/faults.ts";
import { checkConfig } from "../../../src/primary/check-config.ts";
import { loadFrom } from "../config/load-from.ts";

let folder = "";

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "shardcached-check-"));
  writeFileSync(join(folder, "users"), "alice:secret\n");
  writeFileSync(join(folder, "short"), "too short\n");
  writeFileSync(join(folder, "empty"), "");
});

afterAll(() => rmSync(folder, { recursive: true }));

/** The check of flags in which @ is the folder: warnings and faults. */
function check(line: string): string[] {
  const args = line.split(" ").map((arg) => arg.replace("@", `${folder}/`));
  const faults = new Faults();
  const warnings = checkConfig(loadFrom({ args }).settings, faults);
  return [...warnings, ...faults.all.map(({ message }) => message)];
}

describe("checkConfig()", () => {
  test("has nothing to say of what can be served", () => {
    expect(check("-m 64 -Y @users")).toEqual([]);
    expect(check("-S --sasl-password-file @users")).toEqual([]);
  });

  for (const [line, message] of [
    ["-m 8g -t 1", "item memory of 8192 MiB for each shard is too much"],
    ["-Y @none", "Could not open authfile"],
    ["-u no-such-user-here", "can't find the user no-such-user-here"],
    ["--admin-listen 0.0.0.0:11280", "so a token is needed"],
    ["--admin-token-file @none", "cannot read"],
    ["--cluster file://@none", "none: ENOENT"],
    ["--cluster file://@short", 'short: line 1: "too short" is no host name'],
    ["--cluster etcd://h/x?ca=@none --cluster-advertise a", "none cannot be read: ENOENT"],
    ["--admin-token-file @short", "at least 16 characters"],
  ] as const) {
    test(`refuses ${line}, as a start would`, () => {
      expect(check(line)).toEqual([expect.stringContaining(message)]);
    });
  }

  test("names every fault, not the first", () => {
    expect(check("-m 8g -t 1 -u no-such-user-here -Y @none --admin-token-file @short")).toEqual([
      expect.stringContaining("item memory of 8192 MiB"),
      expect.stringContaining("can't find the user"),
      expect.stringContaining("Could not open authfile"),
      expect.stringContaining("at least 16 characters"),
    ]);
  });

  test("warns of a SASL file without entries", () => {
    expect(check("-S --sasl-password-file @empty")).toEqual([
      `WARNING: nobody can log in: ${folder}/empty cannot be read, or has no entries`,
    ]);
  });
});
