import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { AuditLog, type AuditRecord, isRefusal } from "../../../src/admin/audit.ts";
import { Guard } from "../../../src/admin/guard.ts";
import { ConfigError } from "../../../src/base/errors.ts";

const directory = mkdtempSync(join(tmpdir(), "audit-"));
afterAll(() => rmSync(directory, { recursive: true }));

const RECORD: AuditRecord = { event: "flush", outcome: "OK", peer: "127.0.0.1" };

describe("isRefusal()", () => {
  for (const [event, outcome, expected] of [
    ["login", "failed", true],
    ["login", "ok", false],
    ["refused", "unauthenticated", true],
    ["key.delete", "notFound", false],
  ] as const) {
    test(`is ${expected} for ${event}: ${outcome}`, () => {
      expect(isRefusal({ event, outcome, peer: "127.0.0.1" })).toBe(expected);
    });
  }
});

describe("AuditLog", () => {
  test("names a file that cannot be opened", () => {
    const open = () => new AuditLog(join(directory, "no", "file"), () => {}, new Guard(() => {}));
    expect(open).toThrow(ConfigError);
    expect(open).toThrow(/--admin-audit-file: .*ENOENT/);
  });

  test("a full disk costs a line in the log, and records go there until it is tried again", async () => {
    let now = 0;
    const logged: AuditRecord[] = [];
    const told: string[] = [];
    const guard = new Guard((where, error) => told.push(`${where}: ${error.message}`));
    const audit = new AuditLog(
      "/dev/full",
      (record) => logged.push(record),
      guard,
      () => now,
    );
    audit.record(RECORD);
    await expect.poll(() => told.length).toBe(1);
    expect(told[0]).toMatch(/audit log: ENOSPC/);
    audit.record(RECORD);
    expect(logged).toEqual([RECORD]);
    now += 11_000;
    audit.record(RECORD); // opened again, written again, failed again, not told again
    audit.record(RECORD);
    expect(logged).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 50));
    audit.record(RECORD);
    expect(logged).toHaveLength(2);
    expect(told).toHaveLength(1);
    await audit.close();
  });

  test("what is recorded is in the file when it is closed", async () => {
    const file = join(directory, "audit.log");
    const audit = new AuditLog(file, () => {}, new Guard(() => {}));
    for (let each = 0; each < 500; each++) audit.record(RECORD);
    await audit.close();
    expect(readFileSync(file, "utf8").trim().split("\n")).toHaveLength(500);
  });
});
