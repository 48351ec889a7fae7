import { describe, expect, test } from "vitest";
import { Opcode, packet } from "../../../support/binary-packets.ts";
import { Listener, requestsOf } from "../../../support/spoken.ts";

describe("an ASCII connection that must log in", () => {
  for (const [text, ...requests] of [
    ["set x 0 0 9\r\nuser pass\r\n", "authenticate user pass"],
    ["set x y z 12 noreply\r\nuser a b c  \r\n", "authenticate user a b c"],
    ["settle x y z 3\r\na b\r\n", "authenticate a b"],
    ["set x 0 0 3\r\na b", "waits"],
    ["set x 0 0 3\r\na bc\r\n", "error badLineTermination", "close"],
    ["set x 0 0 3\r\nabc\r\n", "error badAuthToken"],
    ["set x 0 0 16385\r\n", "error authTokenTooLong"],
    ["set x 0 0 -1\r\n", "error unauthenticated"],
    ["set x 0 0\r\n", "error unauthenticated"],
    [" set x 0 0 3\r\n", "error unauthenticated"],
    ["set x 0 0 3\n", "error unauthenticated"],
    ["get foo\r\n", "error unauthenticated"],
    ["get foo\r\nget bar\r\n", "error unauthenticated", "error unauthenticated"],
    ["a b c\r\n", "error unauthenticated"],
    ["quit\r\n", "close"],
    ["mn\r\n", "close"],
    ["a\r\n", "close"],
    [`get ${"x".repeat(2100)}`, "close"],
    ["GET / HTTP/1.1\r\n", "error unauthenticated"],
    ["\x80\x0b\x00\x00\x00\x00\r\n", "error unauthenticated"],
  ] as const) {
    test(`${JSON.stringify(text.slice(0, 40))} is ${requests.join(", ")}`, () => {
      expect(requestsOf(text, { asciiAuth: true })).toEqual(requests);
    });
  }

  test("is served once it is authenticated", () => {
    const listener = new Listener({ asciiAuth: true });
    expect(listener.hear("set x 0 0 3\r\na b\r\n")).toEqual(["authenticate a b"]);
    listener.state.authenticated = true;
    expect(listener.hear("mn\r\nget foo\r\n")).toEqual(["noop", "get foo wantsValue"]);
  });
});

describe("a binary connection that must authenticate", () => {
  const plain = packet({ opcode: Opcode.saslAuth, key: "PLAIN", value: "\0user\0pass" });
  for (const [name, bytes, ...requests] of [
    ["Version", packet({ opcode: Opcode.version }), "version"],
    ["the list of mechanisms", packet({ opcode: Opcode.saslList }), "authenticate"],
    ["PLAIN", plain, "authenticate \0user\0pass"],
    ["a step", packet({ opcode: Opcode.saslStep, key: "PLAIN" }), "authenticate"],
    ["No-op", packet({ opcode: Opcode.noop }), "error authRequired closes"],
    ["an unknown opcode", packet({ opcode: 0x3f }), "error authRequired closes"],
    [
      "a list with a key",
      packet({ opcode: Opcode.saslList, key: "x" }),
      "error malformedPacket closes",
    ],
    [
      "a mechanism of 33 bytes",
      Buffer.concat([packet({ opcode: Opcode.saslAuth, key: "m".repeat(33), value: "x" }), plain]),
      "error malformedPacket swallow=1",
      "authenticate \0user\0pass",
    ],
    [
      "more data than a login needs",
      packet({ opcode: Opcode.saslAuth, key: "PLAIN", value: "x".repeat(16385) }),
      "error tooLarge swallow=16385",
    ],
    ["text", Buffer.from("version\r\n"), "close"],
  ] as const) {
    test(`${name} is ${requests.join(", ")}`, () => {
      expect(requestsOf(bytes, { sasl: true })).toEqual(requests);
    });
  }
});
