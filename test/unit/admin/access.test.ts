import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  Access,
  isLoopback,
  loadToken,
  parseAdminListen,
  SESSION_COOKIE,
  TOKEN_ENVIRONMENT,
} from "../../../src/admin/access.ts";
import { ConfigError } from "../../../src/base/errors.ts";

const TOKEN = "0123456789abcdef";
const BEARER = `Bearer ${TOKEN}`;

class Fixture {
  milliseconds = 1000;
  readonly access: Access;

  constructor(host = "127.0.0.1", token = TOKEN, hosts: string[] = []) {
    const now = () => this.milliseconds;
    this.access = new Access({ address: { host, port: 11280 }, token, hosts, now });
  }
}

describe("parseAdminListen()", () => {
  for (const [text, expected] of [
    ["127.0.0.1:11280", { host: "127.0.0.1", port: 11280 }],
    ["[::1]:0", { host: "::1", port: 0 }],
    ["localhost:80", { host: "localhost", port: 80 }],
    ["none", null],
  ] as const) {
    test(`reads "${text}"`, () => {
      expect(parseAdminListen(text)).toEqual(expected);
    });
  }

  for (const text of ["11280", ":80", "a:b", "1.2.3.4:99999", "::1:80", "a b:1:2"]) {
    test(`refuses "${text}" with a ConfigError`, () => {
      expect(() => parseAdminListen(text)).toThrow(ConfigError);
    });
  }
});

describe("loadToken()", () => {
  test("takes the first line of the file; the environment wins; a short one is refused", () => {
    const directory = mkdtempSync(join(tmpdir(), "admin-token-"));
    try {
      const file = join(directory, "token");
      writeFileSync(file, `${TOKEN}\nsecond line\n`);
      expect(loadToken(file)).toBe(TOKEN);
      expect(loadToken("")).toBe("");
      process.env[TOKEN_ENVIRONMENT] = "from-the-environment";
      expect(loadToken(file)).toBe("from-the-environment");
      process.env[TOKEN_ENVIRONMENT] = "short";
      expect(() => loadToken("")).toThrow(ConfigError);
      delete process.env[TOKEN_ENVIRONMENT];
      writeFileSync(file, "\n");
      expect(() => loadToken(file)).toThrow(ConfigError);
      expect(() => loadToken(join(directory, "absent"))).toThrow(ConfigError);
    } finally {
      delete process.env[TOKEN_ENVIRONMENT];
      rmSync(directory, { recursive: true });
    }
  });
});

describe("Access", () => {
  test("will not listen off loopback without a token", () => {
    expect(() => new Fixture("0.0.0.0", "")).toThrow(ConfigError);
    expect(() => new Fixture("192.168.1.5", "")).toThrow(ConfigError);
    expect(() => new Fixture("0.0.0.0", TOKEN)).not.toThrow();
  });

  test("reading is free on loopback, and needs the token elsewhere", () => {
    expect(new Fixture().access.mayRead(undefined, undefined)).toBe("allowed");
    const far = new Fixture("0.0.0.0").access;
    expect(far.mayRead(undefined, undefined)).toBe("unauthorized");
    expect(far.mayRead("Bearer wrong", undefined)).toBe("unauthorized");
    expect(far.mayRead("Basic abc", undefined)).toBe("unauthorized");
    expect(far.mayRead(BEARER, undefined)).toBe("allowed");
  });

  test("changing always needs the token, and is off when none is set", () => {
    const { access } = new Fixture();
    expect(access.mayChange(undefined, undefined, "1")).toBe("unauthorized");
    expect(access.mayChange(BEARER, undefined, undefined)).toBe("allowed");
    const none = new Fixture("127.0.0.1", "").access;
    expect(none.mayChange("Bearer ", undefined, "1")).toBe("no-token-set");
    expect(none.login("")).toBeNull();
  });

  test("a session reads and changes, but changes only with the header no form can send", () => {
    const { access } = new Fixture("0.0.0.0");
    const cookie = `other=1; ${SESSION_COOKIE}=${access.login(TOKEN)}`;
    expect(access.mayRead(undefined, cookie)).toBe("allowed");
    expect(access.mayChange(undefined, cookie, undefined)).toBe("forbidden");
    expect(access.mayChange(undefined, cookie, "1")).toBe("allowed");
    access.logout(cookie);
    expect(access.mayRead(undefined, cookie)).toBe("unauthorized");
  });

  test("a session ends after twelve hours", () => {
    const fixture = new Fixture("0.0.0.0");
    const cookie = `${SESSION_COOKIE}=${fixture.access.login(TOKEN)}`;
    fixture.milliseconds += 12 * 3600 * 1000 + 1;
    expect(fixture.access.mayRead(undefined, cookie)).toBe("unauthorized");
  });

  test("guessing is stopped after ten failures, for everybody, for a minute", () => {
    const fixture = new Fixture("0.0.0.0");
    const { access } = fixture;
    for (let guess = 0; guess < 10; guess++) access.mayRead(`Bearer guess${guess}`, undefined);
    expect(access.mayRead(BEARER, undefined)).toBe("too-many-failures");
    expect(access.login(TOKEN)).toBeNull();
    fixture.milliseconds += 60_001;
    expect(access.mayRead(BEARER, undefined)).toBe("allowed");
  });

  test("sessions are bounded: the oldest goes", () => {
    const { access } = new Fixture("0.0.0.0");
    const first = `${SESSION_COOKIE}=${access.login(TOKEN)}`;
    for (let session = 0; session < 64; session++) access.login(TOKEN);
    expect(access.mayRead(undefined, first)).toBe("unauthorized");
  });

  for (const [header, near, far] of [
    ["127.0.0.1:11280", true, true],
    ["localhost:11280", true, true],
    ["LOCALHOST", true, true],
    ["[::1]:11280", true, true],
    ["evil.example:11280", false, false],
    ["10.0.0.5:11280", false, true],
    [`${hostname()}:11280`, false, true],
    ["metrics.internal", false, true],
    ["localhost.evil.example", false, false],
    ["", false, false],
    [undefined, false, false],
  ] as const) {
    test(`the Host "${header}" is ${near ? "" : "not "}ours on loopback, ${far ? "" : "not "}elsewhere`, () => {
      expect(new Fixture().access.isKnownHost(header)).toBe(near);
      const elsewhere = new Fixture("0.0.0.0", TOKEN, ["metrics.internal"]).access;
      expect(elsewhere.isKnownHost(header)).toBe(far);
    });
  }

  test("any Host is ours when the operator says so", () => {
    expect(new Fixture("0.0.0.0", TOKEN, ["*"]).access.isKnownHost("what.ever")).toBe(true);
  });
});

describe("isLoopback()", () => {
  for (const [host, expected] of [
    ["127.0.0.1", true],
    ["127.9.9.9", true],
    ["::1", true],
    ["localhost", true],
    ["0.0.0.0", false],
    ["::", false],
    ["127.0.0.1.example", false],
  ] as const) {
    test(`${host}: ${expected}`, () => {
      expect(isLoopback(host)).toBe(expected);
    });
  }
});
