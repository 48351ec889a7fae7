import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { SystemError } from "../../../src/base/errors.ts";
import { findUser } from "../../../src/primary/identity.ts";
import type { Listening } from "../../../src/primary/listeners.ts";
import { removePidFile, writePidFile } from "../../../src/primary/pid-file.ts";
import { writePortFile } from "../../../src/primary/port-file.ts";

const folder = mkdtempSync(join(tmpdir(), "shardcached-"));
afterAll(() => rmSync(folder, { recursive: true }));

describe("the pid file", () => {
  const path = join(folder, "pid");

  test("holds the number and a line end, and leaves nothing beside it", () => {
    expect(writePidFile(path, 4242)).toBe(0);
    expect(readFileSync(path, "latin1")).toBe("4242\n");
    expect(readdirSync(folder)).toEqual(["pid"]);
  });

  test("names the living process that was in it", () => {
    writeFileSync(path, `${process.ppid}\n`);
    expect(writePidFile(path, process.pid)).toBe(process.ppid);
  });

  for (const [name, text] of [
    ["a dead process", "4194304\n"],
    ["no number", "hello\n"],
    ["a process group", "-1\n"],
    ["nothing", ""],
  ] as const) {
    test(`${name} in it is no process`, () => {
      writeFileSync(path, text);
      expect(writePidFile(path, 1)).toBe(0);
    });
  }

  test("is removed, once and again", () => {
    removePidFile(path);
    removePidFile(path);
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a folder that is not there is a system error", () => {
    expect(() => writePidFile(join(folder, "none", "pid"), 1)).toThrow(SystemError);
  });
});

describe("the port file", () => {
  test("one line a socket, Unix sockets left out", () => {
    const path = join(folder, "ports");
    const socket = (kind: Listening["kind"], port: number): Listening => ({
      kind,
      port,
      address: "",
      descriptor: 0,
      asked: null,
    });
    writePortFile(path, [
      socket("tcp4", 11211),
      socket("tcp6", 11212),
      socket("unix", 0),
      socket("udp4", 11213),
      socket("udp6", 11214),
    ]);
    expect(readFileSync(path, "latin1")).toBe(
      "TCP INET: 11211\nTCP INET6: 11212\nUDP INET: 11213\nUDP INET6: 11214\n",
    );
  });
});

describe("findUser()", () => {
  const passwd = ["root:x:0:0:root:/root:/bin/sh", "memcache:x:110:115::/:/bin/false"];

  test("finds number and group", () => {
    expect(findUser("memcache", passwd)).toEqual({ name: "memcache", uid: 110, gid: 115 });
  });

  test("refuses a name nobody has, with memcached's words and exit code", () => {
    expect(() => findUser("no-such-user", passwd)).toThrow(
      expect.objectContaining({
        exitCode: 67,
        message: expect.stringContaining("can't find the user no-such-user to switch to"),
      }),
    );
  });
});
