import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  Access,
  loadToken,
  protectionOf,
  type RouteAccess,
  SESSION_COOKIE,
  TOKEN_ENVIRONMENT,
  type Verdict,
} from "../../../src/admin/access.ts";
import { isLoopback, parseAdminListen } from "../../../src/admin/address.ts";
import { ConfigError } from "../../../src/base/errors.ts";
import { SETTINGS_DEFAULTS } from "../../../src/config/settings.ts";

const TOKEN = "0123456789abcdef";
const BEARER = `Bearer ${TOKEN}`;

class Fixture {
  milliseconds = 1000;
  readonly access: Access;

  constructor(listen = "127.0.0.1", token = TOKEN, hosts: string[] = [], protection = "") {
    const now = () => this.milliseconds;
    const text = listen.startsWith("unix:") ? listen : `${listen}:11280`;
    const address = parseAdminListen(text);
    if (address === null) throw new Error("no address");
    this.access = new Access({ address, token, protection, hosts, now });
  }

  /** What somebody with these headers is told. */
  ask(
    access: RouteAccess,
    authorization?: string,
    cookie?: string,
    changeHeader?: string,
  ): Verdict {
    return this.access.may(access, { authorization, cookie, changeHeader });
  }
}

describe("parseAdminListen()", () => {
  for (const [text, expected] of [
    ["127.0.0.1:11280", { kind: "tcp", host: "127.0.0.1", port: 11280 }],
    ["[::1]:0", { kind: "tcp", host: "::1", port: 0 }],
    ["localhost:80", { kind: "tcp", host: "localhost", port: 80 }],
    ["unix:/run/a.sock", { kind: "unix", path: "/run/a.sock", mode: 0o600 }],
    ["unix:/run/a.sock,mode=660", { kind: "unix", path: "/run/a.sock", mode: 0o660 }],
    ["none", null],
  ] as const) {
    test(`reads "${text}"`, () => {
      expect(parseAdminListen(text)).toEqual(expected);
    });
  }

  for (const text of [
    ...["11280", ":80", "a:b", "1.2.3.4:99999", "::1:80", "a b:1:2"],
    ...["unix:", "unix:relative", "unix:/a,mode=999", "unix:/a,mode=", `unix:/${"x".repeat(107)}`],
  ]) {
    test(`refuses "${text}" with a ConfigError`, () => {
      expect(() => parseAdminListen(text)).toThrow(ConfigError);
    });
  }
});

describe("protectionOf()", () => {
  const listen = [{ kind: "any" }] as never;
  for (const [name, changes, expected] of [
    ["TCP", { listen }, ""],
    ["-Y", { listen, authFile: "/etc/logins" }, "-Y"],
    ["-S", { listen, saslEnabled: true }, "-S"],
    ["-s, for its owner", { listen: [], unixSocket: "/s", unixMask: 0o700 }, "-s"],
    ["-s, for its group", { listen: [], unixSocket: "/s", unixMask: 0o770 }, "-s"],
    ["-s, for everybody", { listen: [], unixSocket: "/s", unixMask: 0o777 }, ""],
    ["-s beside TCP", { listen, unixSocket: "/s", unixMask: 0o700 }, ""],
  ] as const) {
    test(`${name}: "${expected}"`, () => {
      expect(protectionOf({ ...SETTINGS_DEFAULTS, ...changes })).toBe(expected);
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

  test("what is the cache's contents needs the token where the cache is protected", () => {
    const far = "0.0.0.0";
    const socket = "unix:/run/a.sock";
    const table: readonly (readonly [string, RouteAccess, string, string, Verdict])[] = [
      // listens on, access, protection, token set, what somebody without credentials is told
      ["127.0.0.1", "open", "-Y", "", "allowed"],
      ["127.0.0.1", "metrics", "", "", "allowed"],
      ["127.0.0.1", "metrics", "-Y", "", "allowed"],
      ["127.0.0.1", "contents", "", "", "allowed"],
      ["127.0.0.1", "contents", "-s", "", "protected"],
      ["127.0.0.1", "contents", "-s", TOKEN, "unauthorized"],
      ["127.0.0.1", "change", "", "", "no-token-set"],
      ["127.0.0.1", "change", "", TOKEN, "unauthorized"],
      [socket, "contents", "-S", "", "allowed"],
      [socket, "change", "-S", TOKEN, "unauthorized"],
      [far, "open", "", TOKEN, "allowed"],
      [far, "metrics", "", TOKEN, "unauthorized"],
      [far, "contents", "", TOKEN, "unauthorized"],
      [far, "change", "", TOKEN, "unauthorized"],
    ];
    for (const [listen, access, protection, token, verdict] of table) {
      const fixture = new Fixture(listen, token, [], protection);
      const name = `${access} on ${listen}, protected by "${protection}", token "${token}"`;
      expect(fixture.ask(access), name).toBe(verdict);
      if (token === "") continue;
      expect(fixture.ask(access, BEARER), name).toBe("allowed");
      const wrong = verdict === "allowed" ? "allowed" : "unauthorized";
      expect(fixture.ask(access, "Bearer wrong"), name).toBe(wrong);
      expect(fixture.ask(access, "Basic abc"), name).toBe(wrong);
    }
  });

  test("without a token nobody logs in, and nothing is the token", () => {
    const fixture = new Fixture("127.0.0.1", "", [], "-Y");
    expect(fixture.ask("change", "Bearer ", undefined, "1")).toBe("no-token-set");
    expect(fixture.ask("contents", "Bearer ")).toBe("protected");
    expect(fixture.access.login("")).toBeNull();
  });

  test("a session reads and changes, but changes only with the header no form can send", () => {
    const fixture = new Fixture("0.0.0.0");
    const cookie = `other=1; ${SESSION_COOKIE}=${fixture.access.login(TOKEN)}`;
    expect(fixture.ask("contents", undefined, cookie)).toBe("allowed");
    expect(fixture.ask("change", undefined, cookie)).toBe("forbidden");
    expect(fixture.ask("change", undefined, cookie, "1")).toBe("allowed");
    fixture.access.logout(cookie);
    expect(fixture.ask("contents", undefined, cookie)).toBe("unauthorized");
  });

  test("a session ends after twelve hours", () => {
    const fixture = new Fixture("0.0.0.0");
    const cookie = `${SESSION_COOKIE}=${fixture.access.login(TOKEN)}`;
    fixture.milliseconds += 12 * 3600 * 1000 + 1;
    expect(fixture.ask("contents", undefined, cookie)).toBe("unauthorized");
  });

  test("wrong tokens are told to wait after ten in a minute; the right one is always taken", () => {
    const fixture = new Fixture("0.0.0.0");
    const verdicts = Array.from({ length: 12 }, (_, at) =>
      fixture.ask("metrics", `Bearer no${at}`),
    );
    expect(verdicts.slice(0, 10).every((verdict) => verdict === "unauthorized")).toBe(true);
    expect(verdicts.slice(10)).toEqual(["too-many-failures", "too-many-failures"]);
    expect(fixture.ask("metrics", BEARER)).toBe("allowed");
    expect(fixture.access.login(TOKEN)).not.toBeNull();
    fixture.milliseconds += 60_001;
    expect(fixture.ask("metrics", "Bearer no")).toBe("unauthorized");
  });

  test("sessions are bounded: the oldest goes", () => {
    const fixture = new Fixture("0.0.0.0");
    const first = `${SESSION_COOKIE}=${fixture.access.login(TOKEN)}`;
    for (let session = 0; session < 64; session++) fixture.access.login(TOKEN);
    expect(fixture.ask("contents", undefined, first)).toBe("unauthorized");
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
